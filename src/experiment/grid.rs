//! What an experiment file may say of its grid: blocks of cells, written as products, zips and single cells.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::document::{Path, Step, keys};

/// The cells of an experiment: what stands here directly, and those of each group.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grid {
    /// Every combination of these axes; `dataset` is required, `model` is the trained model.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub product: Axes,
    /// Axes of equal length that turn together, combined with the product.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub zip: Axes,
    /// Combinations to leave out: each that has all of these values.
    pub exclude: Vec<BTreeMap<String, AxisValue>>,
    /// Cells written out one by one, beside the combinations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Single>,
    /// One cell for each seed.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// More cells, by the name of their group; `--only group=NAME` chooses them.
    #[serde(skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
}

/// The cells of a group.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Block {
    /// Every combination of these axes.
    pub product: Axes,
    /// Axes of equal length that turn together, combined with the product.
    pub zip: Axes,
    /// Combinations to leave out: each that has all of these values.
    pub exclude: Vec<BTreeMap<String, AxisValue>>,
    /// Cells written out one by one, beside the combinations.
    pub include: Vec<Single>,
    /// One cell for each seed; without it the seeds of the grid.
    pub seeds: Option<Vec<u64>>,
}

/// Axes with their values.
pub type Axes = BTreeMap<String, Vec<AxisValue>>;

fn one_seed() -> Vec<u64> {
    vec![1]
}

/// A value of an axis; shown and compared as text.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(untagged, expecting = "the value of an axis is a number, a switch or a word")]
pub enum AxisValue {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A switch.
    Switch(bool),
    /// A word.
    Text(String),
}

impl fmt::Display for AxisValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Switch(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// A cell written out: a value for each of its axes and, if it has its own, its seeds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Single {
    /// The values.
    pub values: BTreeMap<String, AxisValue>,
    /// Its seeds, where they differ from those of its block.
    pub seeds: Option<Vec<u64>>,
}

/// Blocks by name, in the order in which the file names them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Groups(pub Vec<(String, Block)>);

impl Groups {
    /// True when there is no group.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One block of a grid: what stands in it directly, or a group.
#[derive(Debug, Clone, Copy)]
pub struct BlockView<'a> {
    /// The name of the group.
    pub group: Option<&'a str>,
    /// Every combination of these.
    pub product: &'a Axes,
    /// Axes that turn together.
    pub zip: &'a Axes,
    /// Combinations that are left out.
    pub exclude: &'a [BTreeMap<String, AxisValue>],
    /// Cells written out.
    pub include: &'a [Single],
    /// The seeds of all cells that do not give their own.
    pub seeds: &'a [u64],
}

impl Grid {
    /// What stands in the grid directly, then each group.
    pub fn blocks(&self) -> impl Iterator<Item = BlockView<'_>> {
        let Self { product, zip, exclude, include, seeds, groups } = self;
        let own = BlockView { group: None, product, zip, exclude, include, seeds };
        let groups = groups.0.iter().map(move |(name, block)| BlockView {
            group: Some(name),
            product: &block.product,
            zip: &block.zip,
            exclude: &block.exclude,
            include: &block.include,
            seeds: block.seeds.as_deref().unwrap_or(seeds),
        });
        std::iter::once(own).chain(groups)
    }

    /// Every value that the file names of an axis, with its place.
    pub fn named<'a>(&'a self, axis: &'a str) -> impl Iterator<Item = (Path, &'a AxisValue)> {
        self.blocks().flat_map(move |block| {
            let listed = [("product", block.product), ("zip", block.zip)].into_iter().flat_map(move |(part, axes)| {
                let values = axes.get(axis).into_iter().flatten().enumerate();
                values.map(move |(index, value)| (block.path(&[part.into(), axis.into(), index.into()]), value))
            });
            let single = block.include.iter().enumerate().filter_map(move |(index, single)| {
                Some((block.path(&["include".into(), index.into(), axis.into()]), single.values.get(axis)?))
            });
            listed.chain(single)
        })
    }

    /// Replaces the seeds of every cell.
    pub fn reseed(&mut self, seeds: &[u64]) {
        self.seeds = seeds.to_vec();
        let blocks = self.groups.0.iter_mut().map(|(_, block)| block);
        for block in blocks {
            block.seeds = None;
            block.include.iter_mut().for_each(|single| single.seeds = None);
        }
        self.include.iter_mut().for_each(|single| single.seeds = None);
    }
}

impl BlockView<'_> {
    /// The path of something in this block.
    pub fn path(&self, rest: &[Step]) -> Path {
        let mut path = keys(["grid"]);
        path.extend(self.group.into_iter().flat_map(|name| keys(["groups", name])));
        path.extend_from_slice(rest);
        path
    }
}

impl<'de> Deserialize<'de> for Groups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Groups;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("groups of cells by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Groups, A::Error> {
                let mut groups = Vec::new();
                while let Some(group) = map.next_entry()? {
                    groups.push(group);
                }
                Ok(Groups(groups))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Serialize for Groups {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, block)| (name, block)))
    }
}

impl JsonSchema for Groups {
    fn schema_name() -> Cow<'static, str> {
        "Groups".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Blocks of cells by name.",
            "additionalProperties": generator.subschema_for::<Block>(),
        })
    }
}

impl<'de> Deserialize<'de> for Single {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Single;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a cell: a value for each of its axes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Single, A::Error> {
                let mut single = Single::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "seeds" {
                        single.seeds = Some(map.next_value()?);
                    } else {
                        single.values.insert(name, map.next_value()?);
                    }
                }
                Ok(single)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl Serialize for Single {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (axis, value) in &self.values {
            map.serialize_entry(axis, value)?;
        }
        if let Some(seeds) = &self.seeds {
            map.serialize_entry("seeds", seeds)?;
        }
        map.end()
    }
}

impl JsonSchema for Single {
    fn schema_name() -> Cow<'static, str> {
        "Single".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A cell written out: a value for each of its axes and, if it has its own, its seeds.",
            "properties": { "seeds": generator.subschema_for::<Vec<u64>>() },
            "additionalProperties": generator.subschema_for::<AxisValue>(),
        })
    }
}
