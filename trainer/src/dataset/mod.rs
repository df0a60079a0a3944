//! The dataset and knowledge folders of the contract, checked and laid on the device as flat arrays.

mod knowledge;
mod part;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tch::{Device, Tensor};

pub use knowledge::Knowledge;
pub use part::{Distinct, Events, Part};

use crate::error::TrainerError;

/// The `meta.json` of a dataset folder.
#[derive(Debug, Clone, Deserialize)]
pub struct DatasetMeta {
    /// Version of the folder's layout.
    pub version: u32,
    /// The name of the data.
    pub name: String,
    /// Items are numbered 1 to this.
    pub items: i64,
    /// Operations are numbered 1 to this.
    pub operations: i64,
    /// The longest session, in events.
    pub max_length: i64,
}

/// The names of the parts, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartName {
    /// What models learn from.
    Train,
    /// What may pick the epoch.
    Valid,
    /// What is reported.
    Test,
}

impl PartName {
    /// Its name in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// A dataset folder, opened.
#[derive(Debug)]
pub struct Dataset {
    /// Its `meta.json`.
    pub meta: DatasetMeta,
    parts: BTreeMap<PartName, Part>,
}

impl Dataset {
    /// Reads the dataset folder at `folder` onto `device`, only the parts in `names`.
    ///
    /// # Errors
    /// When a file is missing, damaged or of another version.
    pub fn open(folder: &Path, names: &[PartName], device: Device) -> Result<Self, TrainerError> {
        let meta: DatasetMeta = read_meta(folder)?;
        check_version(folder, meta.version)?;
        let file = folder.join("samples.safetensors");
        let mut tensors = read_tensors(&file)?;
        let mut parts = BTreeMap::new();
        for &name in names {
            let mut array = |field: &str| take(&mut tensors, &file, &format!("{}.{field}", name.as_str()));
            let events = Events {
                items: host(&array("items")?)?,
                operations: host(&array("operations")?)?,
                times: host(&array("times")?)?,
                session_offsets: host(&array("session_offsets")?)?,
            };
            let sessions: Vec<i64> = host(&array("sample_session")?)?;
            let targets: Vec<i64> = host(&array("sample_target")?)?;
            if sessions.len() != targets.len() {
                let message = format!("`{0}.sample_session` and `{0}.sample_target` differ in length", name.as_str());
                return Err(TrainerError::data(message, "make the dataset again; its files are damaged"));
            }
            let samples: Vec<(i64, i64)> = sessions.into_iter().zip(targets).collect();
            parts.insert(name, Part::new(events, &samples, &meta, device)?);
        }
        Ok(Self { meta, parts })
    }

    /// A dataset of parts that are in memory already.
    #[must_use]
    pub fn from_parts(meta: DatasetMeta, parts: BTreeMap<PartName, Part>) -> Self {
        Self { meta, parts }
    }

    /// One of the parts that were named to `open`.
    ///
    /// # Panics
    /// When `name` was not among them.
    #[must_use]
    pub fn part(&self, name: PartName) -> &Part {
        self.parts.get(&name).unwrap_or_else(|| panic!("part `{}` was not opened", name.as_str()))
    }
}

fn read_meta<T: DeserializeOwned>(folder: &Path) -> Result<T, TrainerError> {
    let path = folder.join("meta.json");
    let text = fs::read_to_string(&path).map_err(TrainerError::file(&path))?;
    serde_json::from_str(&text)
        .map_err(|error| TrainerError::data(format!("`{}`: {error}", path.display()), "make the folder again"))
}

fn check_version(folder: &Path, version: u32) -> Result<(), TrainerError> {
    if version == 1 {
        return Ok(());
    }
    let message = format!("`{}` has layout version {version}, this trainer reads version 1", folder.display());
    Err(TrainerError::data(message, "use the trainer that was built together with `sr-pipe`"))
}

/// Reads all tensors of a safetensors file onto the host.
///
/// # Errors
/// When the file is missing or damaged.
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, Tensor>, TrainerError> {
    fs::metadata(path).map_err(TrainerError::file(path))?;
    let tensors = Tensor::read_safetensors(path).map_err(|error| {
        TrainerError::data(format!("`{}`: {error}", path.display()), "make the file again; it is damaged")
    })?;
    Ok(tensors.into_iter().collect())
}

fn take(tensors: &mut BTreeMap<String, Tensor>, file: &Path, name: &str) -> Result<Tensor, TrainerError> {
    tensors.remove(name).ok_or_else(|| {
        TrainerError::data(format!("`{}` has no tensor `{name}`", file.display()), "make the folder again")
    })
}

fn host<T: tch::kind::Element>(tensor: &Tensor) -> Result<Vec<T>, TrainerError>
where
    Vec<T>: TryFrom<Tensor, Error = tch::TchError>,
{
    if tensor.kind() != T::KIND {
        let message = format!("a tensor of type {:?} stands where {:?} belongs", tensor.kind(), T::KIND);
        return Err(TrainerError::data(message, "make the folder again; its files are damaged"));
    }
    Ok(Vec::<T>::try_from(tensor.shallow_clone())?)
}
