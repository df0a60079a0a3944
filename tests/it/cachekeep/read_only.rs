//! Caches that are not there or cannot be written.

use sqlx::Connection;

use super::*;
use crate::records::{connect, wait};

#[test]
fn commands_of_the_cache_make_no_cache() {
    let scratch = Scratch::new();
    for command in ["stats", "verify", "gc"] {
        scratch.sr_pipe(&["cache", command]).expect(2).told(&["there is no cache", "--project"]);
    }
    assert!(!scratch.root.join(".sr-pipe").exists());
}

#[test]
fn a_cache_that_cannot_be_written_serves_all_that_need_not_write() {
    let scratch = Scratch::new();
    chain(&scratch, &[1, 2]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let state = scratch.root.join(".sr-pipe");
    let settled = || ["-wal", "-shm"].map(|end| fs_err::remove_file(format!("{}{end}", records(&scratch))));
    for round in ["with what SQLite wrote ahead", "with the file alone"] {
        if round.ends_with("alone") {
            // Brought into the file first, by another program that opens and closes it.
            let script = format!(
                "import sqlite3; sqlite3.connect('{}').execute('PRAGMA wal_checkpoint(TRUNCATE)')",
                records(&scratch)
            );
            if !std::process::Command::new("python3").args(["-c", &script]).status().is_ok_and(|code| code.success()) {
                eprintln!("skipped: there is no other program to settle the records with");
                return;
            }
            let _ = settled();
        }
        let Some(_mount) = ReadOnly::mount(state.clone()) else { return };
        let plan = scratch.sr_pipe(&["plan", "experiments/e.yaml"]).expect(0).stdout;
        assert!(plan.contains("4 stages in the cache, 0 to run"), "{round}: {plan}");
        scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run", "cannot be written"]);
        scratch.sr_pipe(&["runs", "list"]).expect(0);
        scratch.sr_pipe(&["cache", "stats"]).expect(0);
        scratch.sr_pipe(&["cache", "verify"]).expect(0);
        for command in [&["cache", "gc"][..], &["cache", "verify", "--repair"]] {
            let said = scratch.sr_pipe(command);
            assert_ne!(said.code, Some(0));
            said.told(&["cannot be written", "help: make the folder writable"]);
        }
        let before = scratch.read("pipelines/p.yaml");
        scratch.write("pipelines/p.yaml", &before.replace("echo two", "echo 2"));
        scratch
            .sr_pipe(&["run", "experiments/e.yaml"])
            .expect(2)
            .told(&["cannot be written, and 2 stages have to run", "help: "]);
        scratch.write("pipelines/p.yaml", &before);
    }
}

#[test]
fn records_whose_log_lost_its_index_are_read_where_nothing_can_be_written() {
    let scratch = Scratch::new();
    chain(&scratch, &[1]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let (file, aside) = (records(&scratch), scratch.root.join("aside"));
    let [log, index] = ["-wal", "-shm"].map(|end| format!("{file}{end}"));
    wait(async {
        // A program that is killed while what it wrote is in the log alone.
        let mut connection = connect(&file).await;
        sqlx::query("UPDATE runs SET command = 'in the log alone'").execute(&mut connection).await.unwrap();
        fs_err::copy(&file, &aside).unwrap();
        fs_err::copy(&log, format!("{aside}-wal")).unwrap();
        connection.close().await.unwrap();
    });
    fs_err::copy(&aside, &file).unwrap();
    fs_err::copy(format!("{aside}-wal"), &log).unwrap();
    let _ = fs_err::remove_file(index);
    let Some(_mount) = ReadOnly::mount(scratch.root.join(".sr-pipe")) else { return };
    let shown = scratch.sr_pipe(&["runs", "show", "1", "--json"]).expect(0).stdout;
    assert!(shown.contains("in the log alone"), "{shown}");
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0).told(&["nothing had to run"]);
}
