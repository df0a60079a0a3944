//! A project in a temporary folder, and the real `sr-pipe` run in it.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Output, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

/// A project in a temporary folder.
pub(crate) struct Scratch {
    _folder: tempfile::TempDir,
    pub(crate) root: Utf8PathBuf,
}

/// What a command said and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails the test with all that was said unless the command ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless stderr has each of these.
    #[track_caller]
    pub(crate) fn told(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in:\n{}", self.stderr);
        }
        self
    }
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        fs_err::create_dir_all(root.join("experiments")).unwrap();
        fs_err::create_dir_all(root.join("pipelines")).unwrap();
        Self { _folder: folder, root }
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.root.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
        self
    }

    /// Writes `trainer.py`, a program that may import `arrays`.
    pub(crate) fn trainer(&self, program: &str) -> &Self {
        self.write("trainer.py", program).write("arrays.py", include_str!("arrays.py"));
        let path = self.root.join("trainer.py");
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs_err::read_to_string(self.root.join(path)).unwrap()
    }

    /// A CSV of a report without the comments above it.
    pub(crate) fn csv(&self, path: &str) -> String {
        let text = self.read(path);
        let comments = text.lines().take_while(|line| line.starts_with("# ")).count();
        assert!(comments > 0, "nothing says what made {path}");
        text.lines().skip(comments).map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sr-pipe"));
        command.args(arguments).current_dir(&self.root).stdin(Stdio::null());
        command
    }

    pub(crate) fn sr_pipe(&self, arguments: &[&str]) -> Said {
        Said::new(self.command(arguments).output().unwrap())
    }

    /// Starts the command and does not wait for it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The files of every sealed object, sorted by what they hold.
    pub(crate) fn sealed(&self) -> Vec<Utf8PathBuf> {
        let mut found = Vec::new();
        walk(&self.root.join(".sr-pipe/objects"), &mut found);
        // What stands under `.sealing-…` is not sealed yet.
        found.retain(|path| path.as_str().contains("/files/") && !path.as_str().contains("/objects/."));
        found
    }
}

fn walk(folder: &Utf8Path, found: &mut Vec<Utf8PathBuf>) {
    let Ok(entries) = folder.read_dir_utf8() else { return };
    for entry in entries {
        let path = entry.unwrap().into_path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// An experiment over one pipeline with an axis `n`.
pub(crate) fn grid(values: &[u32]) -> String {
    format!(
        "title: Grid\ndatasets: {{ d: {{ pipeline: ../pipelines/p.yaml }} }}\n\
         grid: {{ product: {{ dataset: [d], n: {values:?} }} }}\n"
    )
}
