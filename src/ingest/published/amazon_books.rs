//! Ratings of books at Amazon. KSR calls it Book.

use super::{DataSet, Evidence, Field, File, Need, Parting, number};

const USER: Field = Field {
    name: "user",
    like: "A0USER0000001",
    fits: |text| {
        matches!(text.len(), 11..=16) && text.starts_with('A') && text.bytes().all(|b| b.is_ascii_alphanumeric())
    },
};
const ITEM: Field = Field {
    name: "item",
    like: "0009999990",
    fits: |text| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
};
const RATING: Field = Field { name: "rating", like: "5.0", fits: |text| text.parse::<f32>().is_ok() };
const TIME: Field = number("timestamp", "1357516800");

/// One file; the release of 2014 is the one that KB4Rec links.
pub(super) const AMAZON_BOOKS: DataSet = DataSet {
    name: "amazon-books",
    aliases: &["book"],
    title: "Amazon product data, ratings of books (2014, and 2018)",
    owner: "J. McAuley, University of California San Diego",
    page: "http://jmcauley.ucsd.edu/data/amazon/",
    how: "take `ratings only` of the category Books; KSR and KB4Rec use the release of 2014",
    terms: "by the owner's page: for research; cite the papers that it names",
    files: &[
        File::bare(
            "ratings_Books.csv",
            Parting::Comma,
            &[USER, ITEM, RATING, TIME],
            "`ingest`: the log, release of 2014",
        )
        .need(Need::OneOf)
        .seen(Evidence::Code)
        .rows(22_507_155, Evidence::Code),
        File::bare("Books.csv", Parting::Comma, &[ITEM, USER, RATING, TIME], "`ingest`: the log, release of 2018")
            .need(Need::OneOf)
            .seen(Evidence::Code),
    ],
};
