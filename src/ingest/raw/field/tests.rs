//! Fields against a plain reading of the same bytes, and against the csv crate where quoting is well-formed.

use proptest::prelude::*;

use super::*;

/// Every record as its fields, with doubled quotes undone.
fn read(bytes: &[u8], form: &Form<'_>) -> Vec<Vec<Vec<u8>>> {
    let (mut records, mut fields, mut found) = (Records::new(bytes, form, 0), Vec::new(), Vec::new());
    while let Some(record) = records.next(&mut fields) {
        assert!(record.start <= record.end && record.end <= bytes.len());
        let text = |field: &Field| {
            let text = &bytes[field.start as usize..field.end as usize];
            if field.doubled { undoubled(text) } else { text.to_vec() }
        };
        found.push(fields.iter().map(text).collect());
    }
    found
}

/// Two quotes become one.
fn undoubled(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter().peekable();
    std::iter::from_fn(|| {
        let byte = bytes.next()?;
        bytes.next_if(|next| *byte == b'"' && **next == b'"');
        Some(*byte)
    })
    .collect()
}

fn shown(found: &[Vec<Vec<u8>>]) -> Vec<Vec<&str>> {
    found.iter().map(|row| row.iter().map(|field| std::str::from_utf8(field).unwrap()).collect()).collect()
}

#[test]
fn quotes_hold_delimiters_breaks_and_doubled_quotes() {
    let found = read(b"a,\"b,\"\"c\"\"\nd\",\r\n\"\",e\n", &Form::csv(&["x"]));
    assert_eq!(shown(&found), [vec!["a", "b,\"c\"\nd", ""], vec!["", "e"]]);
}

#[test]
fn a_header_without_a_line_break_leaves_no_records() {
    let (form, mut fields) = (Form::csv(&["x"]), Vec::new());
    let mut records = Records::new(b"x,y", &form, 0);
    assert!(records.next(&mut fields).is_some());
    assert_eq!(Records::new(b"x,y", &form, records.position()).next(&mut fields), None);
}

#[test]
fn a_quote_inside_a_field_is_a_character_and_so_is_what_follows_a_closing_one() {
    let found = read(b"5\" disc,x\n\"a\"b,c\n", &Form::csv(&["x"]));
    assert_eq!(shown(&found), [vec!["5\" disc", "x"], vec!["\"a\"b", "c"]]);
}

#[test]
fn without_quoting_a_quote_is_a_character() {
    let found = read(b"a\t\"b\nc\"\td\n", &Form::tsv(&["x"]));
    assert_eq!(shown(&found), [vec!["a", "\"b"], vec!["c\"", "d"]]);
}

#[test]
fn two_colons_part_and_one_does_not() {
    let form = Form { delimiter: Delimiter::TwoColons, ..Form::tsv(&["x"]) };
    let found = read(b"1::Alien: 3 (1992)::Sci-Fi\n2:::x\n", &form);
    assert_eq!(shown(&found), [vec!["1", "Alien: 3 (1992)", "Sci-Fi"], vec!["2", ":x"]]);
}

#[test]
fn a_line_is_a_field_where_nothing_parts() {
    let form = Form { delimiter: Delimiter::None, ..Form::tsv(&["x"]) };
    assert_eq!(shown(&read(b"a b,c\r\n\nd", &form)), [vec!["a b,c"], vec![""], vec!["d"]]);
}

proptest! {
    #[test]
    fn long_rows_of_many_fields_are_read_as_by_splitting(rows in proptest::collection::vec(
        proptest::collection::vec("[a-z:é]{0,20}", 2..40), 0..12,
    )) {
        let text: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
        let expected: Vec<Vec<Vec<u8>>> = rows.iter()
            .map(|row| row.iter().map(|field| field.clone().into_bytes()).collect())
            .collect();
        prop_assert_eq!(read(text.as_bytes(), &Form::tsv(&["x"])), expected);
    }

    #[test]
    fn what_the_csv_crate_writes_is_read_back(rows in proptest::collection::vec(
        proptest::collection::vec("[a\", \n\ré]{0,12}", 3), 0..12,
    )) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let text = writer.into_inner().unwrap();
        let expected: Vec<Vec<Vec<u8>>> = rows.iter()
            .map(|row| row.iter().map(|field| field.clone().into_bytes()).collect())
            .collect();
        prop_assert_eq!(read(&text, &Form::csv(&["x"])), expected);
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(
        prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b':'), any::<u8>()], 0..300,
    )) {
        for delimiter in [Delimiter::Byte(b','), Delimiter::TwoColons, Delimiter::None] {
            for quoted in [false, true] {
                read(&bytes, &Form { delimiter, quoted, ..Form::csv(&["x"]) });
            }
        }
    }
}
