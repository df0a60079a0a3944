//! LFM-1b: listening events of Last.fm. KSR calls it Music.

use super::{DataSet, Evidence, Field, File, Need, Parting, number, text};

const LISTENED: &[Field] = &[
    number("user", "31"),
    number("artist", "500"),
    number("album", "7001"),
    number("track", "90001"),
    number("time", "1388534400"),
];
const TRACK: &[Field] = &[number("track", "90001"), text("name", "A Song"), number("artist", "500")];
const ALBUM: &[Field] = &[number("album", "7001"), text("name", "An Album"), number("artist", "500")];
const ARTIST: &[Field] = &[number("artist", "500"), text("name", "A Band")];

/// Text files parted by tabs.
pub(super) const LASTFM_1B: DataSet = DataSet {
    name: "lastfm-1b",
    aliases: &["music"],
    title: "LFM-1b: a billion listening events of Last.fm",
    owner: "M. Schedl, Johannes Kepler University Linz",
    page: "http://www.cp.jku.at/datasets/LFM-1b",
    how: "by the owner's page, which may ask for a request by mail; about 8 GB",
    terms: "derived from the API of Last.fm and bound by its terms of service (no commercial use); cite the paper (Schedl, \
            ICMR 2016)",
    files: &[
        File::bare("LFM-1b_LEs.txt", Parting::Tab, LISTENED, "`ingest`: the log")
            .seen(Evidence::Owner)
            .rows(1_088_161_692, Evidence::Owner),
        File::bare("LFM-1b_tracks.txt", Parting::Tab, TRACK, "`ingest`: title of tracks")
            .need(Need::Optional)
            .seen(Evidence::Owner),
        File::bare("LFM-1b_artists.txt", Parting::Tab, ARTIST, "`ingest`: artist of tracks")
            .need(Need::Beside("LFM-1b_tracks.txt"))
            .seen(Evidence::Owner),
        File::tsv(
            "LFM-1b_users.txt",
            &["user_id", "country", "age", "gender", "playcount", "registered_unixtime"],
            "`ingest`: what is known of users",
        )
        .need(Need::Optional)
        .seen(Evidence::Code)
        .rows(120_322, Evidence::Owner),
        File::bare("LFM-1b_albums.txt", Parting::Tab, ALBUM, "no stage").need(Need::Unread).seen(Evidence::Owner),
    ],
};
