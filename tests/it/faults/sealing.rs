//! Signals while an output of many files is sealed.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Dice, EXPERIMENT, is_alive, signal, wait_until};
use crate::scratch::{Scratch, grid};

/// One stage that writes 150 files of 16 kB quickly, and one that weighs them.
fn project() -> Scratch {
    let scratch = Scratch::new();
    let many = "head -c 16384 /dev/zero > first; i=0; while [ $i -lt 150 ]; do i=$((i + 1)); { cat first; echo $i; } > $OUT/f$i; done";
    let pipeline = format!(
        "stages:\n  many: {{ shell: {{ command: '{many}' }} }}\n  \
         sum: {{ shell: {{ command: 'cat $IN_MANY/* | cksum > $OUT/sum; echo ${{n}} >> $OUT/sum', inputs: {{ many: many }} }} }}\n"
    );
    scratch.write("pipelines/p.yaml", &pipeline).write(EXPERIMENT, &grid(&[1]));
    scratch
}

fn objects(scratch: &Scratch) -> Vec<String> {
    let mut names: Vec<String> =
        scratch.sealed().iter().map(|path| path.strip_prefix(&scratch.root).unwrap().to_string()).collect();
    names.sort();
    names
}

fn is_sealing(scratch: &Scratch) -> bool {
    let entries = scratch.root.join(".sr-pipe/objects").read_dir_utf8();
    entries.into_iter().flatten().flatten().any(|entry| entry.file_name().starts_with(".sealing-"))
}

/// How long sealing takes, and the objects of an undisturbed run.
fn calm() -> (Duration, Vec<String>) {
    let scratch = project();
    let mut run = scratch.start(&["run", EXPERIMENT]);
    wait_until("sealing to begin", || is_sealing(&scratch));
    let begin = Instant::now();
    while is_sealing(&scratch) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let length = begin.elapsed();
    assert!(run.wait().unwrap().success());
    (length, objects(&scratch))
}

/// Sends a signal at random moments of sealing, many times, and finishes each time.
fn disturbed(kind: Signal, rounds: u32, fine: impl Fn(std::process::ExitStatus) -> bool) {
    let (mut length, right) = calm();
    let mut dice = Dice::new(7);
    let (mut hits, mut done) = (0, 0);
    while done < rounds || hits < rounds / 2 {
        done += 1;
        assert!(done <= 5 * rounds, "{hits} signals hit a run while it sealed in {done} rounds");
        let scratch = project();
        // Twice: the second time a half-sealed folder of the first may lie about.
        for _ in 0..2 {
            let mut run = scratch.start(&["run", EXPERIMENT]);
            let mut alive = true;
            wait_until("sealing to begin", || {
                alive = is_alive(&mut run);
                !alive || is_sealing(&scratch)
            });
            std::thread::sleep(dice.moment(length));
            let sealing = alive && is_sealing(&scratch);
            hits += u32::from(sealing && signal(run.id(), kind));
            if !sealing {
                // Sealing is quicker now than when it was measured: the machine was busier then.
                length = length.mul_f64(0.8);
            }
            let status = run.wait().unwrap();
            assert!(status.success() || fine(status), "{status}");
            scratch.sr_pipe(&["cache", "verify"]).expect(0);
        }
        scratch.sr_pipe(&["run", EXPERIMENT]).expect(0).told(&["1 of 1 cells done"]);
        assert_eq!(objects(&scratch), right);
        assert!(!is_sealing(&scratch), "nothing half sealed is left");
        scratch.sr_pipe(&["run", EXPERIMENT]).expect(0).told(&["nothing had to run"]);
    }
    eprintln!("{hits} signals hit a run while it sealed in {done} rounds");
}

#[test]
fn sigterm_during_sealing_leaves_nothing_torn_and_the_next_run_ends_right() {
    disturbed(Signal::TERM, 12, |status| status.code() == Some(130));
}

#[test]
fn kill_9_during_sealing_leaves_nothing_torn_and_the_next_run_ends_right() {
    disturbed(Signal::KILL, 12, |status| status.code().is_none());
}
