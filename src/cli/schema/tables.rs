//! The tables that artifacts hold: one list, from which `schemas/tables/` is written.

use serde_json::{Value, json};

use crate::artifact::ArtifactKind::{self, Dataset, Events, Knowledge, Links, Map, Ranks, Sessions, Triples};
use crate::artifact::table::{Schema, Type};
use crate::data::{
    comments, dataset, events, items, knowledge, links, map, names, ranks, samples, sessions, triples, vocabulary,
};
use crate::ingest::{REJECTED, REJECTED_SCHEMA};

/// A table and where it is found.
struct Declared {
    schema: Schema,
    file: &'static str,
    artifacts: &'static [ArtifactKind],
    /// What its columns do not tell.
    about: &'static str,
}

const TABLES: &[Declared] = &[
    Declared {
        schema: events::SCHEMA,
        file: events::FILE,
        artifacts: &[Events, Sessions],
        about: "What was done to which item. Logs that give their sessions are grouped by session, in the order in which \
                the sessions were met, and the file then declares no sort order.",
    },
    Declared {
        schema: sessions::SCHEMA,
        file: sessions::FILE,
        artifacts: &[Sessions],
        about: "Where each session begins and ends in events.parquet of the same folder.",
    },
    Declared {
        schema: items::SCHEMA,
        file: items::FILE,
        artifacts: &[Events, Sessions],
        about: "The items by number, with one further column an attribute.",
    },
    Declared {
        schema: names::USERS.schema,
        file: names::USERS.file,
        artifacts: &[Events, Sessions],
        about: "The users by number, with one further column an attribute; without rows where the log names nobody.",
    },
    Declared {
        schema: names::SHOPS.schema,
        file: names::SHOPS.file,
        artifacts: &[Events],
        about: "The shops of JDATA, with one further column an attribute; where `jdata_shop.csv` is given.",
    },
    Declared {
        schema: comments::SCHEMA,
        file: comments::FILE,
        artifacts: &[Events],
        about: "Comments of JDATA by item and day; where `jdata_comment.csv` is given.",
    },
    Declared {
        schema: names::OPERATIONS.schema,
        file: names::OPERATIONS.file,
        artifacts: &[Events, Sessions],
        about: "The operations (micro-behaviors) by number.",
    },
    Declared {
        schema: names::GIVEN_SESSIONS.schema,
        file: names::GIVEN_SESSIONS.file,
        artifacts: &[Events, Sessions],
        about: "The sessions that the log gives, by number; without rows where it gives none.",
    },
    Declared {
        schema: REJECTED_SCHEMA,
        file: REJECTED,
        artifacts: &[Events, Links, Triples],
        about: "The rows that could not be read, where they are put in quarantine.",
    },
    Declared {
        schema: dataset::SESSIONS,
        file: "sessions.parquet",
        artifacts: &[Dataset],
        about: "The sessions of each part, as a trainer is given them.",
    },
    Declared {
        schema: samples::SCHEMA,
        file: samples::FILE,
        artifacts: &[Dataset],
        about: "The targets to predict; the inputs stand in samples.safetensors.",
    },
    Declared {
        schema: vocabulary::ITEMS,
        file: "items.parquet",
        artifacts: &[Dataset],
        about: "The items that a trainer knows.",
    },
    Declared {
        schema: vocabulary::OPERATIONS,
        file: "operations.parquet",
        artifacts: &[Dataset],
        about: "The operations that a trainer knows.",
    },
    Declared {
        schema: knowledge::ENTITIES,
        file: "entities.parquet",
        artifacts: &[Knowledge],
        about: "The entities of the knowledge graph of a dataset.",
    },
    Declared {
        schema: knowledge::TRIPLES,
        file: "triples.parquet",
        artifacts: &[Knowledge],
        about: "The knowledge graph of a dataset; its relations are listed in meta.json.",
    },
    Declared {
        schema: links::SCHEMA,
        file: links::FILE,
        artifacts: &[Links],
        about: "Which entity of a knowledge base an item is.",
    },
    Declared {
        schema: links::AMBIGUOUS,
        file: links::AMBIGUOUS_FILE,
        artifacts: &[Links],
        about: "Items that could be several entities, and are therefore not linked.",
    },
    Declared {
        schema: triples::TRIPLES,
        file: triples::FILE,
        artifacts: &[Triples],
        about: "Triples of a knowledge base, in the order of its files.",
    },
    Declared {
        schema: triples::ENTITIES,
        file: triples::ENTITIES_FILE,
        artifacts: &[Triples],
        about: "The entities of these triples by number.",
    },
    Declared {
        schema: triples::RELATIONS,
        file: triples::RELATIONS_FILE,
        artifacts: &[Triples],
        about: "The relations of these triples by number.",
    },
    Declared {
        schema: map::SCHEMA,
        file: map::FILE,
        artifacts: &[Map],
        about: "Vectors of some items as points in the plane, group after group; what was measured stands in quality.json.",
    },
    Declared {
        schema: ranks::SCHEMA,
        file: "ranks.parquet",
        artifacts: &[Ranks],
        about: "How many candidates scored above each target: all that metrics are made of.",
    },
];

/// Each table with the name of its file in `schemas/tables/`.
pub fn tables() -> Vec<(String, Value)> {
    let column = |(name, of, holds): &(&str, Type, &str)| json!({ "name": name, "type": of.name(), "optional": of.is_optional(), "holds": holds });
    let table = |declared: &Declared| {
        let schema = &declared.schema;
        let kinds: Vec<&str> = declared.artifacts.iter().map(|kind| kind.name()).collect();
        let value = json!({
            "name": schema.name,
            "version": schema.version,
            "file": declared.file,
            "artifacts": kinds,
            "about": declared.about,
            "columns": schema.columns.iter().map(column).collect::<Vec<_>>(),
            "sorted": schema.sorted,
            "open": schema.open,
        });
        (format!("{}.json", schema.name.replace(' ', "-")), value)
    };
    TABLES.iter().map(table).collect()
}
