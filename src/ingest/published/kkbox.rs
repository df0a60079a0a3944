//! KKBOX, the Kaggle challenge of 2017.

use super::{DataSet, Evidence, File, Need};

/// Five CSV files; the log has no clock.
pub(super) const KKBOX: DataSet = DataSet {
    name: "kkbox",
    aliases: &["kkbox-n"],
    title: "KKBOX listening log (WSDM Cup 2018)",
    owner: "KKBOX, through Kaggle",
    page: "https://www.kaggle.com/c/kkbox-music-recommendation-challenge/data",
    how: "sign in, accept the rules of the competition, download; each file comes as `.7z` and is read as it is",
    terms: "the rules of the competition, which are accepted on its page: they say what the files may be used for and \
            whether they may be handed on",
    files: &[
        File::csv(
            "train.csv",
            &["msno", "song_id", "source_system_tab", "source_screen_name", "source_type", "target"],
            "`ingest`: the log",
        )
        .rows(7_377_418, Evidence::Code),
        File::csv(
            "songs.csv",
            &["song_id", "song_length", "genre_ids", "artist_name", "composer", "lyricist", "language"],
            "`ingest`: artist, genre, language and more of songs",
        )
        .rows(2_296_320, Evidence::Code),
        File::csv("song_extra_info.csv", &["song_id", "name", "isrc"], "`ingest`: name and release year of songs")
            .need(Need::Optional)
            .rows(2_295_971, Evidence::Code),
        File::csv(
            "members.csv",
            &["msno", "city", "bd", "gender", "registered_via", "registration_init_time", "expiration_date"],
            "`ingest`: what is known of users",
        )
        .need(Need::Optional)
        .rows(34_403, Evidence::File),
        File::csv(
            "test.csv",
            &["id", "msno", "song_id", "source_system_tab", "source_screen_name", "source_type"],
            "no stage: its rows lack the target and say no order",
        )
        .need(Need::Unread)
        .rows(2_556_790, Evidence::Code),
    ],
};
