//! Made-up raw files in the layouts of real ones, at any size, with a structure that a model can find.
//! Same request, same bytes. What was planted is written beside the files in `truth.json`, which no ingester reads.

mod amazon;
mod clicks;
mod freebase;
mod jd_micro;
mod jdata;
mod kkbox;
mod lastfm;
pub mod market;
mod movielens;
mod name;
pub(crate) mod random;
mod trivago;
mod walk;
mod write;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::diagnostic::Diagnostic;
use market::Shape;
use write::Desk;
pub use write::{Compress, Written};

/// The file that tells what was planted.
pub const TRUTH: &str = "truth.json";

/// Layouts of raw files: the one list for the stage and for the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JDATA 2019: actions in no order, products, shops, comments, users.
    Jdata,
    /// KKBOX (Kaggle): listening rows without a clock, songs, more on songs, members.
    Kkbox,
    /// trivago RecSys Challenge 2019: sessions of ten action types, and the items' properties.
    Trivago,
    /// JD micro-behaviors, Appliances and Computers: one session a line.
    JdMicro,
    /// MovieLens 20M and later: CSV files.
    Movielens,
    /// MovieLens 1M: `::` files in ISO-8859-1.
    #[serde(rename = "movielens-1m")]
    #[value(name = "movielens-1m")]
    Movielens1m,
    /// Last.fm LFM-1b: events by number.
    Lastfm,
    /// Last.fm 1K: events with names and MusicBrainz ids.
    #[serde(rename = "lastfm-1k")]
    #[value(name = "lastfm-1k")]
    Lastfm1k,
    /// Amazon books, 2014: user, item, rating, time.
    Amazon,
    /// Amazon books, 2018: item, user, rating, time.
    #[serde(rename = "amazon-2018")]
    #[value(name = "amazon-2018")]
    Amazon2018,
    /// Diginetica: views with a day and a place in their session, categories of items.
    Diginetica,
    /// Yoochoose: clicks, without a header.
    Yoochoose,
    /// The Freebase dump in N-Triples, with the links of KB4Rec; rows are lines.
    Freebase,
}

impl Format {
    /// How its files are packed where nothing is said.
    fn usual_packing(self) -> Compress {
        if self == Self::Freebase { Compress::Gz } else { Compress::None }
    }
}

/// How much is to be made up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Extent {
    /// A small log, whose every measure is given; JDATA alone has it. It is held in memory.
    Shape(Shape),
    /// So many rows of the main log; the other tables grow with it as the real ones do. It is written as it is made.
    Rows {
        /// Rows of the main log.
        rows: u64,
        /// Items, where they are not to grow with the rows.
        items: Option<usize>,
        /// Users, where they are not to grow with the rows.
        users: Option<usize>,
    },
}

/// Raw files that are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// Their layout.
    pub format: Format,
    /// Their size.
    pub extent: Extent,
    /// Same seed, same bytes.
    pub seed: u64,
    /// How they are packed; as their publisher does where nothing is said, but for archives.
    pub compress: Option<Compress>,
}

/// What was made up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The files, in the order in which they were written; the truth apart.
    pub files: Vec<Written>,
    /// Where it differs from what was asked for.
    pub remarks: Vec<String>,
}

/// Why files were not written.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// The request cannot be met.
    #[error(transparent)]
    Request(#[from] Box<Diagnostic>),
    /// A file cannot be written. Of kind `Interrupted` when the caller asked to stop.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The most rows, items or users of a request.
const MOST: u64 = 1 << 32;

/// What a format is given: the size of its tables is settled.
struct Plan {
    seed: u64,
    rows: u64,
    items: Option<usize>,
    users: Option<usize>,
}

impl Plan {
    /// The size of a table of items: as given, else in the real proportion to the rows, but no less than `least`.
    fn items(&self, real: u64, real_rows: u64, least: u64) -> usize {
        self.items.unwrap_or_else(|| in_proportion(self.rows, real, real_rows).max(least) as usize)
    }

    /// The size of a table of users, in the same way.
    fn users(&self, real: u64, real_rows: u64, least: u64) -> u64 {
        self.users.map_or_else(|| in_proportion(self.rows, real, real_rows).max(least), |users| users as u64)
    }
}

/// `rows` × `part` / `whole`, rounded.
fn in_proportion(rows: u64, part: u64, whole: u64) -> u64 {
    u64::try_from((u128::from(rows) * u128::from(part) + u128::from(whole / 2)) / u128::from(whole)).unwrap_or(u64::MAX)
}

impl Request {
    /// Finds what cannot be met, before anything is written.
    ///
    /// # Errors
    /// A count out of range, or a measure that the format does not have.
    pub fn check(&self) -> Result<(), Diagnostic> {
        let counts = match self.extent {
            Extent::Shape(_) if self.format != Format::Jdata => {
                let name = json!(self.format);
                return Err(Diagnostic::new(format!(
                    "`{}` is made up by rows only",
                    name.as_str().unwrap_or_default()
                ))
                .help("give `rows` in place of `sessions`, `days`, `noise`, `repeat` and `late`"));
            }
            Extent::Shape(shape) => {
                vec![("items", shape.items), ("users", shape.users), ("sessions", shape.sessions), ("days", shape.days)]
            }
            Extent::Rows { users: Some(_), .. } if self.format == Format::Freebase => {
                return Err(Diagnostic::new("`freebase` has no users").help("leave `users` out"));
            }
            Extent::Rows { rows, items, users } => vec![
                ("rows", usize::try_from(rows).unwrap_or(usize::MAX)),
                ("items", items.unwrap_or(1)),
                ("users", users.unwrap_or(1)),
            ],
        };
        match counts.iter().find(|(_, count)| *count == 0 || *count as u64 > MOST) {
            Some((name, count)) => {
                Err(Diagnostic::new(format!("`{name}` is {count}")).help("it must be from 1 to 2^32"))
            }
            None => Ok(()),
        }
    }
}

/// Writes the files of a request and their truth into a folder that is there. `stop` is asked now and then whether to give
/// up.
///
/// # Errors
/// When the request cannot be met or a file cannot be written; what was written so far stays.
pub fn write(folder: &Utf8Path, request: &Request, stop: &dyn Fn() -> bool) -> Result<Made, SynthError> {
    request.check().map_err(Box::new)?;
    let mut desk = Desk::new(folder, request.compress.unwrap_or(request.format.usual_packing()), stop);
    let mut truth = Map::new();
    truth.insert("version".to_owned(), json!(1));
    truth.insert("format".to_owned(), json!(request.format));
    truth.insert("seed".to_owned(), json!(request.seed));
    let found = match request.extent {
        Extent::Shape(shape) => jdata::write_shape(&mut desk, shape, request.seed)?,
        Extent::Rows { rows, items, users } => {
            let plan = Plan { seed: request.seed, rows, items, users };
            match request.format {
                Format::Jdata => jdata::write_rows(&mut desk, &plan)?,
                Format::Kkbox => kkbox::write(&mut desk, &plan)?,
                Format::Trivago => trivago::write(&mut desk, &plan)?,
                Format::JdMicro => jd_micro::write(&mut desk, &plan)?,
                Format::Movielens => movielens::write_csv(&mut desk, &plan)?,
                Format::Movielens1m => movielens::write_dat(&mut desk, &plan)?,
                Format::Lastfm => lastfm::write_lfm(&mut desk, &plan)?,
                Format::Lastfm1k => lastfm::write_1k(&mut desk, &plan)?,
                Format::Amazon => amazon::write(&mut desk, &plan, false)?,
                Format::Amazon2018 => amazon::write(&mut desk, &plan, true)?,
                Format::Diginetica => clicks::write_diginetica(&mut desk, &plan)?,
                Format::Yoochoose => clicks::write_yoochoose(&mut desk, &plan)?,
                Format::Freebase => freebase::write(&mut desk, &plan)?,
            }
        }
    };
    let files: Vec<Value> = desk
        .written
        .iter()
        .map(|file| json!({ "name": file.path.file_name(), "rows": file.rows, "bytes": file.bytes }))
        .collect();
    truth.insert("files".to_owned(), json!(files));
    let mut remarks = Vec::new();
    if let Extent::Rows { users: Some(asked), .. } = request.extent
        && found["users"] != json!(asked)
    {
        let (found, rows) = (&found["users"], &found["rows"]);
        remarks.push(format!("{found} users were made up and not {asked}, since that is what {rows} rows allow"));
    }
    if let Value::Object(found) = found {
        truth.extend(found);
    }
    let text = serde_json::to_string_pretty(&truth).map_err(std::io::Error::other)? + "\n";
    fs_err::write(folder.join(TRUTH), text)?;
    Ok(Made { files: desk.written, remarks })
}
