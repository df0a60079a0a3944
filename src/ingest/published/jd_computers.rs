//! JD micro-behaviors in the category Computers (WSDM 2020).

use super::{DataSet, Evidence, File, JD_SESSION, Parting, Unit};

/// One file, one session a line.
pub(super) const JD_COMPUTERS: DataSet = DataSet {
    name: "jd-computers",
    aliases: &[],
    title: "JD micro-behaviors, Computers (WSDM 2020)",
    owner: "JD.com; Y. Gu and others, the authors of HUP",
    page: "https://github.com/guyulongcs/WSDM2020_HUP",
    how: "the README of the repository links to the full files on Google Drive; the repository itself has samples only",
    terms: "by that README for research only; cite the paper (Hierarchical User Profiling, WSDM 2020)",
    files: &[File {
        also: &["computers"],
        unit: Unit::Behaviors,
        published: Some((88_766_833, Evidence::Owner)),
        ..File::bare("JD_Computers", Parting::Line, JD_SESSION, "`ingest`: the log")
    }],
};
