//! A moment in a stage's config, by the log's own clock read as UTC: `2018-03-01` or `2018-03-01T12:30:00`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01, by the log's own clock read as UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Moment(i64);

impl Moment {
    /// Seconds since 1970-01-01.
    pub fn seconds(self) -> i64 {
        self.0
    }
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let problem = || format!("`{text}` is no moment; write `2018-03-01` or `2018-03-01T12:30:00`");
        let moment = jiff::civil::DateTime::from_str(&text).map_err(|_| problem())?;
        let zoned = moment.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| problem())?;
        Ok(Self(zoned.timestamp().as_second()))
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One form for each moment, so that a day and its midnight have the same key.
        match jiff::Timestamp::from_second(self.0) {
            Ok(timestamp) => write!(f, "{}", jiff::tz::TimeZone::UTC.to_datetime(timestamp)),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_midnight_and_what_is_no_moment_is_told() {
        let read = |text: &str| Moment::try_from(text.to_owned());
        // 17,591 days after 1970-01-01.
        assert_eq!(read("2018-03-01").unwrap().seconds(), 17_591 * 86_400);
        assert_eq!(read("2018-03-01T00:00:01").unwrap().seconds(), 17_591 * 86_400 + 1);
        assert_eq!(read("2018-03-01").unwrap().to_string(), "2018-03-01T00:00:00");
        for bad in ["", "2018", "2018-02-30", "yesterday"] {
            assert!(read(bad).unwrap_err().contains("`2018-03-01`"), "{bad}");
        }
    }
}
