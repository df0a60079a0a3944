//! What Ctrl-C and SIGTERM do to a run.

use super::say;
use crate::engine::StopSignal;
use crate::process;

/// The first signal asks everything to stop; a second one kills what is left and ends the process at once.
pub(super) fn stop_on_signals(stop: StopSignal) {
    use tokio::signal::unix::{SignalKind, signal};
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.stopped() {
                process::kill_all();
                std::process::exit(130);
            }
            say(
                "stopping: nothing new starts, and what runs is asked to end within 10 seconds; once more to kill it now",
            );
            stop.stop();
        }
    });
}
