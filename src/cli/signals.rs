//! What Ctrl-C and SIGTERM do to a run.

use super::say;
use crate::engine::StopSignal;

/// The first signal asks everything to stop; a second one ends the process at once.
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
                std::process::exit(130);
            }
            say("stopping: what runs is asked to end; once more to end at once");
            stop.stop();
        }
    });
}
