//! The trainer's command line: its verbs, the lifeline, and exit codes.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks to its user here")]

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use sr_pipe_trainer::error::{TrainerError, is_out_of_memory};
use sr_pipe_trainer::job::{Job, Verb};
use sr_pipe_trainer::score::{ScoreJob, score};
use sr_pipe_trainer::{describe, device, embed, evaluate, model, native, profile, train};

const USAGE: &str = "\
usage: sr-pipe-trainer describe [MODEL [CONFIG]]
       sr-pipe-trainer train JOB.json
       sr-pipe-trainer evaluate JOB.json
       sr-pipe-trainer embed JOB.json
       sr-pipe-trainer profile JOB.json
       sr-pipe-trainer score JOB.json < SESSIONS.jsonl > SCORES.jsonl

`describe` prints the models with their configs and the shapes of their weights; of one model also under a config:
`describe m-sr '{\"scorer\": \"mlp\"}'`.
`train` and `evaluate` are started by `sr-pipe`; by hand, keep standard input open, since its end stops them.
`profile` says, as its last event, where the time of a step goes that trains the model of a `train` job.
`score` answers each session, a JSON object in a line of its own, with the items that score highest.
The jobs are described in `docs/contract.md` and `docs/scoring.md`.";

/// A command that works on a job, and whether `sr-pipe` holds its lifeline.
type Command = (fn(&Path) -> Result<(), TrainerError>, bool);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ((work, held), path): (Command, &str) = match arguments[..] {
        ["describe"] => {
            println!("{:#}", describe::describe());
            return ExitCode::SUCCESS;
        }
        ["describe", name] => return describe_model(name, "{}"),
        ["describe", name, config] => return describe_model(name, config),
        ["train", path] => ((train_model, true), path),
        ["evaluate", path] => ((rank_targets, true), path),
        ["embed", path] => ((learn_vectors, true), path),
        ["profile", path] => ((profile_steps, false), path),
        // The sessions to score come through standard input, so its end means that there are no more.
        ["score", path] => ((score_sessions, false), path),
        ["--help" | "-h" | "help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    if held {
        hold_lifeline();
    }
    // A failed operation inside a model is a panic, as tch's operators have it; what it says decides the exit code.
    match catch_unwind(AssertUnwindSafe(|| work(Path::new(path)))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("error: {error}");
            if error.exit_code() == 4 {
                eprintln!("help: {MEMORY_HELP}");
            }
            ExitCode::from(error.exit_code())
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            if is_out_of_memory(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()) {
                eprintln!("error: out of memory\nhelp: {MEMORY_HELP}");
                return ExitCode::from(4);
            }
            ExitCode::from(101)
        }
    }
}

fn describe_model(name: &str, config: &str) -> ExitCode {
    match describe::describe_one(name, config) {
        Ok(document) => {
            println!("{document:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

const MEMORY_HELP: &str = "lower `training.batch` or `dimension`, or use a device with more memory";

/// Ends the process when standard input ends. Checkpoints are replaced whole, so any moment is a good one.
fn hold_lifeline() {
    std::thread::spawn(|| {
        let mut buffer = [0; 64];
        let mut input = std::io::stdin().lock();
        loop {
            match input.read(&mut buffer) {
                Ok(0) => native::leave(5),
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => native::leave(5),
                _ => {}
            }
        }
    });
}

fn train_model(path: &Path) -> Result<(), TrainerError> {
    let job = Job::read(path, Verb::Train)?;
    let device = prepare(job.threads, &job.device)?;
    train::train(&job, model::named(&job.model)?, device)
}

fn rank_targets(path: &Path) -> Result<(), TrainerError> {
    let job = Job::read(path, Verb::Evaluate)?;
    let device = prepare(job.threads, &job.device)?;
    evaluate::evaluate(&job, model::named(&job.model)?, device)
}

fn learn_vectors(path: &Path) -> Result<(), TrainerError> {
    let job = Job::read(path, Verb::Embed)?;
    prepare(job.threads, "cpu")?;
    embed::embed(&job)
}

fn profile_steps(path: &Path) -> Result<(), TrainerError> {
    let job = Job::read(path, Verb::Train)?;
    let device = prepare(job.threads, &job.device)?;
    println!("{}", profile::profile(&job, model::named(&job.model)?, device)?);
    Ok(())
}

fn score_sessions(path: &Path) -> Result<(), TrainerError> {
    let job = ScoreJob::read(path)?;
    let device = prepare(job.threads, &job.device)?;
    score(&job, device, std::io::stdin().lock(), std::io::stdout().lock())
}

/// Sets libtorch up for this process and finds its device.
fn prepare(threads: u32, device: &str) -> Result<tch::Device, TrainerError> {
    native::prepare();
    tch::set_num_interop_threads(1);
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
    device::find(device)
}
