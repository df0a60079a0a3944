//! The clock of a log, as seconds: local time without a zone is read as if it were UTC.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// `2018-03-05 09:15:02`, with or without a fraction, as seconds since 1970.
pub(super) fn seconds(text: &str) -> Option<i64> {
    Some(civil(text)?.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// The year and month of a time, `201803`.
pub(super) fn year_month(text: &str) -> Option<String> {
    let time = civil(text)?;
    Some(format!("{:04}{:02}", time.year(), time.month()))
}

fn civil(text: &str) -> Option<DateTime> {
    // A clock time must be there: a bare date would pass as midnight.
    if text.len() < 19 {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_clock_is_read_as_utc() {
        // The published Demo set prints both forms of this time.
        assert_eq!(seconds("2018-03-03 07:12:44"), Some(1_520_061_164));
        assert_eq!(seconds("1970-01-01 00:00:00.0"), Some(0));
    }

    #[test]
    fn months_and_bad_times() {
        assert_eq!(year_month("2016-09-01 10:00:00.0").as_deref(), Some("201609"));
        for bad in ["2018-13-01 00:00:00", "2018-03-05", "yesterday", "", "2018-02-30 00:00:00"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
