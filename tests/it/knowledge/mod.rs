//! Knowledge from published files to the triples of a dataset: links, the pass over a dump, and what items keep of it.

mod dataset;
mod links;
mod real;
mod triples;

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
