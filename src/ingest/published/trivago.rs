//! trivago, the RecSys Challenge of 2019.

use super::{DataSet, Evidence, File, Need};

const EVENT: &[&str] = &[
    "user_id",
    "session_id",
    "timestamp",
    "step",
    "action_type",
    "reference",
    "platform",
    "city",
    "device",
    "current_filters",
    "impressions",
    "prices",
];

/// Version 2, of 2019-03-26.
pub(super) const TRIVAGO: DataSet = DataSet {
    name: "trivago",
    aliases: &[],
    title: "trivago (RecSys Challenge 2019, version 2 of 2019-03-26)",
    owner: "trivago",
    page: "https://recsys.trivago.cloud/challenge/dataset/",
    how: "make an account, agree to the terms, download the archive; it is read as it is",
    terms: "the terms and conditions of the challenge, which are accepted with the account",
    files: &[
        File::csv("train.csv", EVENT, "`ingest`: the log").rows(15_932_992, Evidence::Code),
        File::csv("item_metadata.csv", &["item_id", "properties"], "`ingest`: properties of items")
            .need(Need::Optional)
            .rows(927_142, Evidence::Code),
        File::csv("test.csv", EVENT, "no stage: its targets were held back").need(Need::Unread),
    ],
};
