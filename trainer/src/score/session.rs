//! Sessions as a person writes them: one JSON object a line, checked against the model's catalog.

use std::io::BufRead;

use serde::Deserialize;
use tch::Device;

use crate::dataset::{DatasetMeta, Events, Part};
use crate::error::TrainerError;
use crate::model::Catalog;

/// A line as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    items: Vec<i64>,
    #[serde(default)]
    operations: Option<Vec<i64>>,
    #[serde(default)]
    times: Option<Vec<i64>>,
}

/// A session that the model can read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// The line that it stands in, from 1.
    pub(super) line: usize,
    items: Vec<i32>,
    operations: Vec<i32>,
    times: Vec<i64>,
}

impl Session {
    /// How many events it has.
    pub(super) fn events(&self) -> usize {
        self.items.len()
    }
}

/// Reads sessions one after the other.
#[derive(Debug)]
pub(super) struct Reader<R> {
    input: R,
    line: usize,
    catalog: Catalog,
    /// Whether the model looks at operations.
    operations: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads from `input` for a model of `catalog` that looks at operations or does not.
    pub(super) fn new(input: R, catalog: Catalog, operations: bool) -> Self {
        Self { input, line: 0, catalog, operations }
    }

    /// The next session, or nothing at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// When a line is no session of this catalog.
    pub(super) fn next(&mut self) -> Result<Option<Session>, TrainerError> {
        let mut text = Vec::new();
        loop {
            text.clear();
            self.line += 1;
            let read = self.input.read_until(b'\n', &mut text);
            if read.map_err(|error| self.wrong(format!("cannot be read: {error}"), "give the sessions again"))? == 0 {
                return Ok(None);
            }
            if !text.trim_ascii().is_empty() {
                return self.session(&text).map(Some);
            }
        }
    }

    fn session(&self, text: &[u8]) -> Result<Session, TrainerError> {
        let written: Written = serde_json::from_slice(text).map_err(|error| {
            // The reader saw one line only, so its own line number says nothing.
            let words = error.to_string();
            let words = words.split(" at line 1 column ").next().unwrap_or_default();
            let help = "write each session as `{\"items\": [3, 7], \"operations\": [1, 2]}` in a line of its own";
            self.wrong(format!("{words} (column {})", error.column()), help)
        })?;
        let count = written.items.len();
        if count == 0 {
            return Err(self.wrong("the session has no item".into(), "leave sessions without events out"));
        }
        let items = self.ids("item", &written.items, self.catalog.items)?;
        let operations = match (&written.operations, self.operations) {
            (None, true) => {
                let help = "give each item its operation: `\"operations\": [...]`, as long as `items`";
                return Err(self.wrong("the model looks at operations, and there are none".into(), help));
            }
            (Some(operations), true) => self.ids("operation", operations, self.catalog.operations)?,
            // A model that does not look at operations may be given those of another numbering.
            (Some(operations), false) => vec![1; operations.len()],
            (None, false) => vec![1; count],
        };
        let times = written.times.unwrap_or_else(|| vec![0; count]);
        for (name, length) in [("operations", operations.len()), ("times", times.len())] {
            if length != count {
                let message = format!("`items` has {count} entries and `{name}` {length}");
                return Err(self.wrong(message, "give one for each event"));
            }
        }
        Ok(Session { line: self.line, items, operations, times })
    }

    /// `ids` as numbers between 1 and `limit`.
    fn ids(&self, what: &str, ids: &[i64], limit: i64) -> Result<Vec<i32>, TrainerError> {
        let known = |&id: &i64| if (1..=limit).contains(&id) { i32::try_from(id).ok() } else { None };
        let checked: Option<Vec<i32>> = ids.iter().map(known).collect();
        checked.ok_or_else(|| {
            let id = ids.iter().find(|&id| known(id).is_none()).copied().unwrap_or_default();
            let help = "use the numbers of the catalog that the model was trained on; leave unknown ones out";
            self.wrong(format!("{what} {id} is outside 1..={limit}"), help)
        })
    }

    fn wrong(&self, message: String, help: &str) -> TrainerError {
        TrainerError::data(format!("line {} of the sessions: {message}", self.line), help)
    }
}

/// Lays sessions out as the samples of a part, in order.
///
/// # Errors
/// When libtorch refuses.
pub(super) fn part(sessions: &[Session], catalog: Catalog, device: Device) -> Result<Part, TrainerError> {
    let count = |length: usize| i64::try_from(length).expect("a count");
    let mut events = Events { session_offsets: vec![0], ..Events::default() };
    let mut samples = Vec::new();
    for (number, session) in sessions.iter().enumerate() {
        events.items.extend(&session.items);
        events.operations.extend(&session.operations);
        events.times.extend(&session.times);
        // A sample is what stands before its target. No model looks at the target to score, so anything can be one.
        samples.push((count(number), count(events.items.len())));
        events.items.push(1);
        events.operations.push(1);
        events.times.push(session.times.last().copied().unwrap_or_default());
        events.session_offsets.push(count(events.items.len()));
    }
    let longest = sessions.iter().map(Session::events).max().unwrap_or_default();
    let Catalog { items, operations, .. } = catalog;
    let meta = DatasetMeta {
        version: 1,
        name: "sessions".into(),
        items,
        operations: operations.max(1),
        max_length: count(longest),
    };
    Part::new(events, &samples, &meta, device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(text: &str, operations: bool) -> Reader<&[u8]> {
        let catalog = Catalog { items: 5, operations: 2, entities: 5, relations: 0 };
        Reader::new(text.as_bytes(), catalog, operations)
    }

    #[test]
    fn lines_are_read_in_order_and_empty_ones_passed_over() {
        let mut reader = reader("{\"items\":[5,1],\"times\":[7,9]}\n\n{\"operations\":[2],\"items\":[3]}", true);
        assert!(reader.next().is_err(), "the first has no operations");
        let second = Session { line: 3, items: vec![3], operations: vec![2], times: vec![0] };
        assert_eq!(reader.next().expect("a session"), Some(second));
        assert_eq!(reader.next().expect("the end"), None);
    }

    #[test]
    fn operations_that_the_model_does_not_look_at_may_be_any() {
        let session = reader("{\"items\":[5,1],\"operations\":[99,0]}", false).next();
        let expected = Session { line: 1, items: vec![5, 1], operations: vec![1, 1], times: vec![0, 0] };
        assert_eq!(session.expect("a session"), Some(expected));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_with_its_number() {
        for (text, words) in [
            ("{\"items\": [1}", "line 2 of the sessions: expected `,` or `]` (column 13)"),
            ("{\"item\": [1]}", "unknown field `item`"),
            ("{\"operations\": [1]}", "missing field `items`"),
            ("[1, 2]", "line 2"),
            ("{\"items\": []}", "the session has no item"),
            ("{\"items\": [1, 6]}", "item 6 is outside 1..=5"),
            ("{\"items\": [0]}", "item 0 is outside 1..=5"),
            ("{\"items\": [1.5]}", "line 2"),
            ("{\"items\": [1], \"operations\": [3]}", "operation 3 is outside 1..=2"),
            ("{\"items\": [1, 2], \"operations\": [1]}", "`items` has 2 entries and `operations` 1"),
            ("{\"items\": [1], \"operations\": [1], \"times\": [1, 2]}", "`items` has 1 entries and `times` 2"),
            ("{\"items\": [1]}", "the model looks at operations"),
        ] {
            let text = format!("{{\"items\":[1],\"operations\":[1]}}\n{text}\n");
            let mut reader = reader(&text, true);
            assert!(reader.next().is_ok());
            let error = reader.next().expect_err(&text).to_string();
            assert!(error.contains(words) && error.contains("line 2"), "{error}");
        }
    }
}
