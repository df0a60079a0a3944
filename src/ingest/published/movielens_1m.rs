//! MovieLens 1M.

use super::{DataSet, Evidence, Field, File, Need, Parting, number, text};

const RATING: &[Field] =
    &[number("user", "12"), number("movie", "3405"), number("rating", "4"), number("time", "965330001")];
const MOVIE: &[Field] = &[number("movie", "7"), text("title", "A Title (1995)"), text("genres", "Comedy|Drama")];
const USER: &[Field] = &[
    number("user", "12"),
    Field { name: "gender", like: "F", fits: |text| matches!(text, "F" | "M") },
    number("age", "25"),
    number("occupation", "7"),
    text("zip", "55455"),
];

/// Three files parted by `::`, in ISO-8859-1.
pub(super) const MOVIELENS_1M: DataSet = DataSet {
    name: "movielens-1m",
    aliases: &["ml-1m"],
    title: "MovieLens 1M (2003)",
    owner: "GroupLens Research, University of Minnesota",
    page: "https://grouplens.org/datasets/movielens/1m/",
    how: "download `ml-1m.zip`; it is read as it is",
    terms: "by the README in the archive: research with acknowledgement; no handing on without permission, no commercial \
            use without permission",
    files: &[
        File::bare("ratings.dat", Parting::TwoColons, RATING, "`ingest`: the log").rows(1_000_209, Evidence::Owner),
        File::bare("movies.dat", Parting::TwoColons, MOVIE, "`ingest`: title, year and genres of items")
            .rows(3883, Evidence::File),
        File::bare("users.dat", Parting::TwoColons, USER, "`ingest`: what is known of users")
            .need(Need::Optional)
            .rows(6040, Evidence::File),
    ],
};
