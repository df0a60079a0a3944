//! A tiny dataset with planted structure: in a session, item `i` is mostly followed by item `i + 1`.

use crate::safetensors::{Flat, write};
use serde_json::json;
use sr_pipe_trainer::dataset::{DatasetMeta, Events, Part};
use std::{collections::BTreeMap, fs, path::Path};
use tch::{Device, Kind, Tensor};

pub(crate) const ITEMS: i32 = 24;
pub(crate) const OPERATIONS: i32 = 3;
pub(crate) const ENTITIES: i32 = 30;

/// One event: item, operation, seconds.
pub(crate) type Event = (i32, i32, i64);

/// The sessions of each part; every prefix of a session is a sample.
#[derive(Clone)]
pub(crate) struct Sessions {
    pub(crate) train: Vec<Vec<Event>>,
    pub(crate) valid: Vec<Vec<Event>>,
    pub(crate) test: Vec<Vec<Event>>,
}

impl Sessions {
    /// The same sessions every time: 40 to train on, 8 to validate on, 8 to test on, of 2 to 6 events.
    pub(crate) fn planted() -> Self {
        let mut state = 1_u64;
        let mut below = |bound: i32| {
            // Knuth's MMIX generator; the high bits are the good ones.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % bound as u64) as i32
        };
        let mut clock = 0;
        let mut session = || {
            let mut item = 1 + below(ITEMS);
            (0..2 + below(5))
                .map(|_| {
                    clock += 60;
                    item = if below(4) == 0 { 1 + below(ITEMS) } else { item % ITEMS + 1 };
                    (item, 1 + below(OPERATIONS), clock)
                })
                .collect()
        };
        let mut part = |sessions: usize| (0..sessions).map(|_| session()).collect();
        Self { train: part(40), valid: part(8), test: part(8) }
    }

    /// Samples of a part: one for each event that has another before it.
    pub(crate) fn samples(part: &[Vec<Event>]) -> usize {
        part.iter().map(|session| session.len() - 1).sum()
    }

    /// Writes the dataset folder of the contract.
    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let parts = [("train", &self.train), ("valid", &self.valid), ("test", &self.test)];
        let max_length = parts.iter().flat_map(|(_, sessions)| sessions.iter().map(Vec::len)).max();
        let meta = json!({ "version": 1, "name": "tiny", "items": ITEMS, "operations": OPERATIONS,
            "max_length": max_length });
        fs::write(folder.join("meta.json"), meta.to_string()).unwrap();
        let mut tensors: BTreeMap<String, Flat> = BTreeMap::new();
        for (part, sessions) in parts {
            let events: Vec<&Event> = sessions.iter().flatten().collect();
            let (mut offsets, mut sample_session, mut sample_target) = (vec![0], Vec::new(), Vec::new());
            for (s, session) in sessions.iter().enumerate() {
                let start = offsets[s];
                for target in 1..session.len() as i64 {
                    sample_session.push(s as i64);
                    sample_target.push(start + target);
                }
                offsets.push(start + session.len() as i64);
            }
            let mut put = |name: &str, tensor: Flat| tensors.insert(format!("{part}.{name}"), tensor);
            put("items", events.iter().map(|event| event.0).collect::<Vec<i32>>().into());
            put("operations", events.iter().map(|event| event.1).collect::<Vec<i32>>().into());
            put("times", events.iter().map(|event| event.2).collect::<Vec<i64>>().into());
            put("session_offsets", offsets.into());
            put("sample_session", sample_session.into());
            put("sample_target", sample_target.into());
        }
        write(&folder.join("samples.safetensors"), &tensors);
    }
}

/// The same sessions in memory, with one sample for each event that has another before it.
pub(crate) fn part(sessions: &[Vec<Event>]) -> Part {
    let mut events = Events { session_offsets: vec![0], ..Events::default() };
    let mut samples = Vec::new();
    for (s, session) in sessions.iter().enumerate() {
        let start = events.items.len() as i64;
        samples.extend((1..session.len() as i64).map(|target| (s as i64, start + target)));
        for &(item, operation, time) in session {
            events.items.push(item);
            events.operations.push(operation);
            events.times.push(time);
        }
        events.session_offsets.push(events.items.len() as i64);
    }
    let (items, operations) = (ITEMS.into(), OPERATIONS.into());
    let meta = DatasetMeta { version: 1, name: "tiny".into(), items, operations, max_length: 6 };
    Part::new(events, &samples, &meta, Device::Cpu).unwrap()
}

/// Writes the knowledge folder of the contract: each item has one of four brands and one of two shops.
pub(crate) fn write_knowledge(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let meta = json!({ "version": 1, "entities": ENTITIES, "relations": ["brand", "shop"] });
    fs::write(folder.join("meta.json"), meta.to_string()).unwrap();
    let items = || 1..=ITEMS;
    let head: Vec<i32> = items().chain(items()).collect();
    let relation: Vec<i32> = items().map(|_| 1).chain(items().map(|_| 2)).collect();
    let tail: Vec<i32> =
        items().map(|item| ITEMS + 1 + item % 4).chain(items().map(|item| ITEMS + 5 + item % 2)).collect();
    let tensors = [("head", head), ("relation", relation), ("tail", tail)];
    let tensors = tensors.map(|(name, values)| (name.to_owned(), values.into())).into();
    write(&folder.join("triples.safetensors"), &tensors);
}

/// Writes the vectors folder of the contract, of this width: numbers between -0.1 and 0.1, no two rows alike.
pub(crate) fn write_vectors(folder: &Path, width: i64) {
    fs::create_dir_all(folder).unwrap();
    let table = |rows: i32| {
        let numbers = Tensor::arange(i64::from(rows) * width, (Kind::Float, Device::Cpu));
        (numbers * 0.7).sin().view_([i64::from(rows), width]) * 0.1
    };
    let tables = [("items", table(ITEMS)), ("operations", table(OPERATIONS))];
    Tensor::write_safetensors(&tables, folder.join("vectors.safetensors")).unwrap();
}
