//! What can go wrong in a trainer, and the exit code of each.

use std::path::{Path, PathBuf};

use tch::TchError;

/// Everything that ends a verb early.
#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    /// The job cannot be carried out as it is written.
    #[error("{message}\nhelp: {help}")]
    Job {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: String,
    },
    /// The data cannot be used by this model, or are damaged.
    #[error("{message}\nhelp: {help}")]
    Data {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: String,
    },
    /// A file could not be read or written.
    #[error("cannot use `{}`: {source}\nhelp: check that it exists and that there is room on the disk", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// libtorch refused.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

impl TrainerError {
    /// A job that is wrong.
    pub fn job(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Job { message: message.into(), help: help.into() }
    }

    /// Data that the model cannot use.
    pub fn data(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Data { message: message.into(), help: help.into() }
    }

    /// A closure for `map_err` that names the file.
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// The exit code of the contract.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Job { .. } => 2,
            Self::Data { .. } => 3,
            Self::Torch(error) if is_out_of_memory(&error.to_string()) => 4,
            Self::File { .. } | Self::Torch(_) => 1,
        }
    }
}

/// True for the words with which libtorch says that host or device memory ran out.
#[must_use]
pub fn is_out_of_memory(message: &str) -> bool {
    ["out of memory", "can't allocate memory", "bad_alloc"].iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_the_exit_code_of_the_contract() {
        assert_eq!(TrainerError::job("a", "b").exit_code(), 2);
        assert_eq!(TrainerError::data("a", "b").exit_code(), 3);
        let full = TchError::Torch("[enforce fail] DefaultCPUAllocator: can't allocate memory".into());
        assert_eq!(TrainerError::from(full).exit_code(), 4);
    }
}
