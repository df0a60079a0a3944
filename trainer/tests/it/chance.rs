//! What ranking gives to scores that know nothing: Hit@k of k in V.

use std::cell::RefCell;
use std::collections::BTreeMap;

use sr_pipe_trainer::batch::Batch;
use sr_pipe_trainer::dataset::{DatasetMeta, Events, Part};
use sr_pipe_trainer::error::TrainerError;
use sr_pipe_trainer::evaluate::rank;
use sr_pipe_trainer::model::{Counting, Model};
use sr_pipe_trainer::seed::{SplitMix, Stream};
use tch::{Device, Kind, Tensor};

const ITEMS: i64 = 200;
const SAMPLES: i64 = 5000;

/// A model whose every score is drawn by chance.
struct Chance(RefCell<SplitMix>);

impl Counting for Chance {
    fn fit(&mut self, _: &Part) {}

    fn scores(&self, batch: &Batch) -> Tensor {
        let mut generator = self.0.borrow_mut();
        let scores: Vec<f64> = (0..batch.size * ITEMS).map(|_| generator.unit()).collect();
        Tensor::from_slice(&scores).view_([batch.size, ITEMS])
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        Vec::new()
    }

    fn restore(&mut self, _: &BTreeMap<String, Tensor>) -> Result<(), TrainerError> {
        Ok(())
    }
}

#[test]
fn scores_by_chance_hit_twenty_times_in_v() {
    // Sessions of two events; the second is the target.
    let mut events = Events { session_offsets: vec![0], ..Events::default() };
    let mut samples = Vec::new();
    for session in 0..SAMPLES {
        for item in [session, 7 * session] {
            events.times.push(2 * session);
            events.items.push(i32::try_from(item % ITEMS).unwrap() + 1);
            events.operations.push(1);
        }
        events.session_offsets.push(2 * session + 2);
        samples.push((session, 2 * session + 1));
    }
    let meta = DatasetMeta { version: 1, name: "chance".into(), items: ITEMS, operations: 1, max_length: 2 };
    let part = Part::new(events, &samples, &meta, Device::Cpu).unwrap();
    let model = Model::Counting(Box::new(Chance(RefCell::new(Stream::Negatives.generator(1, 1)))));
    let ranks = rank(&model, &part, ITEMS, 1.0, |_| ()).unwrap();
    assert_eq!(i64::try_from(ranks.ties.sum(Kind::Int64)).unwrap(), 0);
    let above = Vec::<i64>::try_from(&ranks.above).unwrap();
    for cutoff in [1, 20, 100, 180, ITEMS] {
        let hits = above.iter().filter(|&&above| above < cutoff).count() as f64 / SAMPLES as f64;
        let expected = cutoff as f64 / ITEMS as f64;
        // Four standard deviations of a share; none where every rank is within the cut-off.
        let slack = 4.0 * (expected * (1.0 - expected) / SAMPLES as f64).sqrt();
        assert!((hits - expected).abs() <= slack, "Hit@{cutoff} is {hits}, not {expected} +- {slack}");
    }
}
