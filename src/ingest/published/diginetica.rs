//! Diginetica, of the CIKM Cup of 2016.

use super::{DataSet, Evidence, File, Need};

const VIEW: &[&str] = &["sessionId", "userId", "itemId", "timeframe", "eventdate"];

/// The views of products, and what is known of these; parted by semicolons.
pub(super) const DIGINETICA: DataSet = DataSet {
    name: "diginetica",
    aliases: &[],
    title: "Diginetica (CIKM Cup 2016, Track 2)",
    owner: "DIGINETICA",
    page: "https://competitions.codalab.org/competitions/11161",
    how: "make an account, agree to the terms, download `dataset-train-diginetica.zip`; it is read as it is",
    terms: "the terms and conditions of the challenge, which are accepted with the account",
    files: &[
        File::semicolons("train-item-views.csv", VIEW, "`ingest`: the log")
            .rows(1_235_380, Evidence::Code)
            .seen(Evidence::Code),
        File::semicolons("product-categories.csv", &["itemId", "categoryId"], "`ingest`: categories of items")
            .seen(Evidence::Code)
            .need(Need::Optional),
    ],
};
