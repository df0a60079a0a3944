//! What every command about an experiment begins with: its file, the trainer, the cells, the records, the store.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::{CommandError, say};
use crate::artifact::{FileStamp, Store, stamp};
use crate::diagnostic::Diagnostic;
use crate::document::{Part, Setting, keys};
use crate::engine::Planner;
use crate::experiment::{Cells, Choice, ExperimentFile, Only, Seeds};
use crate::hash::ContentHash;
use crate::project::{DataFolder, Project, write_atomically};
use crate::record::Records;
use crate::stage::Surroundings;
use crate::stage::trainer::{Description, Trainer};
use crate::unit::Size;

/// The name of the trainer that ships with `sr-pipe`.
const TRAINER: &str = "sr-pipe-trainer";

/// Which experiment, and where its raw files are.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// The experiment file.
    pub experiment: Utf8PathBuf,
    #[command(flatten)]
    pub chosen: Chosen,
}

impl Selection {
    /// The experiment file with what was chosen of it.
    pub(super) fn read(&self) -> Result<ExperimentFile, Vec<Diagnostic>> {
        ExperimentFile::read(&self.experiment, &self.chosen.choice())
    }
}

/// What of an experiment, and where its raw files are.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Chosen {
    /// The folder that holds raw files [default: `data` in the project].
    #[arg(long, value_name = "DIR")]
    pub data: Option<Utf8PathBuf>,
    /// Lay a profile of the experiment file over it.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Set one value of the experiment: `models.m-sr.training.epochs=3`; may be given again.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<Setting>,
    /// The seeds of every cell, instead of those of the file: `1..5` or `1,3,7`.
    #[arg(long, value_name = "SEEDS")]
    pub seeds: Option<Seeds>,
    /// Only the cells that match: `model=mkm-sr,dataset=demo*`, also `group=` and `seed=1..3`; given again, an
    /// alternative.
    #[arg(long, value_name = "AXIS=PATTERN,…")]
    pub only: Vec<Only>,
}

impl Chosen {
    fn choice(&self) -> Choice {
        let Self { profile, set, seeds, only, .. } = self;
        Choice { profile: profile.clone(), settings: set.clone(), seeds: seeds.clone(), only: only.clone() }
    }
}

/// An experiment, ready to be planned.
pub(super) struct Workspace {
    /// The project.
    pub project: Project,
    /// The experiment.
    pub file: ExperimentFile,
    /// The trainer, where one is needed.
    pub trainer: Option<Arc<Trainer>>,
    /// What of the machine stages may see.
    surroundings: Surroundings,
    /// The cells and their DAG.
    pub cells: Cells,
    /// The records.
    pub records: Records,
    /// The store.
    pub store: Store,
    /// Where raw files are.
    pub data: DataFolder,
}

impl Workspace {
    /// Reads and checks everything that can be checked before work begins.
    pub(super) async fn open(selection: &Selection) -> Result<Self, CommandError> {
        let file = selection.read()?;
        let project = Project::of(&selection.experiment.canonicalize_utf8()?);
        let data = data_folder(&project, selection.chosen.data.as_deref())?;
        let records = Records::open(&project.state()).await?;
        let trainer = match file.needs_trainer() {
            true => Some(Arc::new(find_trainer(&file, &selection.experiment, &project, &records).await?)),
            false => None,
        };
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let surroundings = Surroundings { root: project.root.clone(), variables: variables.collect() };
        let cells = Cells::expand(&file, trainer.as_ref(), &surroundings, true)?;
        let store = Store::new(&project.state());
        Ok(Self { project, file, trainer, surroundings, cells, records, store, data })
    }

    /// Compares graphs with the cache, and says what takes its time.
    pub(super) async fn planner(&self) -> Result<Planner<'_>, CommandError> {
        let planner = Planner::new(&self.records, &self.store, &self.data).await?;
        Ok(planner.telling(|file, bytes| {
            let size = Size::of_bytes(bytes);
            say(&format!(
                "reading `{file}` ({size}) to know its content; it is not read again while it stays as it is"
            ));
        }))
    }

    /// The cells that the command line did not choose; nothing when it chose all.
    pub(super) fn unchosen(&self) -> Option<Result<Cells, Vec<Diagnostic>>> {
        self.file.chosen.as_ref()?;
        Some(Cells::expand(&self.file, self.trainer.as_ref(), &self.surroundings, false))
    }

    /// What the command line chose, by argument, for the record of the run.
    pub(super) fn choices(&self) -> serde_json::Value {
        let mut choices = self.file.choice.to_json();
        if self.data.named {
            choices["data"] = self.data.name.as_str().into();
        }
        choices
    }
}

/// Where raw files are, by what the command line says.
pub(super) fn data_folder(project: &Project, named: Option<&Utf8Path>) -> Result<DataFolder, CommandError> {
    if let Some(folder) = named.filter(|folder| !folder.is_dir()) {
        return Err(Diagnostic::new(format!("there is no folder `{folder}`"))
            .help("`--data` names the folder that holds the raw files")
            .into());
    }
    Ok(project.data(named)?)
}

async fn find_trainer(
    file: &ExperimentFile,
    experiment: &Utf8Path,
    project: &Project,
    records: &Records,
) -> Result<Trainer, CommandError> {
    let program = match &file.experiment.trainer {
        Some(named) => {
            let path = experiment.parent().unwrap_or(Utf8Path::new(".")).join(named);
            if !path.is_file() {
                return Err(file
                    .document
                    .error(&keys(["trainer"]), Part::Value, format!("there is no trainer at `{path}`"))
                    .help("the path is relative to the experiment file; without `trainer` the one beside `sr-pipe` is used")
                    .into());
            }
            path.canonicalize_utf8()?
        }
        None => beside_this_program()?,
    };
    let stamp = stamp(&program)?;
    let description = describe(&program, &stamp, project, records).await?;
    Ok(Trainer { program, description, stamp })
}

/// The trainer that was built with this program.
pub(super) fn beside_this_program() -> Result<Utf8PathBuf, CommandError> {
    let this = Utf8PathBuf::from_path_buf(std::env::current_exe()?)
        .map_err(|path| Diagnostic::new(format!("the path `{}` is not UTF-8", path.display())))?;
    let program = this.with_file_name(TRAINER);
    if program.is_file() {
        return Ok(program);
    }
    Err(Diagnostic::new(format!("the trainer is not built: there is no `{program}`"))
        .help("run `./just setup` and `cargo build --workspace` (with `--release` if `sr-pipe` was built so)")
        .into())
}

/// What a trainer says of itself; asked once for each version of the program.
async fn describe(
    program: &Utf8Path,
    seen: &FileStamp,
    project: &Project,
    records: &Records,
) -> Result<Description, CommandError> {
    let digest = match records.memo(program, seen).await? {
        Some(digest) => digest,
        None => {
            let digest = ContentHash::of_file(program)?;
            records.remember(program, seen, &digest).await?;
            digest
        }
    };
    // Which GPUs it sees is part of the answer: a driver that came later must not find the answer without one.
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    let driver = Utf8Path::new("/dev/nvidiactl").exists();
    let name = ContentHash::of(format!("{digest} {visible} {driver}").as_bytes());
    let cached = project.state().join(format!("trainers/{name}.json"));
    if let Some(known) = fs_err::read(&cached).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(known);
    }
    let description = Trainer::ask(program)?;
    if records.writable() {
        write_atomically(&cached, &serde_json::to_vec_pretty(&description).map_err(std::io::Error::other)?)?;
    }
    Ok(description)
}
