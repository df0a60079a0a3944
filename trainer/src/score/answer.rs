//! What is said of a session: one JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

use super::job::Answer;

/// The answer `Answer::All`.
#[derive(Serialize)]
struct AllScores<'a, T> {
    /// Of the items 1 to `V`; `null` for one that the model does not rank.
    scores: &'a [T],
}

/// The answer `Answer::Top`.
#[derive(Serialize)]
struct TopItems<T> {
    /// Item numbers, the highest score first; of equal scores the lower number.
    items: Vec<usize>,
    /// Their scores.
    scores: Vec<T>,
}

/// Writes the answer to a session whose items score `row` `[V]`; negative infinity for an item that is not ranked.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write<T>(answer: Answer, row: &[T], out: &mut impl Write) -> io::Result<()>
where
    T: Copy + Serialize + Into<f64>,
{
    match answer {
        Answer::All => serde_json::to_writer(&mut *out, &AllScores { scores: row })?,
        Answer::Top(count) => serde_json::to_writer(&mut *out, &top(row, count.get()))?,
    }
    out.write_all(b"\n")
}

fn top<T: Copy + Into<f64>>(row: &[T], count: usize) -> TopItems<T> {
    let score = |column: usize| -> f64 { row[column].into() };
    let order = |&a: &usize, &b: &usize| score(b).total_cmp(&score(a)).then(a.cmp(&b));
    let mut columns: Vec<usize> = (0..row.len()).filter(|&column| score(column) > f64::NEG_INFINITY).collect();
    if count < columns.len() {
        columns.select_nth_unstable_by(count, order);
        columns.truncate(count);
    }
    columns.sort_unstable_by(order);
    TopItems {
        items: columns.iter().map(|column| column + 1).collect(),
        scores: columns.iter().map(|&column| row[column]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn said<T: Copy + Serialize + Into<f64>>(answer: Answer, row: &[T]) -> String {
        let mut out = Vec::new();
        write(answer, row, &mut out).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_highest_come_first_and_of_equal_ones_the_lower_number() {
        let top = |count| Answer::Top(NonZeroUsize::new(count).expect("not zero"));
        let row = [0.5f32, -1.0, 2.25, 0.5, 0.5];
        assert_eq!(said(top(1), &row), "{\"items\":[3],\"scores\":[2.25]}\n");
        assert_eq!(said(top(3), &row), "{\"items\":[3,1,4],\"scores\":[2.25,0.5,0.5]}\n");
        assert_eq!(said(top(9), &row), "{\"items\":[3,1,4,5,2],\"scores\":[2.25,0.5,0.5,0.5,-1.0]}\n");
    }

    #[test]
    fn items_that_are_not_ranked_are_left_out_of_the_top_and_null_among_all() {
        let row = [f64::NEG_INFINITY, 0.1, f64::NEG_INFINITY];
        assert_eq!(said(Answer::default(), &row), "{\"items\":[2],\"scores\":[0.1]}\n");
        assert_eq!(said(Answer::All, &row), "{\"scores\":[null,0.1,null]}\n");
    }

    #[test]
    fn single_precision_is_written_with_as_few_digits_as_tell_it_apart() {
        assert_eq!(said(Answer::All, &[0.1f32, 1.0 / 3.0]), "{\"scores\":[0.1,0.33333334]}\n");
    }
}
