//! Reports from the outside: their forms, which experiments they are of, a look with a real browser, and what a CI is told.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::figures::{EXPERIMENT, FIGURES, has, project};
use crate::scratch::Scratch;

/// The three forms that stand beside the markdown, and LaTeX, which is written when it is asked for.
const FORMS: [&str; 4] = ["e.md", "e.csv", "e.json", "e.html"];

/// Of lambda = 0.5 the trainer has heard nothing: these cells fail.
const FAILING: [&str; 4] = ["--set", "grid.product.lambda=[0.1,0.5]", "--set", "report.figures=[]"];

fn json(scratch: &Scratch, path: &str) -> Value {
    serde_json::from_str(&scratch.read(path)).unwrap()
}

/// The files of the folder of results, by name.
fn results(scratch: &Scratch) -> Vec<String> {
    let folder = scratch.root.join("results").read_dir_utf8();
    let mut names: Vec<String> =
        folder.into_iter().flatten().map(|file| file.unwrap().file_name().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_form_is_written_and_rendering_again_gives_the_same_bytes() {
    let scratch = project(FIGURES);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["report: results/e.md"]);
    let written = results(&scratch);
    for file in FORMS {
        assert!(written.iter().any(|name| name == file), "no `{file}` among {written:?}");
    }
    assert!(!written.contains(&"e.tex".to_owned()));

    let before = FORMS.map(|file| scratch.read(&format!("results/{file}")));
    scratch.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    assert_eq!(FORMS.map(|file| scratch.read(&format!("results/{file}"))), before);

    let said = scratch.sr_pipe(&["report", "experiments/e.yaml", "--format", "latex,json"]).expect(0);
    said.told(&["report: results/e.tex"]);
    has(
        &scratch.read("results/e.tex"),
        &[
            "%   command: sr-pipe run experiments/e.yaml",
            "\\multicolumn{1}{c}{0.1}",
            "\\textless{}script\\textgreater{}",
        ],
    );

    // Epochs, configs and digests stand behind each number.
    let read = json(&scratch, "results/e.json");
    assert_eq!(read["provenance"]["experiment"]["file"], "experiments/e.yaml");
    let cell = &read["cells"][5];
    assert_eq!(cell["coordinates"]["model"], "deep");
    let seed = &cell["seeds"][0];
    assert_eq!((&seed["state"], &seed["values"]["hit@1"]), (&"done".into(), &(1.0 / 3.0).into()));
    assert_eq!(seed["config"]["hyper_parameters"]["lambda"], 0.1);
    assert!(seed["artifacts"]["ranks"].is_string() && seed["artifacts"]["dataset"].is_string(), "{seed:#}");
}

#[test]
fn a_title_that_is_markup_does_no_harm_and_failed_cells_say_why() {
    let scratch = project(FIGURES);
    scratch.sr_pipe(&[&["run", "experiments/e.yaml"], &FAILING[..]].concat()).expect(1);
    let name = results(&scratch).into_iter().find(|name| name.ends_with(".html")).unwrap();
    let html = scratch.read(&format!("results/{name}"));
    assert_eq!(html.matches("<script").count(), 1, "the page's own script alone");
    has(&html, &["&lt;script&gt;alert(1)&lt;/script&gt;", "KeyError", ">failed</a>"]);
    let markdown = scratch.read(&format!("results/{}", name.replace(".html", ".md")));
    assert!(!markdown.contains("<script"), "{markdown}");
}

/// A program on the path.
fn program(names: &[&str]) -> Option<Utf8PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let places = names.iter().flat_map(|name| path.split(':').map(move |folder| Utf8Path::new(folder).join(name)));
    places.into_iter().find(|place| place.is_file())
}

#[test]
fn a_browser_sorts_the_tables_opens_the_runs_and_has_nothing_to_complain_of() {
    let (Some(node), Some(chromium)) =
        (program(&["node"]), program(&["chromium", "chromium-browser", "google-chrome"]))
    else {
        eprintln!("skipped: it needs node and chromium on the path");
        return;
    };
    let scratch = project(FIGURES);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.sr_pipe(&[&["run", "experiments/e.yaml"], &FAILING[..]].concat()).expect(1);
    let look = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/report.mjs");
    for name in results(&scratch).iter().filter(|name| name.ends_with(".html")) {
        let page = scratch.root.join("results").join(name);
        let looked = Command::new(&node).args([&look, &chromium, &page]).output().unwrap();
        let said = String::from_utf8_lossy(&looked.stdout).into_owned() + &String::from_utf8_lossy(&looked.stderr);
        assert!(looked.status.success(), "{name}:\n{said}");
    }
}

#[test]
fn without_a_name_every_experiment_on_record_is_reported_with_what_its_runs_chose() {
    let scratch = project("profiles: { small: { grid: { seeds: [1] } } }\n");
    scratch.write("experiments/other.yaml", &EXPERIMENT.replace("title: Drawn", "title: Other"));
    scratch.write("experiments/gone.yaml", EXPERIMENT);
    let few = ["--set", "grid.product.lambda=[0.1]"];
    for (file, choices) in [
        ("e", &[][..]),
        ("e", &["--profile", "small"]),
        ("e", &few),
        ("other", &["--seeds", "1..2", "--only", "model=rule"]),
        ("gone", &["--only", "model=rule"]),
    ] {
        scratch.sr_pipe(&[&["run", &format!("experiments/{file}.yaml")], choices].concat()).expect(0);
    }
    let before: Vec<(String, String)> =
        results(&scratch).into_iter().map(|name| (name.clone(), scratch.read(&format!("results/{name}")))).collect();
    assert_eq!(before.iter().filter(|(name, _)| name.ends_with(".md")).count(), 5);
    fs_err::remove_dir_all(scratch.root.join("results")).unwrap();
    fs_err::remove_file(scratch.root.join("experiments/gone.yaml")).unwrap();

    scratch.sr_pipe(&["report"]).expect(1).told(&["not reported: `./experiments/gone.yaml`"]);
    for (name, text) in before.iter().filter(|(name, _)| !name.starts_with("gone")) {
        assert_eq!(&scratch.read(&format!("results/{name}")), text, "{name}");
    }
    scratch.sr_pipe(&["report", "--profile", "small"]).expect(2).told(&["which experiment is meant is not said"]);
    let elsewhere = Scratch::new();
    elsewhere.sr_pipe(&["report"]).expect(2).told(&["there are no records"]);
    elsewhere.sr_pipe(&["report", "--project", scratch.root.as_str()]).expect(1);
}

#[test]
fn several_named_experiments_are_reported_and_one_that_is_wrong_stops_no_other() {
    let scratch = project("");
    scratch.write("experiments/wrong.yaml", "title: 3\n").write("experiments/other.yaml", EXPERIMENT);
    let files = ["report", "experiments/wrong.yaml", "experiments/e.yaml", "experiments/other.yaml"];
    scratch.sr_pipe(&files).expect(2).told(&["report: results/e.md", "report: results/other.md", "wrong.yaml"]);
}

#[test]
fn two_experiments_of_one_name_never_write_over_each_other() {
    let scratch = project("");
    scratch.write("experiments/deep/e.yaml", &EXPERIMENT.replace("../", "../../"));
    let both = ["report", "experiments/e.yaml", "experiments/deep/e.yaml"];
    scratch.sr_pipe(&both).expect(2).told(&[
        "`experiments/e.yaml` and `experiments/deep/e.yaml` would both write `results/e.md`",
        "give one of the two another name",
    ]);
    assert_eq!(results(&scratch), [""; 0]);

    scratch.sr_pipe(&["report", "experiments/e.yaml"]).expect(0);
    let before = scratch.read("results/e.md");
    for command in ["report", "run"] {
        let said = scratch.sr_pipe(&[command, "experiments/deep/e.yaml"]).expect(2);
        said.told(&[
            "`experiments/deep/e.yaml` would write `results/e.md`, which is the report of `experiments/e.yaml`",
        ]);
    }
    assert_eq!(scratch.read("results/e.md"), before);
    // Who moves a file takes its report along.
    fs_err::remove_file(scratch.root.join("experiments/e.yaml")).unwrap();
    scratch.sr_pipe(&["report", "experiments/deep/e.yaml"]).expect(0);
}

/// A claim that holds, since the numbers of the two sides differ in every seed, and one that does not.
const CLAIMED: &str = "  tolerance: 0.4
claims:
  - { text: More is better., metric: hit@1, better: { lambda: 0.01 }, than: { lambda: 0.001 } }
";

#[test]
fn a_check_writes_nothing_and_fails_where_a_number_moved_or_a_claim_fell() {
    let scratch = project(CLAIMED);
    scratch.sr_pipe(&["report", "experiments/e.yaml", "--check"]).expect(2).told(&["there is no `results/e.json`"]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let said = scratch.sr_pipe(&["report", "experiments/e.yaml", "--check"]).expect(0);
    said.told(&["`results/e.json` holds, as it lies there, since no commit has it: ", "9 numbers"]);

    // As if the report that was committed had said something else.
    let committed = scratch.read("results/e.json");
    let mut report: Value = serde_json::from_str(&committed).unwrap();
    report["claims"][0]["verdict"] = "supported".into();
    let cell = &mut report["results"]["tables"][0]["rows"][1]["cells"][1];
    assert_eq!(cell["value"], 1.0);
    (cell["value"], cell["text"]) = (0.993.into(), "99.30 ± 0.00".into());
    scratch.write("results/e.json", &report.to_string());
    let markdown = scratch.read("results/e.md");
    let said = scratch.sr_pipe(&["report", "experiments/e.yaml", "--check"]).expect(1);
    has(
        &said.stdout,
        &["More is better.", "supported", "deep · 0.01 · hit@1", "99.30 ± 0.00", "100.00 ± 0.00", "+0.70", "0.40"],
    );
    has(&said.stderr, &["does not hold any more: 2 moved"]);
    assert_eq!(scratch.read("results/e.json"), report.to_string(), "nothing is written");
    assert_eq!(scratch.read("results/e.md"), markdown);

    // A wider tolerance lets the number pass; the claim has fallen all the same.
    scratch.write("experiments/e.yaml", &format!("{EXPERIMENT}{}", CLAIMED.replace("0.4", "0.8")));
    let said = scratch.sr_pipe(&["report", "experiments/e.yaml", "--check"]).expect(1);
    assert!(!said.stdout.contains("hit@1"), "{}", said.stdout);
    report["claims"][0]["verdict"] = "undecided".into();
    scratch.write("results/e.json", &report.to_string());
    scratch.sr_pipe(&["report", "experiments/e.yaml", "--check"]).expect(0);
    scratch.write("results/e.json", "{}");
    scratch.sr_pipe(&["report", "experiments/e.yaml", "--check"]).expect(2).told(&["cannot be compared with"]);
}

#[test]
fn a_check_asks_the_last_commit_since_a_run_writes_over_the_folder() {
    let scratch = project("");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let git = |arguments: &[&str]| {
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let done = Command::new("git").current_dir(&scratch.root).args(who).args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let written = scratch.read("results/e.json");
    scratch.write("results/e.json", &written.replace("\"value\": 1.0", "\"value\": 0.9"));
    git(&["init", "--quiet"]);
    git(&["add", "results"]);
    git(&["commit", "--quiet", "--message", "results"]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(scratch.read("results/e.json"), written);
    let check = || scratch.sr_pipe(&["report", "experiments/e.yaml", "--check"]);
    check().expect(1).told(&["`results/e.json`, as committed, does not hold any more: 3 moved"]);
    // A git that gives no answer must not let the new report stand for the old one.
    fs_err::write(scratch.root.join(".git/HEAD"), "ref: refs/heads/none\n").unwrap();
    check().expect(2).told(&["git does not say what the last commit has", "help: "]);
}

#[test]
fn mistakes_in_what_a_report_adds_are_told_with_their_places() {
    let scratch = project("  tolerance: -1\n  improvement: dep\n");
    let told = [
        "a tolerance cannot be below 0",
        "axis `model` has no value `dep`",
        "experiments/e.yaml:12:",
        "experiments/e.yaml:13:",
    ];
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(2).told(&told);
}

#[test]
fn tables_in_latex_compile_and_none_is_wider_than_the_line() {
    if !Command::new("pdflatex").arg("--version").output().is_ok_and(|said| said.status.success()) {
        eprintln!("skipped: there is no pdflatex on the path");
        return;
    }
    let scratch = project(
        "  breakdowns: [in-session, session-length]\nclaims:\n  - { text: '50% \\& more_', metric: hit@1, better: { lambda: 0.01 }, than: { lambda: 0.001 } }\n",
    );
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    scratch.sr_pipe(&["report", "experiments/e.yaml", "--format", "latex"]).expect(0);
    let paper = "\\documentclass[twocolumn]{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n\\input{results/e}\n\\end{document}\n";
    scratch.write("paper.tex", paper);
    let mut latex = Command::new("pdflatex");
    let said = latex.args(["-halt-on-error", "-interaction=nonstopmode", "paper.tex"]).current_dir(&scratch.root);
    let said = said.output().unwrap();
    let log = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success(), "{log}");
    assert!(!log.contains("Float too large"), "{log}");
    let wide = log.split("Overfull \\hbox (").skip(1).filter_map(|rest| rest.split("pt").next()?.parse::<f64>().ok());
    assert!(wide.clone().all(|points| points < 20.0), "{:?}\n{log}", wide.collect::<Vec<_>>());
}
