//! The forms of one page: nothing of it is lost, and what people write breaks none of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{json, latex, markdown};
use crate::report::Provenance;
use crate::report::page::{
    Align, Block, Cell, Claim, Column, Content, Footnotes, Holds, Kind, Made, Number, Origin, Page, Part, Place, Print,
    Row, Section, Seed, Source, State, Table,
};

/// What a person may write anywhere.
const ODD: &str = "</title><script>alert(1)</script> [a] & 50% \\x_{i} \"q\" | *";

fn provenance() -> Provenance {
    Provenance {
        experiment_file: "experiments/e.yaml".to_owned(),
        experiment_digest: "e0e0".to_owned(),
        protocol_digest: "f1f1".to_owned(),
        datasets: BTreeMap::from([("demo".to_owned(), "d2d2".to_owned())]),
        tool_version: "sr-pipe 0.1.0".to_owned(),
        git_commit: Some("abc123".to_owned()),
        other_commits: Vec::new(),
        command: "sr-pipe run experiments/e.yaml".to_owned(),
        date: "2026-01-02".to_owned(),
    }
}

/// Two models on one data set, the second failed, the first beside the paper's number; one claim.
pub(super) fn page() -> Page {
    let mut footnotes = Footnotes::default();
    let holds = Holds::Ours { column: "demo".to_owned(), metric: Some("hit@20".to_owned()), group: None };
    let mut columns = vec![
        Column::new("model", Align::Left, Holds::Names),
        Column::new("Hit@20", Align::Right, holds),
        Column::new("paper", Align::Right, Holds::Paper),
        Column::new("Δ", Align::Right, Holds::Difference),
    ];
    columns[1..].iter_mut().for_each(|column| column.group = Some("demo".into()));
    let number = Number {
        deviation: Some(0.0041),
        place: Some(Place::First),
        behind: true,
        ..Number::new(0.206_312_345, Print::Percent)
    };
    let mut first = Row::named("odd", Cell::words(ODD));
    first.cells.push(Cell::new(Content::Number(number)).from(Some(0)));
    first.cells.push(Cell::number(Some(0.2), Print::Percent));
    first.cells.push(Cell::number(Some(0.006_312_345), Print::Points));
    let mut second = Row::named("b", Cell::words("B"));
    let why = footnotes.mark(format!("B on demo: seed 1 failed: {ODD}."));
    second.cells.push(Cell::new(Content::Failed).marked(Some(why)).from(Some(1)));
    second.cells.extend([Cell::number(None, Print::Percent), Cell::number(None, Print::Points)]);
    let table = Table { path: Vec::new(), columns, rows: vec![first, second] };
    let results = [Block::Warning("Synthetic data", "demo was made up.".into()), Block::Table(table)];
    let results: Vec<Block> = results.into_iter().chain(footnotes.block()).collect();
    let made = Made {
        finished: "2026-01-02".to_owned(),
        git_commit: Some("abc123".to_owned()),
        git_dirty: true,
        config: json!({ "dimension": 100 }),
        artifacts: vec![("ranks".to_owned(), "a1a1".to_owned())],
    };
    let seed = |state, reason: Option<&str>| Seed {
        seed: Some(1),
        state,
        reason: reason.map(str::to_owned),
        log: None,
        values: Vec::new(),
        run: "15".to_owned(),
        made: None,
        curve: Vec::new(),
    };
    let done = Seed { values: vec![("hit@20".to_owned(), 0.206_312_345)], made: Some(made), ..seed(State::Done, None) };
    let source = |model: &str, seed: Seed| Source {
        name: format!("{model} on demo").into(),
        coordinates: BTreeMap::from([("model".to_owned(), model.to_owned())]),
        seeds: vec![seed],
    };
    let part = Part {
        name: "odd over B, demo".to_owned(),
        verdict: "undecided".to_owned(),
        evidence: None,
        remarks: vec![ODD.into()],
        sides: Some([0, 1]),
    };
    let claim = Claim {
        text: ODD.to_owned(),
        metric: "hit@20".to_owned(),
        verdict: "undecided".to_owned(),
        parts: vec![part],
        deciding: Some(0),
        over: vec!["demo".to_owned()],
        remarks: Vec::new(),
    };
    Page {
        name: "e".to_owned(),
        title: ODD.to_owned(),
        sections: vec![
            Section { kind: Kind::About, blocks: vec![Block::Prose(ODD.to_owned())] },
            Section { kind: Kind::Results, blocks: results },
        ],
        sources: vec![source("odd", done), source("b", seed(State::Failed, Some(ODD)))],
        claims: vec![claim],
        audits: vec![("demo".to_owned(), json!({ "missing": "did not run" }))],
        protocol: Some(json!({ "ties": "mean" })),
        origin: Origin { provenance: provenance(), runs: vec!["15".to_owned()] },
    }
}

#[test]
fn markdown_shows_the_marks_of_a_number_and_the_reason_of_a_gap() {
    let text = markdown(&page());
    for part in [
        "> **Synthetic data.** demo was made up.",
        "**20.63 ± 0.41** † | 20.00 | +0.63 |",
        "failed [1] |",
        "- [1] B on demo",
    ] {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

#[test]
fn json_has_every_number_in_full_and_says_what_it_is() {
    let page = page();
    let read: Value = serde_json::from_str(&json(&page)).unwrap();
    assert_eq!(read["version"], 1);
    let table = &read["results"]["tables"][0];
    assert_eq!(table["columns"][0]["metric"], "hit@20");
    assert_eq!([&table["columns"][1]["holds"], &table["columns"][2]["holds"]], ["paper", "difference"]);
    let cell = &table["rows"][0]["cells"][0];
    assert_eq!((cell["value"].as_f64(), cell["deviation"].as_f64()), (Some(0.206_312_345), Some(0.0041)));
    assert_eq!((&cell["place"], &cell["behind_floor"], &cell["cell"]), (&json!("best"), &json!(true), &json!(0)));
    let failed = &table["rows"][1]["cells"][0];
    assert_eq!((&failed["state"], &failed["footnotes"]), (&json!("failed"), &json!([1])));
    assert_eq!(read["cells"][1]["seeds"][0]["reason"], ODD);
    let seed = &read["cells"][0]["seeds"][0];
    assert_eq!((&seed["values"]["hit@20"], &seed["config"]["dimension"]), (&json!(0.206_312_345), &json!(100)));
    assert_eq!((&seed["artifacts"]["ranks"], &seed["git_dirty"]), (&json!("a1a1"), &json!(true)));
    assert_eq!(read["claims"][0]["parts"][0]["cells"], json!({ "better": 0, "than": 1 }));
    assert_eq!(read["provenance"]["experiment"], json!({ "file": "experiments/e.yaml", "digest": "e0e0" }));
}

#[test]
fn latex_has_a_table_that_stands_by_itself() {
    let text = latex(&page());
    for part in [
        "%   experiment: experiments/e.yaml e0e0",
        "\\srpfit{\\begin{tabular}{p{0.60\\linewidth}rrr}",
        " & \\multicolumn{3}{c}{demo} \\\\\n    \\cmidrule(lr){2-4}",
        "model & Hit@20 & paper & $\\Delta$ \\\\",
        " & \\textbf{20.63 $\\pm$ 0.41}$^\\dagger$ & 20.00 & +0.63 \\\\",
        "{\\raggedright B\\par} & failed\\textsuperscript{1} & -- & -- \\\\",
        "\\textsuperscript{1}B on demo: seed 1 failed: ",
        "\\emph{Synthetic data:} demo was made up.",
        "\\label{tab:e}",
    ] {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

/// Whether braces that are no letters come in pairs.
fn balanced(text: &str) -> bool {
    let (mut depth, mut letters) = (0_i32, text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

#[test]
fn what_people_write_is_no_command_in_latex() {
    let text = latex(&page());
    let odd = "\\textless{}/title\\textgreater{}\\textless{}script\\textgreater{}alert(1)\\textless{}/script\\textgreater{} \
               {[}a{]} \\& 50\\% \\textbackslash{}x\\_\\{i\\} ''q'' \\textbar{} {*}";
    assert!(text.contains(&format!("    {{\\raggedright {odd}\\par}} & ")), "{text}");
    assert!(balanced(&text), "{text}");
    let rows = text.lines().filter(|line| line.ends_with("\\\\") && !line.contains("multicolumn"));
    let counts: Vec<usize> = rows.map(|row| row.replace("\\&", "").matches('&').count()).collect();
    assert_eq!(counts, [3, 3, 3]);
}
