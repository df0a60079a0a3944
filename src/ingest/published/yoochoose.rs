//! Yoochoose, of the RecSys Challenge of 2015.

use super::{DataSet, Evidence, Field, File, Need, Parting, number, text};

const TIME: Field = Field {
    name: "time",
    like: "2014-05-06T07:08:09.010Z",
    fits: |text| text.len() == 24 && text.as_bytes()[10] == b'T' && text.ends_with('Z'),
};
const CLICK: &[Field] = &[number("session", "17"), TIME, number("item", "214500000"), text("category", "0")];
const BUY: &[Field] =
    &[number("session", "17"), TIME, number("item", "214500000"), number("price", "1200"), number("quantity", "1")];

/// Clicks, parted by commas and without a header.
pub(super) const YOOCHOOSE: DataSet = DataSet {
    name: "yoochoose",
    aliases: &["rsc15"],
    title: "Yoochoose (RecSys Challenge 2015)",
    owner: "YOOCHOOSE GmbH",
    page: "https://recsys.acm.org/recsys15/challenge/",
    how: "download `yoochoose-data.7z`; it is read as it is",
    terms: "by the README in the archive: Creative Commons BY-NC-ND 4.0",
    files: &[
        File::bare("yoochoose-clicks.dat", Parting::Comma, CLICK, "`ingest`: the log")
            .seen(Evidence::Owner)
            .rows(33_003_944, Evidence::Code),
        File::bare("yoochoose-buys.dat", Parting::Comma, BUY, "no stage: nobody recommends from them")
            .need(Need::Unread)
            .seen(Evidence::Owner)
            .rows(1_150_753, Evidence::Code),
    ],
};
