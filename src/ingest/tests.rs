//! Runs a format over files that are given as bytes, and every format over bytes that nobody meant.

use std::collections::BTreeMap;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::artifact::table::{self, Text};
use crate::data::events::{EventReader, Meta, NONE};
use crate::data::items::Items;
use crate::data::names::{GIVEN_SESSIONS, OPERATIONS, USERS};
use crate::engine::stage::Share;

/// What a format made, with names instead of numbers.
#[derive(Debug)]
pub(super) struct Ingested {
    /// (user, session, item, operation, time, row), in the order of the rows.
    pub(super) events: Vec<(String, String, String, String, i64, u32)>,
    /// The part of each event.
    pub(super) parts: Vec<Option<crate::data::events::Given>>,
    /// The place of each event in its session.
    pub(super) orders: Vec<Option<u32>>,
    pub(super) items: Items,
    pub(super) users: Text,
    /// What is known of users.
    pub(super) people: Vec<(String, Text)>,
    pub(super) meta: Meta,
    /// File, line, column, reason of each rejected row.
    pub(super) rejected: Vec<(String, i64, i64, String)>,
    pub(super) notes: BTreeMap<String, Value>,
}

/// Runs a format over files.
pub(super) fn ingested(format: Format, options: &Options, files: &[(&str, &[u8])]) -> Result<Ingested, StageError> {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    let (raw, output) = (root.join("raw"), root.join("output"));
    for (name, text) in files {
        let path = raw.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    fs_err::create_dir_all(&raw).unwrap();
    fs_err::create_dir_all(&output).unwrap();
    let task = Task {
        inputs: BTreeMap::from([("from".to_owned(), raw)]),
        output: output.clone(),
        scratch: root.clone(),
        log: root.join("log"),
        threads: 3,
        share: Share::default(),
        progress: &|_| {},
        stop: &|| false,
        notes: Mutex::default(),
        taken: Mutex::default(),
    };
    format.ingest(&task, options)?;
    let notes = task.notes.into_inner().unwrap();
    Ok(Ingested { notes, ..made(&output) })
}

/// What lies in an artifact of events.
fn made(output: &Utf8Path) -> Ingested {
    let items = Items::read(&output.join(crate::data::items::FILE)).unwrap();
    let [users, operations, sessions] = [USERS, OPERATIONS, GIVEN_SESSIONS].map(|table| table.read(output).unwrap());
    let people = table::read(&output.join(USERS.file), &USERS.schema).unwrap().further();
    let name =
        |names: &Text, number: u32| if number == NONE { "-".into() } else { names.at(number as usize).to_owned() };
    let mut read: Vec<_> = EventReader::open(output).unwrap().flat_map(Result::unwrap).collect();
    read.sort_by_key(|event| event.row);
    let events = read.iter().map(|event| {
        (
            name(&users, event.user),
            name(&sessions, event.session),
            name(&items.item, event.item),
            name(&operations, event.operation.into()),
            event.time,
            event.row,
        )
    });
    let mut table = table::read(&output.join(REJECTED), &REJECTED_SCHEMA).unwrap();
    let (files, lines, columns) = (table.text("file"), table.int64("line"), table.int64("column"));
    let reasons = table.text("reason");
    let rejected =
        (0..lines.len()).map(|row| (files.at(row).to_owned(), lines[row], columns[row], reasons.at(row).to_owned()));
    Ingested {
        events: events.collect(),
        parts: read.iter().map(|event| event.part).collect(),
        orders: read.iter().map(|event| Some(event.order).filter(|order| *order != NONE)).collect(),
        meta: Meta::read(output).unwrap(),
        rejected: rejected.collect(),
        notes: BTreeMap::new(),
        users,
        people,
        items,
    }
}

/// Sound files of a format, each with a row or two: what is broken below.
fn sound(format: Format) -> Vec<Vec<(&'static str, &'static [u8])>> {
    match format {
        Format::Jdata => vec![vec![
            ("jdata_action.csv", b"user_id,sku_id,action_time,module_id,type\n9,4,2018-03-05 09:15:02,6,1\n"),
            ("jdata_product.csv", b"sku_id,brand,shop_id,cate,market_time\n4,5.0,7,12,2016-09-01 10:00:00.0\n"),
            ("jdata_user.csv", b"user_id,age,sex,user_reg_tm,user_lv_cd,city_level,province,city,county\n9,4.0,1,2013-02-03 11:22:33.0,5,3,1,2,3\n"),
        ]],
        Format::MkmDemo => vec![vec![
            ("train.csv", b"action_time,user_id,sku_id,type,sessionId,index\n2018-03-01 00:00:06,5,70,1,42,1.0\n"),
            ("test.csv", b"action_time,user_id,sku_id,type,sessionId,index\n2018-03-03 07:12:44,6,71,2,43,1.0\n"),
            ("no_new_item/relation2id", b"relation\tid\nitem-brand\t1\n"),
            ("no_new_item/entity2id", b"entity\tid\ttype\n70\t1\titem\n9\t3\tbrand\n"),
            ("no_new_item/kg2id", b"head\ttail\trelation\n1\t3\t1\n"),
        ]],
        Format::Kkbox => vec![vec![
            ("train.csv", b"msno,song_id,source_system_tab,source_screen_name,source_type,target\nu,s,search,null,song,1\n"),
            ("songs.csv", b"song_id,song_length,genre_ids,artist_name,composer,lyricist,language\ns,20,4|1,\"A, \"\"B\",E|  F,,52.0\n"),
            ("song_extra_info.csv", b"song_id,name,isrc\ns,\"one\ntwo\",USXYZ1700042\n"),
            ("members.csv", b"msno,city,bd,gender,registered_via,registration_init_time,expiration_date\nu,1,0,,7,20110820,19700101\n"),
        ]],
        Format::Trivago => vec![vec![
            (
                "train.csv",
                b"user_id,session_id,timestamp,step,action_type,reference\nU,s,1541030455,3,clickout item,701\nU,s,1,4,search for poi,\"x, y\"\n",
            ),
            ("item_metadata.csv", b"item_id,properties\n701,Hotel|4 Star\n"),
        ]],
        Format::JdMicro => vec![vec![("log", b"5550001+5+753+12+40 77700000001+10+753+28+40\n1+5+7+1+1\n")]],
        Format::Movielens => vec![
            vec![
                ("ratings.dat", b"12::3405::4::965330001\n"),
                ("movies.dat", b"3405::Mis\xe9rables (1995)::Drama|Musical\n"),
                ("users.dat", b"12::F::25::10::48067\n"),
            ],
            vec![
                ("ratings.csv", b"userId,movieId,rating,timestamp\n1,7,3.5,1112486027\n"),
                ("movies.csv", b"movieId,title,genres\n7,\"President, The (1995)\",(no genres listed)\n"),
            ],
        ],
        Format::Lastfm => vec![
            vec![
                ("LFM-1b_LEs.txt", b"31\t500\t7001\t90001\t1388534400\n"),
                ("LFM-1b_tracks.txt", b"90001\t\"Heroes\"\t500\n"),
                ("LFM-1b_artists.txt", b"500\tX\n"),
                ("LFM-1b_users.txt", b"user_id\tcountry\tage\tgender\tplaycount\tregistered_unixtime\n31\t\t-1\tn\t1\t9\n"),
            ],
            vec![
                ("userid-timestamp-artid-artname-traid-traname.tsv", b"u\t2009-01-02T03:04:05Z\t\tA\t\tB\n"),
                ("userid-profile.tsv", b"#id\tgender\tage\tcountry\tregistered\nu\tm\t\tX\tAug 13, 2006\n"),
            ],
        ],
        Format::Amazon => vec![vec![("Books.csv", b"000999999X,A0USER0000001,5.0,1357516800\n")]],
        Format::Table => vec![vec![
            ("log.csv", b"s;u;i;o;d;ms\n1;NA;7;view;2016-05-09;526309\n"),
            ("items.csv", b"i,c\n7,\"a,b\"\n"),
        ]],
    }
}

fn table() -> Mapping {
    let time = json!({ "day": { "date": "d", "milliseconds": "ms" } });
    let columns = json!({ "session": "s", "user": "u", "item": "i", "operation": "o", "time": time });
    let items = json!({ "file": "items.csv", "name": "i", "attributes": { "category": "c" } });
    let mapping = json!({ "log": "log.csv", "layout": { "delimiter": ";" }, "columns": columns, "missing": ["NA"], "items": items });
    serde_json::from_value(mapping).unwrap()
}

/// A stretch of a file and what is put in its place.
fn edit() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let byte = prop_oneof![prop::sample::select(b"\"\"\n\r,;\t:|+.-0".to_vec()), any::<u8>(),];
    (any::<prop::sample::Index>(), 0..6_usize, proptest::collection::vec(byte, 0..8))
}

#[test]
fn sound_files_are_read_by_every_format() {
    let options = Options { table: Some(table()), ..Options::default() };
    for format in Format::ALL {
        for files in sound(*format) {
            let made = ingested(*format, &options, &files).unwrap_or_else(|error| panic!("{format:?}: {error}"));
            assert!(!made.events.is_empty() && !made.items.item.is_empty(), "{format:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever stands in the files, a format ends with an answer: what it read, or what is wrong.
    #[test]
    fn no_bytes_make_a_format_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), edit()), 0..6),
        strict in any::<bool>(),
    ) {
        let bad_rows = if strict { BadRows::Strict } else { BadRows::Quarantine(Quarantine { at_most: 1.0 }) };
        let options = Options { bad_rows, table: Some(table()), ..Options::default() };
        for format in Format::ALL {
            for files in sound(*format) {
                let mut files: Vec<(&str, Vec<u8>)> =
                    files.into_iter().map(|(name, bytes)| (name, bytes.to_vec())).collect();
                for (file, (at, length, bytes)) in &edits {
                    let place = file.index(files.len());
                    let text = &mut files[place].1;
                    let start = at.index(text.len() + 1);
                    let end = (start + length).min(text.len());
                    text.splice(start..end, bytes.iter().copied());
                }
                let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
                match ingested(*format, &options, &files) {
                    Ok(_) | Err(StageError::Data(_)) => {}
                    // A file that begins as an archive does and is none.
                    Err(StageError::Io(error)) => prop_assert!(error.to_string().contains("help"), "{error}"),
                    Err(error) => prop_assert!(false, "{format:?}: {error}"),
                }
            }
        }
    }
}
