//! Compares a folder with what was published: which files are there, whether their first rows are right, how much they
//! hold. Files are found and unpacked as the ingesters do it.

use camino::{Utf8Path, Utf8PathBuf};

use super::count::count;
use super::problem::Place;
use super::{DataSet, File, Layout, Need, Problem};
use crate::diagnostic::did_you_mean;
use crate::engine::stage::{PACKED, StageError};
use crate::ingest::raw::{Field, Meter, RawFile, RawFolder, Records, Spare, blocks};

/// How it is looked.
pub struct Looking<'a> {
    /// Whether rows are left uncounted.
    pub quick: bool,
    /// Threads that count.
    pub threads: usize,
    /// Is told of a file how many bytes of how many have been read.
    pub progress: &'a (dyn Fn(&File, u64, u64) + Sync),
}

/// What is in a folder.
#[derive(Debug)]
pub struct Look {
    /// The files of the data set, in its order.
    pub files: Vec<FileLook>,
}

/// What is there of a file.
#[derive(Debug)]
pub struct FileLook {
    /// The file.
    pub file: &'static File,
    /// Where it lies, if it is there.
    pub lies: Option<Lies>,
    /// Whether it must be there and is not.
    pub missing: bool,
    /// How much it holds, where that was counted.
    pub counted: Option<u64>,
    /// In what it is not as published.
    pub problems: Vec<Problem>,
    /// What else a person may want to know.
    pub remarks: Vec<String>,
}

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lies {
    /// Its path; a member of an archive after `!`.
    pub shown: String,
    /// `plain`, or how it is packed.
    pub packing: &'static str,
    /// The bytes on disk, of an archive all of it.
    pub bytes: u64,
}

impl FileLook {
    /// Whether stages can read what should be there as it was published.
    pub fn is_right(&self) -> bool {
        !self.missing && (self.file.need == Need::Unread || self.problems.is_empty())
    }
}

impl Look {
    /// Whether all files that must be there are, and all that stages read are as published.
    pub fn is_right(&self) -> bool {
        self.files.iter().all(FileLook::is_right)
    }
}

/// Looks for the files of a data set in a folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn look(set: &'static DataSet, folder: &Utf8Path, looking: &Looking<'_>) -> Result<Look, StageError> {
    let names = names_in(folder)?;
    let raw = RawFolder::new(folder);
    let mut files: Vec<FileLook> = set.files.iter().map(|file| look_at(file, &raw, &names, looking)).collect();
    let there = |name: &str| files.iter().any(|look| look.file.name == name && look.lies.is_some());
    let one = files.iter().any(|look| look.file.need == Need::OneOf && look.lies.is_some());
    let missing: Vec<bool> = files
        .iter()
        .map(|look| {
            look.lies.is_none()
                && match look.file.need {
                    Need::Needed => true,
                    Need::OneOf => !one,
                    Need::Beside(other) => there(other),
                    Need::Optional | Need::Unread => false,
                }
        })
        .collect();
    for (look, missing) in files.iter_mut().zip(missing) {
        look.missing = missing;
        if missing && look.problems.is_empty() {
            look.remarks.extend(elsewhere(look.file, folder, &names)?);
        }
    }
    Ok(Look { files })
}

fn look_at(file: &'static File, raw: &RawFolder, names: &[String], looking: &Looking<'_>) -> FileLook {
    let mut look =
        FileLook { file, lies: None, missing: false, counted: None, problems: Vec::new(), remarks: Vec::new() };
    let found = match find(file, raw, names, &mut look.remarks) {
        Ok(Some(found)) => found,
        Ok(None) => return look,
        Err(error) => {
            look.problems.push(Problem::Unreadable(error.to_string()));
            return look;
        }
    };
    look.lies = Some(Lies { shown: found.shown.clone(), packing: found.packing(), bytes: found.size });
    if found.parquet().is_some() {
        look.problems.push(Problem::Parquet);
        return look;
    }
    if let Err(error) = look.read(&found, looking) {
        look.problems.push(Problem::Unreadable(error.to_string()));
    }
    look
}

/// The file under its name, else under a name that holds a piece of its names, as the ingesters of such files take it.
fn find(
    file: &File,
    raw: &RawFolder,
    names: &[String],
    remarks: &mut Vec<String>,
) -> Result<Option<RawFile>, StageError> {
    if let Some(found) = raw.find(file.name)? {
        return Ok(Some(found));
    }
    let alike = |name: &&String| file.also.iter().any(|piece| name.to_lowercase().contains(piece));
    let mut alike = names.iter().filter(alike);
    let Some(name) = alike.next() else { return Ok(None) };
    let further: Vec<&str> = alike.map(String::as_str).collect();
    remarks.push(match &further[..] {
        [] => format!("it is `{name}` here"),
        further => format!("it is `{name}` here; there is `{}` too", further.join("`, `")),
    });
    raw.find(name)
}

/// The names of the files of a folder, without the endings of containers, in their order.
fn names_in(folder: &Utf8Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in folder.read_dir_utf8()? {
        let entry = entry?;
        if entry.path().is_file() {
            let name = entry.file_name();
            names.push(PACKED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).to_owned());
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Where a file that is missing may be.
fn elsewhere(file: &File, folder: &Utf8Path, names: &[String]) -> Result<Option<String>, StageError> {
    let mut folders: Vec<Utf8PathBuf> = Vec::new();
    for entry in folder.read_dir_utf8()? {
        let path = entry?.into_path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    for below in &folders {
        if RawFolder::new(below).find(file.name).ok().flatten().is_some() {
            return Ok(Some(format!("it is in `{below}`: name that folder")));
        }
    }
    let near = did_you_mean(file.name, names.iter().map(String::as_str));
    Ok(near.map(|name| format!("there is `{name}`: rename it if that is the file")))
}

impl FileLook {
    fn read(&mut self, found: &RawFile, looking: &Looking<'_>) -> Result<(), StageError> {
        let layout = self.file.layout;
        let Some(first) = first_row(found, layout)? else {
            self.problems.push(Problem::Empty);
            return Ok(());
        };
        self.problems.extend(first.problem(layout));
        let published_size = self.file.bytes.filter(|(packing, _)| *packing == found.packing());
        let size = published_size
            .map(|(_, published)| Problem::Size { bytes: found.size, published })
            .filter(|problem| !matches!(problem, Problem::Size { bytes, published } if bytes == published));
        if looking.quick {
            self.problems.extend(size);
            return Ok(());
        }
        // What a header is too long or too short by is told once, not for each row.
        let width = if layout.is_headed() { first.fields.len() } else { layout.columns().len() };
        let unit = self.file.unit;
        let progress = |bytes: u64| (looking.progress)(self.file, bytes.min(found.size), found.size);
        let counted = count(found, &layout.form(), (unit, width), looking.threads, &progress)?;
        self.counted = Some(counted.units);
        if let Some((line, fields)) = counted.first_odd {
            self.problems.push(Problem::Widths { rows: counted.odd, line, found: fields, wanted: width });
        }
        match (self.file.published, size) {
            (Some((published, _)), _) if published != counted.units => {
                self.problems.push(Problem::Count { unit, counted: counted.units, published });
            }
            (Some(_), Some(size)) => {
                self.remarks.push(format!("{}; its line ends may have been converted", size.words()));
            }
            (None, Some(size)) => self.problems.push(size),
            (_, None) => {}
        }
        Ok(())
    }
}

/// The first row of a file.
struct FirstRow {
    text: String,
    /// Each field, with the character of the row at which it begins.
    fields: Vec<(String, usize)>,
}

fn first_row(file: &RawFile, layout: Layout) -> Result<Option<FirstRow>, StageError> {
    let form = layout.form();
    let mut first = None;
    file.read(&Meter::default(), |stream| {
        blocks(stream, &form, &Spare::default(), |block| {
            let (mut records, mut fields) = (Records::new(&block.bytes, &form, 0), Vec::new());
            if let Some(record) = records.next(&mut fields) {
                let lossy = |from: usize, to: usize| String::from_utf8_lossy(&block.bytes[from..to]).into_owned();
                let field = |field: &Field| {
                    let (start, end) = (field.start as usize, field.end as usize);
                    (lossy(start, end), lossy(record.start, start).chars().count())
                };
                first = Some(FirstRow {
                    text: lossy(record.start, record.end),
                    fields: fields.iter().map(field).collect(),
                });
            }
            false
        })
    })?;
    Ok(first)
}

impl FirstRow {
    /// In what it differs from what is published.
    fn problem(&self, layout: Layout) -> Option<Problem> {
        match layout {
            Layout::Headed(_, columns) => self.differs_from(columns),
            Layout::Bare(_, fields) if fields.len() != self.fields.len() => Some(Problem::Fields {
                found: self.fields.len(),
                published: layout.columns(),
                place: Place { text: self.text.clone(), at: 0, width: self.text.chars().count() },
            }),
            Layout::Bare(_, fields) => {
                let mut pairs = (1..).zip(fields.iter().zip(&self.fields));
                let (column, (field, (text, at))) = pairs.find(|(_, (field, (text, _)))| !(field.fits)(text.trim()))?;
                let place = Place { text: self.text.clone(), at: *at, width: text.chars().count().max(1) };
                Some(Problem::Field { column, name: field.name, like: field.like, place })
            }
        }
    }

    fn differs_from(&self, columns: &[&'static str]) -> Option<Problem> {
        let longer = columns.len().max(self.fields.len());
        let name = |at: usize| self.fields.get(at).map(|(name, _)| name.trim());
        let at = (0..longer).find(|at| name(*at) != columns.get(*at).copied())?;
        let has = |column: &&str| self.fields.iter().any(|(name, _)| name.trim() == *column);
        let (start, width) = match self.fields.get(at) {
            Some((name, start)) => (*start, name.chars().count().max(1)),
            None => (self.text.chars().count(), 1),
        };
        Some(Problem::Header {
            column: at + 1,
            published: columns.get(at).copied(),
            found: name(at).map(str::to_owned),
            complete: columns.iter().all(has),
            place: Place { text: self.text.clone(), at: start, width },
        })
    }
}
