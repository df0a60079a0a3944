//! What a run was made with: versions, host, and the state of the sources. Recorded, never part of a key.

use serde_json::{Value, json};

use super::workspace::Workspace;

/// Versions, host and, where anything runs, the state of the sources.
pub(super) fn environment(workspace: &Workspace, idle: bool) -> Value {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .current_dir(&workspace.project.root)
            .args(arguments)
            .stderr(std::process::Stdio::null())
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (commit, dirty) = if idle {
        (None, None)
    } else {
        (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain"]).map(|text| !text.is_empty()))
    };
    let trainer = workspace.trainer.as_ref().map(|trainer| &trainer.description);
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).ok();
    json!({
        "sr_pipe": env!("CARGO_PKG_VERSION"),
        "trainer": trainer.map(|description| &description.trainer),
        "libtorch": trainer.map(|description| &description.libtorch),
        "devices": trainer.map(|description| &description.devices),
        "git_commit": commit,
        "git_dirty": dirty,
        "host": host,
        "cores": std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
    })
}
