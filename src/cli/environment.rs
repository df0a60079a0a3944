//! What a run was made with: versions, host, and the state of the sources. Recorded, never part of a key.

use camino::Utf8Path;
use serde_json::{Value, json};

use super::workspace::Workspace;
use crate::hash::ContentHash;
use crate::project::{RESULTS_FOLDER, STATE_FOLDER};

/// Files that git does not know enter the digest with their content up to this size, with name and size beyond:
/// a folder of raw data that nobody told git to ignore must not be read.
const LARGEST: u64 = 4 << 20;

/// Versions, host and, where anything runs, the state of the sources.
pub(super) fn environment(workspace: &Workspace, idle: bool) -> Value {
    let trainer = workspace.trainer.as_ref().map(|trainer| &trainer.description);
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).ok();
    let mut environment = json!({
        "sr_pipe": env!("CARGO_PKG_VERSION"),
        "trainer": trainer.map(|description| &description.trainer),
        "libtorch": trainer.map(|description| &description.libtorch),
        "devices": trainer.map(|description| &description.devices),
        "host": host,
        "cores": std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "git_commit": Value::Null,
        "git_dirty": Value::Null,
        "git_diff": Value::Null,
        "cpu": Value::Null,
        "memory": Value::Null,
    });
    if !idle {
        let sources = Sources::of(&workspace.project.root);
        environment["git_commit"] = json!(sources.commit);
        environment["git_dirty"] = json!(sources.dirty);
        environment["git_diff"] = json!(sources.digest.map(|digest| digest.to_string()));
        environment["cpu"] = json!(line_of("/proc/cpuinfo", "model name"));
        let memory = line_of("/proc/meminfo", "MemTotal");
        let kilobytes = memory.as_deref().and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        environment["memory"] = json!(kilobytes.map(|count| count * 1024));
    }
    environment
}

/// The value of the first line `NAME : VALUE` of a file of the system.
fn line_of(path: &str, name: &str) -> Option<String> {
    let text = fs_err::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How the sources stand to what git has.
#[derive(Debug, Default)]
struct Sources {
    commit: Option<String>,
    dirty: Option<bool>,
    /// Of `git diff HEAD` and of the files that git does not know; none while there is no difference.
    digest: Option<ContentHash>,
}

impl Sources {
    fn of(root: &Utf8Path) -> Self {
        let git = |arguments: &[&str]| {
            let output = std::process::Command::new("git")
                .current_dir(root)
                // Only looks: a lock on the index could make a person's own command fail.
                .env("GIT_OPTIONAL_LOCKS", "0")
                .args(arguments)
                .stderr(std::process::Stdio::null())
                .output()
                .ok()?;
            output.status.success().then_some(output.stdout)
        };
        let Some(commit) = git(&["rev-parse", "HEAD"]) else { return Self::default() };
        // Cache and reports are made from the sources, whether or not they are ignored.
        let (cache, reports) = (format!(":(exclude){STATE_FOLDER}"), format!(":(exclude){RESULTS_FOLDER}"));
        let diff = git(&["diff", "HEAD", "--binary", "--no-ext-diff", "--no-color", "--", ":/", &cache, &reports]);
        let strangers = git(&["ls-files", "--others", "--exclude-standard", "-z", "--", ":/", &cache, &reports]);
        let (diff, strangers) = (diff.unwrap_or_default(), strangers.unwrap_or_default());
        let dirty = !diff.is_empty() || !strangers.is_empty();
        let digest = dirty.then(|| {
            let mut lines = vec![json!(ContentHash::of(&diff))];
            let names = strangers.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
            lines.extend(names.filter(|name| !name.is_empty()).map(|name| json!([name, content(&root.join(name))])));
            ContentHash::of_json(&json!(lines))
        });
        Self { commit: Some(String::from_utf8_lossy(&commit).trim().to_owned()), dirty: Some(dirty), digest }
    }
}

/// The content of a file as it enters the digest.
fn content(path: &Utf8Path) -> Value {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() && found.len() <= LARGEST => json!(ContentHash::of_file(path).ok()),
        Ok(found) => json!(found.len()),
        Err(_) => Value::Null,
    }
}
