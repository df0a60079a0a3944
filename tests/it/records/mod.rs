//! The records: what a run leaves behind, and how it is found again.

mod exports;
mod versions;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::scratch::{Scratch, grid};

/// Runs a future to its end.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) async fn connect(file: &Utf8Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).create_if_missing(true).connect().await.unwrap()
}

/// Changes the records behind the back of `sr-pipe`.
fn execute(file: &Utf8Path, statements: &str) {
    wait(async {
        let mut connection = connect(file).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// One number from the records.
fn number(scratch: &Scratch, query: &str) -> i64 {
    wait(async {
        let mut connection = connect(&database(scratch)).await;
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
    })
}

fn database(scratch: &Scratch) -> Utf8PathBuf {
    scratch.root.join(".sr-pipe/records.sqlite")
}

/// Two stages a cell, the first of them shared; values `fail` lets fail.
fn pipeline(first: &str, fail: u32) -> String {
    format!(
        "stages:\n  base: {{ shell: {{ command: \"echo {first} > $OUT/base\" }} }}\n  \
         out: {{ shell: {{ command: \"test ${{n}} != {fail} && cat $IN_BASE/base > $OUT/out && echo ${{n}} >> $OUT/out\", \
         inputs: {{ base: base }} }} }}\n"
    )
}

fn project(values: &[u32]) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("pipelines/p.yaml", &pipeline("one", 0)).write("experiments/e.yaml", &grid(values));
    scratch
}

fn json_of(scratch: &Scratch, arguments: &[&str]) -> Value {
    serde_json::from_str(&scratch.sr_pipe(arguments).expect(0).stdout).unwrap()
}

#[test]
fn a_run_that_ends_as_the_one_before_is_one_line_and_reads_the_same() {
    let scratch = project(&[1, 2, 3]);
    for _ in 0..3 {
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    }
    assert_eq!(number(&scratch, "SELECT count(*) FROM cells"), 3);
    assert_eq!(number(&scratch, "SELECT count(*) FROM run_stages"), 4, "three cells share their first stage");
    let run = |id: &str| json_of(&scratch, &["runs", "show", id, "--json"]);
    assert_eq!(run("1")["cells"], run("3")["cells"]);
    assert_eq!((&run("2")["same_as"], &run("3")["same_as"]), (&json!(1), &json!(1)));
    assert!(run("1")["cells"].as_array().unwrap().len() == 3 && run("3")["attempts"] == json!([]));
    let listed = scratch.sr_pipe(&["runs", "list"]).expect(0).stdout;
    let cells: Vec<&str> = listed.lines().skip(1).map(|line| line.split_whitespace().nth(3).unwrap()).collect();
    assert_eq!(cells, ["3", "3", "3"]);

    scratch.write("experiments/e.yaml", &grid(&[1, 2]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(run("4")["same_as"], Value::Null);
    assert_eq!(run("4")["cells"].as_array().unwrap().len(), 2);
    scratch.write("experiments/e.yaml", &grid(&[1, 2, 3]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(run("5")["same_as"], Value::Null, "only the newest run is compared");
}

#[test]
fn a_cell_is_followed_down_to_its_first_stage() {
    let scratch = project(&[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    // In the second run nothing ran: what made the result is still found.
    let cell = json_of(&scratch, &["runs", "show", "2", "d/n=2/seed=1", "--json"]);
    let stages = cell["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(names, ["base", "out"]);
    assert_eq!(stages[1]["reads"], json!(["d · base"]));
    assert_eq!(stages[1]["fingerprint"]["inputs"]["base"], stages[0]["object"]);
    assert_eq!(stages[1]["key"], cell["key"]);
    for stage in stages {
        assert_eq!(stage["attempts"][0]["run"], json!(1));
        assert!(stage["made_with"]["sr_pipe"].is_string() && stage["attempts"][0]["seconds"].is_number());
    }
    assert_eq!(cell["protocol_digest"].as_str().unwrap().len(), 64);
    let text = scratch.sr_pipe(&["runs", "show", "2", "d/n=2/seed=1"]).expect(0).stdout;
    for part in ["d · base", "same as     run 1", "made by", stages[0]["key"].as_str().unwrap()] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    scratch
        .sr_pipe(&["runs", "show", "2", "d/n=2"])
        .expect(2)
        .told(&["no cell `d/n=2`", "did you mean `d/n=2/seed=1`?"]);
}

#[test]
fn what_a_key_was_made_from_outlives_its_result_and_is_there_after_a_failure() {
    let scratch = project(&[1, 2]);
    scratch.write("pipelines/p.yaml", &pipeline("one", 2));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    let stages = |cell: &str| json_of(&scratch, &["runs", "show", "1", cell, "--json"])["stages"].clone();
    let (before, failed) = (stages("d/n=1/seed=1"), stages("d/n=2/seed=1"));
    assert_eq!((&failed[1]["state"], &failed[1]["object"]), (&json!("failed"), &Value::Null));
    assert!(failed[1]["fingerprint"]["config"]["command"].as_str().unwrap().contains("test 2 != 2"));
    assert!(failed[1]["attempts"][0]["error"].is_string());
    execute(&database(&scratch), "DELETE FROM results");
    assert_eq!(stages("d/n=1/seed=1"), before);
}

#[test]
fn the_state_of_the_sources_is_on_record_when_something_ran() {
    let scratch = project(&[1]);
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        let mut command = std::process::Command::new("git");
        assert!(command.current_dir(&scratch.root).args(identity).args(arguments).output().unwrap().status.success());
    };
    scratch.write("results/old.md", "old");
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    let run = |first: &str| {
        scratch.write("pipelines/p.yaml", &pipeline(first, 0));
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
        let newest = json_of(&scratch, &["runs", "show", "--json"])["environment"].clone();
        (newest["git_commit"].clone(), newest["git_dirty"].clone(), newest["git_diff"].clone())
    };
    scratch.write("results/old.md", "new").write("results/new.md", "new");
    let (commit, dirty, digest) = run("one");
    assert_eq!(commit.as_str().unwrap().len(), 40);
    assert_eq!((dirty, digest), (json!(false), Value::Null), "neither cache nor reports are part of the sources");
    let (same, dirty, changed) = run("two");
    assert_eq!((same, dirty), (commit.clone(), json!(true)));
    scratch.write("new.txt", "1");
    let (_, _, with_new) = run("three");
    scratch.write("new.txt", "2").write("pipelines/p.yaml", &pipeline("three", 0));
    let (_, _, other_new) = run("four");
    assert!(changed.is_string() && changed != with_new && with_new != other_new);
    let (commit, _, _) = run("four");
    assert_eq!(commit, Value::Null, "nothing ran, so nobody asked git");
}

#[test]
fn two_runs_are_compared_field_by_field() {
    let scratch = project(&[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.write("pipelines/p.yaml", &pipeline("two", 3)).write("experiments/e.yaml", &grid(&[2, 3]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    let found = json_of(&scratch, &["runs", "diff", "1", "2", "--json"]);
    assert_eq!((&found["only_a"], &found["only_b"]), (&json!(["d/n=1/seed=1"]), &json!(["d/n=3/seed=1"])));
    assert_eq!((&found["compared"], &found["alike"]), (&json!(1), &json!(0)));
    let stages = found["stages"].as_array().unwrap();
    let told = |stage: &str, aspect: &str| stages.iter().any(|one| one["stage"] == stage && one["aspect"] == aspect);
    assert!(told("base", "code") && told("out", "input") && told("out", "code"), "{stages:#?}");
    assert!(found["environment"].as_array().unwrap().iter().any(|one| one["field"] == "experiment_digest"));
    let text = scratch.sr_pipe(&["runs", "diff", "1", "2"]).expect(0).stdout;
    for part in ["only in run 1", "only in run 2", "input `base` has other content"] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    // Two cells of one run.
    let cells = json_of(&scratch, &["runs", "diff", "2:d/n=2/seed=1", "2:d/n=3/seed=1", "--json"]);
    assert_eq!(cells["states"], json!([{"cell": "d/n=2/seed=1 → d/n=3/seed=1", "a": "done", "b": "failed"}]));
    let alike = json_of(&scratch, &["runs", "diff", "1", "1", "--json"]);
    assert_eq!((&alike["alike"], &alike["stages"]), (&json!(2), &json!([])));
    let none = json_of(&scratch, &["runs", "diff", "1", "2", "--cells", "*n=7", "--json"]);
    assert_eq!((&none["compared"], &none["only_a"]), (&json!(0), &json!([])));
    scratch.sr_pipe(&["runs", "diff", "1", "9"]).expect(2).told(&["no run 9"]);
}

/// The cells that a search finds.
fn found(scratch: &Scratch, filters: &[&str]) -> Vec<String> {
    let rows = json_of(scratch, &[&["runs", "search", "--json"], filters].concat());
    rows.as_array().unwrap().iter().map(|row| format!("{} {}", row["run"], row["cell"].as_str().unwrap())).collect()
}

#[test]
fn cells_are_found_by_any_field() {
    let scratch = project(&[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.write("pipelines/p.yaml", &pipeline("two", 2));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1);
    assert_eq!(
        found(&scratch, &[]),
        ["3 d/n=1/seed=1", "3 d/n=2/seed=1", "1 d/n=1/seed=1", "1 d/n=2/seed=1"],
        "run 2 ended as run 1"
    );
    assert_eq!(found(&scratch, &["run=2", "n=1"]), ["2 d/n=1/seed=1"]);
    assert_eq!(found(&scratch, &["state=failed"]), ["3 d/n=2/seed=1"]);
    assert_eq!(found(&scratch, &["cell=d/*", "state!=failed", "config.base.command=*two*"]), ["3 d/n=1/seed=1"]);
    assert_eq!(
        found(&scratch, &["experiment=experiments/e*", "seconds<1h", "started>2020-01-01", "seed=1", "run<2"]).len(),
        2
    );
    let limited = scratch.sr_pipe(&["runs", "search", "--limit", "1"]).expect(0).told(&["1 of 4 cells shown"]);
    assert_eq!(limited.stdout.lines().count(), 2);
    scratch.sr_pipe(&["runs", "search", "stat=failed"]).expect(2).told(&["no cell has a field `stat`", "`state`"]);
    scratch.sr_pipe(&["runs", "search", "seed=one"]).expect(2).told(&["`seed` is a number"]);
    scratch.sr_pipe(&["runs", "search", "seed"]).expect(2).told(&["is no filter"]);
}
