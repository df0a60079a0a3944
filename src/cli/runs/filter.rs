//! The filters of `runs search` and `runs export`: a field, a comparison and a value, as in `mrr@20>0.2`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use wildmatch::WildMatch;

use crate::diagnostic::Diagnostic;
use crate::unit::{Size, Span};

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// The operators as they are written; those of two characters first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::Unequal),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::More),
];

/// One filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    /// The name of the field.
    pub(super) field: String,
    operator: Operator,
    value: String,
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let written = text.find(['!', '=', '<', '>']).map(|at| text.split_at(at)).and_then(|(field, rest)| {
            let (sign, operator) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign))?;
            Some((field.trim(), *operator, rest[sign.len()..].trim()))
        });
        match written {
            Some((field, operator, value)) if !field.is_empty() => {
                Ok(Self { field: field.to_owned(), operator, value: value.to_owned() })
            }
            _ => {
                Err(format!("`{text}` is no filter; write a field, one of = != < <= > >=, and a value: `state=failed`"))
            }
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = OPERATORS.iter().find(|(_, operator)| *operator == self.operator).map_or("", |(sign, _)| sign);
        write!(f, "{}{sign}{}", self.field, self.value)
    }
}

impl Filter {
    /// Whether a value passes. What is missing is equal to nothing but the empty value, and neither more nor less.
    ///
    /// # Errors
    /// When the field is a number and the value is none.
    pub(super) fn passes(&self, found: Option<&Value>) -> Result<bool, Diagnostic> {
        match found {
            None | Some(Value::Null) => Ok(match self.operator {
                Operator::Equal => self.value.is_empty(),
                Operator::Unequal => !self.value.is_empty(),
                _ => false,
            }),
            Some(Value::Number(number)) if !self.value.is_empty() => {
                let wanted = self.number()?;
                Ok(number.as_f64().and_then(|found| found.partial_cmp(&wanted)).is_some_and(|order| self.allows(order)))
            }
            Some(Value::String(text)) => Ok(self.text(text)),
            Some(other) => Ok(self.text(&other.to_string())),
        }
    }

    fn text(&self, found: &str) -> bool {
        match self.operator {
            Operator::Equal => WildMatch::new(&self.value).matches(found),
            Operator::Unequal => !WildMatch::new(&self.value).matches(found),
            // Times stand in a form whose order is that of the text; so a beginning of one will do.
            _ => self.allows(found.cmp(&self.value)),
        }
    }

    fn allows(&self, order: Ordering) -> bool {
        match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::Unequal => order.is_ne(),
            Operator::Less => order.is_lt(),
            Operator::AtMost => order.is_le(),
            Operator::More => order.is_gt(),
            Operator::AtLeast => order.is_ge(),
        }
    }

    /// The value as a number; of memory also as a size, of seconds also as a length of time.
    fn number(&self) -> Result<f64, Diagnostic> {
        let with_unit = || {
            if self.field.contains("memory") {
                #[expect(clippy::cast_precision_loss, reason = "no memory has 2^53 bytes")]
                return self.value.parse::<Size>().ok().map(|size| size.bytes() as f64);
            }
            if self.field.starts_with("seconds") {
                return self.value.parse::<Span>().ok().map(|span| span.duration().as_secs_f64());
            }
            None
        };
        self.value.parse::<f64>().ok().or_else(with_unit).ok_or_else(|| {
            let help = match self.field.as_str() {
                field if field.contains("memory") => "write a size: `2GB`",
                field if field.starts_with("seconds") => "write seconds or a length of time: `60` or `1h`",
                _ => "write a number",
            };
            Diagnostic::new(format!("`{}` is a number, and `{}` is none", self.field, self.value)).help(help)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn passes(filter: &str, found: Value) -> bool {
        filter.parse::<Filter>().unwrap().passes(Some(&found)).unwrap()
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_texts_by_pattern() {
        assert!(passes("seed=3", json!(3)) && passes("seed = 3.0", json!(3)) && !passes("seed!=3", json!(3)));
        assert!(passes("rate<0.01", json!(0.001)) && !passes("rate<0.001", json!(0.001)));
        assert!(passes("rate<=0.001", json!(0.001)) && passes("rate>=1e-3", json!(0.001)));
        assert!(passes("peak_memory>2GB", json!(2_000_000_001_i64)) && passes("seconds<1h", json!(3599.5)));
        assert!(passes("cell=demo/*", json!("demo/m-sr/seed=1")) && !passes("cell=demo", json!("demo/m-sr")));
        assert!(passes("cell=demo/seed=1", json!("demo/seed=1")), "only the first sign is the comparison");
        assert!(passes("started>2026-11-01", json!("2026-11-01T00:00:00Z")));
        assert!(passes("git_dirty=true", json!(true)));
    }

    #[test]
    fn what_is_missing_is_found_by_an_empty_value() {
        let passes = |text: &str| text.parse::<Filter>().unwrap().passes(None).unwrap();
        assert!(passes("git_commit=") && !passes("git_commit!=") && passes("seed!=3") && !passes("seed<3"));
    }

    #[test]
    fn a_word_where_a_number_belongs_is_an_error() {
        let error = "seed=three".parse::<Filter>().unwrap().passes(Some(&json!(3))).unwrap_err();
        assert_eq!(error.message, "`seed` is a number, and `three` is none");
        for bad in ["", "seed", "=3", "!x", "! =3"] {
            assert!(bad.parse::<Filter>().unwrap_err().contains("`state=failed`"), "{bad}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![Just(Value::Null), any::<f64>().prop_map(|n| json!(n)), "\\PC{0,8}".prop_map(Value::from)]
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_a_filter_or_a_message(text in "\\PC{0,24}", value in any_value()) {
            if let Ok(filter) = text.parse::<Filter>() {
                let _ = filter.passes(Some(&value));
                prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
            }
        }

        #[test]
        fn a_filter_and_its_contrary_never_both_pass(text in "[a-z*?0-9]{0,6}", found in any_value()) {
            let filter = |sign: &str| format!("f{sign}{text}").parse::<Filter>().unwrap().passes(Some(&found));
            if let (Ok(equal), Ok(unequal)) = (filter("="), filter("!=")) {
                let number = found.is_number() && text.is_empty();
                prop_assert!(equal != unequal || number);
            }
        }
    }
}
