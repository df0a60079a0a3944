//! The clock of a log, as seconds: local time without a zone is read as if it were UTC.

use jiff::civil::DateTime;

/// `2018-03-05 09:15:02`, with `T` or a blank between, with or without a fraction and a final `Z`, as seconds since 1970.
#[inline]
pub(super) fn seconds(text: &[u8]) -> Option<i64> {
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

/// A moment as ISO 8601 writes it: `2014-04-07T10:51:09.277Z`, `2014-04-07 10:51`, `2014-04-07T10:51:09+02:00`, or a day
/// alone, which stands for its first second. Without a zone it is read as UTC.
pub(super) fn moment(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let midnight = day(date)? * 86_400;
    let Some((mark, rest)) = rest.split_first() else { return Some(midnight) };
    if !matches!(mark, b'T' | b' ') || rest.len() < 5 || rest[2] != b':' {
        return None;
    }
    let (hour, minute) = (pair(rest, 0)?, pair(rest, 3)?);
    let (second, rest) = match &rest[5..] {
        [b':', rest @ ..] if rest.len() >= 2 => (pair(rest, 0)?, &rest[2..]),
        rest => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let zone = match rest {
        [b'.' | b',', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            &rest[digits..]
        }
        rest => rest,
    };
    Some(midnight + hour * 3600 + minute * 60 + second - offset(zone)?)
}

/// `Z`, `+02:00`, `+0200`, `+02` or nothing, as seconds east of Greenwich.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        [] | [b'Z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (pair(digits, 0)?, 0),
        4 => (pair(digits, 0)?, pair(digits, 2)?),
        5 if digits[2] == b':' => (pair(digits, 0)?, pair(digits, 3)?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// `1396867869` or `1396867869.277`: the whole seconds of it, downwards.
pub(super) fn whole_seconds(text: &[u8]) -> Option<i64> {
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (negative, digits) = match whole.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, whole),
    };
    let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if !is_number(digits) || !fraction.is_none_or(is_number) {
        return None;
    }
    let value =
        digits.iter().try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_add(i64::from(digit - b'0')))?;
    let part = fraction.is_some_and(|fraction| fraction.iter().any(|digit| *digit != b'0'));
    Some(if negative { -value - i64::from(part) } else { value })
}

/// `2018-03-05` as days since 1970.
#[inline]
pub(super) fn day(text: &[u8]) -> Option<i64> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let [century, year, month, day] = [pair(text, 0)?, pair(text, 2)?, pair(text, 5)?, pair(text, 8)?];
    let year = century * 100 + year;
    if !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let at = usize::try_from(year * 12 + month - 1).ok()?;
    let (first, next) = (i64::from(MONTHS[at]), i64::from(MONTHS[at + 1]));
    (first + day <= next).then_some(first + day - 1)
}

/// The year and month of a time, `201803`.
pub(super) fn year_month(text: &[u8]) -> Option<String> {
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

/// Days since 1970 of the first of each month from January of the year 0 on: a log has a time in every row, and a table is
/// read faster than a calendar is computed.
static MONTHS: [i32; 10_000 * 12 + 1] = months();

const fn months() -> [i32; 10_000 * 12 + 1] {
    let mut months = [0; 10_000 * 12 + 1];
    // 719,528 days before 1970 the year 0 of the Gregorian calendar begins.
    let (mut month, mut days) = (0, -719_528);
    while month < months.len() {
        months[month] = days;
        let year = month / 12;
        days += match month % 12 {
            1 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        month += 1;
    }
    months
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

    #[test]
    fn moments_have_zones_fractions_and_days_alone() {
        let noon = 1_396_867_869;
        for text in [
            "2014-04-07T10:51:09.277Z",
            "2014-04-07 10:51:09",
            "2014-04-07T12:51:09+02:00",
            "2014-04-07T12:51:09.5+02",
            "2014-04-07T06:21:09-0430",
        ] {
            assert_eq!(moment(text.as_bytes()), Some(noon), "{text}");
        }
        assert_eq!(moment(b"2014-04-07T10:51"), Some(noon - 9));
        assert_eq!(moment(b"2014-04-07"), Some(16_167 * 86_400));
        for text in
            ["2014-04-07T", "2014-04-07T10", "2014-04-07T10:51:0", "2014-04-07T10:51:09.Z", "2014-04-07x10:51:09"]
        {
            assert_eq!(moment(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn fractions_of_seconds_are_cut_downwards() {
        assert_eq!(whole_seconds(b"1396867869.999"), Some(1_396_867_869));
        assert_eq!(
            (whole_seconds(b"-1.5"), whole_seconds(b"-1.0"), whole_seconds(b"7")),
            (Some(-2), Some(-1), Some(7))
        );
        for text in ["", ".5", "1.", "1e9", "-", "99999999999999999999"] {
            assert_eq!(whole_seconds(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_time_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (moment(&bytes), seconds(&bytes), whole_seconds(&bytes), day(&bytes), year_month(&bytes));
        }

        #[test]
        fn seconds_are_those_of_a_calendar(second in -62_135_596_800_i64..253_402_300_799) {
            let zoned = jiff::Timestamp::from_second(second).unwrap().to_zoned(TimeZone::UTC);
            let text = zoned.strftime("%Y-%m-%d %H:%M:%S").to_string();
            prop_assert_eq!(seconds(text.as_bytes()), Some(second));
        }
    }
}
