//! A full disk: the run says so, nothing is torn, and once there is room the same command ends right.

use std::process::Command;

use super::{Calm, EXPERIMENT, Trial};

/// Runs the experiment on a small file system of its own, makes room, and runs it again; what each step said and how
/// it ended is left in the project's folder. The file system goes with the last process of the name space.
const SCRIPT: &str = r#"
mkdir -p "$ROOT/.sr-pipe" && mount -t tmpfs -o size=$SIZE tmpfs "$ROOT/.sr-pipe" || exit 9
step() { name=$1; shift; "$SR_PIPE" "$@" > "$ROOT/$name.said" 2>&1; echo $? > "$ROOT/$name.code"; }
step full run experiments/e.yaml
step full-verify cache verify
mount -o remount,size=512m "$ROOT/.sr-pipe" || exit 9
step roomy run experiments/e.yaml
step roomy-verify cache verify
step idle run experiments/e.yaml
find "$ROOT/.sr-pipe/objects" -path '*/files/*' -type f > "$ROOT/objects.said"
"#;

fn in_a_name_space(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command
}

#[test]
fn a_full_disk_is_named_tears_nothing_and_the_same_command_ends_right_once_there_is_room() {
    let probe = in_a_name_space("mount -t tmpfs -o size=1m tmpfs /tmp").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this machine lets nobody mount a small file system in a name space (`unshare -rm`)");
        return;
    }
    let calm = Calm::of(2);
    let mut full = 0;
    // From too small for the records alone to almost enough, so that each kind of write meets the end of the disk.
    for size in (1..=24).map(|step| step * 48) {
        let trial = Trial::new(2);
        let root = &trial.scratch.root;
        let mut command = in_a_name_space(SCRIPT);
        command.env("ROOT", root).env("SIZE", format!("{size}k")).env("SR_PIPE", env!("CARGO_BIN_EXE_sr-pipe"));
        assert!(command.current_dir(root).status().unwrap().success());
        let said = |step: &str| trial.scratch.read(&format!("{step}.said"));
        let code = |step: &str| trial.scratch.read(&format!("{step}.code")).trim().parse::<i32>().unwrap();
        let words = said("full");
        if code("full") != 0 {
            full += 1;
            let names_it = words.contains("No space left on device") || words.contains("disk is full");
            assert!(names_it && matches!(code("full"), 1 | 2), "{size} kB, {}:\n{words}", code("full"));
            assert!(!said("full-verify").contains("damaged  "), "{size} kB:\n{}", said("full-verify"));
        }
        assert_eq!(code("roomy"), 0, "{size} kB, then\n{}", said("roomy"));
        assert_eq!(code("roomy-verify"), 0, "{size} kB, then\n{}", said("roomy-verify"));
        assert!(code("idle") == 0 && said("idle").contains("nothing had to run"), "{size} kB:\n{}", said("idle"));
        assert_eq!(trial.tables(), calm.tables, "{size} kB");
        let objects = trial.state().join("objects");
        let mut names: Vec<String> =
            said("objects").lines().map(|line| line[objects.as_str().len() + 1..].to_owned()).collect();
        names.sort();
        assert_eq!(names, calm.objects, "{size} kB");
    }
    assert!(full >= 8, "only {full} sizes were too small: more are needed for this to say anything");
    eprintln!("{full} of 24 sizes were too small for a first run of {EXPERIMENT}");
}
