//! The checks: each finds the offenders of one file and says `file:line: what`. `file` is relative to the folder that is
//! under check.

use std::collections::BTreeSet;

use super::source::{Piece, Source};

/// Most lines that a file may have, its tests apart.
const LONGEST_FILE: usize = 400;

/// Module names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "manager"];

/// The modules of `lib.rs` in floor order.
pub(super) fn floors_of(lib: &str) -> Vec<String> {
    let source = Source::parse(lib);
    (0..source.code.len())
        .filter(|at| source.word(*at) == "mod" && source.word(at + 2) == ";")
        .map(|at| source.word(at + 1).to_owned())
        .collect()
}

/// Uses of a later floor, by `crate::`, `$crate::` or enough `super::`.
pub(super) fn climbs(file: &str, text: &str, order: &[String]) -> Vec<String> {
    let own = file.split(['/', '.']).next().unwrap_or_default();
    let Some(floor) = order.iter().position(|name| name == own) else {
        return if matches!(own, "lib" | "main") { vec![] } else { vec![format!("{file}:1: is no module of lib.rs")] };
    };
    let depth = file.trim_end_matches("/mod.rs").split('/').count();
    let source = Source::parse(text);
    let mut offenders = Vec::new();
    for at in 0..source.code.len() {
        if source.word(at + 1) != "::" {
            continue;
        }
        let supers = (0..=depth).take_while(|step| source.spells(at + 2 * step, &["super", "::"])).count();
        let (after, certain) = match source.word(at) {
            "crate" => (at + 2, true),
            "super" if supers >= depth => (at + 2 * supers, false),
            _ => continue,
        };
        for head in source.heads(after) {
            match order.iter().position(|name| name == head.text) {
                Some(used) if used > floor => {
                    offenders.push(says(file, head, &format!("uses the later floor `{}`", head.text)));
                }
                None if certain && source.word(after + 1) != "!" && head.text != "self" => {
                    offenders.push(says(file, head, &format!("`crate::{}` is no module of lib.rs", head.text)));
                }
                _ => {}
            }
        }
    }
    offenders
}

/// Paths and imports that begin with one of `crates`.
pub(super) fn crates_named(file: &str, text: &str, crates: &[&str], why: &str) -> Vec<String> {
    let source = Source::parse(text);
    let mut offenders = Vec::new();
    for (at, piece) in source.code.iter().enumerate() {
        let before = if at == 0 { "" } else { source.word(at - 1) };
        let begins_path = source.word(at + 1) == "::" && (before != "::" || at < 2 || !is_name(source.word(at - 2)));
        if crates.contains(&piece.text) && (begins_path || matches!(before, "use" | "crate")) {
            offenders.push(says(file, *piece, &format!("names the crate `{}`: {why}", piece.text)));
        }
    }
    offenders
}

/// `async` and `.await`.
pub(super) fn async_code(file: &str, text: &str) -> Vec<String> {
    let source = Source::parse(text);
    let found = source.code.iter().filter(|piece| matches!(piece.text, "async" | "await"));
    found.map(|piece| says(file, *piece, "async code outside engine/, record/ and cli/")).collect()
}

/// Lines, comments and strings among them, that say one of `names` as a word.
pub(super) fn words_named(file: &str, text: &str, names: &[&str]) -> Vec<String> {
    let mut offenders = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.to_lowercase();
        for name in names {
            let whole = line.match_indices(name).any(|(at, _)| {
                let inside = |c: char| c.is_alphanumeric();
                !line[..at].ends_with(inside) && !line[at + name.len()..].starts_with(inside)
            });
            if whole {
                offenders.push(format!("{file}:{number}: names `{name}`"));
            }
        }
    }
    offenders
}

/// Reads of the clock, the environment or a source of randomness, test modules apart.
pub(super) fn worldly_reads(file: &str, text: &str) -> Vec<String> {
    const PATHS: &[(&str, &[&str])] = &[
        ("SystemTime", &["now"]),
        ("Instant", &["now"]),
        ("Timestamp", &["now"]),
        ("Zoned", &["now"]),
        ("env", &["var", "var_os", "vars", "vars_os", "args", "args_os", "temp_dir"]),
    ];
    let source = Source::parse(text);
    let tests = source.test_lines();
    let mut offenders = Vec::new();
    for (at, piece) in source.code.iter().enumerate() {
        if tests.iter().any(|lines| lines.contains(&piece.line)) || source.word(at + 1) != "::" {
            continue;
        }
        for (_, functions) in PATHS.iter().filter(|(kind, _)| *kind == piece.text) {
            for used in source.heads(at + 2).iter().filter(|used| functions.contains(&used.text)) {
                offenders.push(says(file, *piece, &format!("reads the world: `{}::{}`", piece.text, used.text)));
            }
        }
        if matches!(piece.text, "rand" | "fastrand" | "getrandom") {
            offenders.push(says(file, *piece, &format!("draws at random: `{}`", piece.text)));
        }
    }
    offenders
}

/// A file with more lines than a reader takes in, test modules apart.
pub(super) fn too_long(file: &str, text: &str) -> Vec<String> {
    let tests: usize = Source::parse(text).test_lines().iter().map(|lines| lines.end() - lines.start() + 1).sum();
    let lines = text.lines().count() - tests;
    if lines > LONGEST_FILE {
        vec![format!("{file}:1: {lines} lines without tests, over {LONGEST_FILE}")]
    } else {
        vec![]
    }
}

/// A file that does not begin by saying what it is.
pub(super) fn headless(file: &str, text: &str) -> Vec<String> {
    if text.starts_with("//! ") { vec![] } else { vec![format!("{file}:1: does not begin with `//!`")] }
}

/// Modules, by file name or in the text, whose name says nothing.
pub(super) fn emptily_named(file: &str, text: &str) -> Vec<String> {
    let in_path = file.split(['/', '.']).filter(|part| EMPTY_NAMES.contains(part));
    let mut offenders: Vec<String> = in_path.map(|part| format!("{file}:1: the name `{part}` says nothing")).collect();
    let source = Source::parse(text);
    for at in
        (1..source.code.len()).filter(|at| source.word(at - 1) == "mod" && EMPTY_NAMES.contains(&source.word(*at)))
    {
        offenders.push(says(file, source.code[at], &format!("the name `{}` says nothing", source.word(at))));
    }
    offenders
}

/// Stubs, notes to a later self, and tests that do not run.
pub(super) fn left_for_later(file: &str, text: &str) -> Vec<String> {
    let source = Source::parse(text);
    let mut offenders = Vec::new();
    for (at, piece) in source.code.iter().enumerate() {
        let stub = matches!(piece.text, "todo" | "unimplemented") && source.word(at + 1) == "!";
        if stub || source.spells(at, &["#", "[", "ignore"]) {
            offenders.push(says(file, *piece, "a stub, or a test that does not run"));
        }
    }
    for comment in &source.comments {
        let words: BTreeSet<&str> = comment.text.split(|c: char| !c.is_alphanumeric()).collect();
        for mark in ["FIXME", "TODO", "XXX"].into_iter().filter(|mark| words.contains(mark)) {
            offenders.push(says(file, *comment, &format!("`{mark}`")));
        }
    }
    offenders
}

/// Whether the text of the module above declares the module `name`: `mod name`, or a line of a list that makes modules,
/// `name Type =>`.
pub(super) fn declares(above: &str, name: &str) -> bool {
    let source = Source::parse(above);
    (0..source.code.len()).any(|at| {
        let listed = || source.word(at) == name && source.word(at + 2) == "=" && source.word(at + 3) == ">";
        source.spells(at, &["mod", name]) || listed()
    })
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn says(file: &str, piece: Piece<'_>, what: &str) -> String {
    format!("{file}:{}: {what}", piece.line)
}

#[cfg(test)]
mod tests {
    //! Each check, fed with what it must catch and with what it must let pass.

    use super::*;

    fn floors() -> Vec<String> {
        floors_of(
            "//! Map.\npub mod hash;\n#[doc = \"mod no;\"]\npub mod engine; // mod never;\nmod stage;\npub mod cli;",
        )
    }

    /// The lines that a check complains about.
    fn lines(offenders: &[String]) -> Vec<usize> {
        offenders.iter().map(|o| o.split(':').nth(1).and_then(|n| n.parse().ok()).expect("file:line: what")).collect()
    }

    #[test]
    fn floors_are_read_from_lib_in_order() {
        assert_eq!(floors(), ["hash", "engine", "stage", "cli"]);
    }

    #[test]
    fn a_later_floor_is_caught_however_it_is_reached() {
        let caught = |file, text| lines(&climbs(file, text, &floors()));
        assert_eq!(
            caught("engine/plan.rs", "use crate::hash::X;\nuse crate::stage::Y;\nfn f() { crate::cli::run() }"),
            [2, 3]
        );
        assert_eq!(caught("engine/plan.rs", "use crate::{hash, engine::{self, cli},\n cli::{a, b}};"), [2]);
        assert_eq!(caught("engine/plan.rs", "use super::super::cli::run;"), [1]);
        assert_eq!(caught("engine/mod.rs", "use super::cli::run;"), [1]);
        assert_eq!(
            caught(
                "engine/plan.rs",
                "use super::cli::run;\nuse crate::engine::Z;\n// crate::cli\nlet s = \"crate::cli::\";"
            ),
            [0_usize; 0]
        );
        assert_eq!(caught("hash.rs", "macro_rules! m { () => { $crate::stage::X } }\ncrate::m!();"), [1]);
    }

    #[test]
    fn a_module_that_lib_does_not_name_is_caught() {
        assert_eq!(lines(&climbs("attic.rs", "", &floors())), [1]);
        assert_eq!(lines(&climbs("engine/plan.rs", "use crate::attic::X;", &floors())), [1]);
        assert_eq!(climbs("main.rs", "use sr_pipe::cli;", &floors()), [""; 0]);
    }

    #[test]
    fn a_crate_is_caught_in_paths_and_imports_but_not_as_a_mere_word() {
        let caught = |text| lines(&crates_named("a.rs", text, &["arrow", "polars"], "why"));
        assert_eq!(
            caught("use arrow::array;\nfn f(x: ::polars::frame::Frame) {}\nuse polars as p;\nextern crate arrow;"),
            [1, 2, 3, 4]
        );
        assert_eq!(caught("let arrow = draw(arrow); // polars::x\nuse parquet::arrow::Writer;"), [0_usize; 0]);
    }

    #[test]
    fn async_code_is_caught() {
        assert_eq!(lines(&async_code("a.rs", "async fn f() {\n g().await }\n// async")), [1, 2]);
    }

    #[test]
    fn names_of_datasets_and_models_are_caught_even_in_strings() {
        let caught = |text| lines(&words_named("a.rs", text, &["m-sr", "jdata"]));
        assert_eq!(caught("// as M-SR does\n\"jdata_action.csv\"\nitem-sr, jdatabase"), [1, 2]);
    }

    #[test]
    fn clock_environment_and_randomness_are_caught_outside_tests() {
        let caught = |text| lines(&worldly_reads("a.rs", text));
        assert_eq!(
            caught(
                "let a = std::time::Instant::now();\nlet b = env::var(\"A\");\nuse std::env::{self, var};\nrand::rng()"
            ),
            [1, 2, 3, 4]
        );
        assert_eq!(
            caught(
                "let a: Instant = b;\nenv!(\"A\");\nstd::env::current_dir();\n#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }"
            ),
            [0_usize; 0]
        );
    }

    #[test]
    fn a_long_file_is_caught_and_its_tests_are_not_counted() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(LONGEST_FILE));
        assert_eq!(too_long("a.rs", &format!("{}{tests}", "// x\n".repeat(LONGEST_FILE))), [""; 0]);
        assert_eq!(lines(&too_long("a.rs", &format!("{}{tests}", "// x\n".repeat(LONGEST_FILE + 1)))), [1]);
    }

    #[test]
    fn a_file_without_a_head_or_with_an_empty_name_is_caught() {
        assert_eq!(lines(&headless("a.rs", "use x;\n//! late")), [1]);
        assert_eq!(headless("a.rs", "//! What it is."), [""; 0]);
        assert_eq!(lines(&emptily_named("util/a.rs", "\nmod helpers;\nmod utility;")), [1, 2]);
    }

    #[test]
    fn a_module_is_declared_by_its_name_and_by_no_other_word() {
        assert!(declares("pub(crate) mod a;", "a") && declares("list! {\n    a Type => x,\n}", "a"));
        assert!(!declares("mod ab; use a::b; // mod a;\nlet s = \"mod a\";", "a"));
    }

    #[test]
    fn stubs_and_notes_to_a_later_self_are_caught() {
        let caught = |text| lines(&left_for_later("a.rs", text));
        assert_eq!(caught("fn f() { todo!() }\nunimplemented!();\n#[ignore = \"slow\"]\n"), [1, 2, 3]);
        assert_eq!(caught("\n// TODO: more\n/* FIXME */"), [2, 3]);
        assert_eq!(caught("let todo = 1; let s = \"FIXME todo!()\"; // todos"), [0_usize; 0]);
    }
}
