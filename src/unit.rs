//! Lengths of time, sizes in bytes and large counts as people write them: `90s`, `1h`, `512MB`, `4GiB`, `12,195`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

/// Text, or a number that stands where text should, so that its own words can say what is missing.
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl de::Visitor<'_> for Reader {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number with its unit, such as `1h` or `4GB`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }
        }
        from.deserialize_any(Reader)
    }
}

/// A length of time in whole seconds, written `90s`, `30m`, `1h` or `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "String")]
#[schemars(with = "String")]
pub struct Span(i64);

/// Units of time in seconds, the longest first.
const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

impl Span {
    /// This many seconds.
    pub const fn of_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Its length in seconds; never negative when it was read.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// As the standard library counts time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.max(0).unsigned_abs())
    }
}

impl TryFrom<Written> for Span {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        written.0.try_into()
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let unit = text.chars().last().and_then(|unit| UNITS.iter().find(|(name, _)| *name == unit));
        let length = unit.and_then(|(name, seconds)| {
            let count: i64 = text.strip_suffix(*name)?.parse().ok()?;
            count.checked_mul(*seconds).filter(|length| *length >= 0)
        });
        length.map(Self).ok_or_else(|| format!("`{text}` is no length of time; write `90s`, `30m`, `1h` or `1d`"))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_owned().try_into()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One form for each length, so that `60m` and `1h` have the same key.
        let (unit, seconds) = UNITS.iter().find(|(_, seconds)| self.0 % seconds == 0).unwrap_or(&('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

/// A number of bytes, written `512MB` or `4GiB`; on the command line also plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "String")]
#[schemars(with = "String")]
pub struct Size(u64);

impl Size {
    /// This many bytes.
    pub const fn of_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl TryFrom<Written> for Size {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        // Four of what? A file that says `memory: 4` hardly means bytes.
        if written.0.parse::<f64>().is_ok() {
            return Err(format!("`{}` has no unit; write `512MB` or `4GiB`, or `B` for bytes", written.0));
        }
        written.0.try_into()
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = text.parse::<bytesize::ByteSize>();
        read.map(|size| Self(size.as_u64())).map_err(|_| format!("`{text}` is no size; write `512MB` or `4GiB`"))
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_owned().try_into()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", bytesize::ByteSize(self.0).display().si())
    }
}

/// A whole number with its thousands parted: `12,195`.
pub fn thousands(count: impl ToString) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_written_in_one_form() {
        let read = |text: &str| serde_json::from_value::<Span>(text.into());
        assert_eq!(read("60m").unwrap().to_string(), "1h");
        assert_eq!(read("90s").unwrap(), Span(90));
        assert!(serde_json::from_value::<Span>(3600.into()).unwrap_err().to_string().contains("`3600` is no length"));
        for bad in ["", "h", "1", "1.5h", "-1h", "1w", "99999999999999999d"] {
            assert!(read(bad).unwrap_err().to_string().contains("`1h`"), "{bad}");
        }
    }

    #[test]
    fn sizes_are_read_with_either_kind_of_unit() {
        let read = |text: &str| text.parse::<Size>().map(Size::bytes);
        assert_eq!(read("512MB"), Ok(512_000_000));
        assert_eq!(read("4 GiB"), Ok(4 << 30));
        assert_eq!(read("17"), Ok(17));
        assert!(read("much").unwrap_err().contains("`4GiB`"));
        let written =
            |value: serde_json::Value| serde_json::from_value::<Size>(value).map_err(|error| error.to_string());
        assert_eq!(written("512MB".into()), Ok(Size(512_000_000)));
        assert!(written(4.into()).unwrap_err().contains("`4` has no unit"));
        assert_eq!(Size(1_500_000_000).to_string(), "1.5 GB");
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_a_unit_or_a_message(text in "\\PC{0,12}") {
            let _ = (text.parse::<Size>(), text.parse::<Span>());
        }

        #[test]
        fn a_span_reads_back(seconds in 0_i64..10_000_000) {
            prop_assert_eq!(Span(seconds).to_string().parse::<Span>().unwrap(), Span(seconds));
        }
    }
}
