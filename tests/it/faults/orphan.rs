//! A child that outlives its runner and goes on writing.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Calm, EXPERIMENT, Trial, below, kill_9, wait_until};
use crate::scratch::{Scratch, grid};

/// A stage whose first attempt is in a session of its own, so that nothing that ends the run's processes reaches it: it
/// writes one line, waits until `go` is there, and then writes more and more. Later attempts do `after_it` and end.
fn stubborn(scratch: &Scratch, after_it: &str) {
    let root = &scratch.root;
    scratch.write(
        "orphan.sh",
        "cd \"$1\"; echo first >> $OUT/a; exec 3>> $OUT/a\n\
         echo $$ > orphan.new; mv orphan.new orphan\n\
         until [ -e go ]; do sleep 0.01; done\n\
         i=0; until [ -e enough ]; do i=$((i + 1)); echo torn >&3; mkdir -p $OUT; echo torn > $OUT/c$i; done\n",
    );
    let command = format!(
        "if mkdir {root}/came; then exec setsid --wait sh {root}/orphan.sh {root}; fi; echo first > $OUT/a; {after_it}; echo second >> $OUT/a"
    );
    let pipeline = format!(
        "stages:\n  a: {{ shell: {{ command: '{command}' }} }}\n  \
         b: {{ shell: {{ command: 'cat $IN_A/* > $OUT/all; echo ${{n}}', inputs: {{ a: a }} }} }}\n"
    );
    scratch.write("pipelines/p.yaml", &pipeline).write(EXPERIMENT, &grid(&[1]));
}

/// Starts the run, kills it and leaves its child behind; gives the child's process id.
fn left_behind(scratch: &Scratch) -> u32 {
    let mut run = scratch.start(&["run", EXPERIMENT]);
    wait_until("the stage to begin", || scratch.root.join("orphan").is_file());
    assert!(kill_9(run.id()));
    run.wait().unwrap();
    let orphan = scratch.read("orphan").trim().parse().unwrap();
    assert!(is_running(orphan), "the child outlives its runner");
    orphan
}

fn is_running(process: u32) -> bool {
    // A process that has ended and that nobody has asked about is a `Z`.
    fs_err::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|text| !text.contains(") Z "))
}

fn sealed_bytes(scratch: &Scratch) -> Vec<(String, String)> {
    let mut all: Vec<_> = scratch
        .sealed()
        .iter()
        .map(|path| (path.file_name().unwrap().to_owned(), fs_err::read_to_string(path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn an_orphan_that_writes_while_the_next_run_computes_the_same_key_changes_no_byte() {
    let scratch = Scratch::new();
    // The second attempt is at work while the orphan writes, and ends before it.
    stubborn(&scratch, &format!("touch {0}/go; sleep 0.3", scratch.root));
    let orphan = left_behind(&scratch);
    scratch.sr_pipe(&["run", EXPERIMENT]).expect(0).told(&["2 stages ran"]);
    assert!(is_running(orphan), "it still writes");
    let right = [("a".to_owned(), "first\nsecond\n".to_owned()), ("all".to_owned(), "first\nsecond\n".to_owned())];
    assert_eq!(sealed_bytes(&scratch), right);
    scratch.write("enough", "");
    wait_until("the orphan to end", || !is_running(orphan));
    assert_eq!(sealed_bytes(&scratch), right, "and so it stays");
    scratch.sr_pipe(&["cache", "verify"]).expect(0);
    scratch.sr_pipe(&["run", EXPERIMENT]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn an_orphan_that_writes_after_the_next_run_has_ended_changes_no_byte() {
    let scratch = Scratch::new();
    stubborn(&scratch, "true");
    let orphan = left_behind(&scratch);
    scratch.sr_pipe(&["run", EXPERIMENT]).expect(0);
    let right = sealed_bytes(&scratch);
    assert_eq!(right[0].1, "first\nsecond\n");
    scratch.write("go", "");
    wait_until("the orphan to write", || {
        scratch.write("enough", "");
        !is_running(orphan)
    });
    assert_eq!(sealed_bytes(&scratch), right);
    scratch.sr_pipe(&["cache", "verify"]).expect(0);
    scratch.sr_pipe(&["run", EXPERIMENT]).expect(0).told(&["nothing had to run"]);
}

#[test]
fn trainers_that_outlive_their_runner_and_keep_writing_checkpoints_spoil_no_table() {
    let calm = Calm::of(4);
    let trial = Trial::new(4);
    // Each round leaves trainers behind that write checkpoints while the next round copies them.
    for _ in 0..12 {
        let mut run = trial.scratch.start(&["run", EXPERIMENT]);
        let mut ended = false;
        wait_until("a trainer to start", || {
            ended = run.try_wait().unwrap().is_some();
            ended || below(run.id()).iter().any(|child| is_trainer(*child))
        });
        kill_9(run.id());
        run.wait().unwrap();
        if ended {
            break;
        }
    }
    trial.run().expect(0);
    trial.expect_right(&calm);
}

#[test]
fn a_checkpoint_is_copied_while_an_orphan_renames_files_in_its_folder() {
    let calm = Calm::of(4);
    let trial = Trial::new(4);
    // Every training fails after its first epoch; its checkpoint is kept.
    trial.scratch.write("broken", "");
    trial.run().expect(1);
    fs_err::remove_file(trial.scratch.root.join("broken")).unwrap();
    let attempts = trial.state().join("attempts").read_dir_utf8().unwrap();
    let folders: Vec<_> =
        attempts.map(|entry| entry.unwrap().path().join("scratch/checkpoint")).filter(|path| path.is_dir()).collect();
    assert!(folders.len() >= 4, "{folders:?}");
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for folder in &folders {
            scope.spawn(|| {
                for round in 0.. {
                    let new = folder.join(format!("other.{}", round % 30));
                    // The folder goes when the attempt that read it has ended well.
                    let written = fs_err::write(&new, "x").and_then(|()| fs_err::rename(&new, folder.join("other")));
                    if enough.load(Ordering::SeqCst) || written.is_err() {
                        break;
                    }
                }
            });
        }
        let said = trial.run();
        enough.store(true, Ordering::SeqCst);
        said.expect(0);
    });
    trial.expect_right(&calm);
}

fn is_trainer(process: u32) -> bool {
    fs_err::read_to_string(format!("/proc/{process}/cmdline")).is_ok_and(|words| words.contains("trainer.sh\0train"))
}
