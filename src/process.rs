//! Child processes: each in a group of its own, waited for without polling the processor away, held to its limits,
//! and ended whole: nothing that it started outlives it.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process_group, set_child_subreaper, waitid, waitpgid,
};

/// How long a child may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// The longest pause between two looks at a child: at the wish to stop, its time, and its memory.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two looks at the memory of a child that has no limit of it.
const IDLE_PAUSE: Duration = Duration::from_millis(500);

/// Runs a command in `sh`, beside a watcher that ends the whole group when standard input ends, as it does when this
/// process dies in any way. The watcher costs one fork and sleeps.
const GUARD: &str = "exec 3<&0 </dev/null; { read -r _ <&3; kill -9 0; } & exec 3<&-; exec sh -c \"$1\"";

/// How a child hears that it is to end. One that does not heed it within ten seconds is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// By SIGTERM to its group.
    BySignal,
    /// By the end of its standard input.
    ByLifeline,
}

/// Who ended a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It ended by itself, or something outside ended it.
    Itself,
    /// It was asked to stop.
    Stopped,
    /// It used more memory than it may: so many bytes.
    Memory(u64),
}

/// How a child ended and what it took.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// Who ended it.
    pub cause: Cause,
    /// The most memory that it and all that it started were seen to hold, in bytes.
    pub peak_memory: u64,
}

/// A command for `sh` that does not outlive this process.
pub fn shell(command: &str) -> Command {
    // By its path: looked up along a changed `PATH`, it would be started by a slower way (fork instead of posix_spawn).
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", GUARD, "sh", command]);
    shell
}

/// Runs a child to its end. Its standard input is a pipe that stays open as long as it may live; `listen` is given its
/// standard output where that is piped, in a thread of its own. `most_memory` is what it and all that it started may
/// hold together, in bytes.
///
/// # Errors
/// When it cannot be started, or `listen` fails.
pub fn run(
    command: &mut Command,
    asked: Asked,
    most_memory: Option<u64>,
    stop: &dyn Fn() -> bool,
    listen: impl FnOnce(ChildStdout) -> io::Result<()> + Send,
) -> io::Result<Ended> {
    let mut child = {
        let mut groups = groups();
        if groups.closed {
            return Err(io::Error::other("this process is about to end"));
        }
        // What a child leaves behind becomes a child of this process, which can then wait for its end. A system that
        // refuses gives the orphans to its first process instead.
        let _ = set_child_subreaper(Some(getpid()));
        let child = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        groups.live.insert(child.id());
        child
    };
    let leader = Pid::from_child(&child);
    let mut lifeline = child.stdin.take();
    let output = child.stdout.take();
    std::thread::scope(|scope| {
        let (tell, told) = mpsc::channel::<()>();
        scope.spawn(move || {
            // Not waited for to the end: as long as it is a zombie its number names no other process.
            while waitid(WaitId::Pid(leader), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
                .is_err_and(|error| error == rustix::io::Errno::INTR)
            {}
            drop(tell);
        });
        let listener = output.map(|output| scope.spawn(move || listen(output)));
        let mut watch = Watch { leader, asked, most_memory, cause: Cause::Itself, peak_memory: 0 };
        watch.until_ended(&told, &mut lifeline, stop);
        let status = end_group(leader);
        drop(lifeline);
        if let Some(listener) = listener {
            listener.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(Ended { status: status?, cause: watch.cause, peak_memory: watch.peak_memory })
    })
}

/// Kills every child and all that they started, and lets none be started any more: for a process that ends now.
pub fn kill_all() {
    let mut groups = groups();
    groups.closed = true;
    for leader in &groups.live {
        if let Some(leader) = i32::try_from(*leader).ok().and_then(Pid::from_raw) {
            kill(leader, Signal::KILL);
        }
    }
}

/// The groups of children that live now.
struct Groups {
    live: BTreeSet<u32>,
    closed: bool,
}

static GROUPS: Mutex<Groups> = Mutex::new(Groups { live: BTreeSet::new(), closed: false });

fn groups() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill(leader: Pid, signal: Signal) {
    // Failing is fine: all of the group have ended then.
    let _ = kill_process_group(leader, signal);
}

/// Ends what a child left in its group, and gives the child's own status.
fn end_group(leader: Pid) -> io::Result<ExitStatus> {
    kill(leader, Signal::KILL);
    groups().live.remove(&leader.as_raw_nonzero().get().unsigned_abs());
    let mut status = None;
    loop {
        match waitpgid(leader, WaitOptions::empty()) {
            Ok(Some((process, ended))) if process == leader => status = Some(ExitStatus::from_raw(ended.as_raw())),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
    status.ok_or_else(|| io::Error::other("a child process left its group"))
}

/// What is watched while a child lives.
struct Watch {
    leader: Pid,
    asked: Asked,
    most_memory: Option<u64>,
    cause: Cause,
    peak_memory: u64,
}

impl Watch {
    /// Waits until `told` is closed, with pauses that grow, so that a short child is seen and a long one costs nothing.
    fn until_ended(
        &mut self,
        told: &mpsc::Receiver<()>,
        lifeline: &mut Option<std::process::ChildStdin>,
        stop: &dyn Fn() -> bool,
    ) {
        let started = Instant::now();
        let (mut pause, mut asked, mut looked) = (Duration::from_millis(1), None::<Instant>, Duration::ZERO);
        while told.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
            let lived = started.elapsed();
            pause = (pause * 2).min(PAUSE);
            if pause < PAUSE || self.most_memory.is_some() || lived - looked > IDLE_PAUSE {
                looked = lived;
                self.look_at_memory();
            }
            if self.cause == Cause::Itself && stop() {
                self.cause = Cause::Stopped;
            }
            match (self.cause, asked) {
                (Cause::Itself, _) => {}
                (Cause::Memory(_), _) => kill(self.leader, Signal::KILL),
                (_, None) => {
                    asked = Some(Instant::now());
                    match self.asked {
                        Asked::BySignal => kill(self.leader, Signal::TERM),
                        Asked::ByLifeline => drop(lifeline.take()),
                    }
                }
                (_, Some(since)) if since.elapsed() > GRACE => kill(self.leader, Signal::KILL),
                _ => {}
            }
        }
    }

    fn look_at_memory(&mut self) {
        let held = memory_of_tree(self.leader);
        self.peak_memory = self.peak_memory.max(held.together).max(held.most_of_one);
        if self.cause == Cause::Itself && self.most_memory.is_some_and(|most| held.together > most) {
            self.cause = Cause::Memory(held.together);
        }
    }
}

#[derive(Default)]
struct Held {
    /// What all hold now.
    together: u64,
    /// The most that one of them ever held.
    most_of_one: u64,
}

/// Resident memory of a process and all that it started, in bytes; what has ended counts as nothing.
fn memory_of_tree(root: Pid) -> Held {
    let mut held = Held::default();
    let mut open = vec![root.as_raw_nonzero().get().unsigned_abs()];
    while let Some(process) = open.pop() {
        let Ok(status) = fs_err::read_to_string(format!("/proc/{process}/status")) else { continue };
        held.together += bytes(&status, "VmRSS:");
        held.most_of_one = held.most_of_one.max(bytes(&status, "VmHWM:"));
        let Ok(threads) = fs_err::read_dir(format!("/proc/{process}/task")) else { continue };
        for thread in threads.flatten() {
            let children = fs_err::read_to_string(thread.path().join("children")).unwrap_or_default();
            open.extend(children.split_ascii_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    held
}

fn bytes(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes: Option<u64> = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_shell(command: &str, most_memory: Option<u64>) -> Ended {
        run(&mut shell(command), Asked::BySignal, most_memory, &|| false, |_| Ok(())).unwrap()
    }

    #[test]
    fn a_status_comes_through_the_guard() {
        let status = |command: &str| run_shell(command, None).status;
        assert_eq!(status("exit 0").code(), Some(0));
        assert_eq!(status("exit 7").code(), Some(7));
        assert_eq!(status("kill -SEGV $$").signal(), Some(11));
    }

    #[test]
    fn what_a_command_leaves_behind_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        run_shell(&format!("sleep 600 & echo $! > {}", file.display()), None);
        let left = fs_err::read_to_string(file).unwrap();
        assert!(!std::path::Path::new(&format!("/proc/{}", left.trim())).exists());
    }

    #[test]
    fn a_limit_of_memory_counts_what_the_command_starts() {
        let ended = run_shell("head -c 400000000 /dev/zero | tail | sleep 600", Some(60_000_000));
        assert!(matches!(ended.cause, Cause::Memory(used) if used > 60_000_000), "{ended:?}");
        assert!(ended.peak_memory > 60_000_000, "{ended:?}");
    }

    #[test]
    fn a_command_that_is_asked_to_stop_may_end_in_its_own_way() {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        let command = format!("trap 'exit 3' TERM; touch {}; sleep 600 & wait", ready.display());
        let stop = || ready.exists();
        let ended = run(&mut shell(&command), Asked::BySignal, None, &stop, |_| Ok(())).unwrap();
        assert_eq!((ended.cause, ended.status.code()), (Cause::Stopped, Some(3)));
    }
}
