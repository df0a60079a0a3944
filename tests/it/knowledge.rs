//! Knowledge from published files to the triples of a dataset: links, the pass over a dump, and what items keep of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;
use serde_json::{Value, json};
use sr_pipe::artifact::table::{self, Text};
use sr_pipe::data::items::Items;
use sr_pipe::data::links::{AMBIGUOUS, AMBIGUOUS_FILE, Links};
use sr_pipe::data::triples::{Names, TripleReader};
use sr_pipe::data::vocabulary::{ITEMS, Vocabulary};
use sr_pipe::data::{knowledge, tensors};
use sr_pipe::engine::stage::StageError;

use crate::chain::Chain;

/// A chain of stages over raw files, items and datasets that are written by hand.
struct Written(Chain);

type Fact = (String, String, String);

/// Name and content of raw files.
type Files<'a> = &'a [(&'a str, &'a [u8])];

/// The triples of a dataset: name and kind of each entity, the relations, and numbers.
struct Made {
    entities: Vec<(String, String)>,
    relations: Vec<String>,
    triples: Vec<[i32; 3]>,
}

impl std::ops::Deref for Written {
    type Target = Chain;

    fn deref(&self) -> &Chain {
        &self.0
    }
}

impl Written {
    fn new() -> Self {
        Self(Chain::new(json!({})))
    }

    /// Raw files, by name and content.
    fn raw(&self, name: &str, files: Files<'_>) -> &Self {
        for (file, bytes) in files {
            let path = self.output(name).join(file);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, bytes).unwrap();
        }
        self
    }

    /// Items with their attributes, as stages that read a log leave them.
    fn items(&self, name: &str, items: &[&str], attributes: &[(&str, &[Option<&str>])]) -> &Self {
        fs_err::create_dir(self.output(name)).unwrap();
        let column = |(name, values): &(&str, &[Option<&str>])| ((*name).to_owned(), values.iter().copied().collect());
        let items = Items { item: Text::full(items), attributes: attributes.iter().map(column).collect() };
        items.write(&self.output(name).join("items.parquet")).unwrap();
        self
    }

    /// The items of a dataset, by number from 1.
    fn dataset(&self, name: &str, items: &[&str]) -> &Self {
        fs_err::create_dir(self.output(name)).unwrap();
        let mut vocabulary = Vocabulary::default();
        items.iter().for_each(|item| _ = vocabulary.add(item));
        vocabulary.write(&self.output(name).join("items.parquet"), &ITEMS).unwrap();
        self
    }

    fn links(&self, name: &str) -> Vec<(String, String)> {
        let links = Links::read(&self.output(name)).unwrap();
        let owned = |text: Option<&str>| text.unwrap().to_owned();
        links.item.iter().zip(links.entity.iter()).map(|(item, entity)| (owned(item), owned(entity))).collect()
    }

    /// Triples of a knowledge base by name, in their order.
    fn facts(&self, name: &str) -> Vec<Fact> {
        let names = Names::read(&self.output(name)).unwrap();
        let of = |text: &Text, number: u32| text.at(number as usize).to_owned();
        let triples = TripleReader::open(&self.output(name)).unwrap().flat_map(Result::unwrap);
        triples
            .map(|[head, relation, tail]| {
                (of(&names.entities, head), of(&names.relations, relation), of(&names.entities, tail))
            })
            .collect()
    }

    /// Entities and triples of a dataset.
    fn knowledge(&self, name: &str) -> Made {
        let folder = self.output(name);
        let mut entities = table::read(&folder.join("entities.parquet"), &knowledge::ENTITIES).unwrap();
        let (named, kinds) = (entities.text("entity"), entities.text("kind"));
        let entities = (0..named.len()).map(|row| (named.at(row).to_owned(), kinds.at(row).to_owned())).collect();
        let meta: knowledge::Meta = serde_json::from_slice(&fs_err::read(folder.join("meta.json")).unwrap()).unwrap();
        let arrays = tensors::read(&folder.join("triples.safetensors")).unwrap();
        let column = |name: &str| match &arrays[name] {
            tensors::Tensor::Int32(values) => values.clone(),
            tensors::Tensor::Int64(_) => panic!("`{name}` is of 64 bits"),
        };
        let (heads, relations, tails) = (column("head"), column("relation"), column("tail"));
        let triples = (0..heads.len()).map(|row| [heads[row], relations[row], tails[row]]).collect();
        Made { entities, relations: meta.relations, triples }
    }
}

fn owned(facts: &[[&str; 3]]) -> Vec<Fact> {
    facts.iter().map(|[head, relation, tail]| ((*head).into(), (*relation).into(), (*tail).into())).collect()
}

/// A line of the last dump.
fn line(head: &str, relation: &str, tail: &str) -> String {
    let iri = |name: &str| format!("<http://rdf.freebase.com/ns/{name}>");
    let tail = if tail.starts_with('"') { tail.to_owned() } else { iri(tail) };
    format!("{}\t{}\t{tail}\t.\n", iri(head), iri(relation))
}

fn dump(facts: &[[&str; 3]]) -> String {
    facts.iter().map(|[head, relation, tail]| line(head, relation, tail)).collect()
}

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

/// A chain with two linked films and a dump round them.
fn films() -> Written {
    let chain = Written::new();
    chain.items("events", &["1", "2"], &[]).raw("links-raw", &[("ml2fb.txt", b"1\tm.film1\r\n2\tm.film2\r\n")]);
    let facts = dump(&[
        ["m.actor", "film.actor.film", "m.film2"],
        ["m.actor", "people.person.born", "m.town"],
        ["m.film1", "film.film.directed_by", "m.director"],
        ["m.film1", "type.object.name", "\"One\"@en"],
        ["m.film1", "type.object.type", "film.film"],
        ["m.film3", "film.film.directed_by", "m.director"],
        ["m.film3", "type.object.name", "\"m.film1\"@en"],
        ["m.town", "location.location.in", "m.country"],
    ]);
    chain.raw("dump", &[("freebase-rdf-latest", facts.as_bytes())]);
    chain.run("links", json!({ "link": { "items": "events", "from": "links-raw", "by": "kb4rec" } }));
    chain
}

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

/// A folder of real files, or a printed line and nothing.
fn real(folder: &str) -> Option<Utf8PathBuf> {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(folder);
    if !path.is_dir() {
        eprintln!("skipped: there are no files at {path}");
        return None;
    }
    Some(path)
}

fn unpacked(path: &Utf8Path) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(fs_err::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// The real triples in the two forms in which they are there, as raw files of a chain.
fn real_triples(chain: &Written) -> Option<()> {
    let folder = real("freebase")?;
    for (raw, file) in [("nt", "freebase_subset_ml_ids_le1682.nt.gz"), ("kg", "ml-100k.kg")] {
        chain.raw(raw, &[(file, &fs_err::read(folder.join(file)).unwrap())]);
    }
    Some(())
}

#[test]
fn the_real_triples_are_the_same_facts_in_both_layouts() {
    let chain = Written::new();
    let Some(()) = real_triples(&chain) else { return };
    let notes = chain.run("from dump", json!({ "extract_triples": { "from": "nt" } }));
    chain.run("from kg", json!({ "extract_triples": { "from": "kg", "format": "recbole" } }));
    assert_eq!((&notes["lines"], &notes["triples"]), (&json!(91_631), &json!(91_631)));
    assert_eq!((&notes["entities"], &notes["relations"]), (&json!(34_628), &json!(24)));
    let set = |name: &str| chain.facts(name).into_iter().collect::<BTreeSet<_>>();
    assert!(set("from dump") == set("from kg"));
}

#[test]
fn the_real_triples_round_linked_films_are_those_that_a_plain_reader_finds() {
    let chain = Written::new();
    let (Some(()), Some(links)) = (real_triples(&chain), real("kb4rec")) else { return };
    let links = fs_err::read_to_string(links.join("ml2fb.txt")).unwrap();
    // Films with a number up to 500, as a plain reader of the links finds them.
    let few: Vec<(&str, &str)> = links
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .filter(|(item, _)| item.parse::<u32>().unwrap() <= 500)
        .collect();
    let items: Vec<&str> = few.iter().map(|(item, _)| *item).collect();
    chain.items("events", &items, &[]).raw("links-raw", &[("ml2fb.txt", links.as_bytes())]);
    let notes = chain.run("links", json!({ "link": { "items": "events", "from": "links-raw", "by": "kb4rec" } }));
    assert_eq!((&notes["links"], &notes["items linked"]), (&json!(25_982), &json!(few.len())));
    assert_eq!(notes["items that share an entity with an earlier one"], 0);

    let seeds: BTreeSet<&str> = few.iter().map(|(_, entity)| *entity).collect();
    let text = unpacked(&real("freebase").unwrap().join("freebase_subset_ml_ids_le1682.nt.gz"));
    let near = |seeds: &BTreeSet<&str>| -> Vec<Fact> {
        let named = |iri: &str| iri.trim_start_matches("<http://rdf.freebase.com/ns/").trim_end_matches('>').to_owned();
        let facts = text.lines().map(|line| line.split('\t').map(named).collect::<Vec<_>>());
        facts
            .filter(|fact| seeds.contains(fact[0].as_str()) || seeds.contains(fact[2].as_str()))
            .map(|fact| (fact[0].clone(), fact[1].clone(), fact[2].clone()))
            .collect()
    };
    chain.run("one", json!({ "extract_triples": { "from": "nt", "links": "links" } }));
    let one = near(&seeds);
    assert!(!one.is_empty() && chain.facts("one") == one, "{} facts", one.len());
    let met: BTreeSet<&str> = one.iter().flat_map(|(head, _, tail)| [head.as_str(), tail.as_str()]).collect();
    chain.run("two", json!({ "extract_triples": { "from": "nt", "links": "links", "hops": 2 } }));
    let two = near(&met.union(&seeds).copied().collect());
    assert!(two.len() > one.len() && chain.facts("two") == two, "{} facts", two.len());

    // With 5,000 triples for the least, as a plain count of relations finds them.
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    two.iter().for_each(|(_, relation, _)| *counts.entry(relation).or_default() += 1);
    let kept: usize = counts.values().filter(|count| **count >= 5000).sum();
    chain.dataset("dataset", &items);
    let config = json!({ "dataset": "dataset", "triples": "two", "links": "links" });
    let notes = chain.run("knowledge", json!({ "extract_knowledge": config }));
    assert_eq!(notes["triples"], kept);
    let Made { entities, triples, .. } = chain.knowledge("knowledge");
    assert_eq!((triples.len(), entities[..items.len()].iter().all(|(_, kind)| kind == "item")), (kept, true));
}

#[test]
fn the_real_fragments_are_read_without_a_rejected_line_and_quadruples_are_the_published_translation() {
    let Some(folder) = real("freebase") else { return };
    let chain = Written::new();
    let extract = |name: &str, file: &str| {
        let raw = format!("{name} raw");
        chain.raw(&raw, &[(file, &fs_err::read(folder.join(file)).unwrap())]);
        let stage = json!({ "from": raw, "literals": "keep", "types": "keep" });
        let notes = chain.run(name, json!({ "extract_triples": stage }));
        assert_eq!((&notes["rejected rows"], &notes["triples"]), (&json!(0), &notes["lines"]), "{name}");
        chain.facts(name)
    };
    assert_eq!(extract("basekb", "basekb_arnold-10.nt").len(), 10);
    let quadruples = extract("quadruples", "freebase-datadump-quadruples-mini.tsv.bz2");
    assert_eq!(quadruples, extract("translated", "freebase2rdf-mini-expected.nt.gz"));
    assert_eq!(quadruples.len(), 100);
}

#[test]
fn real_films_are_found_by_their_titles() {
    let Some(folder) = real("ml-1m") else { return };
    let text: String = fs_err::read(folder.join("movies.dat")).unwrap().into_iter().map(char::from).collect();
    let films: Vec<(&str, &str)> = text
        .lines()
        .map(|line| {
            let mut fields = line.split("::");
            (fields.next().unwrap(), fields.next().unwrap())
        })
        .collect();
    assert_eq!(films.len(), 3883);
    // A dump in which each film has its title as people write it, and a game the same one.
    let mut facts = String::new();
    for (item, title) in &films {
        let (title, year) = title.rsplit_once(" (").unwrap();
        let shown = title.rsplit_once(", The").map_or(title.to_owned(), |(before, rest)| format!("The {before}{rest}"));
        let name = format!("\"{}\"@en", shown.replace('"', "\\\""));
        facts += &line(&format!("m.0{item}"), "type.object.name", &name);
        facts += &line(&format!("m.0{item}"), "film.film.initial_release_date", &format!("\"{}\"", &year[..4]));
        facts += &line(&format!("m.1{item}"), "type.object.name", &name);
    }
    let chain = Written::new();
    let titles: Vec<Option<&str>> = films.iter().map(|(_, title)| Some(*title)).collect();
    chain.items("events", &films.iter().map(|(item, _)| *item).collect::<Vec<_>>(), &[("title", &titles)]);
    chain.raw("dump", &[("dump.nt", facts.as_bytes())]);
    let year = json!([{ "attribute": "title", "relations": ["film.film.initial_release_date"], "compare": "year" }]);
    let by = json!({ "title": { "attribute": "title", "and": year } });
    let notes = chain.run("links", json!({ "link": { "items": "events", "from": "dump", "by": by } }));
    let links = chain.links("links");
    let right = links.iter().filter(|(item, entity)| *entity == format!("m.0{item}")).count();
    eprintln!("{right} of {} films, {notes:?}", films.len());
    assert!(right == links.len() && right > 3500, "{right} of {} links are right", links.len());
}
