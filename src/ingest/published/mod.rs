//! What publishers give out: for each data set of the papers its files, their columns and row counts, who owns them, where
//! a person gets them and under which terms. One file a data set; `look.rs` compares a folder with it.

mod amazon_books;
mod count;
mod diginetica;
mod freebase;
mod jd_appliances;
mod jd_computers;
mod jdata;
mod kb4rec;
mod kkbox;
mod lastfm_1b;
mod lastfm_1k;
mod look;
mod mkm_demo;
mod movielens_1m;
mod movielens_20m;
mod problem;
mod trivago;
mod yoochoose;

pub use look::{FileLook, Lies, Look, Looking, look};
pub use problem::Problem;

use super::raw::{Delimiter, Encoding, Form, Header};

/// The data sets of the papers, and of those of their baselines.
pub const DATA_SETS: &[&DataSet] = &[
    &kkbox::KKBOX,
    &jdata::JDATA,
    &mkm_demo::MKM_DEMO,
    &jd_appliances::JD_APPLIANCES,
    &jd_computers::JD_COMPUTERS,
    &trivago::TRIVAGO,
    &movielens_1m::MOVIELENS_1M,
    &movielens_20m::MOVIELENS_20M,
    &lastfm_1b::LASTFM_1B,
    &lastfm_1k::LASTFM_1K,
    &amazon_books::AMAZON_BOOKS,
    &freebase::FREEBASE,
    &kb4rec::KB4REC,
    &diginetica::DIGINETICA,
    &yoochoose::YOOCHOOSE,
];

/// What one publisher gives out.
#[derive(Debug)]
pub struct DataSet {
    /// What it is called here.
    pub name: &'static str,
    /// What the papers call it, where that differs.
    pub aliases: &'static [&'static str],
    /// What it is.
    pub title: &'static str,
    /// Who gives it out.
    pub owner: &'static str,
    /// The owner's page.
    pub page: &'static str,
    /// How a person gets it there.
    pub how: &'static str,
    /// Under which terms.
    pub terms: &'static str,
    /// Its files.
    pub files: &'static [File],
}

impl DataSet {
    /// The data set of this name, or of this name in the papers.
    pub fn named(name: &str) -> Option<&'static Self> {
        DATA_SETS.iter().copied().find(|set| set.name == name || set.aliases.contains(&name))
    }
}

/// A file that a publisher gives out.
#[derive(Debug)]
pub struct File {
    /// Its name, without the ending of a container.
    pub name: &'static str,
    /// Pieces of the names, in small letters, under which it is known too, where its publisher gives it several.
    pub also: &'static [&'static str],
    /// Whether it must be there.
    pub need: Need,
    /// Which stage reads it, and what for.
    pub gives: &'static str,
    /// What its text looks like.
    pub layout: Layout,
    /// Where the layout was seen.
    pub seen: Evidence,
    /// What is counted.
    pub unit: Unit,
    /// How many of them its publisher gives out, and who says so.
    pub published: Option<(u64, Evidence)>,
    /// Its size as it is given out: the packing, as [`Lies::packing`] calls it, and bytes.
    pub bytes: Option<(&'static str, u64)>,
}

/// Whether a file must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Needed,
    /// One of the files that are so marked must.
    OneOf,
    /// It must where this other file is.
    Beside(&'static str),
    /// It is read where it is there.
    Optional,
    /// No stage reads it.
    Unread,
}

impl Need {
    /// In a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::OneOf => "one of",
            Self::Beside(_) => "with others",
            Self::Optional => "optional",
            Self::Unread => "not read",
        }
    }
}

/// How well a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Seen in the real file.
    File,
    /// Seen in public code that reads it, or in what such code printed.
    Code,
    /// The owner says so.
    Owner,
}

impl Evidence {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::File => "seen in the real file",
            Self::Code => "from public code that reads it",
            Self::Owner => "by the owner's description",
        }
    }
}

/// What is counted in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Rows below the header, blank lines apart.
    Rows,
    /// Words of rows, parted by blanks: micro-behaviors of sessions that have a line each.
    Behaviors,
}

impl Unit {
    /// What they are called.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Behaviors => "micro-behaviors",
        }
    }
}

/// What the text of a file looks like.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// The first row names these columns, in this order.
    Headed(Parting, &'static [&'static str]),
    /// There is no header; each row has these fields.
    Bare(Parting, &'static [Field]),
}

/// What parts the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// A comma; fields may stand in quotes.
    Comma,
    /// A semicolon.
    Semicolon,
    /// A tab.
    Tab,
    /// Two colons.
    TwoColons,
    /// Nothing: the line is one field.
    Line,
}

/// A field of a file without a header.
#[derive(Debug)]
pub struct Field {
    /// What it holds.
    pub name: &'static str,
    /// What it looks like.
    pub like: &'static str,
    /// Whether a value looks so.
    pub fits: fn(&str) -> bool,
}

/// A field that holds a whole number.
const fn number(name: &'static str, like: &'static str) -> Field {
    Field { name, like, fits: |text| text.strip_prefix('-').unwrap_or(text).parse::<u64>().is_ok() }
}

/// A field that holds any text.
const fn text(name: &'static str, like: &'static str) -> Field {
    Field { name, like, fits: |_| true }
}

/// The session of a line: `sku+behavior+category+interval+dwell`, parted by blanks.
const JD_SESSION: &[Field] = &[Field {
    name: "session",
    like: "5550001+5+753+12+40 5550001+6+753+28+40",
    fits: |line| {
        let number = |field: &str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
        line.split(' ')
            .filter(|word| !word.is_empty())
            .all(|word| word.split('+').count() == 5 && word.split('+').all(number))
    },
}];

impl Layout {
    /// The form in which the blocks of such a file are cut.
    fn form(self) -> Form<'static> {
        let parting = match self {
            Self::Headed(parting, _) | Self::Bare(parting, _) => parting,
        };
        let delimiter = match parting {
            Parting::Comma => Delimiter::Byte(b','),
            Parting::Semicolon => Delimiter::Byte(b';'),
            Parting::Tab => Delimiter::Byte(b'\t'),
            Parting::TwoColons => Delimiter::TwoColons,
            Parting::Line => Delimiter::None,
        };
        let header = match self {
            Self::Headed(_, names) => Header::Names(names),
            Self::Bare(..) => Header::Absent(&[]),
        };
        Form { delimiter, quoted: parting == Parting::Comma, encoding: Encoding::Utf8, header }
    }

    /// The names of the columns.
    pub fn columns(self) -> Vec<&'static str> {
        match self {
            Self::Headed(_, names) => names.to_vec(),
            Self::Bare(_, fields) => fields.iter().map(|field| field.name).collect(),
        }
    }

    /// Whether the first row names the columns.
    pub fn is_headed(self) -> bool {
        matches!(self, Self::Headed(..))
    }
}

impl File {
    /// A file with a header that parts its fields by commas.
    const fn csv(name: &'static str, columns: &'static [&'static str], gives: &'static str) -> Self {
        Self {
            name,
            also: &[],
            need: Need::Needed,
            gives,
            layout: Layout::Headed(Parting::Comma, columns),
            seen: Evidence::File,
            unit: Unit::Rows,
            published: None,
            bytes: None,
        }
    }

    /// A file with a header that parts its fields by tabs.
    const fn tsv(name: &'static str, columns: &'static [&'static str], gives: &'static str) -> Self {
        Self { layout: Layout::Headed(Parting::Tab, columns), ..Self::csv(name, &[], gives) }
    }

    /// A file with a header that parts its fields by semicolons.
    const fn semicolons(name: &'static str, columns: &'static [&'static str], gives: &'static str) -> Self {
        Self { layout: Layout::Headed(Parting::Semicolon, columns), ..Self::csv(name, &[], gives) }
    }

    /// A file without a header.
    const fn bare(name: &'static str, parting: Parting, fields: &'static [Field], gives: &'static str) -> Self {
        Self { layout: Layout::Bare(parting, fields), ..Self::csv(name, &[], gives) }
    }

    /// The same with this need.
    const fn need(self, need: Need) -> Self {
        Self { need, ..self }
    }

    /// The same with so many rows, as someone says.
    const fn rows(self, rows: u64, says: Evidence) -> Self {
        Self { published: Some((rows, says)), ..self }
    }

    /// The same, whose layout is known from this.
    const fn seen(self, seen: Evidence) -> Self {
        Self { seen, ..self }
    }

    /// The same, of this many bytes as it is given out.
    const fn bytes(self, packing: &'static str, bytes: u64) -> Self {
        Self { bytes: Some((packing, bytes)), ..self }
    }
}

#[cfg(test)]
mod tests;
