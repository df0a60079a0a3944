//! The same over the heads of the real files, where they are there.

use super::*;

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
