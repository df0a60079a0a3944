//! A cache that cannot be written: what is there can be used, what is not there is told before any work.

use std::process::Command;

use super::{Calm, Trial};

/// Runs the experiment, makes the cache read-only, asks for everything again and for one cell more, and makes it
/// writable again; what each step said and how it ended is left in the project's folder.
const SCRIPT: &str = r#"
step() { name=$1; shift; "$SR_PIPE" "$@" > "$name.said" 2>&1; echo $? > "$name.code"; }
step first run experiments/e.yaml
mount --bind .sr-pipe .sr-pipe && mount -o remount,bind,ro .sr-pipe && ! touch .sr-pipe/x || exit 9
: > ledger
rm -r results
step again run experiments/e.yaml
cp -r results results.again
rm -r results
step report report experiments/e.yaml
step plan plan experiments/e.yaml
step verify cache verify
step more run experiments/more.yaml
step more-plan plan experiments/more.yaml
cp ledger ledger.read-only
umount .sr-pipe || exit 9
step writable run experiments/more.yaml
"#;

#[test]
fn a_read_only_cache_gives_what_it_has_and_says_at_once_what_it_cannot_do() {
    let in_a_name_space = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command
    };
    let probe = in_a_name_space("mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this machine lets nobody mount a folder read-only in a name space (`unshare -rm`)");
        return;
    }
    let (calm, more) = (Calm::of(3), Calm::of(4));
    let trial = Trial::new(4);
    trial.seeds("more", 1, 4);
    trial.seeds("e", 1, 3);
    let mut command = in_a_name_space(SCRIPT);
    command.env("SR_PIPE", env!("CARGO_BIN_EXE_sr-pipe")).current_dir(&trial.scratch.root);
    assert!(command.status().unwrap().success());
    let said = |step: &str| trial.scratch.read(&format!("{step}.said"));
    let code = |step: &str, expected: i32| {
        assert_eq!(trial.scratch.read(&format!("{step}.code")).trim(), expected.to_string(), "{step}:\n{}", said(step));
    };
    for step in ["first", "again", "report", "plan", "verify", "more-plan", "writable"] {
        code(step, 0);
    }
    assert!(said("again").contains("nothing had to run"), "{}", said("again"));
    assert!(said("plan").contains("0 to run"), "{}", said("plan"));
    for result in ["e.md", "e.csv"] {
        let again = trial.scratch.read(&format!("results.again/{result}"));
        assert_eq!(
            again,
            trial.scratch.read(&format!("results/{result}")),
            "`run` and `report` write the same {result}"
        );
    }
    assert_eq!(trial.tables(), calm.tables);
    code("more", 2);
    for part in ["cannot be written", "to run", "help:"] {
        assert!(said("more").contains(part), "no `{part}` in:\n{}", said("more"));
    }
    assert_eq!(trial.scratch.read("ledger.read-only"), "", "nothing was begun");
    let same = |tables: super::Tables| tables.numbers;
    assert_eq!(same(trial.tables_of("more")), same(more.tables), "made writable again, it ends right");
    assert_eq!(trial.objects(), more.objects);
}
