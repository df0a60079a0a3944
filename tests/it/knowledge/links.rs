//! Links of items to entities: published ones, and those found by a title and one more attribute.

use super::*;

#[test]
fn published_links_keep_the_first_of_an_item_and_count_the_rest() {
    let chain = Written::new();
    chain.items("events", &["7", "000999999X", "8", "9"], &[]).raw(
        "raw",
        &[(
            "ml2fb.txt",
            b"9\tm.09\r\n7\tm.0zz001\r\n000999999X\tg.11zzzz_9\r\n7\tm.0other\r\n12\tm.012\r\n8\tm.09\r\n",
        )],
    );
    let notes = chain.run("links", json!({ "link": { "items": "events", "from": "raw", "by": "kb4rec" } }));
    let expected = [("7", "m.0zz001"), ("000999999X", "g.11zzzz_9"), ("8", "m.09"), ("9", "m.09")];
    assert_eq!(chain.links("links"), expected.map(|(item, entity)| (item.to_owned(), entity.to_owned())));
    let count = |name: &str| notes[name].as_u64().unwrap();
    assert_eq!((count("links"), count("items linked"), count("items without a link")), (6, 4, 0));
    assert_eq!((count("links without an item"), count("links of an item that has one already")), (1, 1));
    assert_eq!(count("items that share an entity with an earlier one"), 1);
}

#[test]
fn links_of_recbole_have_a_header_and_a_broken_row_of_links_is_told() {
    let chain = Written::new();
    chain.items("events", &["7"], &[]);
    chain.raw("raw", &[("ml.link", b"item_id:token\tentity_id:token\n7\tm.07\n"), ("ml.inter", b"not read\n")]);
    chain.run("links", json!({ "link": { "items": "events", "from": "raw", "by": "recbole" } }));
    assert_eq!(chain.links("links"), [("7".to_owned(), "m.07".to_owned())]);
    chain.raw("yago", &[("ml2yago.txt", "7\t<Caf\u{e9}>\r\n8\n".as_bytes())]);
    let stage = json!({ "items": "events", "from": "yago", "by": "kb4rec" });
    let Err(StageError::Data(error)) = chain.attempt("strict", json!({ "link": stage })) else { panic!() };
    assert_eq!(error.location.unwrap().line, 2);
    let mut stage = stage;
    stage["bad_rows"] = json!({ "quarantine": { "at_most": 0.5 } });
    assert_eq!(chain.run("some", json!({ "link": stage }))["rejected rows"], 1);
    assert_eq!(chain.links("some"), [("7".to_owned(), "Caf\u{e9}".to_owned())]);
}

#[test]
fn a_title_finds_its_entity_and_one_more_attribute_decides_between_several() {
    let chain = Written::new();
    let titles = ["Alone (1990)", "Twins, The (1991)", "Twins, The (1999)", "Open (1980)", "Nowhere (1970)"];
    let titles = titles.map(Some).into_iter().chain([None]).collect::<Vec<_>>();
    chain.items("events", &["1", "2", "3", "4", "5", "6"], &[("title", &titles)]);
    let names = [
        ["m.alone", "type.object.name", "\"alone\"@en"],
        ["m.alone", "type.object.name", "\"Nowhere\"@de"],
        ["m.open1", "type.object.name", "\"Open\"@en"],
        ["m.open2", "type.object.name", "\"Open!\"@en"],
        ["m.twin91", "type.object.name", "\"The Twins\"@en"],
        ["m.twin91", "film.film.date", "\"1991-05\"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>"],
        ["m.twin99", "film.film.date", "\"1999\"^^<http://www.w3.org/2001/XMLSchema#gYear>"],
        ["m.twin99", "type.object.name", "\"The Twins\"@en"],
        ["m.game", "type.object.name", "\"The Twins\"@en"],
        ["m.game", "type.object.type", "game.game"],
    ];
    chain.raw("dump", &[("dump.nt", dump(&names).as_bytes())]);
    let and = json!([{ "attribute": "title", "relations": ["film.film.date"], "compare": "year" }]);
    let by = json!({ "title": { "attribute": "title", "and": and } });
    let notes = chain.run("links", json!({ "link": { "items": "events", "from": "dump", "by": by } }));
    let expected = [("1", "m.alone"), ("2", "m.twin91"), ("3", "m.twin99")];
    assert_eq!(chain.links("links"), expected.map(|(item, entity)| (item.to_owned(), entity.to_owned())));
    let count = |name: &str| notes[name].as_u64().unwrap();
    assert_eq!(
        (count("items linked by their title alone"), count("items linked by one more attribute")),
        (1, 2),
        "{notes:?}"
    );
    assert_eq!((count("items whose title no entity has"), count("items without a title")), (1, 1));
    assert_eq!(count("ambiguous items"), 1);
    let mut ambiguous = table::read(&chain.output("links").join(AMBIGUOUS_FILE), &AMBIGUOUS).unwrap();
    let [items, entities] = ["item", "entity"].map(|name| ambiguous.text(name));
    assert_eq!(items.iter().flatten().collect::<Vec<_>>(), ["4", "4"]);
    assert_eq!(entities.iter().flatten().collect::<Vec<_>>(), ["m.open1", "m.open2"]);
}

#[test]
fn an_artist_is_an_entity_with_the_artists_name_and_types_leave_others_out() {
    let chain = Written::new();
    let (titles, artists) = ([Some("Song"), Some("Song"), Some("Name")], [Some("Ann & Co"), Some("Bob"), Some("Cid")]);
    chain.items("events", &["1", "2", "3"], &[("title", &titles), ("artist", &artists)]);
    let facts = [
        ["m.ann", "type.object.name", "\"Ann and Co.\"@en"],
        ["m.bob", "type.object.name", "\"Bob\"@en"],
        ["m.book", "type.object.name", "\"Name\"@en"],
        ["m.book", "type.object.type", "book.book"],
        ["m.name", "type.object.name", "\"Name\"@en"],
        ["m.name", "type.object.type", "music.track"],
        ["m.song1", "music.track.artist", "m.bob"],
        ["m.song1", "type.object.name", "\"Song\"@en"],
        ["m.song1", "type.object.type", "music.track"],
        ["m.song2", "type.object.name", "\"Song\"@en"],
        ["m.song2", "type.object.type", "music.track"],
        ["m.song2", "music.track.artist", "m.ann"],
    ];
    chain.raw("dump", &[("dump.nt", dump(&facts).as_bytes())]);
    let and = json!([{ "attribute": "artist", "relations": ["music.track.artist"] }]);
    let by = json!({ "title": { "attribute": "title", "types": ["music.track"], "and": and } });
    chain.run("links", json!({ "link": { "items": "events", "from": "dump", "by": by } }));
    let expected = [("1", "m.song2"), ("2", "m.song1"), ("3", "m.name")];
    assert_eq!(chain.links("links"), expected.map(|(item, entity)| (item.to_owned(), entity.to_owned())));
}
