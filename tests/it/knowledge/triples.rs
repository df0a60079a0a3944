//! Triples out of published files: what touches a seed, every layout, any bytes.

use super::*;

#[test]
fn what_touches_a_seed_as_head_or_as_tail_is_kept_in_the_order_of_the_dump() {
    let chain = films();
    let notes = chain.run("one", json!({ "extract_triples": { "from": "dump", "links": "links" } }));
    let near = [["m.actor", "film.actor.film", "m.film2"], ["m.film1", "film.film.directed_by", "m.director"]];
    assert_eq!(chain.facts("one"), owned(&near));
    let count = |name: &str| notes[name].as_u64().unwrap();
    assert_eq!((count("lines"), count("lines that touch no seed"), count("triples")), (8, 4, 2));
    assert_eq!((count("literals left out"), count("type triples left out")), (1, 1));
    let everything = json!({ "from": "dump", "links": "links", "literals": "keep", "types": "keep" });
    let notes = chain.run("more", json!({ "extract_triples": everything }));
    assert_eq!((&notes["triples"], &notes["entities"]), (&json!(4), &json!(6)));
    let names = Names::read(&chain.output("more")).unwrap();
    let literals: Vec<&str> = (0..6).filter(|row| names.literals[*row]).map(|row| names.entities.at(row)).collect();
    assert_eq!(literals, ["\"One\"@en"]);
}

#[test]
fn a_second_step_takes_what_touches_the_entities_of_the_first() {
    let chain = films();
    let notes = chain.run("two", json!({ "extract_triples": { "from": "dump", "links": "links", "hops": 2 } }));
    let kept = [
        ["m.actor", "film.actor.film", "m.film2"],
        ["m.actor", "people.person.born", "m.town"],
        ["m.film1", "film.film.directed_by", "m.director"],
        ["m.film3", "film.film.directed_by", "m.director"],
    ];
    assert_eq!(chain.facts("two"), owned(&kept));
    assert_eq!((&notes["seeds"], &notes["seeds after 1 of 2 steps"]), (&json!(2), &json!(4)));
}

#[test]
fn every_layout_and_container_gives_the_same_triples() {
    let facts = [["m.01", "film.film.directed_by", "m.02"], ["m.02", "film.director.film", "m.01"]];
    let dump = dump(&facts);
    let basekb = dump.replace("rdf.freebase.com", "rdf.basekb.com").replace("\t.\n", ".\n");
    let quadruples: String = facts
        .iter()
        .map(|names| names.map(|name| format!("/{}", name.replace('.', "/"))).join("\t") + "\t\n")
        .collect();
    let kg = format!("head_id:token\trelation_id:token\ttail_id:token\n{}", facts.map(|f| f.join("\t")).join("\r\n"));
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, dump.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    let zst = zstd::encode_all(dump.as_bytes(), 1).unwrap();
    let openke: [(&str, &[u8]); 3] = [
        ("entity2id.txt", b"2\nm.02\t1\nm.01\t0\n"),
        ("relation2id.txt", b"2\nfilm.film.directed_by\t0\nfilm.director.film\t1\n"),
        ("train2id.txt", b"2\n0 1 0\n1 0 1\n"),
    ];
    let chain = Written::new();
    let layouts: [(&str, &str, Files<'_>); 7] = [
        ("plain", "freebase", &[("dump.nt", dump.as_bytes())]),
        ("gz", "freebase", &[("dump.nt.gz", &gz)]),
        ("zst", "freebase", &[("dump.nt.zst", &zst)]),
        ("basekb", "freebase", &[("dump.nt", basekb.as_bytes())]),
        ("quadruples", "freebase", &[("dump.tsv", quadruples.as_bytes())]),
        ("recbole", "recbole", &[("ml.kg", kg.as_bytes()), ("ml.link", b"")]),
        ("openke", "openke", &openke),
    ];
    for (name, format, files) in layouts {
        chain.raw(&format!("{name} raw"), files);
        chain.run(name, json!({ "extract_triples": { "from": format!("{name} raw"), "format": format } }));
        assert_eq!(chain.facts(name), owned(&facts), "{name}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_told_or_set_aside_with_its_reason() {
    let chain = films();
    let mut bad = dump(&[["m.film1", "film.film.directed_by", "m.director"]]);
    bad.push_str("<http://rdf.freebase.com/ns/m.film1>\t<http://rdf.freebase.com/ns/film.film.prod\n");
    chain.raw("bad", &[("dump.nt", bad.as_bytes())]);
    let stage = json!({ "from": "bad", "links": "links" });
    let Err(StageError::Data(error)) = chain.attempt("strict", json!({ "extract_triples": stage })) else { panic!() };
    assert!(error.message.contains("relation of the line does not end with `>`"), "{}", error.message);
    let at = error.location.unwrap();
    assert!(at.file.ends_with("dump.nt") && (at.line, at.column) == (2, 1));
    let mut stage = stage;
    stage["bad_rows"] = json!({ "quarantine": { "at_most": 0.5 } });
    let notes = chain.run("some", json!({ "extract_triples": stage }));
    assert_eq!((&notes["rejected rows"], &notes["triples"]), (&json!(1), &json!(1)));
    assert_eq!(notes["rejected: the relation of the line does not end with `>`"], 1);
}

#[test]
fn a_list_of_openke_that_lost_a_line_is_told() {
    let chain = Written::new();
    let relations: (&str, &[u8]) = ("relation2id.txt", b"1\nr\t0\n");
    chain.raw("short", &[("entity2id.txt", b"2\na\t0\n"), relations, ("train2id.txt", b"1\n0 0 0\n")]);
    chain.raw("stranger", &[("entity2id.txt", b"1\na\t0\n"), relations, ("train2id.txt", b"1\n0 7 0\n")]);
    for (raw, problem) in
        [("short", "says that it has 2 lines, and it has 1"), ("stranger", "has no name in the lists")]
    {
        let stage = json!({ "extract_triples": { "from": raw, "format": "openke" } });
        let Err(StageError::Data(error)) = chain.attempt(&format!("{raw} out"), stage) else { panic!("{raw}") };
        assert!(error.message.contains(problem), "{}", error.message);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is written round some seeds, what is read is what a plain look at each triple keeps.
    #[test]
    fn generated_triples_come_back_as_written(
        numbers in proptest::collection::vec((0_u8..12, 0_u8..4, 0_u8..12, any::<bool>()), 0..60),
        seeds in proptest::collection::btree_set(0_u8..12, 1..4),
        linked in any::<bool>(),
    ) {
        let names = |number: u8| if number < 6 { format!("m.0{number}") } else { format!("g.11_a_long_name_{number}") };
        let facts: Vec<Fact> = numbers
            .into_iter()
            .map(|(head, relation, tail, literal)| {
                let tail = if literal { format!("\"{}\\t\\\"x\\\"\"@en", names(tail)) } else { names(tail) };
                (names(head), format!("a.b.r{relation}"), tail)
            })
            .collect();
        let text: String = facts.iter().map(|(head, relation, tail)| line(head, relation, tail)).collect();
        let chain = Written::new();
        let links: String = seeds.iter().map(|seed| format!("i{seed}\t{}\n", names(*seed))).collect();
        let items: Vec<String> = seeds.iter().map(|seed| format!("i{seed}")).collect();
        chain.items("events", &items.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        chain.raw("links-raw", &[("l.txt", links.as_bytes())]).raw("dump", &[("dump.nt", text.as_bytes())]);
        chain.run("links", json!({ "link": { "items": "events", "from": "links-raw", "by": "kb4rec" } }));
        let mut stage = json!({ "from": "dump", "literals": "keep" });
        if linked {
            stage["links"] = json!("links");
        }
        chain.run("triples", json!({ "extract_triples": stage }));
        let seeds: BTreeSet<String> = seeds.into_iter().map(names).collect();
        let expected: Vec<Fact> = facts
            .into_iter()
            .filter(|(head, _, tail)| !linked || seeds.contains(head) || seeds.contains(tail))
            .collect();
        prop_assert_eq!(chain.facts("triples"), expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused_by_every_format(
        bytes in proptest::collection::vec(prop_oneof![
            any::<u8>(), Just(b'\n'), Just(b'\t'), Just(b'<'), Just(b'>'), Just(b'"'), Just(b'.'), Just(b'1'),
        ], 0..200),
    ) {
        let chain = Written::new();
        let files: [(&str, &[u8]); 5] = [
            ("x.kg", &bytes), ("x.link", &bytes), ("entity2id.txt", &bytes), ("relation2id.txt", &bytes),
            ("train2id.txt", &bytes),
        ];
        chain.raw("raw", &files).items("events", &["1"], &[("title", &[Some("x")])]);
        for format in ["freebase", "recbole", "openke"] {
            drop(chain.attempt(format, json!({ "extract_triples": { "from": "raw", "format": format } })));
        }
        for (name, by) in [("k", json!("kb4rec")), ("r", json!("recbole")), ("t", json!({ "title": { "attribute": "title" } }))] {
            drop(chain.attempt(name, json!({ "link": { "items": "events", "from": "raw", "by": by } })));
        }
        sr_pipe::ingest::freebase::read_lines(&bytes);
    }
}

#[test]
fn made_up_films_are_linked_and_their_triples_are_those_that_were_planted() {
    let chain = Written::new();
    let synth =
        |format: &str, rows: u32| json!({ "synth": { "format": format, "rows": rows, "items": 240, "seed": 5 } });
    chain.run("movies", synth("movielens", 5000));
    chain.run("base", synth("freebase", 40_000));
    chain.run("events", json!({ "ingest": { "from": "movies", "format": "movielens" } }));
    let pairs = json!({ "items": "events", "from": "base", "files": ["ml2fb.txt"], "by": "kb4rec" });
    chain.run("links", json!({ "link": pairs }));
    let truth: Value = serde_json::from_slice(&fs_err::read(chain.output("base").join("truth.json")).unwrap()).unwrap();
    let published: BTreeSet<_> = chain.links("links").into_iter().collect();
    assert_eq!(published.len() as u64, truth["linked"].as_u64().unwrap());

    let files = json!(["freebase-rdf-latest"]);
    let near = json!({ "from": "base", "files": files, "links": "links", "literals": "keep", "types": "keep" });
    let notes = chain.run("triples", json!({ "extract_triples": near }));
    assert_eq!((&notes["lines"], &notes["triples"]), (&truth["rows"], &truth["lines_that_touch_a_link"]));

    let year = json!([{ "attribute": "year", "relations": ["film.film.initial_release_date"], "compare": "year" }]);
    let by =
        json!({ "title": { "attribute": "title", "types": ["film.film"], "and": year, "without_brackets": true } });
    let notes = chain.run("titles", json!({ "link": { "items": "events", "from": "base", "files": files, "by": by } }));
    // The dump has its films under names without article and ornament, so some are not found; none is found wrongly.
    let published: BTreeMap<String, String> = published.into_iter().collect();
    let found = chain.links("titles");
    let known: Vec<_> = found.iter().filter(|(item, _)| published.contains_key(item)).collect();
    assert!(known.len() * 2 > published.len(), "{} of {} films are found: {notes:?}", known.len(), published.len());
    assert!(known.iter().all(|(item, entity)| published[item] == *entity));
}
