//! The words in which events, shares and lengths of time are told to a person.

use super::Now;
use crate::engine::RunEvent;

/// An event that is worth a line, without the name of its stage.
pub(super) fn told(now: &Now<'_>, event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::Finished { seconds, .. } => Some(format!("done in {}", duration(*seconds))),
        RunEvent::Waiting(_) => Some("waits: it is being made already".into()),
        RunEvent::Failed { message, log, .. } => {
            let after = now.tally.failed.last().map_or(0.0, |failure| failure.seconds);
            let mut words = format!("FAILED after {}\n{}", duration(after), indented(message.trim_end()));
            if !log.as_str().is_empty() {
                words.push_str(&format!("\n      log: {log}"));
            }
            Some(words)
        }
        RunEvent::Retrying { attempt, message, log, .. } => {
            Some(format!("attempt {attempt} failed and is tried again: {}\n      log: {log}", first_line(message)))
        }
        RunEvent::Healed { message, .. } => {
            Some(format!("warning: its stored result is damaged ({message}); it is dropped and made again"))
        }
        RunEvent::Started { .. }
        | RunEvent::Epoch { .. }
        | RunEvent::Progress { .. }
        | RunEvent::Reused(_)
        | RunEvent::Blocked(_) => None,
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n")
}

pub(in crate::cli) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// `[  3/12]`: stages that have come to an end, of all.
pub(super) fn count(now: &Now<'_>) -> String {
    let total = now.scene.total.to_string();
    format!("[{:>width$}/{total}]", now.tally.ended(), width = total.len())
}

/// Cuts a text in its middle, where names differ least, so that it is no wider than `width`.
pub(in crate::cli) fn cut_middle(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let head: String = text.chars().take(kept / 2).collect();
    let tail: String = text.chars().skip(count - (kept - kept / 2)).collect();
    format!("{head}…{tail}")
}

/// Cuts a text at its end so that it is no wider than `width`.
pub(super) fn cut_end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`.
pub(in crate::cli) fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds, not negative")]
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3_600..172_800 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} days {} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

/// What is left of a time that is only guessed: `about 12 min left`.
pub(in crate::cli) fn about(seconds: f64) -> String {
    format!("{} left", roughly(seconds))
}

/// A length of time that is only guessed: `about 40 s`, `about 12 min`, `about 2 h 10 min`.
pub(in crate::cli) fn roughly(seconds: f64) -> String {
    let rounded = |step: f64| (seconds / step).ceil() * step;
    let step = match seconds {
        ..10.0 => 1.0,
        10.0..50.0 => 5.0,
        50.0..3_600.0 => 60.0,
        3_600.0..36_000.0 => 300.0,
        _ => 3_600.0,
    };
    let told = duration(rounded(step));
    let told = told.strip_suffix(" 0 s").or_else(|| told.strip_suffix(" 0 min")).unwrap_or(&told);
    format!("about {}", told.replace(".0 s", " s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_in_the_unit_that_fits() {
        assert_eq!(duration(0.34), "0.3 s");
        assert_eq!(duration(42.4), "42 s");
        assert_eq!(duration(185.0), "3 min 5 s");
        assert_eq!(duration(7_800.0), "2 h 10 min");
        assert_eq!(duration(400_000.0), "4 days 15 h");
    }

    #[test]
    fn a_guess_is_told_roughly() {
        assert_eq!(about(3.2), "about 4 s left");
        assert_eq!(about(31.0), "about 35 s left");
        assert_eq!(about(700.0), "about 12 min left");
        assert_eq!(about(3_601.0), "about 1 h 5 min left");
        assert_eq!(about(7_200.0), "about 2 h left");
    }

    #[test]
    fn a_long_name_keeps_both_its_ends() {
        assert_eq!(cut_middle("demo/mkm-sr/seed=1 · model", 15), "demo/mk…· model");
        assert_eq!(cut_middle("short", 15), "short");
        assert_eq!(cut_end("epoch 3/20, loss 6.2", 10), "epoch 3/2…");
    }
}
