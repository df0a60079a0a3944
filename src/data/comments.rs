//! `comments.parquet`: how many comments an item had gathered by a day, where a log comes with such a table.

use crate::artifact::table::{Schema, Type};

/// Columns of `comments.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "comments",
    version: 1,
    columns: &[
        ("item", Type::Int32, "row of the item in items.parquet, from 0"),
        ("time", Type::Int64, "the day's first second, in seconds since 1970, as in events.parquet"),
        ("comments", Type::Int64, "comments on that day"),
        ("good", Type::Int64, "good ones among them"),
        ("bad", Type::Int64, "bad ones among them"),
    ],
    sorted: &["item", "time"],
    open: false,
};

/// The name of the file in an artifact.
pub const FILE: &str = "comments.parquet";
