//! States that a power cut may leave: what was renamed but not on record, on record but not there, half made, cut short.

use camino::Utf8Path;

use super::{Calm, EXPERIMENT, Trial};

fn finished() -> (Trial, Calm) {
    let trial = Trial::new(2);
    trial.run().expect(0);
    trial.ran();
    (trial, Calm::of(2))
}

#[test]
fn objects_that_are_not_on_record_are_no_harm() {
    let (finished, calm) = finished();
    let trial = Trial::new(2);
    // What was renamed into place before the power went, and its row was not written.
    for file in finished.scratch.sealed() {
        let object = file.ancestors().find(|above| above.ends_with("files")).and_then(Utf8Path::parent).unwrap();
        let manifest = object.join("manifest.json");
        for path in [file.as_path(), &manifest] {
            let text = fs_err::read(path).unwrap();
            let to = trial.scratch.root.join(path.strip_prefix(&finished.scratch.root).unwrap());
            fs_err::create_dir_all(to.parent().unwrap()).unwrap();
            fs_err::write(to, text).unwrap();
        }
    }
    assert_eq!(trial.objects(), calm.objects);
    trial.run().expect(0);
    assert_eq!(trial.ran(), calm.ran, "what is not on record is made again");
    trial.expect_right(&calm);
}

#[test]
fn a_record_whose_object_is_gone_is_made_again() {
    let (trial, calm) = finished();
    let shards: Vec<_> =
        trial.state().join("objects").read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
    for shard in shards {
        fs_err::remove_dir_all(&shard).unwrap();
        trial.run().expect(0).told(&["damaged"]);
        assert_eq!((trial.tables(), trial.objects()), (calm.tables.clone(), calm.objects.clone()));
    }
    fs_err::remove_dir_all(trial.state().join("objects")).unwrap();
    trial.run().expect(0);
    trial.expect_right(&calm);
}

#[test]
fn what_was_half_sealed_is_cleared_away() {
    let (trial, calm) = finished();
    for name in [".sealing-abcdef", ".discarded-abcdef"] {
        trial.scratch.write(&format!(".sr-pipe/objects/{name}/files/half"), "ha");
    }
    trial.scratch.sr_pipe(&["cache", "verify"]).expect(0);
    trial.run().expect(0).told(&["nothing had to run"]);
    for name in [".sealing-abcdef", ".discarded-abcdef"] {
        assert!(!trial.state().join("objects").join(name).exists(), "{name} is gone");
    }
    trial.expect_right(&calm);
}

#[test]
fn a_write_ahead_log_that_was_cut_short_costs_no_more_than_its_last_results() {
    let calm = Calm::of(2);
    let trial = Trial::new(2);
    let wal = trial.state().join("records.sqlite-wal");
    let mut cut = 0;
    for round in 0..8 {
        // Killed, so that SQLite leaves its log where it is.
        let mut run = trial.scratch.start(&["run", EXPERIMENT]);
        let grown = || fs_err::metadata(&wal).map_or(0, |meta| meta.len());
        let begin = grown();
        super::wait_until("something on record", || {
            run.try_wait().unwrap().is_some() || grown() > begin + 30_000 * round
        });
        let _ = run.kill();
        run.wait().unwrap();
        let length = grown();
        if length > 0 {
            // In the middle of a frame.
            std::fs::OpenOptions::new().write(true).open(&wal).unwrap().set_len(length * 2 / 3 + 7).unwrap();
            cut += 1;
        }
    }
    assert!(cut > 0, "no log was left to cut");
    trial.run().expect(0);
    trial.expect_right(&calm);
}

#[test]
fn leavings_of_an_attempt_that_no_record_knows_do_not_get_into_a_new_one() {
    // After the loss of the records, attempts are numbered from one again, and such folders may be there still.
    let calm = Calm::of(2);
    let trial = Trial::new(2);
    for attempt in 1..=20 {
        for folder in ["output", "scratch", "scratch/checkpoint"] {
            trial.scratch.write(&format!(".sr-pipe/attempts/{attempt}/{folder}/a"), "old\n");
            trial.scratch.write(&format!(".sr-pipe/attempts/{attempt}/{folder}/stray"), "old\n");
        }
        trial.scratch.write(&format!(".sr-pipe/attempts/{attempt}/scratch/checkpoint/checkpoint.safetensors"), "old\n");
    }
    trial.run().expect(0);
    trial.expect_right(&calm);
}
