//! The page of promises stays true: every test that it names is there.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

/// Paths like `faults::clock::a_clock_set_back` of all tests below a folder.
fn tests_below(folder: &Utf8Path, module: &str, found: &mut BTreeSet<String>) {
    for entry in folder.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        let name = path.file_stem().unwrap();
        let deeper = if name == "mod" { module.to_owned() } else { format!("{module}{name}::") };
        if path.is_dir() {
            tests_below(&path, &deeper, found);
            continue;
        }
        let text = fs_err::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim() == "#[test]" {
                let name = lines.find_map(|line| line.trim().strip_prefix("fn ")).unwrap();
                found.insert(format!("{deeper}{}", name.split('(').next().unwrap()));
            }
        }
    }
}

/// Names of tests in backticks: at least one `::` between words of lower-case letters, digits and underscores.
fn named(page: &str) -> Vec<&str> {
    let word =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let is_name = |text: &&str| text.contains("::") && text.split("::").all(word);
    page.split('`').skip(1).step_by(2).filter(is_name).filter(|text| *text != "file::test").collect()
}

#[test]
fn every_test_that_the_page_of_promises_names_is_there() {
    let root = Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    tests_below(&root.join("tests/it"), "", &mut tests);
    assert!(tests.len() > 50, "the tests were found: {tests:?}");
    let page = fs_err::read_to_string(root.join("docs/promises.md")).unwrap();
    let names = named(&page);
    assert!(names.len() > 50, "the page names tests: {names:?}");
    let gone: Vec<&str> = names
        .into_iter()
        .filter(|name| !tests.contains(*name) && !tests.contains(&format!("faults::{name}")))
        .collect();
    assert!(gone.is_empty(), "these tests are promised and not there: {gone:#?}");
}

#[test]
fn a_name_that_is_no_test_is_caught() {
    assert_eq!(named("`a::b`, `x`, `A::b`, `c::d_1::e`"), ["a::b", "c::d_1::e"]);
}
