//! A page as JSON: numbers in full precision as fractions, each table with what its columns hold, each cell of the grid
//! with its seeds, each claim with its evidence.

use serde_json::{Map, Value, json};

use crate::report::page::{Block, Cell, Claim, Column, Content, Holds, Kind, Page, Seed, Source, Table};
use crate::report::words::Words;

/// The file.
pub(super) fn render(page: &Page) -> String {
    let in_section = |kind: Kind| {
        let sections = page.sections.iter().filter(move |section| section.kind == kind);
        sections.flat_map(|section| &section.blocks)
    };
    let prose = |kind: Kind| -> Vec<&String> {
        let blocks = in_section(kind).filter_map(|block| match block {
            Block::Prose(text) => Some(text),
            _ => None,
        });
        blocks.collect()
    };
    let warnings = page.blocks().filter_map(|block| match block {
        Block::Warning(title, words) => Some(json!({ "title": title, "text": words.plain() })),
        _ => None,
    });
    let figures = page.blocks().filter_map(|block| match block {
        Block::Figure(figure) => {
            let file = figure.file.as_ref().map(|(name, _)| name);
            Some(json!({ "title": figure.title, "caption": figure.caption.plain(), "file": file }))
        }
        _ => None,
    });
    let audits: Map<String, Value> = page.audits.iter().cloned().collect();
    let whole = json!({
        "version": super::JSON_VERSION,
        "name": page.name,
        "title": page.title,
        "about": prose(Kind::About).first(),
        "warnings": warnings.collect::<Vec<_>>(),
        "protocol": page.protocol,
        "results": section(in_section(Kind::Results)),
        "breakdowns": section(in_section(Kind::Breakdowns)),
        "notes": prose(Kind::Results),
        "claims": page.claims.iter().map(claim).collect::<Vec<_>>(),
        "figures": figures.collect::<Vec<_>>(),
        "audits": audits,
        "cells": page.sources.iter().map(source).collect::<Vec<_>>(),
        "provenance": provenance(page),
    });
    format!("{whole:#}\n")
}

/// The tables of a section, the words under them, and the footnotes that their cells name by number, from 1.
fn section<'a>(blocks: impl Iterator<Item = &'a Block>) -> Value {
    let (mut tables, mut words, mut footnotes) = (Vec::new(), Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block::Table(one) => tables.push(table(one)),
            Block::Words(line) => words.push(line.plain()),
            Block::Choices(of, clauses) => words.push(Words::sentence(of, clauses).plain()),
            Block::List(lines) => words.extend(lines.iter().map(Words::plain)),
            Block::Footnotes(texts) => footnotes = texts.iter().map(Words::plain).collect(),
            Block::Heading(..) | Block::Warning(..) | Block::Prose(_) | Block::Figure(_) => {}
        }
    }
    json!({ "tables": tables, "words": words, "footnotes": footnotes })
}

fn table(table: &Table) -> Value {
    let rows = table.rows.iter().map(|row| {
        let cells: Vec<Value> = row.cells.iter().skip(1).map(cell).collect();
        let name = row.cells.first();
        json!({
            "row": row.key,
            "title": name.map(|name| name.content.text()),
            "footnotes": name.map(|name| &name.marks),
            "apart": row.apart,
            "cells": cells,
        })
    });
    json!({
        "path": table.path,
        "columns": table.columns.iter().skip(1).map(column).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    })
}

fn column(column: &Column) -> Value {
    let title = column.names_group().map(|group| group.plain() + " ").unwrap_or_default() + &column.title.plain();
    let holds = match &column.holds {
        Holds::Ours { .. } => "ours",
        Holds::Paper => "paper",
        Holds::Difference => "difference",
        Holds::Names | Holds::Other => "other",
    };
    let mut told = json!({ "title": title, "holds": holds });
    if let Holds::Ours { column, metric, group } = &column.holds {
        told["column"] = json!(column);
        told["metric"] = json!(metric);
        told["group"] = json!(group);
    }
    told["footnotes"] = json!(column.marks);
    told
}

fn cell(cell: &Cell) -> Value {
    let mut told = json!({ "text": cell.content.text() });
    match &cell.content {
        Content::Number(number) => {
            told["value"] = json!(number.value);
            told["deviation"] = json!(number.deviation);
            if let Some(bounds) = number.bounds {
                told["bounds"] = json!(bounds);
            }
            told["place"] = json!(number.place.map(|place| place.name()));
            told["ahead_of_second"] = json!(number.ahead);
            told["behind_floor"] = json!(number.behind);
        }
        Content::Missing => told["state"] = json!("missing"),
        Content::Failed => told["state"] = json!("failed"),
        Content::Nothing | Content::Words(_) => {}
    }
    told["footnotes"] = json!(cell.marks);
    told["cell"] = json!(cell.source);
    told
}

fn claim(claim: &Claim) -> Value {
    let parts = claim.parts.iter().map(|part| {
        let sides = part.sides.map(|[better, than]| json!({ "better": better, "than": than }));
        json!({
            "name": part.name,
            "verdict": part.verdict,
            "evidence": part.evidence,
            "remarks": part.remarks.iter().map(Words::plain).collect::<Vec<_>>(),
            "cells": sides,
        })
    });
    json!({
        "text": claim.text,
        "metric": claim.metric,
        "verdict": claim.verdict,
        "over": claim.over,
        "deciding": claim.deciding,
        "parts": parts.collect::<Vec<_>>(),
        "remarks": claim.remarks.iter().map(Words::plain).collect::<Vec<_>>(),
    })
}

fn source(source: &Source) -> Value {
    json!({
        "name": source.name.plain(),
        "coordinates": source.coordinates,
        "seeds": source.seeds.iter().map(seed).collect::<Vec<_>>(),
    })
}

fn seed(seed: &Seed) -> Value {
    let values: Map<String, Value> = seed.values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut told = json!({ "seed": seed.seed, "state": seed.state.name() });
    if let Some(reason) = &seed.reason {
        told["reason"] = json!(reason);
        told["log"] = json!(seed.log);
    } else {
        told["values"] = json!(values);
        told["run"] = json!(seed.run);
    }
    if let Some(made) = &seed.made {
        let artifacts: Map<String, Value> = made.artifacts.iter().map(|(at, to)| (at.clone(), json!(to))).collect();
        told["finished"] = json!(made.finished);
        told["git_commit"] = json!(made.git_commit);
        told["git_dirty"] = json!(made.git_dirty);
        told["config"] = made.config.clone();
        told["artifacts"] = json!(artifacts);
    }
    told
}

fn provenance(page: &Page) -> Value {
    let from = &page.origin.provenance;
    let commit = from.git_commit.as_deref().map(|commit| commit.split_once(' ').map_or(commit, |(hash, _)| hash));
    json!({
        "command": from.command,
        "date": from.date,
        "tool": from.tool_version,
        "git_commit": commit,
        "git_dirty": from.git_commit.as_deref() != commit,
        "other_commits": from.other_commits,
        "experiment": { "file": from.experiment_file, "digest": from.experiment_digest },
        "protocol": from.protocol_digest,
        "datasets": from.datasets,
        "runs": page.origin.runs,
    })
}
