//! What every target does: one file of a format holds the bytes of the fuzzer, the others are sound, and the format has
//! to end with an answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use sr_pipe::engine::stage::{Share, StageError, Task};
use sr_pipe::ingest::{BadRows, Format, Options, Quarantine};

#[path = "../../src/ingest/tests/sound.rs"]
mod sound;

/// Memory that looks like a disk, where there is one: the fuzzer writes thousands of files a second.
const MEMORY: &str = "/dev/shm";

thread_local! {
    static FOLDER: RefCell<tempfile::TempDir> = RefCell::new(
        tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir()).expect("a temporary folder can be made"),
    );
}

/// Runs a format. The first byte of `data` says which file holds the rest, whether a sound header stands before it, and
/// what becomes of bad rows.
///
/// # Panics
/// When the format does, or fails otherwise than by saying what is wrong.
pub fn run(format: Format, data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    if bytes.starts_with(b"PAR1") {
        // Parquet is read by a crate that panics at some damages. That is caught, but not from the fuzzer.
        return;
    }
    let layouts = sound::sound(format);
    let files: usize = layouts.iter().map(Vec::len).sum();
    let (headed, strict) = (choice & 0x80 != 0, choice & 0x40 != 0);
    let mut chosen = usize::from(choice & 0x3f) % files;
    for layout in layouts {
        if chosen >= layout.len() {
            chosen -= layout.len();
            continue;
        }
        FOLDER.with_borrow(|folder| {
            let root = Utf8Path::from_path(folder.path()).expect("temporary folders have plain names");
            let raw = root.join("raw");
            let _ = fs_err::remove_dir_all(&raw);
            for (at, (name, sound)) in layout.iter().enumerate() {
                let path = raw.join(name);
                fs_err::create_dir_all(path.parent().unwrap_or(&raw)).expect("folders can be made");
                let header = sound.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let text = match (at == chosen, headed) {
                    (false, _) => sound.to_vec(),
                    (true, true) => [&sound[..header], bytes].concat(),
                    (true, false) => bytes.to_vec(),
                };
                fs_err::write(path, text).expect("files can be written");
            }
            ingest(format, strict, root, raw);
        });
        return;
    }
}

fn ingest(format: Format, strict: bool, root: &Utf8Path, raw: Utf8PathBuf) {
    let output = root.join("output");
    let _ = fs_err::remove_dir_all(&output);
    fs_err::create_dir_all(&output).expect("folders can be made");
    let task = Task {
        inputs: BTreeMap::from([("from".to_owned(), raw)]),
        output,
        scratch: root.to_owned(),
        log: root.join("log"),
        threads: 1,
        share: Share::default(),
        progress: &|_| {},
        stop: &|| false,
        notes: Mutex::default(),
        taken: Mutex::default(),
    };
    let bad_rows = if strict { BadRows::Strict } else { BadRows::Quarantine(Quarantine { at_most: 1.0 }) };
    let table = serde_json::from_str(sound::MAPPING).expect("the mapping is sound");
    let options = Options { bad_rows, table: Some(table), ..Options::default() };
    match format.ingest(&task, &options) {
        Ok(()) | Err(StageError::Data(_) | StageError::Io(_)) => {}
        Err(error) => panic!("{error}"),
    }
}
