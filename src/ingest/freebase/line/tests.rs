//! Lines by hand in each layout, generated ones, and any bytes.

use proptest::prelude::*;

use super::*;

/// A statement in plain words.
fn read(line: &str) -> Option<(String, String, String)> {
    let statement = statement(line.as_bytes()).unwrap_or_else(|fault| panic!("{line}: {fault:?}"))?;
    let plain = |name: &Name<'_>| String::from_utf8(name.plain(&mut Vec::new()).to_vec()).unwrap();
    let object = match &statement.object {
        Object::Name(name) => plain(name),
        Object::Literal(literal) => {
            let mut written = Vec::new();
            literal.write(&mut written);
            String::from_utf8(written).unwrap()
        }
    };
    Some((plain(&statement.subject), plain(&statement.relation), object))
}

fn says(line: &str, [subject, relation, object]: [&str; 3]) {
    assert_eq!(read(line), Some((subject.to_owned(), relation.to_owned(), object.to_owned())), "{line}");
}

fn refused(line: &[u8], problem: &str) {
    let fault = statement(line).unwrap_err();
    assert!(fault.problem.contains(problem), "{}", fault.problem);
}

#[test]
fn one_fact_has_the_same_names_in_every_layout() {
    let fact = ["m.0aaa01", "film.film.directed_by", "m.0bbb02"];
    let n_triple = |space: &str, host: &str, dot: &str| {
        let iri = |name: &str| format!("<http://{host}/ns/{name}>");
        format!("{}{space}{}{space}{}{dot}", iri(fact[0]), iri(fact[1]), iri(fact[2]))
    };
    says(&n_triple("\t", "rdf.freebase.com", "\t."), fact);
    says(&n_triple("\t", "rdf.basekb.com", "."), fact);
    says(&n_triple(" ", "rdf.freebase.com", " ."), fact);
    says("/m/0aaa01\t/film/film/directed_by\t/m/0bbb02\t", fact);
    says("/m/0aaa01\t/film/film/directed_by\t/m/0bbb02", fact);
}

#[test]
fn literals_keep_their_language_and_type_and_other_namespaces_stay_whole() {
    let subject = "<http://rdf.freebase.com/ns/m.0aaa01>";
    let name = "<http://rdf.freebase.com/ns/type.object.name>";
    let quoted = r#""A \"quoted\" Film"@en"#;
    says(&format!("{subject}\t{name}\t{quoted}\t."), ["m.0aaa01", "type.object.name", quoted]);
    let date = r#""1999-03"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>"#;
    let rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
    says(&format!("{subject}\t<{rdf}>\t{date}\t."), ["m.0aaa01", rdf, date]);
    says("/m/01\t/type/object/name\t/lang/en\tSay \"yes\"", ["m.01", "type.object.name", r#""Say \"yes\""@en"#]);
    says("/m/01\t/type/object/key\t/authority/isbn\t7", ["m.01", "type.object.key.authority.isbn", "\"7\""]);
    says("/m/01\t/music/track/length\t\t288.8", ["m.01", "music.track.length", "\"288.8\""]);
    assert_eq!(read("# a comment"), None);
}

#[test]
fn what_is_wrong_with_a_line_is_told() {
    refused(b"<http://rdf.freebase.com/ns/m.01>\t<http://rdf.freebase.com/ns/a.b>\t<http://rdf.free", "end with `.`");
    refused(b"<a>\t<b>\t\"open\t.", "quote of a literal does not close");
    refused(b"<a>\t<b>\t\"x\"en\t.", "followed by neither `@`");
    refused(b"<a>\t<b>\t<c> <d> .", "between the object");
    refused(b"<a>\t<b .", "the relation of the line does not end with `>`");
    refused(b"<a>\t<>\t<c> .", "the relation of the line has no name");
    refused(b"m.01\ta.b\tm.02", "subject of the line begins neither");
    refused(b"/m/01\t/a/b", "2 columns");
    refused(b"/m/01\t/a/b\tlang/en\tx", "destination of a quadruple");
}

#[test]
fn escapes_of_a_literal_are_resolved() {
    let text = |text: &'static [u8]| Literal::Quoted { text, suffix: b"@en" }.text().map(Cow::into_owned);
    assert_eq!(text(br#"a\tb \"c\" \\n \u00e9\U0001F600!"#).unwrap(), "a\tb \"c\" \\n é😀!");
    for bad in [&br"\x"[..], br"\u12", br"\ud800", b"\\", b"\xff"] {
        assert!(text(bad).is_err());
    }
    assert_eq!(Literal::Quoted { text: b"a", suffix: b"@en-GB" }.language(), b"en-GB");
    assert_eq!(Literal::Quoted { text: b"a", suffix: b"^^<t>" }.language(), b"");
}

/// Writes a literal's text as N-Triples do.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            other => escaped.push(other),
        }
        escaped
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        drop(statement(&line));
        drop(named_object(&line));
        subject_token(&line);
    }

    #[test]
    fn bytes_that_look_like_lines_are_read_or_refused(parts in proptest::collection::vec(
        proptest::sample::select(vec![
            &b"<http://rdf.freebase.com/ns/m.01>"[..], b"<", b">", b"\t", b"\"", b"\\", b".", b"@en", b"^^<", b"/m/01",
            b"/lang/", b"_:b", b"\\u00e9", b"\xc3", b" ",
        ]),
        0..12,
    )) {
        let line = parts.concat();
        if let Ok(Some(statement)) = statement(&line) {
            statement.subject.plain(&mut Vec::new());
            if let Object::Literal(literal) = statement.object {
                drop(literal.text());
                literal.language();
                literal.write(&mut Vec::new());
            }
        }
    }

    #[test]
    fn a_literal_comes_back_as_it_was_written(text in any::<String>()) {
        let line = format!("<a> <b> \"{}\"@en .", escape(&text));
        let Ok(Some(Statement { object: Object::Literal(literal), .. })) = statement(line.as_bytes()) else {
            return Err(TestCaseError::fail(line));
        };
        prop_assert_eq!(literal.text().unwrap(), text);
    }

    /// The look at the end of a line finds just the objects that the whole line has.
    #[test]
    fn the_end_of_a_line_tells_its_object(
        object in prop_oneof![
            "<http://rdf\\.freebase\\.com/ns/[a-z.]{1,9}>", "<http://x/[a-z]{0,9}>", "\"[a-z<> ]{0,9}\"(@en)?",
            Just("\"1\"^^<http://www.w3.org/2001/XMLSchema#gYear>".to_owned()), "_:[a-z]{1,4}",
        ],
        dot in prop_oneof![Just("\t."), Just("."), Just(" .")],
    ) {
        let line = format!("<a>\t<b>\t{object}{dot}");
        let whole = match statement(line.as_bytes()).unwrap().unwrap().object {
            Object::Name(name) if name.own => Some(name),
            _ => None,
        };
        prop_assert_eq!(named_object(line.as_bytes()).unwrap(), whole);
    }
}
