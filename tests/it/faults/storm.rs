//! `kill -9` at random moments: of the runner, of what it started, and of both.

use std::time::Duration;

use super::{Calm, Dice, EXPERIMENT, Trial, below, is_alive, kill_9, wait_until};

/// Kills that found a run alive.
const KILLS: u32 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Runner,
    Children,
    Both,
}

#[test]
fn killed_100_times_at_random_moments_a_run_always_ends_with_the_same_tables() {
    let calm = Calm::of(2);
    let mut dice = Dice::new(20_260_101);
    let mut trial = Trial::new(2);
    let (mut kills, mut under_way, mut of_children, mut ended, mut rounds) = (0, 0, 0, 0, 0);
    while kills < KILLS {
        rounds += 1;
        assert!(rounds < 20 * KILLS, "{kills} kills in {rounds} rounds: the moments miss the runs");
        let mut run = trial.scratch.start(&["run", EXPERIMENT]);
        std::thread::sleep(dice.moment(calm.length));
        let victim = [Victim::Runner, Victim::Children, Victim::Both][usize::try_from(dice.roll(3)).unwrap()];
        let mut children = below(run.id());
        if victim != Victim::Runner {
            wait_until("a child", || {
                children = below(run.id());
                !children.is_empty() || !is_alive(&mut run)
            });
        }
        let busy = trial.is_under_way();
        if is_alive(&mut run) {
            if victim != Victim::Children {
                kill_9(run.id());
            }
            let killed = if victim == Victim::Runner { 0 } else { children.iter().filter(|id| kill_9(**id)).count() };
            kills += 1;
            under_way += u32::from(busy);
            of_children += u32::from(killed > 0);
        }
        let status = run.wait().unwrap();
        if status.success() {
            // It came to its end before the blow, or healed by itself after it. The next round begins anew.
            ended += 1;
            if ended % 5 == 0 {
                trial.expect_right(&calm);
            } else {
                assert_eq!((trial.tables(), trial.objects()), (calm.tables.clone(), calm.objects.clone()));
            }
            trial = Trial::new(2);
        } else if kills % 10 == 0 {
            // Killed before it made its first file, a run leaves nothing to verify, and the command says so.
            let made = trial.state().join("records.sqlite").exists();
            trial.scratch.sr_pipe(&["cache", "verify"]).expect(if made { 0 } else { 2 });
        }
    }
    eprintln!("{kills} kills in {rounds} rounds; {under_way} hit work, {of_children} hit children, {ended} runs ended");
    assert!(under_way * 2 > KILLS, "most kills hit a stage at work: {under_way} of {KILLS}");
    assert!(of_children * 4 > KILLS, "many kills hit what the runner had started: {of_children} of {KILLS}");
    trial.run().expect(0);
    trial.expect_right(&calm);
}

#[test]
fn killed_again_and_again_before_each_new_stage_a_run_still_gets_to_its_end() {
    // Each run may bring one more result on record and is killed then, so every boundary between stages is met.
    let calm = Calm::of(2);
    let trial = Trial::new(2);
    let results = || trial.scratch.sealed().len();
    let mut rounds = 0;
    loop {
        let before = results();
        let mut run = trial.scratch.start(&["run", EXPERIMENT, "--jobs", "1"]);
        while is_alive(&mut run) && results() == before {
            std::thread::sleep(Duration::from_millis(1));
        }
        let alive = is_alive(&mut run) && kill_9(run.id());
        let status = run.wait().unwrap();
        rounds += 1;
        assert!(rounds < 100, "it never ends");
        if !alive {
            assert!(status.success(), "{status}");
            break;
        }
    }
    eprintln!("killed {rounds} times right after something was sealed");
    trial.expect_right(&calm);
}
