//! The clock of a log, as seconds: local time without a zone is read as if it were UTC.

use jiff::civil::DateTime;

/// `2018-03-05 09:15:02`, with `T` or a blank between, with or without a fraction and a final `Z`, as seconds since 1970.
#[inline]
pub fn seconds(text: &[u8]) -> Option<i64> {
    let (head, tail) = text.split_at_checked(19)?;
    let tail = tail.strip_suffix(b"Z").unwrap_or(tail);
    let fraction = tail.is_empty() || tail.len() > 1 && tail[0] == b'.' && tail[1..].iter().all(u8::is_ascii_digit);
    let marks = [head[4], head[7], head[13], head[16]] == *b"--::" && matches!(head[10], b' ' | b'T');
    if !fraction || !marks {
        return None;
    }
    let [hour, minute, second] = [pair(head, 11)?, pair(head, 14)?, pair(head, 17)?];
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(day(&head[..10])? * 86_400 + hour * 3600 + minute * 60 + second)
}

/// `2018-03-05` as days since 1970.
#[inline]
pub fn day(text: &[u8]) -> Option<i64> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let [century, year, month, day] = [pair(text, 0)?, pair(text, 2)?, pair(text, 5)?, pair(text, 8)?];
    let year = century * 100 + year;
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    Some(days_since_1970(year, month, day))
}

/// The year and month of a time, `201803`.
pub fn year_month(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() >= 19)?;
    let time: DateTime = text.parse().ok()?;
    Some(format!("{:04}{:02}", time.year(), time.month()))
}

/// Two digits.
#[inline]
fn pair(text: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date of the Gregorian calendar: years begin in March, so that the leap day is their last.
#[inline]
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_local_clock_is_read_as_utc() {
        // The published Demo set prints both forms of this time.
        assert_eq!(seconds(b"2018-03-03 07:12:44"), Some(1_520_061_164));
        assert_eq!(seconds(b"1970-01-01 00:00:00.0"), Some(0));
        assert_eq!(seconds(b"2009-01-02T03:04:05Z"), seconds(b"2009-01-02 03:04:05"));
    }

    #[test]
    fn months_and_bad_times() {
        assert_eq!(year_month(b"2016-09-01 10:00:00.0").as_deref(), Some("201609"));
        let bad = [
            "2018-13-01 00:00:00",
            "2018-03-05",
            "yesterday",
            "",
            "2018-02-30 00:00:00",
            "2018-02-03 24:00:00",
            "2018-02-03 00:00:00.",
            "2018-02-03 00:00:00 x",
            "201\u{e9}-2-03 00:00:00",
        ];
        for bad in bad {
            assert_eq!(seconds(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn seconds_are_those_of_a_calendar(second in -62_135_596_800_i64..253_402_300_799) {
            let zoned = jiff::Timestamp::from_second(second).unwrap().to_zoned(TimeZone::UTC);
            let text = zoned.strftime("%Y-%m-%d %H:%M:%S").to_string();
            prop_assert_eq!(seconds(text.as_bytes()), Some(second));
        }
    }
}
