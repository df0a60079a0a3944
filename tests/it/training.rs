//! From raw files to the table through the real trainer: the planted truth, kills, and the real Demo set.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;

use crate::scratch::Scratch;

fn project() -> Utf8PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

/// A scratch project with the pipelines and one experiment of this project, changed by `change`.
pub(crate) fn copy_of(experiment: &str, change: impl Fn(String) -> String) -> Scratch {
    let trainer = Utf8PathBuf::from(env!("CARGO_BIN_EXE_sr-pipe")).with_file_name("sr-pipe-trainer");
    assert!(trainer.is_file(), "build the trainer first: `cargo build --workspace`");
    let scratch = Scratch::new();
    for file in project().join("pipelines").read_dir_utf8().unwrap() {
        let path = file.unwrap().into_path();
        scratch.write(&format!("pipelines/{}", path.file_name().unwrap()), &fs_err::read_to_string(path).unwrap());
    }
    let text = fs_err::read_to_string(project().join("experiments").join(experiment)).unwrap();
    scratch.write("experiments/e.yaml", &change(text));
    scratch
}

/// Values of a report's CSV, averaged over seeds, by model and metric.
fn means(scratch: &Scratch) -> BTreeMap<(String, String), f64> {
    let text = scratch.csv("results/e.csv");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap_or_else(|| panic!("{text}"));
    let (model, metric, value) = (column("model"), column("metric"), column("value"));
    let mut sums: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let sum = sums.entry((cells[model].to_owned(), cells[metric].to_owned())).or_default();
        sum.0 += cells[value].parse::<f64>().unwrap();
        sum.1 += 1.0;
    }
    sums.into_iter().map(|(key, (sum, count))| (key, sum / count)).collect()
}

#[test]
fn the_quickstart_shows_the_truth_that_was_planted_and_runs_once() {
    let scratch = copy_of("quickstart.yaml", |text| text);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["12 of 12 cells done"]);
    let means = means(&scratch);
    let mrr = |model: &str| means[&(model.to_owned(), "mrr@20".to_owned())];
    assert!(mrr("m-sr") > 1.1 * mrr("sr-gnn"), "operations help: {means:?}");
    assert!(mrr("mkm-sr") > 1.1 * mrr("sr-gnn"), "operations and knowledge help: {means:?}");
    assert!(mrr("sr-gnn") > 1.1 * mrr("s-pop"), "order helps: {means:?}");
    let report = scratch.read("results/e.md");
    for part in ["**", "<u>", "±", "synthetic"] {
        assert!(report.contains(part), "no `{part}` in\n{report}");
    }
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    scratch.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    assert_eq!(scratch.read("results/e.md"), report, "rendering again gives the same bytes");
}

#[test]
fn another_tie_rule_gives_other_numbers_and_runs_nothing() {
    let scratch = copy_of("quickstart.yaml", |text| {
        let grid = text.split("models:").next().unwrap();
        grid.replace("[s-pop, sknn, gru, sr-gnn, m-sr, mkm-sr]", "[sknn]") + "report: {}\n"
    });
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let mean = means(&scratch);
    scratch.write(
        "experiments/e.yaml",
        &(scratch.read("experiments/e.yaml") + "protocol: { custom: { ties: pessimistic } }\n"),
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
    let pessimistic = means(&scratch);
    let hit = ("sknn".to_owned(), "hit@20".to_owned());
    assert!(pessimistic[&hit] < mean[&hit], "SKNN has ties: {pessimistic:?} {mean:?}");
}

/// The quickstart with three models, one seed and few epochs.
fn small(text: String) -> String {
    text.replace("[s-pop, sknn, gru, sr-gnn, m-sr, mkm-sr]", "[s-pop, sr-gnn, mkm-sr]")
        .replace("seeds: [1, 2]", "seeds: [1]")
        .replace("epochs: 8", "epochs: 3")
        .split("claims:")
        .next()
        .unwrap()
        .to_owned()
        .lines()
        .filter(|line| !line.starts_with("  gru:") && !line.starts_with("  m-sr:"))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn killing_sr_pipe_or_the_trainer_changes_nothing_in_the_table() {
    let calm = copy_of("quickstart.yaml", small);
    calm.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);

    let stormy = copy_of("quickstart.yaml", small);
    for (round, pause) in [300, 700, 1_200, 500, 1_700].into_iter().enumerate() {
        let mut child = stormy.start(&["run", "experiments/e.yaml"]);
        std::thread::sleep(Duration::from_millis(pause));
        if round % 2 == 0 {
            child.kill().unwrap();
        } else {
            // The trainers alone: their stages fail, and sr-pipe says so.
            for trainer in children_of(child.id()) {
                let _ = std::process::Command::new("kill").args(["-9", &trainer.to_string()]).status();
            }
        }
        child.wait().unwrap();
    }
    stormy.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    // All but the last section, which names the runs and their time.
    let table = |scratch: &Scratch| scratch.read("results/e.md").split("## Provenance").next().unwrap().to_owned();
    assert_eq!(table(&stormy), table(&calm));
}

fn children_of(process: u32) -> Vec<u32> {
    let Ok(tasks) = fs_err::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    tasks
        .filter_map(|task| fs_err::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_trainer_whose_sr_pipe_was_killed_stops_by_itself() {
    let scratch = copy_of("quickstart.yaml", |text| small(text).replace("epochs: 3", "epochs: 500"));
    let mut child = scratch.start(&["run", "experiments/e.yaml"]);
    let mut trainers = Vec::new();
    for _ in 0..400 {
        trainers = children_of(child.id());
        if !trainers.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!trainers.is_empty(), "a trainer was started");
    child.kill().unwrap();
    child.wait().unwrap();
    for _ in 0..100 {
        trainers
            .retain(|id| fs_err::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z ")));
        if trainers.is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("still there after ten seconds: {trainers:?}");
}

#[test]
fn an_unknown_model_and_an_unknown_hyper_parameter_are_told_before_anything_runs() {
    let scratch = copy_of("quickstart.yaml", |text| {
        let text = text.replace("sr-gnn, m-sr", "srgnn, m-sr");
        text.replace("  m-sr: { training: { epochs", "  m-sr: { training: { epoch")
            .split("claims:")
            .next()
            .unwrap()
            .to_owned()
    });
    let told = ["unknown model `srgnn`", "did you mean `sr-gnn`?", "experiments/e.yaml:", "`epoch`", "`epochs`"];
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&told);
    assert!(scratch.sealed().is_empty());
}

#[test]
fn the_real_demo_set_has_the_counts_and_the_floors_of_the_published_samples() {
    let data = project().join("../shared/data");
    if !data.join("mkm_demo/train.csv").is_file() {
        println!("skipped: there is no `../shared/data/mkm_demo`");
        return;
    }
    let scratch = copy_of("table2.yaml", |text| text);
    let mut arguments = vec!["run", "experiments/e.yaml", "--data", data.as_str(), "--profile", "published-code"];
    for floor in ["pop", "recency", "markov", "recency-markov"] {
        arguments.extend(["--only", format!("dataset=demo*,seed=1,model={floor}").leak()]);
    }
    scratch.sr_pipe(&arguments).expect(0);
    let mut found: Vec<(i64, i64, usize)> = Vec::new();
    for file in scratch.sealed().iter().filter(|path| path.ends_with("meta.json")) {
        let meta: serde_json::Value = serde_json::from_str(&fs_err::read_to_string(file).unwrap()).unwrap();
        if let (Some(items), Some(length)) = (meta["items"].as_i64(), meta["max_length"].as_i64()) {
            assert_eq!(meta["operations"], 4);
            let samples = sr_pipe::data::tensors::read(&file.with_file_name("samples.safetensors")).unwrap();
            let count = |part: &str| match &samples[&format!("{part}.sample_target")] {
                sr_pipe::data::tensors::Tensor::Int64(values) => values.len(),
                sr_pipe::data::tensors::Tensor::Int32(_) => panic!("sample targets are 64 bits wide"),
            };
            assert_eq!(count("train"), 20_993);
            found.push((items, length, count("test")));
        }
    }
    found.sort_unstable();
    // The dossier's counts of the published sample files.
    assert_eq!(found, [(12_195, 29, 1_648), (12_971, 29, 2_447)]);

    let csv = scratch.csv("results/e@published-code.csv");
    let percent = |begin: &str, end: &str| {
        let line = csv.lines().find(|line| line.starts_with(&format!("{begin},done,")) && line.ends_with(end));
        let value = line.unwrap_or_else(|| panic!("no `{begin}`, `{end}` in:\n{csv}")).split(',').nth(5).unwrap();
        100.0 * value.parse::<f64>().unwrap()
    };
    let near = |cell: &str, expected: [f64; 2], within: f64| {
        for (metric, expected) in ["hit@20", "mrr@20"].into_iter().zip(expected) {
            let value = percent(&format!("{cell},1,{metric}"), ",,");
            assert!((value - expected).abs() <= within, "{metric} of {cell} is {value}, not {expected}");
        }
    };
    // The dossier's figures. Its rules order equal counts as they come, and its transitions are of whole sessions, not of
    // the last 29 events: where that matters, ours are near.
    near("demo,recency", [18.39, 13.96], 0.005);
    near("demo,recency-markov", [28.03, 16.05], 0.1);
    near("demo-n,recency-markov", [22.31, 13.55], 0.3);
    near("demo,pop", [3.94, 1.47], 0.2);
    near("demo,markov", [14.56, 8.85], 0.75);
    let cold = |model: &str| percent(&format!("demo-n,{model},1,hit@20"), ",cold,cold");
    assert!(csv.contains(",best,786,12971,"), "786 targets are cold:\n{csv}");
    assert_eq!([cold("pop"), cold("markov")], [0.0, 0.0]);
    assert!(cold("recency") > 10.0, "a cold item is found by repeating the session: {}", cold("recency"));
}
