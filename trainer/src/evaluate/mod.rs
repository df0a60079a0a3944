//! Full ranking: how many candidates score above each target and how many the same, counted on the device.

mod metric;
mod standing;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Device, Kind, Tensor};

pub use metric::Metric;
use standing::Standing;

use crate::batch::Batch;
use crate::dataset::{Dataset, Part, read_tensors};
use crate::error::TrainerError;
use crate::event::{Event, Peaks, Stopwatch};
use crate::job::Job;
use crate::model::{Catalog, Entry, Model};

/// How many scores one block of targets has, so that they stay in the processor's caches; more with a large catalog.
const BLOCK: usize = 1 << 20;

/// How many samples a block has at least: for each block the whole item table is read and packed. Their scores are less
/// than an item table of width 100, and training holds four of those.
const USUAL: usize = 64;

/// The same where memory is short.
const FEWEST: usize = 32;

/// The rank of each target among all items, in parts. All `[N]` int64. A target that the model does not rank stands last:
/// all others count as above it, whatever the rule for ties.
#[derive(Debug)]
pub struct Ranks {
    /// Candidates that score higher than the target.
    pub above: Tensor,
    /// Other candidates that score the same.
    pub ties: Tensor,
}

/// Ranks the target of each sample of `part` among the items 1 to `items`. A block holds `share` of its usual samples.
/// `said` hears how many are done.
///
/// # Errors
/// When a score is not a number.
pub fn rank(
    model: &Model,
    part: &Part,
    items: i64,
    share: f64,
    mut said: impl FnMut(usize),
) -> Result<Ranks, TrainerError> {
    let device = part.items.device();
    // Sessions of like length share a block, so that a recurrent model takes few steps.
    let mut order: Vec<i64> = (0i64..).take(part.samples()).collect();
    order.sort_by_key(|&sample| part.lengths[usize::try_from(sample).expect("a sample number")]);
    let counts = || Tensor::zeros([i64::try_from(order.len()).expect("a count")], (Kind::Int64, device));
    let mut ranks = Ranks { above: counts(), ties: counts() };
    let mut wrong = Tensor::zeros([], (Kind::Int64, device));
    let mut done = 0;
    for samples in order.chunks(block_size(order.len(), items, share)) {
        let batch = Batch::gather(part, samples);
        let scores = model.scores(&batch); // [B, V]
        let places = &batch.targets - 1;
        let standing = Standing::of(&scores, &places);
        let target = scores.gather(1, &places.unsqueeze(1), false).squeeze_dim(1); // [B]
        let at = Tensor::from_slice(samples).to_device(device);
        let unranked = target.isneginf(); // [B]
        let above = standing.above.masked_fill(&unranked, items - 1);
        let ties = (standing.same - 1).masked_fill(&unranked, 0);
        let _ = ranks.above.index_copy_(0, &at, &above);
        let _ = ranks.ties.index_copy_(0, &at, &ties);
        wrong += standing.wrong.sum(Kind::Int64);
        done += samples.len();
        said(done);
    }
    if i64::try_from(&wrong)? > 0 {
        let help = "training has diverged: lower `training.learning_rate`";
        return Err(TrainerError::job("a score is not a number", help));
    }
    Ok(ranks)
}

/// How many samples share a block. Blocks are of like size and, down to a small share, have `FEWEST` samples or more:
/// of fewer rows libtorch sums a score in another order, and a rank could depend on the share.
fn block_size(samples: usize, items: i64, share: f64) -> usize {
    let usual = (BLOCK / usize::try_from(items).unwrap_or(BLOCK).max(1)).clamp(USUAL, 512);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 512, not negative")]
    let most = ((usual as f64 * share) as usize).max(FEWEST);
    samples.div_ceil(samples.div_ceil(most).max(1)).max(1)
}

/// The `model.json` that `train` writes and `evaluate` reads.
#[derive(Debug, Serialize, Deserialize)]
pub struct ModelFile {
    /// Version of its layout.
    pub version: u32,
    /// The model's name.
    pub model: String,
    /// Its whole config.
    pub config: Value,
    /// The sizes that it was built for.
    pub catalog: Catalog,
    /// The kept epochs.
    pub selected: Vec<Selected>,
}

/// A kept epoch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Selected {
    /// `best`, or the metric that it is best in.
    pub name: String,
    /// The epoch, from 1; 0 for a model that counts.
    pub epoch: u32,
    /// The file with its weights.
    pub file: String,
    /// What it reached on the part that picks the epoch.
    pub metrics: BTreeMap<String, f64>,
}

impl ModelFile {
    /// Reads the `model.json` of `folder`.
    ///
    /// # Errors
    /// When it is missing, damaged or of another version.
    pub fn read(folder: &Path) -> Result<Self, TrainerError> {
        let path = folder.join("model.json");
        let text = std::fs::read_to_string(&path).map_err(TrainerError::file(&path))?;
        let file: Self = serde_json::from_str(&text)
            .map_err(|error| TrainerError::data(format!("`{}`: {error}", path.display()), "train the model again"))?;
        if file.version != 1 {
            let message = format!("`{}` has version {}, this trainer reads 1", path.display(), file.version);
            return Err(TrainerError::data(message, "train the model again with this trainer"));
        }
        Ok(file)
    }
}

/// The `evaluate` verb: ranks one part with each kept epoch and writes `ranks.safetensors`.
///
/// # Errors
/// When the job, the model or the data do not fit together.
pub fn evaluate(job: &Job, entry: &Entry, device: Device) -> Result<(), TrainerError> {
    let total = Stopwatch::default();
    let missing = |field: &str| TrainerError::job(format!("`{field}` is missing"), "an `evaluate` job names it");
    let name = job.part.ok_or_else(|| missing("part"))?;
    let folder = job.inputs.model.as_deref().ok_or_else(|| missing("inputs.model"))?;
    let trained = ModelFile::read(folder)?;
    if trained.model != job.model {
        let message = format!("the trained model is `{}`, the job says `{}`", trained.model, job.model);
        return Err(TrainerError::job(message, "name the same model"));
    }
    let dataset = Dataset::open(&job.inputs.dataset, &[name], device)?;
    let catalog = trained.catalog;
    if (catalog.items, catalog.operations) != (dataset.meta.items, dataset.meta.operations) {
        let message = format!(
            "the model knows {} items and {} operations, the dataset has {} and {}",
            catalog.items, catalog.operations, dataset.meta.items, dataset.meta.operations
        );
        return Err(TrainerError::data(message, "evaluate a model on the dataset that it was trained on"));
    }
    let part = dataset.part(name);
    let mut model = entry.build(&trained.config, catalog, None, device)?;
    let (samples, parameters) = (part.samples(), model.parameter_count());
    Event::Start { model: entry.name, parameters, samples, epochs: 0, device: &job.device }.say();

    let mut columns = Vec::new();
    for selected in &trained.selected {
        model.restore(&read_tensors(&folder.join(&selected.file))?)?;
        let mut watch = Stopwatch::default();
        let ranks = rank(&model, part, catalog.items, job.evaluation_share, |done| {
            if watch.is_due() {
                let samples_per_second = watch.speed(done);
                Event::Progress { epoch: 0, epochs: 0, done, total: samples, loss: None, samples_per_second }.say();
            }
        })?;
        let column = |values: Tensor| values.to_kind(Kind::Int).to_device(Device::Cpu);
        columns.push((format!("{}.above", selected.name), column(ranks.above)));
        columns.push((format!("{}.ties", selected.name), column(ranks.ties)));
    }
    let size = i64::try_from(samples).expect("a count");
    columns.push(("candidates".into(), Tensor::full([size], catalog.items, (Kind::Int, Device::Cpu))));
    Tensor::write_safetensors(&columns, job.output.join("ranks.safetensors"))?;
    Event::Done { seconds: total.seconds(), peaks: Peaks::of(device) }.say();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::part;
    use crate::model::find;

    #[test]
    fn a_target_that_is_not_ranked_stands_last_and_ties_with_nothing() {
        // 2 after 1, and 1 after 1 2; only the items of the session are ranked, the last one first.
        let part = part(&[&[(1, 1), (2, 1)], &[(1, 1), (2, 1), (1, 1)]], 5, 1);
        let catalog = Catalog::new(5, 1, None);
        let recency = find("recency").unwrap().build(&serde_json::json!({}), catalog, None, Device::Cpu).unwrap();
        let ranks = rank(&recency, &part, 5, 1.0, |_| ()).unwrap();
        let numbers = |tensor: &Tensor| Vec::<i64>::try_from(tensor).unwrap();
        assert_eq!((numbers(&ranks.above), numbers(&ranks.ties)), (vec![4, 1], vec![0, 0]));
    }

    #[test]
    fn a_smaller_share_makes_smaller_blocks_of_like_size_down_to_a_floor() {
        assert_eq!([1.0, 0.5, 0.25, 0.01].map(|share| block_size(18_678, 12_971, share)), [80, 40, 32, 32]);
        assert_eq!(block_size(81, 12_971, 1.0), 41, "not 80 and 1");
        assert_eq!([1.0, 0.1].map(|share| block_size(5_120, 1_000_000, share)), [64, 32]);
        assert_eq!(block_size(0, 10, 1.0), 1);
    }
}
