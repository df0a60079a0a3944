//! The walls of the house, held by tests: floor order, what each room may name, and how a file must look.
//! Each check is a function over the text of a file (`floors/check.rs`), and a test beside it shows that it can fail.

mod check;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use check::{
    async_code, climbs, crates_named, declares, emptily_named, floors_of, headless, left_for_later, too_long,
    words_named, worldly_reads,
};

/// Crates that belong in some rooms only: names, rooms of `src/`, and why.
const CRATE_WALLS: &[(&[&str], &[&str], &str)] = &[
    (&["serde_yaml", "saphyr_parser"], &["document/"], "only the loader of documents reads YAML"),
    (&["sqlx"], &["record/"], "only the record room speaks SQL"),
    (&["parquet", "arrow"], &["artifact/"], "files of tables are written in one place"),
    (&["polars"], &["ingest/", "data/", "stage/", "report/"], "the engine and the store know no data frames"),
    (&["tch", "torch_sys"], &[], "sr-pipe starts without libtorch"),
    (&["tokio"], &["engine/", "record/", "cli/"], "stages are plain functions"),
];

/// Crates that the trainer must not name.
const TRAINER_STRANGERS: &[&str] = &["serde_yaml", "saphyr_parser", "sqlx", "polars", "parquet", "arrow", "tokio"];

/// Rooms that may read the clock, the environment and sources of randomness.
const WORLDLY_ROOMS: &[&str] = &["cli/", "record/", "main.rs"];

/// Files outside those rooms that may, and why.
const WORLDLY_FILES: &[(&str, &str)] = &[
    ("engine/attempt.rs", "holds a stage to its limit of time"),
    ("engine/execute.rs", "notes since when a node waits for another process"),
    ("engine/node.rs", "times each phase, for the events and the record"),
    ("process.rs", "holds a child to its limit of time, and pauses between looks at it"),
];

/// What the engine must not have heard of.
const NAMES_UNKNOWN_TO_THE_ENGINE: &[&str] = &[
    "amazon",
    "embsr",
    "fpmc",
    "freebase",
    "gru4rec",
    "jd_micro",
    "jdata",
    "kb4rec",
    "kkbox",
    "lastfm",
    "m-sr",
    "m_sr",
    "mkm",
    "movielens",
    "s-pop",
    "sknn",
    "sr-gnn",
    "sr_gnn",
    "srgnn",
    "trivago",
];

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

#[test]
fn a_module_uses_only_the_floors_below_it() {
    let order = floors_of(&read(&root().join("src/lib.rs")));
    assert!(order.len() > 10, "src/lib.rs has lost its modules: {order:?}");
    hold("src", |file, text| climbs(file, text, &order));
}

#[test]
fn each_crate_stays_in_its_rooms() {
    hold("src", |file, text| {
        let foreign = CRATE_WALLS.iter().filter(|(_, rooms, _)| !stands_in(file, rooms));
        foreign.flat_map(|(crates, _, why)| crates_named(file, text, crates, why)).collect()
    });
    hold("trainer/src", |file, text| {
        crates_named(file, text, TRAINER_STRANGERS, "the trainer knows neither YAML nor SQLite nor tables")
    });
}

#[test]
fn async_lives_in_engine_record_and_cli() {
    hold(
        "src",
        |file, text| if stands_in(file, &["engine/", "record/", "cli/"]) { vec![] } else { async_code(file, text) },
    );
}

#[test]
fn the_engine_has_heard_of_no_dataset_and_no_model() {
    hold("src/engine", |file, text| words_named(file, text, NAMES_UNKNOWN_TO_THE_ENGINE));
}

#[test]
fn clock_environment_and_randomness_stay_at_the_edge() {
    let listed: Vec<&str> = WORLDLY_FILES.iter().map(|(file, _)| *file).collect();
    hold("src", |file, text| {
        if stands_in(file, WORLDLY_ROOMS) || listed.contains(&file) { vec![] } else { worldly_reads(file, text) }
    });
    for (file, why) in WORLDLY_FILES {
        let text = read(&root().join("src").join(file));
        assert!(!worldly_reads(file, &text).is_empty(), "src/{file} is listed needlessly ({why})");
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for folder in ["src", "trainer/src"] {
        hold(folder, |file, text| {
            let listed = LONG_FILES.iter().any(|(long, _)| format!("{folder}/{file}") == *long);
            let long = if listed || apart_as_test(file) { vec![] } else { too_long(file, text) };
            [long, headless(file, text), emptily_named(file, text)].concat()
        });
    }
    hold("tests", |file, text| [headless(file, text), emptily_named(file, text)].concat());
}

#[test]
fn nothing_is_left_for_later() {
    for folder in ["src", "trainer/src", "tests"] {
        hold(folder, left_for_later);
    }
}

#[test]
fn every_file_is_part_of_the_program() {
    for folder in ["src", "trainer/src", "tests/it", "trainer/tests/it"] {
        let base = root().join(folder);
        hold(folder, |file, _| {
            let path = base.join(file);
            let is_root = |path: &Path| path.parent() == Some(&*base);
            let stem = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            if is_root(&path) && matches!(&*stem, "lib" | "main") {
                return Vec::new();
            }
            // `a/mod.rs` is the module `a` of the folder above.
            let named = if stem == "mod" { path.parent().expect("it lies in a folder") } else { &path };
            let name = named.file_stem().expect("a folder has a name").to_string_lossy().into_owned();
            let above = named.parent().expect("it lies in a folder");
            let declaring =
                [above.join("mod.rs"), above.join("lib.rs"), above.join("main.rs"), above.with_extension("rs")];
            let declared = declaring.iter().filter(|path| path.is_file()).any(|path| declares(&read(path), &name));
            if declared { Vec::new() } else { vec![format!("{file}: no module names it, so it is never compiled")] }
        });
    }
}

/// Runs `check` over every Rust file of `folder` and fails with all offenders.
fn hold(folder: &str, check: impl Fn(&str, &str) -> Vec<String>) {
    let base = root().join(folder);
    let mut files = Vec::new();
    rust_files(&base, &mut files);
    assert!(!files.is_empty(), "no Rust files under {folder}/");
    let mut offenders = Vec::new();
    for path in files {
        let file = path.strip_prefix(&base).expect("walked from there").to_string_lossy().replace('\\', "/");
        offenders.extend(check(&file, &read(&path)).into_iter().map(|offender| format!("{folder}/{offender}")));
    }
    assert!(offenders.is_empty(), "{} offenders:\n{}", offenders.len(), offenders.join("\n"));
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("folder can be read").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether `file` is one of `rooms`: a folder that ends in `/`, or a file.
fn stands_in(file: &str, rooms: &[&str]) -> bool {
    rooms.iter().any(|room| if room.ends_with('/') { file.starts_with(room) } else { file == *room })
}

/// A file that holds nothing but tests.
fn apart_as_test(file: &str) -> bool {
    file.split('/').any(|part| matches!(part, "tests" | "tests.rs"))
}
