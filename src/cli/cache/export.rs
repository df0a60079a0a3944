//! `sr-pipe cache export`: an experiment with all its results, as a single file.

use std::collections::BTreeSet;
use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use serde_json::json;

use super::parcel::{Parcel, ParcelObject, Writer, place_of_file, place_of_object};
use super::size;
use crate::artifact::{FileEntry, Gate};
use crate::cli::workspace::{Selection, Workspace};
use crate::cli::{CommandError, Ending, block_on, count, print, say};
use crate::diagnostic::Diagnostic;
use crate::engine::{RunLock, Status};
use crate::hash::ContentHash;
use crate::project::Project;
use crate::record::{Records, Row, Rows};

/// Write an experiment with all its results into a single file.
///
/// It holds the experiment and its pipelines, every result that its cells need now, and the records of what made
/// them. Raw files are not in it, only their digests: with them `sr-pipe report` and `sr-pipe plan --check` work at the
/// other end.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: Utf8PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(export(arguments))
}

async fn export(arguments: &Arguments) -> Result<Ending, CommandError> {
    let selection = &arguments.selection;
    if let Ok(experiment) = selection.experiment.canonicalize_utf8() {
        let project = Project::of(&experiment);
        if !Records::exist(&project.state()) && !project.state().join("keys").is_dir() {
            return Err(Diagnostic::new(format!("there is no cache in `{}`", project.root))
                .help("start a run first: an export holds what is in the cache")
                .into());
        }
    }
    let mut workspace = Workspace::open(selection).await?;
    let state = workspace.project.state();
    // What goes into the file is used by this process, as by a run.
    let share =
        if workspace.records.writable() { Some(RunLock::share(&state, || Ok::<_, std::io::Error>(()))?) } else { None };
    let gate = if share.is_some() { Some(Gate::share(&state)?) } else { None };
    if let Some(share) = &share {
        workspace.store = workspace.store.with_uses(share.uses());
    }
    let planner = workspace.planner().await?;
    let plan = planner.plan(&workspace.cells.graph).await?;
    workspace.store.mark(plan.hits())?;
    drop(gate);

    let mut keys: Vec<ContentHash> = Vec::new();
    let mut objects = BTreeSet::new();
    let mut sources: Vec<Row> = Vec::new();
    let mut open = 0;
    for (status, node) in plan.statuses.iter().zip(&workspace.cells.graph.nodes) {
        match status {
            Status::Hit { key, object, .. } => {
                keys.push(*key);
                objects.insert(*object);
            }
            Status::Absent { key: Some(key), .. } => keys.push(*key),
            Status::Source { object, .. } | Status::Absent { key: None, object } => {
                if let Some(source) = node.member.stage.source() {
                    sources.push(Row::from_iter([
                        ("folder".to_owned(), json!(source.folder)),
                        ("files".to_owned(), json!(source.files)),
                        ("object".to_owned(), json!(object)),
                    ]));
                }
            }
            Status::Run { .. } | Status::After { .. } | Status::Missing { .. } | Status::Blocked { .. } => open += 1,
            Status::Idle => {}
        }
    }
    let root = &workspace.project.root;
    let document = workspace.file.document.path.canonicalize_utf8()?;
    let experiment = workspace.project.relative(&document).to_string();
    let rows = Rows { sources, ..workspace.records.extract(&experiment, &keys).await? };
    let parcel = Parcel {
        experiment,
        made_with: concat!("sr-pipe ", env!("CARGO_PKG_VERSION")).into(),
        files: files(&workspace, &document)?,
        objects: objects
            .iter()
            .map(|object| match workspace.store.manifest(object) {
                Ok(manifest) => Ok(ParcelObject { object: *object, manifest }),
                Err(damage) => Err(damaged(object, &damage.to_string())),
            })
            .collect::<Result<_, _>>()?,
        rows,
    };
    let folder = arguments.out.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    let mut writer = Writer::begin(std::io::BufWriter::new(draft.as_file_mut()), &parcel)?;
    for entry in &parcel.files {
        add(&mut writer, &place_of_file(&entry.path), &root.join(&entry.path), entry)?
            .map_err(|()| Diagnostic::new(format!("`{}` was changed while it was read", entry.path)))?;
    }
    for ParcelObject { object, manifest } in &parcel.objects {
        for entry in &manifest.files {
            let from = workspace.store.files(object).join(&entry.path);
            add(&mut writer, &place_of_object(object, &entry.path), &from, entry)?
                .map_err(|()| damaged(object, &format!("`{}` has other bytes", entry.path)))?;
        }
    }
    writer.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    let bytes = draft.as_file().metadata()?.len();
    draft.persist(&arguments.out).map_err(|error| error.error)?;
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is made private; an export is to be passed on.
        fs_err::set_permissions(&arguments.out, std::fs::Permissions::from_mode(0o644))?;
    }
    print(&format!(
        "{}: {}, {}, {}\n",
        arguments.out,
        count(parcel.rows.results.len(), "result"),
        count(parcel.objects.len(), "object"),
        size(bytes)
    ))?;
    if open > 0 {
        say(&format!(
            "{} not in the cache, and so not in the file; `sr-pipe plan` shows which",
            if open == 1 { "1 stage is".into() } else { format!("{open} stages are") }
        ));
    }
    Ok(Ending::Done)
}

/// The experiment and its pipelines, each once; those outside the project cannot go along.
fn files(workspace: &Workspace, document: &Utf8Path) -> Result<Vec<FileEntry>, CommandError> {
    let mut paths = BTreeSet::from([document.to_owned()]);
    for pipeline in workspace.file.pipelines.values() {
        paths.insert(pipeline.document.path.canonicalize_utf8()?);
    }
    let mut files = Vec::new();
    for path in paths {
        let Ok(inside) = path.strip_prefix(&workspace.project.root) else {
            say(&format!("`{path}` lies outside the project and is not in the file"));
            continue;
        };
        let bytes = fs_err::read(&path)?;
        files.push(FileEntry { path: inside.to_owned(), size: bytes.len() as u64, hash: ContentHash::of(&bytes) });
    }
    Ok(files)
}

fn damaged(object: &ContentHash, what: &str) -> Diagnostic {
    Diagnostic::new(format!("the object {} is damaged: {what}", object.short()))
        .help("`sr-pipe run` makes it again; then export once more")
}

/// Adds a file, and tells by an inner error when its bytes are not those that are known.
fn add<W: std::io::Write>(
    writer: &mut Writer<W>,
    place: &Utf8Path,
    from: &Utf8Path,
    entry: &FileEntry,
) -> std::io::Result<Result<(), ()>> {
    let file = fs_err::File::open(from)?;
    if file.metadata()?.len() != entry.size {
        return Ok(Err(()));
    }
    let mut hashed = Hashed { file, hasher: blake3::Hasher::new() };
    writer.add(place, entry.size, &mut hashed)?;
    Ok(if ContentHash::from(hashed.hasher.finalize()) == entry.hash { Ok(()) } else { Err(()) })
}

/// A file whose bytes are hashed while they are read.
struct Hashed {
    file: fs_err::File,
    hasher: blake3::Hasher,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}
