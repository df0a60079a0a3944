//! Amazon ratings of one category, without a header: `user,item,rating,timestamp` as published in 2014, or
//! `item,user,rating,timestamp` as of 2018. Which it is, is found out from the first rows, unless it is said: users have
//! 13 or 14 characters and begin with A, items have 10. Item ids are text: they have leading zeros and a final X.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Options;
use super::draft::{Draft, Drafts};
use super::intake::Intake;
use super::keys::Key;
use super::raw::{Fault, Form, RawFile, Row};
use super::reading::first_rows;
use crate::data::events::{Clock, Group};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{StageError, Task};

const USER_FIRST: Form<'static> = Form::csv(&["user", "item", "rating", "timestamp"]).without_header();
const ITEM_FIRST: Form<'static> = Form::csv(&["item", "user", "rating", "timestamp"]).without_header();

/// Rows that decide.
const LOOKED_AT: usize = 1000;

/// What stands first in a row of Amazon's ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AmazonColumns {
    /// The user, as published in 2014.
    UserFirst,
    /// The item, as published in 2018.
    ItemFirst,
}

impl AmazonColumns {
    fn words(self) -> &'static str {
        match self {
            Self::UserFirst => "user-first",
            Self::ItemFirst => "item-first",
        }
    }
}

/// Reads one file, which is called after its category: the only one that is there, unless it is named.
///
/// # Errors
/// No file or several, one whose order cannot be found out, or bad rows.
pub(super) fn ingest(task: &Task<'_>, options: &Options) -> Result<(), StageError> {
    let mut intake = Intake::create(task, options.bad_rows, Clock::Seconds, Group::User)?;
    let file = intake.raw().chosen(options.file.as_deref())?;
    let (order, found_out) = match options.amazon_columns {
        Some(order) => (order, ""),
        None => (found_out(&file)?, " (found out from the first rows)"),
    };
    intake.note("columns", format!("{}{found_out}", order.words()));
    let (form, [user, item]) = match order {
        AmazonColumns::UserFirst => (USER_FIRST, [0, 1]),
        AmazonColumns::ItemFirst => (ITEM_FIRST, [1, 0]),
    };
    intake.log(&file, &form, |row, drafts| rating(row, [user, item], options, drafts))?;
    intake.finish()
}

/// A rating.
fn rating(row: &Row<'_>, [user, item]: [usize; 2], options: &Options, drafts: &mut Drafts) -> Result<(), Fault> {
    let draft = Draft {
        user: drafts.key(row, user)?,
        item: drafts.key(row, item)?,
        operation: drafts.rated(row, 2, options.ratings)?,
        time: Some(row.number(3)?),
        session: Key::NONE,
        order: None,
        part: None,
    };
    drafts.push(draft);
    Ok(())
}

/// The order that the first rows show, if they show one and only one.
fn found_out(file: &RawFile) -> Result<AmazonColumns, StageError> {
    let (mut user_first, mut item_first) = (0, 0);
    for row in first_rows(file, &USER_FIRST, LOOKED_AT)? {
        if let [first, second, ..] = &row[..] {
            user_first += usize::from(is_user(first) && is_item(second));
            item_first += usize::from(is_item(first) && is_user(second));
        }
    }
    match (user_first, item_first) {
        (1.., 0) => Ok(AmazonColumns::UserFirst),
        (0, 1..) => Ok(AmazonColumns::ItemFirst),
        _ => {
            let message = format!(
                "the first rows of `{}` do not tell whether the user or the item stands first: {user_first} look like \
                 user and item, {item_first} like item and user",
                file.shown
            );
            Err(Diagnostic::new(message)
                .help("say `columns: user-first` (published in 2014) or `columns: item-first` (2018)")
                .into())
        }
    }
}

fn is_user(name: &[u8]) -> bool {
    (13..=14).contains(&name.len()) && name[0] == b'A' && is_id(name)
}

fn is_item(name: &[u8]) -> bool {
    name.len() == 10 && is_id(name)
}

fn is_id(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Ingested, ingested};
    use super::super::{Format, Ratings};
    use super::*;

    fn read(options: &Options, text: &str) -> Result<Ingested, StageError> {
        ingested(Format::Amazon, options, &[("ratings_Books.csv", text.as_bytes())])
    }

    fn found(made: &Ingested) -> Vec<(&str, &str, &str, i64)> {
        made.events.iter().map(|e| (e.0.as_str(), e.2.as_str(), e.3.as_str(), e.4)).collect()
    }

    #[test]
    fn both_orders_are_found_out_and_stated() {
        let made = read(&Options::default(), "A0USER0000001,000999999X,5.0,1357516800\n").unwrap();
        assert_eq!(found(&made), [("A0USER0000001", "000999999X", "rate", 1_357_516_800)]);
        assert_eq!(made.notes["columns"], "user-first (found out from the first rows)");
        let ratings = Options { ratings: Ratings::Operations, ..Options::default() };
        let made = read(&ratings, "000999999X,A0USER0000001,5.0,1357516800\n").unwrap();
        assert_eq!(found(&made), [("A0USER0000001", "000999999X", "5", 1_357_516_800)]);
        assert_eq!(made.notes["columns"], "item-first (found out from the first rows)");
    }

    #[test]
    fn rows_that_show_neither_or_both_orders_ask_to_be_told() {
        let mixed = "A0USER0000001,000999999X,5.0,1\n000999999X,A0USER0000001,5.0,1\n";
        for text in ["u1,i1,5.0,1357516800\n", mixed, ""] {
            let Err(StageError::Data(error)) = read(&Options::default(), text) else { panic!("{text}") };
            assert!(error.help.unwrap().contains("`columns: user-first`"));
        }
        let told = Options { amazon_columns: Some(AmazonColumns::ItemFirst), ..Options::default() };
        assert_eq!(found(&read(&told, "u1,i1,5.0,1357516800\n").unwrap()), [("i1", "u1", "rate", 1_357_516_800)]);
    }
}
