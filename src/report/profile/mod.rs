//! The profile of a data set: how long its sessions are, how its items are spread, what is done and when, what repeats,
//! what is cold. One page, as markdown and as HTML with plots; the same data give the same bytes.

mod html;
mod markdown;
mod measure;
mod page;
mod plot;

use std::collections::BTreeMap;

pub use measure::{Measures, PartSamples, Repeats, Samples};

/// A profile with what a reader must know of the data.
pub struct Profile<'a> {
    /// What people call the data set.
    pub name: &'a str,
    /// Whether the data were generated.
    pub synthetic: bool,
    /// What was measured.
    pub measures: &'a Measures,
    /// The stages that were read, each with the digest of what it made.
    pub stages: &'a BTreeMap<String, String>,
    /// `sr-pipe 0.1.0`.
    pub tool_version: &'a str,
}

impl Profile<'_> {
    /// The page as markdown: its tables, without plots.
    pub fn markdown(&self) -> String {
        markdown::render(&page::of(self))
    }

    /// The page as one HTML file: tables and plots.
    pub fn html(&self) -> String {
        html::render(&page::of(self))
    }
}
