//! The last dump of Freebase.

use super::{DataSet, Evidence, Field, File, Parting};

const STATEMENT: &[Field] = &[Field {
    name: "statement",
    like: "<http://rdf.freebase.com/ns/m.0aaa01>\t<…/ns/film.film.directed_by>\t<…/ns/m.0bbb02>\t.",
    fits: |line| {
        let parts: Vec<&str> = line.split('\t').collect();
        matches!(parts[..], [subject, relation, _, "."] if subject.starts_with('<') && relation.starts_with('<'))
    },
}];

/// One gzip stream of N-Triples.
pub(super) const FREEBASE: DataSet = DataSet {
    name: "freebase",
    aliases: &[],
    title: "Freebase RDF dump (2015-08-09)",
    owner: "Google",
    page: "https://developers.google.com/freebase",
    how: "download the dump of all triples; it is read as it is, and it should not be unpacked: that takes 400 GB",
    terms: "CC-BY 2.5: may be used and handed on with attribution",
    files: &[File {
        also: &["freebase-rdf"],
        ..File::bare(
            "freebase-rdf-latest",
            Parting::Line,
            STATEMENT,
            "`extract_triples`, `link` by title: more than 1.9 billion triples",
        )
        .seen(Evidence::File)
        .bytes("gzip", 32_191_685_487)
    }],
};
