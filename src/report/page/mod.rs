//! A report between its records and its files: what stands in which cell, what is marked, explained, claimed, and what
//! made it. It is worked out once; a renderer of `form/` only writes it down.

mod cells;
mod table;

use std::collections::BTreeMap;

use serde_json::Value;

pub(super) use cells::statistic;
pub use cells::{Cell, Content, Mark, Number, Place, Print};
pub use table::{Align, Column, Footnotes, Holds, Row, Table};

use super::words::Words;

/// A report.
#[derive(Debug, Clone)]
pub struct Page {
    /// What its files are called, without what follows.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// Its sections, in order.
    pub sections: Vec<Section>,
    /// The cells of the grid that its numbers come from; a number names them by their place.
    pub sources: Vec<Source>,
    /// The sentences that were tested.
    pub claims: Vec<Claim>,
    /// What was looked for in the data, as it was found, by the name of the data set.
    pub audits: Vec<(String, Value)>,
    /// The protocol, each choice by its name; nothing where nothing is evaluated.
    pub protocol: Option<Value>,
    /// What made it.
    pub origin: Origin,
}

/// A part of a report.
#[derive(Debug, Clone)]
pub struct Section {
    /// What it is about.
    pub kind: Kind,
    /// What stands in it, in order.
    pub blocks: Vec<Block>,
}

/// What a section is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the experiment asks; it has no heading.
    About,
    /// The tables of the whole test sets, or of the data sets, with all that is needed to read them.
    Results,
    /// The same numbers by groups of test samples.
    Breakdowns,
    /// Figures.
    Figures,
    /// What was looked for in the data.
    Audits,
    /// Sentences and their verdicts.
    Claims,
    /// Where the numbers come from.
    Provenance,
}

impl Kind {
    /// The heading of the section.
    pub fn heading(self) -> Option<&'static str> {
        match self {
            Self::About => None,
            Self::Results => Some("Results"),
            Self::Breakdowns => Some("Breakdowns"),
            Self::Figures => Some("Figures"),
            Self::Audits => Some("Audit of the data"),
            Self::Claims => Some("Claims"),
            Self::Provenance => Some("Provenance"),
        }
    }
}

/// What a section is made of.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading inside a section, 1 below its own or 2.
    Heading(usize, Words),
    /// What must be read before the table: what it is called, and what it says.
    Warning(&'static str, Words),
    /// A paragraph of ours.
    Words(Words),
    /// Paragraphs of the experiment's author, in markdown.
    Prose(String),
    /// What is chosen, and each choice as a clause.
    Choices(Words, Vec<Words>),
    /// Lines of a list.
    List(Vec<Words>),
    /// A table.
    Table(Table),
    /// What the marks `[1]`, `[2]` of the tables above mean.
    Footnotes(Vec<Words>),
    /// A figure.
    Figure(Figure),
}

/// A figure as the page shows it.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Its number, from 1.
    pub number: usize,
    /// Its title, which stands for it where it is not shown.
    pub title: String,
    /// What it shows, after its title.
    pub caption: Words,
    /// The name of its file and the SVG in it; nothing as long as there is nothing to draw.
    pub file: Option<(String, String)>,
}

/// A cell of the grid with all its seeds, or a data set that was counted.
#[derive(Debug, Clone)]
pub struct Source {
    /// `SKNN on demo`.
    pub name: Words,
    /// Its value on each axis.
    pub coordinates: BTreeMap<String, String>,
    /// Its seeds; a data set has one entry.
    pub seeds: Vec<Seed>,
}

/// One seed of a cell, and what became of it.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The seed; nothing for a data set.
    pub seed: Option<u64>,
    /// How it ended.
    pub state: State,
    /// Why there is no number: the whole message.
    pub reason: Option<String>,
    /// Where more can be read, where it failed.
    pub log: Option<String>,
    /// Its numbers by metric or statistic, as fractions.
    pub values: Vec<(String, f64)>,
    /// The run that made it; empty where that is not on record.
    pub run: String,
    /// What it was made with and from.
    pub made: Option<Made>,
    /// The epochs of its training.
    pub curve: Vec<super::Epoch>,
}

/// How a seed of a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// With numbers.
    Done,
    /// One of its stages failed.
    Failed,
    /// It has no result, and nothing failed.
    Missing,
}

impl State {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Missing => "missing",
        }
    }
}

/// What a result was made with and from.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// When.
    pub finished: String,
    /// The commit of the working tree, where there was one.
    pub git_commit: Option<String>,
    /// Whether the working tree differed from it.
    pub git_dirty: bool,
    /// The config of the model with its defaults.
    pub config: Value,
    /// The stages that it went through, each with the digest of what that made.
    pub artifacts: Vec<(String, String)>,
}

/// A sentence and its verdict.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The sentence.
    pub text: String,
    /// Its metric: `mrr@20`.
    pub metric: String,
    /// Its verdict in a word.
    pub verdict: String,
    /// The comparisons that it is made of.
    pub parts: Vec<Part>,
    /// The place of the part that decides.
    pub deciding: Option<usize>,
    /// The data sets over which it was judged.
    pub over: Vec<String>,
    /// What else is to be said.
    pub remarks: Vec<Words>,
}

/// One comparison of a claim.
#[derive(Debug, Clone)]
pub struct Part {
    /// `MKM-SR over NARM, demo`.
    pub name: String,
    /// Its verdict in a word.
    pub verdict: String,
    /// What the verdict rests on, by name; nothing where there was nothing to compare.
    pub evidence: Option<Value>,
    /// Why there was nothing to compare, or what is odd about it.
    pub remarks: Vec<Words>,
    /// The cell that should be ahead and the one that should be behind, by their place.
    pub sides: Option<[usize; 2]>,
}

/// What made the numbers and the page.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The record of it.
    pub provenance: super::Provenance,
    /// The runs that made the numbers.
    pub runs: Vec<String>,
}

impl Page {
    /// The blocks of all sections.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.sections.iter().flat_map(|section| &section.blocks)
    }

    /// The figures that could be drawn: the name of each file and what is in it.
    pub fn figures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.blocks().filter_map(|block| match block {
            Block::Figure(figure) => figure.file.as_ref().map(|(name, svg)| (name.as_str(), svg.as_str())),
            _ => None,
        })
    }
}
