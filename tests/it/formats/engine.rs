//! What a stage is given of files outside the project: those that are declared, packed or not, and no others.

use crate::scratch::{Scratch, grid};

/// A pipeline whose only work is to print what lies in its input.
fn listing(scratch: &Scratch, files: &str) {
    let stages = format!(
        "stages:\n  raw: {{ files: {{ folder: r, files: [{files}] }} }}\n  \
         list: {{ shell: {{ command: \"cd $IN_RAW && ls -R > $OUT/list; cat * > $OUT/all 2> /dev/null; echo ${{n}}\", \
         inputs: {{ raw: raw }} }} }}\n"
    );
    scratch.write("pipelines/p.yaml", &stages).write("experiments/e.yaml", &grid(&[1]));
}

fn made(scratch: &Scratch, name: &str) -> String {
    let sealed = scratch.sealed();
    let path = sealed.iter().find(|path| path.file_name() == Some(name)).unwrap();
    fs_err::read_to_string(path).unwrap()
}

#[test]
fn a_stage_sees_the_files_that_are_declared_and_no_others() {
    let scratch = Scratch::new();
    listing(&scratch, "x, deep/y");
    scratch.write("data/r/x", "one\n").write("data/r/deep/y", "two\n").write("data/r/secret", "three\n");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(made(&scratch, "list").split_whitespace().collect::<Vec<_>>(), [".:", "deep", "x", "./deep:", "y"]);
    assert_eq!(made(&scratch, "all"), "one\n");
    // The key does not change with what was not declared.
    scratch.write("data/r/secret", "four\n");
    let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
    assert!(
        plan.contains("1 stages in the cache, 0 to run") || plan.contains("1 stage in the cache, 0 to run"),
        "{plan}"
    );
}

#[test]
fn a_declared_file_may_lie_packed_and_the_plain_one_comes_first() {
    let scratch = Scratch::new();
    listing(&scratch, "x");
    scratch.write("data/r/x.7z", "seven\n").write("data/r/x.gz", "packed\n");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(made(&scratch, "list"), ".:\nx.gz\n");
    scratch.write("data/r/x", "plain\n");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert!(scratch.sealed().iter().any(|path| fs_err::read_to_string(path).unwrap() == ".:\nx\n"));
}

#[test]
fn a_file_that_is_there_neither_plain_nor_packed_is_told_by_its_name() {
    let scratch = Scratch::new();
    listing(&scratch, "x, y");
    scratch.write("data/r/x.gz", "packed\n").write("data/r/y.txt", "other\n");
    let told = scratch.sr_pipe(&["run", "experiments/e.yaml"]);
    assert_ne!(told.code, Some(0));
    assert!(told.stderr.contains("data/r/y") && !told.stderr.contains("data/r/x"), "{}", told.stderr);
}

#[test]
fn a_bad_row_names_the_file_where_it_truly_lies() {
    let scratch = Scratch::new();
    let stages = "stages:\n  raw: { files: { folder: r, files: [log.csv] } }\n  \
        events: { ingest: { from: raw, format: table, table: { log: log.csv, columns: { user: u, item: \"${n}\" } } } }\n";
    scratch.write("pipelines/p.yaml", stages);
    scratch.write("experiments/e.yaml", &grid(&[1]).replace("n: [1]", "n: [i]"));
    scratch.write("data/r/log.csv", "u,i\n1,\n");
    let path = scratch.root.join("data/r/log.csv");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(1).told(&[&format!("{path}:2:3"), "is empty"]);
}

#[test]
fn a_file_outside_its_folder_is_a_mistake_of_the_pipeline() {
    let scratch = Scratch::new();
    listing(&scratch, "../x");
    scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(2).told(&["`../x` does not lie in the folder"]);
}

#[test]
fn a_mapping_that_lacks_something_is_told_where_it_stands() {
    let scratch = Scratch::new();
    let stages = "stages:\n  raw: { files: { folder: r, files: [log.csv] } }\n  events:\n    ingest:\n      from: raw\n      \
        format: table\n      table:\n        log: log.csv\n        columns:\n          item: i\n";
    scratch.write("pipelines/p.yaml", stages).write("experiments/e.yaml", &grid(&[1]));
    let told = ["pipelines/p.yaml:10:", "neither sessions nor users have a column"];
    scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(2).told(&told);
}
