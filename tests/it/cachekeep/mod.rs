//! Looking after the cache: records made again, collections beside runs, exports, and caches that cannot be written.

mod collect;
mod parcels;
mod read_only;
mod rebuild;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::scratch::{Scratch, grid};
use crate::training::copy_of;

/// Two stages a cell; the second is named after the first one's bytes.
fn chain(scratch: &Scratch, numbers: &[u32]) {
    scratch.write("experiments/e.yaml", &grid(numbers)).write(
        "pipelines/p.yaml",
        "stages:\n  one: { shell: { command: \"echo ${n} > $OUT/n\" } }\n  \
         two: { shell: { command: \"cat $IN_A/n > $OUT/nn; echo two >> $OUT/nn\", inputs: { a: one } } }\n",
    );
}

fn records(scratch: &Scratch) -> camino::Utf8PathBuf {
    scratch.root.join(".sr-pipe/records.sqlite")
}

/// Makes a sealed file writable and turns a bit of it.
fn damage(path: &camino::Utf8Path) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut bytes = fs_err::read(path).unwrap();
    bytes[0] ^= 1;
    fs_err::write(path, bytes).unwrap();
}

/// Waits for a moment that has to come.
fn wait_for(moment: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if moment() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it did not come to that");
}

/// Mounts the state folder read-only over itself; false where this machine does not let tests mount.
struct ReadOnly(camino::Utf8PathBuf);

impl ReadOnly {
    fn mount(path: camino::Utf8PathBuf) -> Option<Self> {
        let mount = |arguments: &[&str]| {
            let said = std::process::Command::new("mount").args(arguments).arg(&path).output();
            said.is_ok_and(|said| said.status.success())
        };
        if !mount(&["--bind", path.as_str()]) {
            eprintln!("skipped: this machine does not let tests mount");
            return None;
        }
        let this = Self(path.clone());
        assert!(mount(&["-o", "remount,bind,ro"]));
        Some(this)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

/// The numbers in what `cache gc` printed last: objects that went.
fn gone(said: &crate::scratch::Said) -> usize {
    let line = said.stdout.lines().last().unwrap();
    line.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
}
