//! KB4Rec: which entity of Freebase an item of three data sets is.

use super::{DataSet, Evidence, Field, File, Need, Parting, number};

const ENTITY: Field =
    Field { name: "entity", like: "m.0zz001", fits: |text| text.starts_with("m.") || text.starts_with("g.") };
const BY_NUMBER: &[Field] = &[number("item", "7"), ENTITY];
const BY_TEXT: &[Field] =
    &[Field { name: "item", like: "000999999X", fits: |text| text.len() == 10 && text.is_ascii() }, ENTITY];

/// One file for each data set, with CRLF line ends.
pub(super) const KB4REC: DataSet = DataSet {
    name: "kb4rec",
    aliases: &[],
    title: "KB4Rec 1.0: links of items to Freebase",
    owner: "RUCAIBox, Renmin University of China (W. X. Zhao and others)",
    page: "https://github.com/RUCAIBox/KB4Rec",
    how: "the README of the repository says how; earlier the files were sent on request by mail",
    terms: "its licence agreement: for non-commercial use, with a citation of KB4Rec; not to be handed on",
    files: &[
        File::bare("ml2fb.txt", Parting::Tab, BY_NUMBER, "`link`: films of MovieLens 1M and 20M")
            .need(Need::OneOf)
            .rows(25_982, Evidence::File),
        File::bare("lfb2fb.txt", Parting::Tab, BY_NUMBER, "`link`: tracks of LFM-1b")
            .need(Need::OneOf)
            .seen(Evidence::Owner)
            .rows(1_254_923, Evidence::Owner),
        File::bare("ab2fb.txt", Parting::Tab, BY_TEXT, "`link`: books of Amazon")
            .need(Need::OneOf)
            .rows(109_671, Evidence::File),
    ],
};
