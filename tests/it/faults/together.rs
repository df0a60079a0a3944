//! Several runs over one cache, started together on a fresh project: all end well, and no stage runs twice.

use super::{Calm, EXPERIMENT, Trial};

/// Starts these experiments at once and waits for all.
fn together(trial: &Trial, experiments: &[&str]) {
    let runs: Vec<_> = experiments
        .iter()
        .map(|experiment| {
            let mut command = trial.scratch.command(&["run", experiment]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
}

fn same_grid(count: usize) {
    let calm = Calm::of(3);
    for _ in 0..3 {
        let trial = Trial::new(3);
        together(&trial, &vec![EXPERIMENT; count]);
        assert_eq!(trial.ran(), calm.ran, "each stage ran once");
        trial.expect_right(&calm);
    }
}

#[test]
fn two_runs_of_one_grid_started_together_both_succeed_and_share_the_work() {
    same_grid(2);
}

#[test]
fn four_runs_of_one_grid_started_together_all_succeed_and_share_the_work() {
    same_grid(4);
}

#[test]
fn runs_of_overlapping_grids_started_together_share_what_they_have_in_common() {
    let grids = [("e", 1, 4), ("left", 1, 3), ("right", 2, 4), ("one", 2, 2)];
    let calm = Trial::new(4);
    let write = |trial: &Trial| grids.iter().for_each(|(name, first, last)| trial.seeds(name, *first, *last));
    write(&calm);
    for (name, ..) in grids {
        calm.scratch.sr_pipe(&["run", &format!("experiments/{name}.yaml")]).expect(0);
    }
    let (once, objects) = (calm.ran(), calm.objects());
    for count in [2, 4] {
        let trial = Trial::new(4);
        write(&trial);
        let files: Vec<String> =
            grids[grids.len() - count..].iter().map(|(name, ..)| format!("experiments/{name}.yaml")).collect();
        together(&trial, &files.iter().map(String::as_str).collect::<Vec<_>>());
        for (name, ..) in &grids[grids.len() - count..] {
            assert_eq!(trial.tables_of(name), calm.tables_of(name), "{name}");
        }
        if count == 4 {
            assert_eq!(trial.ran(), once, "each stage ran once");
            assert_eq!(trial.objects(), objects);
        }
        trial.scratch.sr_pipe(&["cache", "verify"]).expect(0);
    }
}
