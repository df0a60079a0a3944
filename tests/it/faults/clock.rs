//! A clock that is set back, between runs and during them, and raw files from the past.

use std::process::{Command, Stdio};

use camino::Utf8PathBuf;

use super::{Calm, EXPERIMENT, Trial};
use crate::scratch::{Said, Scratch, grid};

/// Shifts the clock of a program: by `CLOCK_SHIFT` seconds at first, and by so many more each `CLOCK_EVERY` questions.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long long shift(void) {
    static long long asked;
    const char *first = getenv("CLOCK_SHIFT"), *every = getenv("CLOCK_EVERY");
    if (!first) return 0;
    long long steps = every && atoll(every) > 0 ? __sync_fetch_and_add(&asked, 1) / atoll(every) : 0;
    return atoll(first) * (1 + steps);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"#;

/// The shim as a library; none where there is no C compiler.
fn shim(scratch: &Scratch) -> Option<Utf8PathBuf> {
    scratch.write("shim/clock.c", SHIM);
    let library = scratch.root.join("shim/clock.so");
    let source = scratch.root.join("shim/clock.c");
    let words = ["-shared", "-fPIC", "-O1", "-o", library.as_str(), source.as_str(), "-ldl"];
    let made = Command::new("cc").args(words).stderr(Stdio::null()).status();
    if made.is_ok_and(|status| status.success()) {
        return Some(library);
    }
    eprintln!("skipped: there is no C compiler `cc` to build the shim for the clock with");
    None
}

fn run_with(trial: &Trial, library: &Utf8PathBuf, shift: i64, every: u32) -> Said {
    let mut command = trial.scratch.command(&["run", EXPERIMENT]);
    command.env("LD_PRELOAD", library).env("CLOCK_SHIFT", shift.to_string()).env("CLOCK_EVERY", every.to_string());
    Said::new(command.output().unwrap())
}

#[test]
fn a_clock_set_back_between_runs_and_during_them_changes_no_table_and_makes_nothing_again() {
    let calm = Calm::of(2);
    let trial = Trial::new(2);
    let Some(library) = shim(&trial.scratch) else { return };
    // A year back, an hour further back at every third question, and a century forward.
    for (shift, every) in [(-31_536_000, 0), (-3_600, 3), (3_155_760_000, 0)] {
        let _ = fs_err::remove_dir_all(trial.state());
        trial.ran();
        run_with(&trial, &library, shift, every).expect(0);
        assert_eq!(trial.ran(), calm.ran);
        assert_eq!((trial.tables(), trial.objects()), (calm.tables.clone(), calm.objects.clone()));
        // The first run was told another year than this one, so the shim works.
        let first = trial.scratch.sr_pipe(&["runs", "list"]).expect(0).stdout;
        run_with(&trial, &library, -86_400 * 400, 2).expect(0).told(&["nothing had to run"]);
        trial.expect_right(&calm);
        let year = jiff::Timestamp::now().to_string()[..4].to_owned();
        assert!(every > 0 || !first.contains(&year), "the clock was not shifted:\n{first}");
    }
}

#[test]
fn a_clock_set_back_between_two_kills_changes_no_table() {
    let calm = Calm::of(2);
    let trial = Trial::new(2);
    let Some(library) = shim(&trial.scratch) else { return };
    for round in 1..=6 {
        let mut command = trial.scratch.command(&["run", EXPERIMENT]);
        let shift = -86_400 * round;
        command.env("LD_PRELOAD", &library).env("CLOCK_SHIFT", shift.to_string()).env("CLOCK_EVERY", "5");
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let before = trial.scratch.sealed().len();
        super::wait_until("one more result", || !super::is_alive(&mut run) || trial.scratch.sealed().len() > before);
        let _ = run.kill();
        run.wait().unwrap();
    }
    trial.run().expect(0);
    trial.expect_right(&calm);
}

#[test]
fn a_raw_file_of_the_same_size_with_an_older_time_stamp_is_read_again() {
    let scratch = Scratch::new();
    scratch.write("data/raw/a.txt", "0000\n").write(EXPERIMENT, &grid(&[1])).write(
        "pipelines/p.yaml",
        "stages:\n  raw: { files: { folder: raw, files: [a.txt] } }\n  \
         copy: { shell: { command: \"cat $IN_RAW/a.txt > $OUT/a${n}\", inputs: { raw: raw } } }\n",
    );
    scratch.sr_pipe(&["run", EXPERIMENT]).expect(0).told(&["1 stage ran"]);
    let raw = scratch.root.join("data/raw/a.txt");
    let first = fs_err::metadata(&raw).unwrap().modified().unwrap();
    for round in 1_u32..=20 {
        // Written in place, so the inode stays as well; each time stamp is an hour before the last.
        fs_err::write(&raw, format!("{round:04}\n")).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&raw).unwrap();
        file.set_modified(first - std::time::Duration::from_secs(3_600) * round).unwrap();
        scratch.sr_pipe(&["run", EXPERIMENT]).expect(0).told(&["1 stage ran"]);
        let copies: Vec<String> = scratch.sealed().iter().map(|path| fs_err::read_to_string(path).unwrap()).collect();
        assert!(copies.contains(&format!("{round:04}\n")), "{copies:?}");
        scratch.sr_pipe(&["run", EXPERIMENT]).expect(0).told(&["nothing had to run"]);
    }
}
