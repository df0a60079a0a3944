//! MovieLens 20M.

use super::{DataSet, Evidence, File, Need};

/// CSV files with headers.
pub(super) const MOVIELENS_20M: DataSet = DataSet {
    name: "movielens-20m",
    aliases: &["ml-20m"],
    title: "MovieLens 20M (2015)",
    owner: "GroupLens Research, University of Minnesota",
    page: "https://grouplens.org/datasets/movielens/20m/",
    how: "download `ml-20m.zip`; it is read as it is",
    terms: "by the README in the archive: research with acknowledgement, no commercial use without permission; it says \
            whether the files may be handed on",
    files: &[
        File::csv("ratings.csv", &["userId", "movieId", "rating", "timestamp"], "`ingest`: the log")
            .rows(20_000_263, Evidence::Code),
        File::csv("movies.csv", &["movieId", "title", "genres"], "`ingest`: title, year and genres of items")
            .rows(27_278, Evidence::Code),
        File::csv("links.csv", &["movieId", "imdbId", "tmdbId"], "no stage").need(Need::Unread),
        File::csv("tags.csv", &["userId", "movieId", "tag", "timestamp"], "no stage").need(Need::Unread),
    ],
};
