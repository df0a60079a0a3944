//! The knowledge of a dataset: its items first, rare relations left out, cold items kept.

use super::*;

#[test]
fn a_dataset_takes_the_base_over_with_its_items_first_and_without_rare_relations() {
    let chain = films();
    // The item 3 has no link; 2 is cold: it stands behind the items of the training sessions.
    chain.dataset("dataset", &["3", "1", "2"]);
    let triples = json!({ "from": "dump", "links": "links", "hops": 2, "literals": "keep", "types": "keep" });
    chain.run("triples", json!({ "extract_triples": triples }));
    let config = json!({ "dataset": "dataset", "triples": "triples", "links": "links", "types": "drop",
        "literals": "drop", "min_triples": 2 });
    let notes = chain.run("rare", json!({ "extract_knowledge": config }));
    let Made { entities, relations, triples } = chain.knowledge("rare");
    let entity = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let items = ["3", "1", "2"].map(|item| entity(item, "item"));
    assert_eq!(entities, [&items[..], &[entity("m.director", "entity"), entity("m.film3", "entity")]].concat());
    assert_eq!((relations, triples), (vec!["film.film.directed_by".to_owned()], vec![[2, 1, 4], [5, 1, 4]]));
    let count = |name: &str| notes[name].as_u64().unwrap();
    assert_eq!((count("items linked"), count("items without a link"), count("items with triples")), (2, 1, 1));
    assert_eq!((count("relations with too few triples"), count("triples of relations with too few")), (2, 2));
    assert_eq!((count("literals left out"), count("type triples left out")), (1, 1));

    let config = json!({ "dataset": "dataset", "triples": "triples", "links": "links", "min_triples": 5000 });
    let error = chain.attempt("none", json!({ "extract_knowledge": config })).unwrap_err().to_string();
    assert!(error.contains("no triple is left of 6: each relation has fewer than `min_triples`, 5,000"), "{error}");

    let config = json!({ "dataset": "dataset", "triples": "triples", "links": "links", "min_triples": 1 });
    chain.run("all", json!({ "extract_knowledge": config }));
    let Made { entities, relations, triples } = chain.knowledge("all");
    assert_eq!((entities.len(), relations.len(), triples.len()), (3 + 6, 5, 6));
    assert!(entities.contains(&entity("\"One\"@en", "literal")));
    let actor = 1 + entities.iter().position(|(name, _)| name == "m.actor").unwrap();
    assert!(triples.contains(&[i32::try_from(actor).unwrap(), 1, 3]), "the cold item keeps what is known of it");
}

#[test]
fn a_cold_item_keeps_its_attributes_and_one_that_is_not_in_the_dataset_adds_nothing() {
    let chain = Written::new();
    let (brand, genre) = ([Some("b"), Some("c"), Some("b")], [Some("x|y"), Some("z"), Some("y")]);
    chain.items("kept", &["warm", "unseen", "cold"], &[("brand", &brand), ("genre", &genre)]);
    chain.dataset("dataset", &["warm", "cold"]);
    let config =
        json!({ "dataset": "dataset", "items": "kept", "attributes": ["brand", "genre"], "split": { "genre": "|" } });
    chain.run("knowledge", json!({ "extract_knowledge": config }));
    let Made { entities, triples, .. } = chain.knowledge("knowledge");
    let names: Vec<&str> = entities.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["warm", "cold", "b", "x", "y"]);
    assert_eq!(triples, [[1, 1, 3], [1, 2, 4], [1, 2, 5], [2, 1, 3], [2, 2, 5]]);
}

#[test]
fn items_that_share_an_entity_each_have_its_triples() {
    let chain = Written::new();
    chain.items("events", &["1", "2", "3"], &[]).dataset("dataset", &["1", "2", "3"]);
    chain.raw("links-raw", &[("ml2fb.txt", b"1\tm.x\n2\tm.x\n3\tm.y\n")]);
    chain.raw("dump", &[("dump.nt", dump(&[["m.x", "a.b", "m.y"], ["m.z", "a.b", "m.x"]]).as_bytes())]);
    chain.run("links", json!({ "link": { "items": "events", "from": "links-raw", "by": "kb4rec" } }));
    chain.run("triples", json!({ "extract_triples": { "from": "dump", "links": "links" } }));
    let config = json!({ "dataset": "dataset", "triples": "triples", "links": "links", "min_triples": 1 });
    chain.run("knowledge", json!({ "extract_knowledge": config }));
    let Made { triples, .. } = chain.knowledge("knowledge");
    assert_eq!(triples, [[1, 1, 3], [2, 1, 3], [4, 1, 1], [4, 1, 2]]);
}
