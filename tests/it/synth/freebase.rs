//! The Freebase dump and the links of KB4Rec.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use sr_pipe::synth::{Extent, Format, Request};

use super::{Made, real};

const NS: &str = "<http://rdf.freebase.com/ns/";

fn dump(made: &Made) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*made.bytes("freebase-rdf-latest.gz")).read_to_string(&mut text).unwrap();
    text
}

fn links(made: &Made) -> BTreeMap<String, String> {
    let text = made.text("ml2fb.txt");
    assert!(text.ends_with("\r\n"));
    let mut links = BTreeMap::new();
    for line in text.split_terminator("\r\n") {
        assert!(!line.contains('\n'));
        let (item, entity) = line.split_once('\t').unwrap();
        assert!(links.insert(item.to_owned(), entity.to_owned()).is_none());
    }
    links
}

#[test]
fn the_dump_is_sorted_by_subject_in_four_parts_and_its_truth_is_what_a_recount_finds() {
    let made = Made::new(Format::Freebase, 50_000, 1);
    let (text, links) = (dump(&made), links(&made));
    assert_eq!(text.lines().count(), 50_000);
    assert_eq!(links.len() as u64, made.told("/linked"));
    let linked: BTreeSet<String> = links.values().map(|entity| format!("{NS}{entity}>")).collect();
    assert_eq!(linked.len(), links.len(), "one item an entity");

    let (mut touching, mut literals) = (0, 0);
    let mut relations: BTreeMap<&str, u64> = BTreeMap::new();
    let mut triples = BTreeSet::new();
    let mut before = "";
    for line in text.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [subject, predicate, object, "."] = parts[..] else { panic!("{line}") };
        assert!(before <= subject, "{before} before {subject}");
        before = subject;
        touching += u64::from(linked.contains(subject) || linked.contains(object));
        literals += u64::from(object.starts_with('"'));
        assert!(object.starts_with('"') || (object.starts_with('<') && object.ends_with('>')), "{line}");
        *relations.entry(predicate).or_default() += 1;
        triples.insert((subject, predicate, object));
    }
    assert_eq!((touching, literals), (made.told("/lines_that_touch_a_link"), made.told("/literals")));
    for (relation, count) in made.truth["relations"].as_object().unwrap() {
        let ends = |iri: &str| ["/", "-"].iter().any(|before| iri.ends_with(&format!("{before}{relation}>")));
        let found: Vec<u64> = relations.iter().filter(|(iri, _)| ends(iri)).map(|(_, count)| *count).collect();
        assert_eq!(found, [count.as_u64().unwrap()], "{relation}");
    }
    assert_eq!(relations.len(), made.truth["relations"].as_object().unwrap().len());
    assert_eq!(triples.len(), 50_000, "no line comes twice");

    // Both directions of each pair, as separate lines.
    let pairs = [
        ("film.film.directed_by", "film.director.film"),
        ("film.film.written_by", "film.writer.film"),
        ("film.film.genre", "film.film_genre.films_in_this_genre"),
        ("film.film.production_companies", "film.production_company.films"),
        ("film.performance.actor", "film.actor.film"),
    ];
    for (one, other) in pairs {
        let (one, other) = (format!("{NS}{one}>"), format!("{NS}{other}>"));
        let forth: Vec<_> = triples.iter().filter(|triple| triple.1 == one).collect();
        assert!(!forth.is_empty());
        for (subject, _, object) in &forth {
            assert!(triples.contains(&(*object, other.as_str(), *subject)), "{object} {other} {subject}");
        }
        assert_eq!(forth.len(), triples.iter().filter(|triple| triple.1 == other).count());
    }
    // Escapes, types, languages; ids of both kinds.
    for part in ["\\\"", "\\n", "\\t", "\\\\", "\"@en", "\"@ja", "^^<http://www.w3.org/2001/XMLSchema#gYear>", "$0028"]
    {
        assert!(text.contains(part), "{part}");
    }
    assert!(text.contains(&format!("{NS}g.1")) && text.contains(&format!("{NS}m.0")));
}

#[test]
fn the_links_are_those_of_the_movies_of_the_same_seed() {
    let extent = |rows| Extent::Rows { rows, items: Some(600), users: None };
    let request = |format, rows| Request { format, extent: extent(rows), seed: 9, compress: None };
    let (knowledge, ratings) =
        (Made::of(&request(Format::Freebase, 60_000)), Made::of(&request(Format::Movielens, 20_000)));
    let (_, movies) = ratings.csv("movies.csv");
    let numbers: BTreeSet<String> = movies.iter().map(|row| row[0].clone()).collect();
    let links = links(&knowledge);
    assert!(links.keys().all(|number| numbers.contains(number)));
    let share = links.len() as f64 / numbers.len() as f64;
    assert!((0.92..0.98).contains(&share), "{share}");
    // The title in the dump is that of the movie.
    let text = dump(&knowledge);
    let titles: BTreeMap<&str, &str> = movies
        .iter()
        .filter(|row| !row[1].contains(['"', ',']) && !row[1].contains("Café"))
        .map(|row| (row[0].as_str(), row[1].split(" (").next().unwrap()))
        .collect();
    for (number, entity) in links.iter().take(50).filter(|(number, _)| titles.contains_key(number.as_str())) {
        let line = format!(
            "{NS}{entity}>\t<http://www.w3.org/2000/01/rdf-schema#label>\t\"{}\"@en\t.",
            titles[number.as_str()]
        );
        assert!(text.contains(&line), "{line}");
    }
}

#[test]
fn lines_look_like_those_of_the_real_dump() {
    let Some(bytes) = real("freebase/freebase_subset_ml_ids_le1682.nt.gz") else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    let made = dump(&Made::new(Format::Freebase, 20_000, 1));
    // The shape of a line: every id is `*`.
    let shape = |line: &str| -> String {
        let parts: Vec<&str> = line.split('\t').collect();
        let id = |part: &str| {
            part.strip_prefix(NS).and_then(|id| id.strip_suffix('>')).map_or(part.to_owned(), |id| {
                assert!(id.len() >= 4 && (id.starts_with("m.") || id.starts_with("g.")), "{line}");
                "*".to_owned()
            })
        };
        format!("{}\t{}\t{}\t{}", id(parts[0]), parts[1], id(parts[2]), parts[3])
    };
    let of = |text: &str, name: &str| -> BTreeSet<String> {
        text.lines()
            .filter(|line| line.contains(name))
            .filter(|line| line.starts_with(&format!("{NS}m.")))
            .map(shape)
            .collect()
    };
    for name in ["film.film.directed_by", "film.director.film", "film.film.genre"] {
        assert_eq!(of(&made, &format!("/{name}>")), of(&text, &format!("/{name}>")), "{name}");
    }
}
