//! Stored bytes that went bad: the next run names what it finds, makes it again, and ends with the same tables.

use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Calm, Trial};

/// What may happen to the objects of a finished run. Each gives the file that it harmed.
fn harmed(trial: &Trial, harm: impl Fn(&Utf8Path)) {
    let calm = Calm::of(1);
    trial.run().expect(0);
    let objects = folders(trial);
    assert!(objects.len() >= 8, "one object a stage: {objects:?}");
    for object in objects {
        harm(&object);
        let name = object.file_name().unwrap();
        let verify = trial.scratch.sr_pipe(&["cache", "verify"]).expect(1).stdout;
        assert!(verify.contains(name), "`cache verify` names {name}:\n{verify}");
        let said = trial.run().expect(0);
        assert!(said.stderr.contains("damaged"), "nothing was said of {name}:\n{}", said.stderr);
        assert_eq!((trial.tables(), trial.objects()), (calm.tables.clone(), calm.objects.clone()));
    }
    trial.expect_right(&calm);
}

fn folders(trial: &Trial) -> Vec<Utf8PathBuf> {
    let files = trial.scratch.sealed();
    let mut folders: Vec<Utf8PathBuf> = files
        .iter()
        .filter_map(|file| file.ancestors().find(|above| above.ends_with("files"))?.parent())
        .map(Utf8Path::to_owned)
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

/// The first file of an object, made writable.
fn first_file(object: &Utf8Path) -> Utf8PathBuf {
    let mut files: Vec<Utf8PathBuf> =
        object.join("files").read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
    files.sort();
    fs_err::set_permissions(&files[0], std::fs::Permissions::from_mode(0o644)).unwrap();
    files.swap_remove(0)
}

#[test]
fn a_flipped_byte_with_size_and_time_forged_is_found_in_any_object_and_healed() {
    harmed(&Trial::new(1), |object| {
        let file = first_file(object);
        let when = fs_err::metadata(&file).unwrap().modified().unwrap();
        let mut bytes = fs_err::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs_err::write(&file, bytes).unwrap();
        std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_modified(when).unwrap();
        assert_eq!(fs_err::metadata(&file).unwrap().modified().unwrap(), when);
    });
}

#[test]
fn a_truncated_file_is_found_in_any_object_and_healed() {
    harmed(&Trial::new(1), |object| {
        let file = first_file(object);
        let length = fs_err::metadata(&file).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 1).unwrap();
    });
}

#[test]
fn a_missing_file_is_found_in_any_object_and_healed() {
    harmed(&Trial::new(1), |object| fs_err::remove_file(first_file(object)).unwrap());
}

#[test]
fn a_missing_manifest_is_found_in_any_object_and_healed() {
    harmed(&Trial::new(1), |object| fs_err::remove_file(object.join("manifest.json")).unwrap());
}
