//! Tables of statistics, data sets that may be left out, and profiles: from raw files to the page, in a scratch project.

mod papers;

use crate::scratch::{Said, Scratch};

/// Four sessions of two users on four items, written down by hand. Item 4 stands only in the last session, which is the
/// test set; `module_id` says nothing.
const ACTIONS: &str = "\
user_id,sku_id,action_time,module_id,type
1,1,2018-03-01 10:00:00,9,1
1,1,2018-03-01 10:10:00,9,1
1,2,2018-03-01 10:20:00,9,2
2,2,2018-03-01 11:00:00,9,1
2,1,2018-03-01 11:05:00,9,1
1,3,2018-03-01 15:00:00,9,1
1,2,2018-03-01 15:30:00,9,1
2,4,2018-03-02 10:00:00,9,1
2,1,2018-03-02 10:10:00,9,1
2,2,2018-03-02 10:20:00,9,1
2,4,2018-03-02 10:30:00,9,5
";

/// What is known of them: nothing of item 4.
const PRODUCTS: &str = "\
sku_id,brand,shop_id,cate,market_time
1,7,1,1,2016-09-01 10:00:00.0
2,7,1,1,2016-09-01 10:00:00.0
3,8,1,1,2016-09-01 10:00:00.0
";

const PIPELINE: &str = "
defaults: { folder: log, cold: keep, gap: 1h }
stages:
  raw: { files: { folder: \"${folder}\", files: [jdata_action.csv, jdata_product.csv] } }
  events: { ingest: { from: raw, format: jdata } }
  sessions: { sessionize: { from: events, by: gap, gap: \"${gap}\" } }
  dataset: { split: { from: sessions, by: sessions, test_share: 0.25, cold_items: \"${cold}\", max_length_quantile: null } }
  triples: { extract_knowledge: { dataset: dataset, items: sessions, attributes: [brand] } }
  counts: { statistics: { events: events, sessions: sessions, dataset: dataset, knowledge: triples } }
  model: { train: { dataset: dataset, model: \"${model}\" } }
";

const EXPERIMENT: &str = "
title: Counts
datasets:
  keep: { pipeline: ../pipelines/p.yaml }
  drop: { pipeline: ../pipelines/p.yaml, with: { cold: drop } }
  away: { pipeline: ../pipelines/p.yaml, with: { folder: elsewhere }, optional: true }
grid: { product: { dataset: [keep, away, drop] } }
protocol: published-code
report:
  statistics:
";

/// A project with the log under `data/`, and an experiment that reports these statistics.
fn project(statistics: &[&str], more: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("data/log/jdata_action.csv", ACTIONS).write("data/log/jdata_product.csv", PRODUCTS);
    scratch.write("pipelines/p.yaml", PIPELINE);
    let list: String = statistics.iter().map(|name| format!("    - {name}\n")).collect();
    scratch.write("experiments/e.yaml", &format!("{EXPERIMENT}{list}{more}"));
    scratch
}

fn run(scratch: &Scratch) -> Said {
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--plain"])
}

/// The cells of the table row of this name, without the space around them.
fn row<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let cells = |line: &'a str| line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>();
    let mut rows = page.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.find(|cells| cells[0] == name).unwrap_or_else(|| panic!("no row `{name}` in:\n{page}"))
}

#[test]
fn every_statistic_is_as_counted_by_hand() {
    // Kept, then with the cold item 4 dropped, which takes two events and operation 5 with it.
    let expected = [
        ("log events", "11", "11"),
        ("log items", "4", "4"),
        ("log users", "2", "2"),
        ("log operations", "3", "3"),
        ("sessions", "4", "4"),
        ("events", "11", "9"),
        ("mean session length", "2.750", "2.250"),
        ("mean macro length", "2.500", "2.000"),
        ("longest session", "4", "3"),
        ("items", "4", "3"),
        ("item frequency", "2.750", "3.000"),
        ("operations", "3", "2"),
        ("users", "2", "2"),
        ("sessions of a user", "2.000", "2.000"),
        ("events of a user", "5.500", "4.500"),
        ("repeats in a row", "14.29 %", "20.00 %"),
        ("train sessions", "3", "3"),
        ("valid sessions", "0", "0"),
        ("test sessions", "1", "1"),
        ("dataset events", "11", "9"),
        ("train samples", "4", "4"),
        ("test samples", "3", "1"),
        ("candidates", "4", "3"),
        ("cold test events", "50.00 %", "0.00 %"),
        ("cold test targets", "33.33 %", "0.00 %"),
        ("repeated test targets", "33.33 %", "0.00 %"),
        ("triples", "3", "3"),
        ("entities", "5", "5"),
        ("relations", "1", "1"),
    ];
    let names = expected.map(|(name, ..)| name);
    let scratch = project(&names, "");
    run(&scratch).expect(0);
    let page = scratch.read("results/e.md");
    for (name, keep, drop) in expected {
        let cells = row(&page, name);
        assert_eq!((cells[1], cells[3]), (keep, drop), "{name}");
    }
}

#[test]
fn a_data_set_that_may_be_left_out_is_told_and_marked_and_the_others_are_counted() {
    let scratch = project(&["sessions"], "");
    let away = "did not run, since raw files are absent: `elsewhere/jdata_action.csv`, `elsewhere/jdata_product.csv`";
    run(&scratch).expect(0).told(&[
        "left out: data set `away`, since raw files are absent: ",
        "data/elsewhere/jdata_action.csv",
        "2 of 3 cells done, 1 left out",
    ]);
    let page = scratch.read("results/e.md");
    assert_eq!(row(&page, "sessions"), ["sessions", "4", "missing [1]", "4"]);
    assert!(page.contains(&format!("- [1] away: {away}.")), "{page}");
    assert!(page.contains("2 of 3 data sets counted."), "{page}");
    let csv = scratch.csv("results/e.csv");
    assert!(csv.contains("\naway,sessions,count,missing,,,,,\"did not run"), "{csv}");
    assert!(csv.contains("\ndrop,sessions,count,done,4,,false,1,\n"), "{csv}");
    // All that can be done is done: a second look finds nothing to do, and a report needs no run.
    scratch.sr_pipe(&["plan", "experiments/e.yaml", "--check"]).expect(0).told(&["left out: data set `away`"]);
    scratch.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    assert_eq!(scratch.read("results/e.md"), page);
    // Its files come, and it is no longer left out.
    scratch.write("data/elsewhere/jdata_action.csv", ACTIONS).write("data/elsewhere/jdata_product.csv", PRODUCTS);
    run(&scratch).expect(0).told(&["3 of 3 cells done"]);
    assert_eq!(row(&scratch.read("results/e.md"), "sessions"), ["sessions", "4", "4", "4"]);
}

#[test]
fn a_data_set_that_is_needed_stops_the_run_and_so_do_optional_ones_that_are_all_absent() {
    let scratch = project(&["sessions"], "");
    let needed = scratch.read("experiments/e.yaml").replace(", optional: true", "");
    scratch.write("experiments/needed.yaml", &needed);
    let told = ["missing raw files: ", "elsewhere/jdata_action.csv", "--data DIR"];
    scratch.sr_pipe(&["run", "experiments/needed.yaml"]).expect(2).told(&told);
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--only", "dataset=away"]).expect(2).told(&told);
    assert!(!scratch.root.join("results").exists());
}

#[test]
fn the_papers_numbers_stand_beside_ours_with_the_difference() {
    let paper = "
  paper:
    source: A paper, Table 1
    statistics:
      keep: { sessions: 1000, mean session length: 2.5, cold test events: 40.45 }
";
    let scratch = project(&["sessions", "mean session length", "cold test events", "users"], paper);
    run(&scratch).expect(0);
    let page = scratch.read("results/e.md");
    assert_eq!(row(&page, "statistic"), ["statistic", "keep", "paper", "Δ", "away", "drop"]);
    assert_eq!(row(&page, "sessions")[..4], ["sessions", "4", "1,000", "−996"]);
    assert_eq!(row(&page, "mean session length")[..4], ["mean session length", "2.750", "2.500", "+0.250"]);
    assert_eq!(row(&page, "cold test events")[..4], ["cold test events", "50.00 %", "40.45 %", "+9.55"]);
    assert_eq!(row(&page, "users")[..4], ["users", "2", "–", "–"]);
    assert!(page.contains("printed in A paper, Table 1"), "{page}");
    assert!(page.contains("- mean session length: events divided by sessions."), "{page}");
    assert!(scratch.csv("results/e.csv").contains("keep,cold test events,share,done,0.5,0.4045,false,1,\n"));
}

#[test]
fn what_a_statistics_stage_is_not_given_is_told_in_place_of_a_number() {
    let scratch = project(&["sessions", "users", "triples", "cold test events"], "");
    let fewer = PIPELINE.replace(
        "{ events: events, sessions: sessions, dataset: dataset, knowledge: triples }",
        "{ sessions: sessions }",
    );
    scratch.write("pipelines/p.yaml", &fewer);
    run(&scratch).expect(0);
    let page = scratch.read("results/e.md");
    assert_eq!(row(&page, "triples"), ["triples", "– [1]", "missing [3]", "– [1]"]);
    assert!(page.contains("- [1] keep and drop: no `knowledge` is given."), "{page}");
    assert!(page.contains("keep and drop: no `dataset` is given."), "{page}");
}

#[test]
fn mistakes_in_a_report_of_statistics_are_told_all_at_once_with_their_places() {
    let more = "
  metrics: [hit@20]
  rows: model
  paper:
    source: A paper
    values: { keep: { x: { hit@20: 1.0 } } }
    statistics:
      kept: { sessions: 1 }
      keep: { session: 1 }
claims:
  - { text: x, metric: hit@20, better: { dataset: keep }, than: { dataset: drop } }
";
    let scratch = project(&["sesions", "users", "users"], more);
    scratch.write(
        "pipelines/p.yaml",
        &PIPELINE.replace("  counts:", "  twice: { statistics: { events: events } }\n  counts:"),
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&[
        "unknown statistic `sesions`",
        "did you mean `sessions`?",
        "experiments/e.yaml:11:7",
        "statistic `users` is named twice",
        "a report of `statistics` has no `metrics`",
        "a report of `statistics` has no `rows`",
        "a report of `statistics` tests no claim",
        "numbers of metrics have no place beside statistics",
        "axis `dataset` has no value `kept`",
        "the report does not list the statistic `session`",
        "the pipeline of `keep` has more than one `statistics` stage",
    ]);
    let scratch = project(&["users"], "");
    let none = PIPELINE.lines().filter(|line| !line.contains("counts:")).collect::<Vec<_>>().join("\n");
    let grid = scratch.read("experiments/e.yaml").replace("drop] }", "drop], gap: [1h, 2h] }, seeds: [1, 2]");
    scratch.write("pipelines/p.yaml", &none).write("experiments/e.yaml", &grid);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&[
        "a report of `statistics` needs a grid with the axis `dataset` alone",
        "a report of `statistics` takes one seed",
        "the pipeline of `drop` has no `statistics` stage",
    ]);
}

#[test]
fn a_stage_that_counts_nothing_is_refused() {
    let scratch = project(&["users"], "");
    scratch.write(
        "pipelines/p.yaml",
        &PIPELINE.replace("{ events: events, sessions: sessions, dataset: dataset, knowledge: triples }", "{}"),
    );
    run(&scratch).expect(2).told(&["there is nothing to count", "name at least one of `events`"]);
}

#[test]
fn a_place_stands_for_a_whole_stage() {
    let scratch = project(&["log events"], "");
    let pipeline = PIPELINE
        .replace(
            "defaults: {",
            "defaults: { raw: { files: { folder: log, files: [jdata_action.csv, jdata_product.csv] } },",
        )
        .replace("{ files: { folder: \"${folder}\", files: [jdata_action.csv, jdata_product.csv] } }", "\"${raw}\"")
        .replace(" folder: log, cold", " cold");
    let raw = "raw: { synth: { format: jdata, items: 60, users: 30, sessions: 200, days: 4 } }";
    let experiment = scratch.read("experiments/e.yaml").replace("folder: elsewhere", raw);
    scratch.write("pipelines/p.yaml", &pipeline).write("experiments/e.yaml", &experiment);
    run(&scratch).expect(0).told(&["3 of 3 cells done"]);
    let page = scratch.read("results/e.md");
    assert_eq!(row(&page, "log events")[1], "11");
    assert!(page.contains("> **Synthetic data.** away was generated"), "{page}");
    let wrong = experiment.replace("format: jdata", "format: jdta");
    scratch.write("experiments/e.yaml", &wrong);
    run(&scratch).expect(2).told(&["jdta", "pipelines/p.yaml"]);
}

#[test]
fn a_profile_shows_what_a_run_has_made_and_is_the_same_each_time() {
    let scratch = project(&["sessions"], "");
    let profile = |more: &[&str]| {
        let arguments = [&["data", "profile", "experiments/e.yaml"], more].concat();
        scratch.sr_pipe(&arguments)
    };
    profile(&["--dataset", "keep"])
        .expect(2)
        .told(&["stage `sessions` of `keep` has no result", "sr-pipe run experiments/e.yaml"]);
    run(&scratch).expect(0);
    profile(&[]).expect(2).told(&["several data sets", "away, drop, keep"]);
    profile(&["--dataset", "kep"]).expect(2).told(&["unknown data set `kep`", "did you mean `keep`?"]);
    profile(&["--dataset", "keep", "--stage", "raw"])
        .expect(2)
        .told(&["makes neither sessions nor a dataset", "`sessions`"]);
    profile(&["--dataset", "keep"])
        .expect(0)
        .told(&["wrote results/profile-keep.md", "wrote results/profile-keep.html"]);
    let files = ["results/profile-keep.md", "results/profile-keep.html"];
    let before = files.map(|file| scratch.read(file));
    profile(&["--dataset", "keep"]).expect(0);
    assert!(before == files.map(|file| scratch.read(file)));
    let [page, html] = before;
    assert_eq!(row(&page, "50 % (median)"), ["50 % (median)", "2"]);
    assert_eq!(row(&page, "longest"), ["longest", "4"]);
    assert_eq!(row(&page, "on the item of the event before"), ["on the item of the event before", "1", "14.29 %"]);
    assert_eq!(row(&page, "on an item that stood anywhere before in the session")[1..], ["2", "28.57 %"]);
    assert_eq!(row(&page, "5 to 10 min")[1..], ["1", "14.29 %"]);
    assert_eq!(row(&page, "10 to 30 min")[1..], ["5", "71.43 %"]);
    assert_eq!(row(&page, "30 to 60 min")[1..], ["1", "14.29 %"]);
    assert_eq!(row(&page, "test")[1..], ["3", "33.33 %", "33.33 %"]);
    assert!(page.contains("From 2018-03-01 to 2018-03-02, 2 days; 0 days without an event."), "{page}");
    assert!(html.contains("<svg") && !html.contains("<script") && !html.contains("href"), "a page fetches nothing");
    assert!(html.matches("<section>").count() == page.matches("\n## ").count());
    // A stage of sessions by its name, and the pipeline by itself.
    profile(&["--dataset", "keep", "--stage", "sessions"]).expect(0).told(&["wrote results/profile-keep-sessions.md"]);
    scratch.sr_pipe(&["data", "profile", "pipelines/p.yaml", "--dataset", "keep"]).expect(2).told(&["is a pipeline"]);
    // Its own split is under another protocol, so that only the sessions are there.
    scratch.sr_pipe(&["data", "profile", "pipelines/p.yaml"]).expect(2).told(&["stage `dataset` of `p` has no result"]);
}

#[test]
fn a_profile_of_stages_that_an_axis_changes_asks_for_one_value() {
    let scratch = project(&["sessions"], "");
    let experiment = "title: Gaps\ndatasets: { d: { pipeline: ../pipelines/p.yaml } }\n\
        grid: { product: { dataset: [d], gap: [1h, 2h] } }\n";
    let pipeline = PIPELINE.lines().filter(|line| !line.contains("model:")).collect::<Vec<_>>().join("\n");
    scratch.write("pipelines/p.yaml", &pipeline).write("experiments/gaps.yaml", experiment);
    scratch.sr_pipe(&["run", "experiments/gaps.yaml"]).expect(0);
    scratch
        .sr_pipe(&["data", "profile", "experiments/gaps.yaml"])
        .expect(2)
        .told(&["stage `sessions` depends on `gap`, which has several values", "--set 'grid.product.gap=[VALUE]'"]);
    let set = ["data", "profile", "experiments/gaps.yaml", "--set", "grid.product.gap=[2h]"];
    scratch.sr_pipe(&set).expect(0);
}

#[test]
fn made_up_files_can_be_asked_for_one_by_one() {
    let scratch = Scratch::new();
    let pipeline =
        |file: &str| format!("stages: {{ raw: {{ synth: {{ format: amazon, rows: 100, files: [{file}] }} }} }}\n");
    scratch.write("experiments/e.yaml", &crate::scratch::grid(&[1]));
    scratch.write("pipelines/p.yaml", &pipeline("ratings_Boks.csv"));
    let told = ["this format has no file `ratings_Boks.csv`", "did you mean `ratings_Books.csv`?"];
    run(&scratch).expect(1).told(&told);
    scratch.write("pipelines/p.yaml", &pipeline("ratings_Books.csv"));
    run(&scratch).expect(0);
    let names: Vec<_> = scratch.sealed().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["ratings_Books.csv"]);
}
