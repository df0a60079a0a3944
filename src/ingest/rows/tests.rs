//! Rows of text, good and broken.

use proptest::prelude::*;

use super::*;

const NAMES: &[&str] = &["user_id", "type"];

fn written(bytes: &[u8]) -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("a.csv")).unwrap();
    fs_err::write(&path, bytes).unwrap();
    (folder, path)
}

/// All rows as (user, type), or what is wrong with the first broken one.
fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, Diagnostic> {
    let (_folder, path) = written(bytes);
    let data = |error| match error {
        StageError::Data(diagnostic) => *diagnostic,
        other => panic!("{other}"),
    };
    let mut rows = Rows::open(&path, b',', NAMES).map_err(data)?;
    let mut found = Vec::new();
    while rows.advance().map_err(data)? {
        found.push((rows.number(0)?.to_owned(), rows.text(1)?.to_owned()));
    }
    Ok(found)
}

/// Line, column and the text that the caret covers.
fn pointed(bytes: &[u8]) -> (usize, usize, String) {
    let diagnostic = read(bytes).unwrap_err();
    assert!(diagnostic.help.is_some(), "{diagnostic}");
    let at = diagnostic.location.unwrap();
    let line = diagnostic.source_line.unwrap();
    (at.line, at.column, line.chars().skip(at.column - 1).take(diagnostic.width).collect())
}

#[test]
fn a_mark_of_byte_order_and_either_line_end_change_nothing() {
    let plain = read(b"type,user_id\n1,7\n2,8.0\n").unwrap();
    assert_eq!(plain, [("7".into(), "1".into()), ("8".into(), "2".into())]);
    assert_eq!(read(b"\xef\xbb\xbftype,user_id\r\n1,7\r\n2,8.0").unwrap(), plain);
    assert_eq!(read(b"type,user_id\n\n1,7\n\n2,\"8\"\n").unwrap(), plain);
}

#[test]
fn a_field_that_is_no_number_is_pointed_at() {
    assert_eq!(pointed(b"type,user_id\n1,7\n1,x7\n"), (3, 3, "x7".into()));
    assert_eq!(pointed(b"type,user_id\r\n1,7\r\n1,x7\r\n"), (3, 3, "x7".into()));
    assert_eq!(pointed(b"\xef\xbb\xbftype,user_id\n1,\n"), (2, 3, String::new()));
}

#[test]
fn line_breaks_inside_quotes_do_not_shift_the_place() {
    assert_eq!(pointed(b"type,user_id\n\"a\nb\",7\n1,x7\n"), (4, 3, "x7".into()));
    assert_eq!(pointed(b"type,user_id\n\"a\nb,\",x7\n"), (3, 5, "x7".into()));
}

#[test]
fn a_short_row_is_shown_whole() {
    assert_eq!(pointed(b"type,user_id\n1,7\n15\n"), (3, 1, "15".into()));
}

#[test]
fn text_that_is_not_utf8_is_pointed_at() {
    let (line, column, _) = pointed(b"type,user_id\n1,\xff\xfe\n");
    assert_eq!((line, column), (2, 3));
}

#[test]
fn an_empty_file_and_a_missing_column_are_told() {
    assert!(read(b"").unwrap_err().message.contains("is empty"));
    assert_eq!(pointed(b"type,user\n"), (1, 1, "type,user".into()));
    assert!(read(b"type,userid\n").unwrap_err().help.unwrap().contains("`userid`"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(tail in proptest::collection::vec(any::<u8>(), 0..200), headed in any::<bool>()) {
        let mut bytes = if headed { b"type,user_id\n".to_vec() } else { Vec::new() };
        bytes.extend(tail);
        let _ = read(&bytes);
    }

    #[test]
    fn no_text_that_looks_like_a_table_makes_the_reader_panic(tail in "[0-9x,\"\r\n\u{e9}\u{feff}]{0,80}") {
        let _ = read(format!("type,user_id\n{tail}").as_bytes());
    }
}
