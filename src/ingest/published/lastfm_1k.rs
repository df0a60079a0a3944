//! Last.fm 1K: the listening events of a thousand users.

use super::{DataSet, Evidence, Field, File, Need, Parting, text};

const LISTENED: &[Field] = &[
    text("userid", "user_000639"),
    Field {
        name: "timestamp",
        like: "2009-01-02T03:04:05Z",
        fits: |text| text.len() == 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z'),
    },
    text("artid", "a MusicBrainz id"),
    text("artname", "A Band"),
    text("traid", "a MusicBrainz id"),
    text("traname", "A Song"),
];

/// Two files parted by tabs, without quotes.
pub(super) const LASTFM_1K: DataSet = DataSet {
    name: "lastfm-1k",
    aliases: &[],
    title: "Last.fm 1K (2010)",
    owner: "O. Celma, with permission of Last.fm",
    page: "http://ocelma.net/MusicRecommendationDataset/lastfm-1K.html",
    how: "download `lastfm-dataset-1K.tar.gz` and unpack it: a tar archive is not read as it is",
    terms: "by its README: made available for non-commercial use, under the terms of service of Last.fm",
    files: &[
        File::bare(
            "userid-timestamp-artid-artname-traid-traname.tsv",
            Parting::Tab,
            LISTENED,
            "`ingest`: the log, and title and artist of tracks",
        )
        .seen(Evidence::Owner)
        .rows(19_150_868, Evidence::Owner),
        File::tsv(
            "userid-profile.tsv",
            &["#id", "gender", "age", "country", "registered"],
            "`ingest`: what is known of users",
        )
        .need(Need::Optional)
        .rows(992, Evidence::Owner),
    ],
};
