//! Finds a raw file and opens it as it lies there: plain, gzip, zstd, bzip2, or as a member of a zip or 7z archive.
//! What a file is, is read off its first bytes, not off its name.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;

use crate::diagnostic::Diagnostic;
use crate::engine::stage::{PACKED, StageError};

/// The first bytes of a Parquet file.
pub(in crate::ingest) const PARQUET: &[u8] = b"PAR1";

/// What made-up files have beside them.
const TRUTH: &str = "truth.json";

/// The folder of a publisher's files.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct RawFolder {
    folder: Utf8PathBuf,
}

/// A raw file that was found.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct RawFile {
    /// Its name as the publisher writes it, without the ending of a container.
    pub name: String,
    /// Where it lies, for people; a member of an archive after `!`.
    pub shown: String,
    /// The bytes that have to be read from disk.
    pub size: u64,
    path: Utf8PathBuf,
    container: Container,
}

/// How a file is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Container {
    Plain,
    /// A table of Parquet, which is no stream.
    Parquet,
    Gzip,
    Zstd,
    Bzip2,
    Zip(String),
    SevenZip(String),
}

/// How many bytes have been read from disk.
#[derive(Debug, Clone, Default)]
pub(in crate::ingest) struct Meter(Arc<AtomicU64>);

impl Meter {
    /// So many bytes have been read, about.
    pub(in crate::ingest) fn reach(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// The bytes.
    pub(in crate::ingest) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.meter.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl RawFolder {
    /// The files of a folder.
    pub(in crate::ingest) fn new(folder: &Utf8Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A file that must be there.
    ///
    /// # Errors
    /// When it is not there, or an archive cannot be read.
    pub(in crate::ingest) fn require(&self, name: &str) -> Result<RawFile, StageError> {
        self.find(name)?.ok_or_else(|| {
            Diagnostic::new(format!("there is no `{name}` in `{}`", self.folder))
                .help(format!(
                    "name it under `files:` of the `files` stage; it may end in {}, or be a member of an archive",
                    PACKED.iter().map(|ending| format!("`{ending}`")).collect::<Vec<_>>().join(", ")
                ))
                .into()
        })
    }

    /// The files of these names; where none is named, every file of the folder by name.
    ///
    /// # Errors
    /// When one is not there, there is none, or the folder cannot be read.
    pub(in crate::ingest) fn all(&self, named: &[String]) -> Result<Vec<RawFile>, StageError> {
        if !named.is_empty() {
            return named.iter().map(|name| self.require(name)).collect();
        }
        let mut names = Vec::new();
        for entry in self.folder.read_dir_utf8()? {
            let entry = entry?;
            if entry.path().is_file() {
                let name = entry.file_name();
                let bare = PACKED.iter().find_map(|ending| name.strip_suffix(ending));
                names.push((bare.unwrap_or(name).to_owned(), entry.into_path()));
            }
        }
        if names.is_empty() {
            return Err(Diagnostic::new(format!("there are no files in `{}`", self.folder))
                .help("name them under `files:` of the `files` stage")
                .into());
        }
        names.sort();
        names.iter().map(|(name, path)| open(name, path, true)).collect()
    }

    /// A file, if it is there: under its name, under its name and the ending of a container, or in an archive.
    ///
    /// # Errors
    /// When the folder or an archive cannot be read.
    pub(in crate::ingest) fn find(&self, name: &str) -> Result<Option<RawFile>, StageError> {
        for ending in [""].iter().chain(PACKED) {
            let path = self.folder.join(format!("{name}{ending}"));
            if path.is_file() {
                return Ok(Some(open(name, &path, true)?));
            }
        }
        let mut others: Vec<Utf8PathBuf> = Vec::new();
        for entry in self.folder.read_dir_utf8()? {
            let path = entry?.into_path();
            if path.is_file() && matches!(path.extension(), Some("zip" | "7z")) {
                others.push(path);
            }
        }
        others.sort();
        for path in others {
            match open(name, &path, false) {
                Ok(file) => return Ok(Some(file)),
                Err(StageError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

impl RawFolder {
    /// What to say where the files of two layouts lie side by side.
    pub(in crate::ingest) fn either(&self, first: &str, second: &str) -> Diagnostic {
        Diagnostic::new(format!(
            "both `{first}` and `{second}` are in `{}`, and each begins another layout",
            self.folder
        ))
        .help("name the files of one of them under `files:` of the `files` stage")
    }

    /// What to say where the files of neither layout are there.
    pub(in crate::ingest) fn neither(&self, first: &str, second: &str) -> Diagnostic {
        Diagnostic::new(format!("there is neither `{first}` nor `{second}` in `{}`", self.folder)).help(
            "name one of them under `files:` of the `files` stage; it may be packed, or be a member of an archive",
        )
    }

    /// The file of a format whose publisher names it as he likes: the one that is named, else the only one that lies
    /// there.
    ///
    /// # Errors
    /// When there is no such file, or none is named and no file lies there or more than one, or an archive of several.
    pub(in crate::ingest) fn chosen(&self, name: Option<&str>) -> Result<RawFile, StageError> {
        name.map_or_else(|| self.only(), |name| self.require(name))
    }

    fn only(&self) -> Result<RawFile, StageError> {
        let mut paths = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir_utf8()? {
                let path = entry?.into_path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name() != Some(TRUTH) {
                    paths.push(path);
                }
            }
        }
        paths.sort();
        let inside =
            |path: &Utf8PathBuf| path.strip_prefix(&self.folder).map_or_else(|_| path.to_string(), |p| p.to_string());
        let [path] = &paths[..] else {
            let names: Vec<String> = paths.iter().take(10).map(inside).collect();
            let found = if names.is_empty() {
                "there is none".to_owned()
            } else {
                format!("there are `{}`", names.join("`, `"))
            };
            return Err(Diagnostic::new(format!("one file of this format is read, and in `{}` {found}", self.folder))
                .help("say which with `file:`, or name just that one under `files:` of the `files` stage")
                .into());
        };
        let name = inside(path);
        let name = PACKED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
        open(name, path, true).map_err(|error| match error {
            StageError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                Diagnostic::new(format!("{error}, and it has more than one"))
                    .help("say with `file:` which is meant")
                    .into()
            }
            error => error,
        })
    }
}

/// What lies at a path under the name of a file. `alone` says that an archive's only member will do.
fn open(name: &str, path: &Utf8Path, alone: bool) -> Result<RawFile, StageError> {
    // A link shows where the file truly lies, which is what a person can mend.
    let path = path.canonicalize_utf8()?;
    let mut file = File::open(&path)?;
    let size = file.metadata()?.len();
    let mut magic = Vec::new();
    file.by_ref().take(6).read_to_end(&mut magic)?;
    file.rewind()?;
    let container = match magic[..] {
        _ if magic.starts_with(PARQUET) => Container::Parquet,
        [0x1f, 0x8b, ..] => Container::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Container::Zstd,
        [b'B', b'Z', b'h', ..] => Container::Bzip2,
        [b'P', b'K', 3, 4, ..] => {
            let archive = zip::ZipArchive::new(file).map_err(|error| broken(&path, &error))?;
            let names = archive.file_names().collect::<Result<Vec<_>, _>>().map_err(|error| broken(&path, &error))?;
            let members: Vec<&str> = names.iter().map(AsRef::as_ref).filter(|member| !member.ends_with('/')).collect();
            Container::Zip(member(&members, name, alone, &path)?)
        }
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c] => {
            let reader = sevenz_rust2::ArchiveReader::new(file, sevenz_rust2::Password::empty())
                .map_err(|error| broken(&path, &error))?;
            let files = reader.archive().files.iter().filter(|entry| !entry.is_directory());
            let members: Vec<&str> = files.map(sevenz_rust2::ArchiveEntry::name).collect();
            Container::SevenZip(member(&members, name, alone, &path)?)
        }
        _ => Container::Plain,
    };
    let shown = match &container {
        Container::Zip(member) | Container::SevenZip(member) => format!("{path}!{member}"),
        _ => path.to_string(),
    };
    Ok(RawFile { name: name.to_owned(), shown, size, path, container })
}

/// The member of an archive that is the file of this name, in whatever folder of the archive. Folders that the name has
/// itself must be those of the member (`with_new_item/kg2id` is not `no_new_item/kg2id`), unless the archive is the file.
fn member(members: &[&str], name: &str, alone: bool, path: &Utf8Path) -> Result<String, StageError> {
    let base = Utf8Path::new(name).file_name().unwrap_or(name);
    let whole = members.iter().find(|member| Utf8Path::new(member).ends_with(name));
    let found = match members {
        _ if whole.is_some() => whole,
        [only] if alone => Some(only),
        _ if alone => members.iter().find(|member| Utf8Path::new(member).file_name() == Some(base)),
        _ => None,
    };
    match found {
        Some(found) => Ok((*found).to_owned()),
        None => Err(io::Error::new(io::ErrorKind::NotFound, format!("`{path}` has no member `{base}`")).into()),
    }
}

fn broken(path: &Utf8Path, error: &dyn std::fmt::Display) -> StageError {
    Diagnostic::new(format!("`{path}` cannot be read as an archive: {error}"))
        .help("fetch it again; its size tells whether it is whole")
        .into()
}

impl RawFile {
    /// How it is packed: `plain` where it is not.
    pub(in crate::ingest) fn packing(&self) -> &'static str {
        match self.container {
            Container::Plain => "plain",
            Container::Parquet => "Parquet",
            Container::Gzip => "gzip",
            Container::Zstd => "zstd",
            Container::Bzip2 => "bzip2",
            Container::Zip(_) => "zip",
            Container::SevenZip(_) => "7z",
        }
    }

    /// Where it lies, if it is a table of Parquet.
    pub(in crate::ingest) fn parquet(&self) -> Option<&Utf8Path> {
        (self.container == Container::Parquet).then_some(self.path.as_path())
    }

    /// Gives the unpacked bytes to `consume`, as a stream.
    ///
    /// # Errors
    /// What `consume` says; a stream that is damaged or ends too soon; a file that cannot be read.
    pub(in crate::ingest) fn read<T>(
        &self,
        meter: &Meter,
        consume: impl FnOnce(&mut dyn Read) -> Result<T, StageError>,
    ) -> Result<T, StageError> {
        let file = Metered { inner: File::open(&self.path)?, meter: meter.clone() };
        match &self.container {
            Container::Plain | Container::Parquet => consume(&mut { file }),
            Container::Gzip => consume(&mut self.whole(flate2::read::MultiGzDecoder::new(buffered(file)))),
            Container::Zstd => consume(&mut self.whole(zstd::Decoder::new(file)?)),
            Container::Bzip2 => consume(&mut self.whole(bzip2::read::MultiBzDecoder::new(buffered(file)))),
            Container::Zip(member) => {
                let mut archive =
                    zip::ZipArchive::new(io::BufReader::new(file)).map_err(|error| broken(&self.path, &error))?;
                let entry = archive.by_name(member).map_err(|error| broken(&self.path, &error))?;
                consume(&mut self.whole(entry))
            }
            Container::SevenZip(member) => self.read_seven_zip(member, file, consume),
        }
    }

    fn read_seven_zip<T>(
        &self,
        member: &str,
        file: Metered<File>,
        consume: impl FnOnce(&mut dyn Read) -> Result<T, StageError>,
    ) -> Result<T, StageError> {
        let mut reader = sevenz_rust2::ArchiveReader::new(file, sevenz_rust2::Password::empty())
            .map_err(|error| broken(&self.path, &error))?;
        let mut consume = Some(consume);
        let mut answer = None;
        let read = reader.for_each_entries(|entry, stream| {
            if entry.name() != member {
                // A solid archive is unpacked in its order: what comes before is read and thrown away.
                io::copy(stream, &mut io::sink())?;
                return Ok(true);
            }
            answer = consume.take().map(|consume| consume(&mut self.whole(stream)));
            Ok(false)
        });
        match (answer, read) {
            (Some(answer), _) => answer,
            (None, Err(error)) => Err(broken(&self.path, &error)),
            (None, Ok(())) => Err(broken(&self.path, &format!("`{member}` is gone"))),
        }
    }

    /// Explains what a decoder says of a stream that is damaged or cut off.
    fn whole<'a>(&'a self, stream: impl Read + 'a) -> impl Read + 'a {
        Whole { stream, file: self, bytes: 0 }
    }
}

fn buffered(file: Metered<File>) -> io::BufReader<Metered<File>> {
    io::BufReader::with_capacity(1 << 18, file)
}

struct Whole<'a, R> {
    stream: R,
    file: &'a RawFile,
    bytes: u64,
}

impl<R: Read> Read for Whole<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let (shown, bytes) = (&self.file.shown, self.bytes);
            let message = match error.kind() {
                io::ErrorKind::UnexpectedEof => format!("`{shown}` ends too soon, after {bytes} unpacked bytes"),
                _ => format!("`{shown}` is damaged after {bytes} unpacked bytes: {error}"),
            };
            io::Error::new(error.kind(), format!("{message}\nhelp: fetch the file again"))
        })?;
        self.bytes += read as u64;
        Ok(read)
    }
}
