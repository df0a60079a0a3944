//! The `profile` verb: where the time of a training step goes, in operations of libtorch and kernels of a GPU.

mod recorder;

use serde_json::{Value, json};
use tch::Device;

use crate::dataset::PartName;
use crate::error::TrainerError;
use crate::event::{Peaks, Stopwatch};
use crate::job::Job;
use crate::model::{Entry, Model};
use crate::nn::Optimizer;
use crate::seed::{Stream, start_libtorch};
use crate::train::{Lessons, Opened, Passes, Tally};

use recorder::{Span, covered, record, shares};

/// Samples that are learned from in one pass: enough steps for a mean, few enough that their events fit into memory.
const SAMPLES: usize = 5_000;

/// What a GPU does besides computing is named so.
const COPIES: [&str; 2] = ["Memcpy", "Memset"];

/// Trains the model of a `train` job for three passes over the first `SAMPLES` samples: one to warm up, one by the
/// clock, one watched. The passes over knowledge before an epoch are left out. Returns what came out, as an event.
///
/// # Errors
/// When the job and the data do not fit together, or the model learns nothing by gradient.
pub fn profile(job: &Job, entry: &Entry, device: Device) -> Result<Value, TrainerError> {
    let Opened { dataset, knowledge, catalog, model } = Opened::of(job, entry, &[], device)?;
    let Model::Gradient(network) = &model else {
        let message = format!("`{}` counts, so it has no step to profile", entry.name);
        return Err(TrainerError::job(message, "name a model that learns by gradient"));
    };
    let part = dataset.part(PartName::Train).beginning(SAMPLES)?;
    let passes = Passes { seed: job.seed, part: &part, catalog };
    let mut optimizer = Optimizer::new(network.layers.training().optimizer, &network.parameters);
    let lessons = Lessons::new(network, knowledge.as_ref(), job.seed);
    let mut pass = |epoch| {
        start_libtorch(job.seed, Stream::Noise, epoch);
        let mut tally = Tally::new(device);
        passes.pass(network, &mut optimizer, epoch, |batch| match &lessons {
            Some(lessons) => lessons.beside(batch, &mut tally),
            None => Ok(()),
        })
    };
    pass(1)?;
    let watch = Stopwatch::default();
    pass(2)?;
    let seconds = watch.seconds();
    let on_gpu = matches!(device, Device::Cuda(_));
    let (passed, spans) = record(on_gpu, || pass(3));
    let steps = passed?.steps as f64;
    let samples = passes.samples(network);
    let mut document = json!({
        "event": "profile",
        "model": entry.name,
        "device": job.device,
        "threads": job.threads,
        "steps": steps,
        "samples": samples,
        "samples_per_second": samples as f64 / seconds,
        "milliseconds_a_step": seconds * 1e3 / steps,
        "operations": operations(&spans, steps),
        "peaks": Peaks::of(device),
    });
    if on_gpu {
        document["gpu"] = gpu(&spans, steps);
    }
    Ok(document)
}

/// The operations on the host, those that take longest first.
fn operations(spans: &[Span], steps: f64) -> Value {
    let mut shares: Vec<_> = shares(spans).into_iter().collect();
    shares.sort_by_key(|(_, share)| std::cmp::Reverse(share.own));
    let row = |(name, share): (String, recorder::Share)| {
        let (calls, own) = (share.calls as f64 / steps, share.own as f64 / 1e3 / steps);
        json!({ "name": name, "calls_a_step": calls, "own_microseconds_a_step": own })
    };
    shares.into_iter().map(row).collect()
}

/// What the GPU did, and for how much of the time from its first work to its last it did something.
fn gpu(spans: &[Span], steps: f64) -> Value {
    let all: Vec<&Span> = spans.iter().filter(|span| span.on_gpu).collect();
    let (copies, kernels): (Vec<&Span>, Vec<&Span>) =
        all.iter().partition(|span| COPIES.iter().any(|word| span.name.starts_with(word)));
    let begin = all.iter().map(|span| span.begin).min().unwrap_or(0);
    let end = all.iter().map(|span| span.end).max().unwrap_or(0);
    let busy = covered(all.iter().copied());
    json!({
        "kernels_a_step": kernels.len() as f64 / steps,
        "copies_a_step": copies.len() as f64 / steps,
        "busy_microseconds_a_step": busy as f64 / 1e3 / steps,
        "busy_share": busy as f64 / (end - begin).max(1) as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_and_copies_are_told_apart_and_a_gap_counts_as_idle() {
        let span = |name: &str, on_gpu, begin, end| Span { name: name.into(), on_gpu, thread: 0, begin, end };
        let spans = [
            span("aten::mm", false, 0, 4_000),
            span("sgemm", true, 1_000, 3_000),
            span("Memcpy HtoD (Pageable -> Device)", true, 3_000, 4_000),
            span("Memset (Device)", true, 3_500, 4_000),
            span("sgemm", true, 8_000, 9_000),
        ];
        let found = gpu(&spans, 2.0);
        assert_eq!((&found["kernels_a_step"], &found["copies_a_step"]), (&json!(1.0), &json!(1.0)));
        assert_eq!((&found["busy_microseconds_a_step"], &found["busy_share"]), (&json!(2.0), &json!(0.5)));
    }
}
