//! How a person says what their own tables hold: files, layout, and which column is what. Written in YAML, checked before
//! anything is read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::suggestion;

/// A log in tables of one's own: CSV, TSV or Parquet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableMapping {
    /// The file of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// The files of a log that is split already, instead of `log`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// How the log is laid out, where it is text.
    #[serde(default, skip_serializing_if = "Layout::is_default")]
    pub layout: Layout,
    /// Which column is what.
    pub columns: Columns,
    /// What the log says of its items, by the name of the attribute: the column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub item_attributes: BTreeMap<String, String>,
    /// Words that stand for a missing value, beside the empty field: `NA`, `null`, `0`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// A table of what is known of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Described>,
    /// A table of what is known of users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Described>,
}

/// The files of a log that is split already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// For training.
    pub train: String,
    /// For picking an epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<String>,
    /// For testing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
}

/// Which column is what. A log names sessions or users, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// What an event is done to.
    pub item: String,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When; without it the order of the rows is the order of the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// What was done. Without it every event has one and the same operation, `event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The place in the session, a whole number that decides before time does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// The column of the time, by its form. Times are kept to the second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Time {
    /// Seconds since 1970, with or without a fraction.
    Seconds(String),
    /// Milliseconds since 1970.
    Milliseconds(String),
    /// `2014-04-07T10:51:09.277Z`: `T` or a blank between; seconds, fraction and zone may be missing, and so may the time
    /// of day. Without a zone it is read as UTC.
    Iso(String),
    /// A day in one column and the milliseconds since its beginning in another.
    Day(Day),
}

/// A time in two columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// The day: `2016-05-09`.
    pub date: String,
    /// Milliseconds.
    pub milliseconds: String,
}

/// How a text file is laid out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// What parts the fields: one character or `::`. A tab for files that end in `.tsv`, else a comma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Whether fields may stand in quotes, and hold delimiters and line breaks there; true when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<bool>,
    /// The names of the columns, for a file that has no header: all of them, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// How letters are written.
    #[serde(default, skip_serializing_if = "Letters::is_default")]
    pub encoding: Letters,
}

impl Layout {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How letters are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Letters {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO-8859-1.
    #[serde(rename = "latin-1")]
    Latin1,
}

impl Letters {
    fn is_default(&self) -> bool {
        *self == Self::Utf8
    }
}

/// A table of what is known of items or users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// The file.
    pub file: String,
    /// How it is laid out, where it is text.
    #[serde(default, skip_serializing_if = "Layout::is_default")]
    pub layout: Layout,
    /// The column that names the item or the user.
    pub name: String,
    /// What is known, by the name of the attribute: the column.
    pub attributes: BTreeMap<String, String>,
}

/// Something in a mapping that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, from the mapping on.
    pub field: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do now.
    pub help: String,
}

impl TableMapping {
    /// All that cannot be used, before anything is read.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut tell = |field: &[&str], message: String, help: &str| {
            let field = field.iter().map(|part| (*part).to_owned()).collect();
            problems.push(Problem { field, message, help: help.to_owned() });
        };
        match (&self.log, &self.parts) {
            (None, None) => tell(&[], "the table names no log".into(), "add `log: FILE`"),
            (Some(_), Some(_)) => {
                tell(&["parts"], "`log` and `parts` both name the log".into(), "keep one of them");
            }
            _ => {}
        }
        let columns = &self.columns;
        if columns.session.is_none() && columns.user.is_none() {
            let help = "add `session: COLUMN` or `user: COLUMN`";
            tell(&["columns"], "neither sessions nor users have a column".into(), help);
        }
        if columns.order.is_some() && columns.session.is_none() {
            tell(&["columns", "order"], "`order` is the place in a session, which has no column".into(), "take it out");
        }
        for (name, of) in [("items", &self.items), ("users", &self.users)] {
            let reserved = name.trim_end_matches('s');
            for attribute in of.iter().flat_map(|of| of.attributes.keys()) {
                if attribute == reserved || (name == "items" && self.item_attributes.contains_key(attribute)) {
                    let message = format!("`{attribute}` is another column of the {name} already");
                    tell(&[name, "attributes", attribute], message, "give the attribute another name");
                }
            }
        }
        if self.item_attributes.contains_key("item") {
            let message = "`item` is another column of the items already".into();
            tell(&["item_attributes", "item"], message, "give the attribute another name");
        }
        if columns.user.is_none() && self.users.is_some() {
            tell(&["users"], "users have no column in the log".into(), "add `user: COLUMN` under `columns`");
        }
        problems.extend(self.layout.problems(&["layout"], &self.wanted()));
        for (name, of) in [("items", &self.items), ("users", &self.users)] {
            if let Some(of) = of {
                problems.extend(of.layout.problems(&[name, "layout"], &of.wanted()));
            }
        }
        problems
    }

    /// The columns of the log that are read: item, session, user, operation, order, time, then the attributes.
    pub fn wanted(&self) -> Vec<&str> {
        let Columns { item, session, user, time, operation, order } = &self.columns;
        let mut wanted = vec![item.as_str()];
        wanted.extend([session, user, operation, order].into_iter().flatten().map(String::as_str));
        match time {
            Some(Time::Seconds(column) | Time::Milliseconds(column) | Time::Iso(column)) => wanted.push(column),
            Some(Time::Day(day)) => wanted.extend([day.date.as_str(), &day.milliseconds]),
            None => {}
        }
        wanted.extend(self.item_attributes.values().map(String::as_str));
        wanted
    }
}

impl Described {
    /// The columns that are read: the name, then the attributes.
    pub fn wanted(&self) -> Vec<&str> {
        std::iter::once(&self.name).chain(self.attributes.values()).map(String::as_str).collect()
    }
}

impl Layout {
    /// The columns of a form that reads the wanted ones: all of a file without a header, else just these; and where among
    /// them each wanted one stands.
    pub fn columns<'a>(&'a self, wanted: &[&'a str]) -> (Vec<&'a str>, Vec<usize>) {
        let Some(columns) = &self.columns else { return (wanted.to_vec(), (0..wanted.len()).collect()) };
        let place = |name: &&str| columns.iter().position(|column| column == name).unwrap_or_default();
        (columns.iter().map(String::as_str).collect(), wanted.iter().map(place).collect())
    }

    fn problems(&self, at: &[&str], wanted: &[&str]) -> Vec<Problem> {
        let field = |last: &str| at.iter().copied().chain([last]).map(str::to_owned).collect();
        let mut problems = Vec::new();
        let delimiter = self.delimiter.as_deref();
        if let Some(delimiter) = delimiter.filter(|text| *text != "::" && !is_one_character(text)) {
            problems.push(Problem {
                field: field("delimiter"),
                message: format!("`{delimiter}` cannot part fields"),
                help: "a delimiter is one ASCII character that is no quote and no line break, like `;` or `\"\\t\"`, or it \
                       is `::`"
                    .into(),
            });
        }
        let Some(columns) = &self.columns else { return problems };
        let known: Vec<&str> = columns.iter().map(String::as_str).collect();
        for name in wanted.iter().filter(|name| !known.contains(*name)) {
            problems.push(Problem {
                field: field("columns"),
                message: format!("there is no column `{name}` among these"),
                help: suggestion(name, &known),
            });
        }
        problems
    }
}

fn is_one_character(text: &str) -> bool {
    matches!(text.as_bytes(), [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(mapping: Value) -> Vec<(String, String)> {
        let mapping: TableMapping = serde_json::from_value(mapping).unwrap();
        mapping.problems().into_iter().map(|problem| (problem.field.join("."), problem.message)).collect()
    }

    #[test]
    fn a_mapping_says_what_it_lacks_before_anything_is_read() {
        let found = told(json!({
            "columns": { "item": "i", "order": "n" },
            "layout": { "delimiter": ";;", "columns": ["i", "m"] },
            "items": { "file": "f", "name": "i", "attributes": { "item": "x" } },
            "users": { "file": "f", "name": "i", "attributes": {} },
        }));
        let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        let expected =
            ["", "columns", "columns.order", "items.attributes.item", "users", "layout.delimiter", "layout.columns"];
        assert_eq!(fields, expected);
        let both = json!({ "log": "a", "parts": { "train": "b" }, "columns": { "item": "i", "user": "u" } });
        assert_eq!(told(both)[0].0, "parts");
    }

    #[test]
    fn attributes_of_the_log_and_of_the_table_of_items_differ_in_name() {
        let found = told(json!({
            "log": "a", "columns": { "item": "i", "user": "u" }, "item_attributes": { "brand": "b" },
            "items": { "file": "f", "name": "i", "attributes": { "brand": "x" } },
        }));
        assert_eq!(found[0].0, "items.attributes.brand");
    }
}
