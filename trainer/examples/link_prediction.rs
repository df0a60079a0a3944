//! Trains TransH on a benchmark of link prediction and prints filtered MRR and Hits@10 on its test triples.
//!
//! `cargo run --release -p sr-pipe-trainer --example link_prediction -- FOLDER ['{"epochs": 100}']`, where the folder holds
//! `train2id.txt`, `valid2id.txt` and `test2id.txt` as OpenKE has them: a line with the count, then `head tail relation`,
//! numbered from 0.

#![expect(clippy::print_stdout, reason = "a program speaks to its user here")]

use std::path::Path;
use std::{env, fs};

use sr_pipe_trainer::dataset::Knowledge;
use sr_pipe_trainer::embed::transh::{Config, TransH};
use sr_pipe_trainer::{event::Stopwatch, native};
use tch::Tensor;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, settings @ ..] = &arguments[..] else { return Err("name the folder of the benchmark".into()) };
    let config: Config = settings.first().map_or(Ok(Config::default()), |text| serde_json::from_str(text))?;
    native::prepare();
    tch::set_num_threads(1);
    let [train, valid, test] = ["train", "valid", "test"].map(|part| read(Path::new(folder), part));
    let (mut train, mut valid, mut test) = (train?, valid?, test?);
    let (entities, relations) = [&train, &valid, &test]
        .iter()
        .fold((0, 0), |(entities, relations), part| (part.entities.max(entities), part.relations.max(relations)));
    for part in [&mut train, &mut valid, &mut test] {
        (part.entities, part.relations) = (entities, relations);
    }
    println!("{entities} entities, {relations} relations, {} triples to learn", train.triples());
    let watch = Stopwatch::default();
    let transh = TransH::learn(&config, &train, 1, &mut |_| ());
    let learned = watch.seconds();
    let found = transh.link_prediction(entities, &test, &[&train, &valid]);
    println!(
        "{config:?}\nMRR {:.3}, Hits@10 {:.3}, learned in {learned:.0} s, ranked in {:.0} s",
        found.mrr,
        found.hits_at_10,
        watch.seconds() - learned
    );
    Ok(())
}

/// The triples of a part, numbered from 1.
fn read(folder: &Path, part: &str) -> Result<Knowledge, Failure> {
    let path = folder.join(format!("{part}2id.txt"));
    let text = fs::read_to_string(&path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    for line in text.lines().skip(1) {
        let numbers: Vec<i64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [head, tail, relation] = numbers[..] else { return Err(format!("`{line}` is no triple").into()) };
        for (column, number) in columns.iter_mut().zip([head, relation, tail]) {
            column.push(number + 1);
        }
    }
    let most = |columns: &[&Vec<i64>]| columns.iter().flat_map(|column| column.iter()).copied().max().unwrap_or(0);
    let [head, relation, tail] = &columns;
    let (entities, relations) = (most(&[head, tail]), most(&[relation]));
    let [head, relation, tail] = [head, relation, tail].map(|column| Tensor::from_slice(column));
    Ok(Knowledge { entities, relations, head, relation, tail })
}
