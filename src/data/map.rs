//! A map: vectors of some items as points in the plane, and how well the items' groups stand apart in the vectors.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::write_json;
use crate::artifact::table::{self, Column, Schema, Text, Type};
use crate::engine::stage::StageError;

/// Columns of `points.parquet`.
pub const SCHEMA: Schema = Schema {
    name: "points",
    version: 1,
    columns: &[
        ("item", Type::Int32, "the item, by its number in the vocabulary of the dataset"),
        ("name", Type::Text, "the item as the log writes it"),
        ("group", Type::Text, "the value of the attribute that groups the items"),
        ("x", Type::Float64, "the place across"),
        ("y", Type::Float64, "the place upwards"),
    ],
    sorted: &[],
    open: false,
};

/// The table of an artifact.
pub const FILE: &str = "points.parquet";

/// The numbers of an artifact.
const QUALITY: &str = "quality.json";

/// An item on a map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPoint {
    /// Its number in the vocabulary of the dataset.
    pub item: i32,
    /// Its name in the log.
    pub name: String,
    /// The value of the attribute that groups the items.
    pub group: String,
    /// Across.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

/// How well a map shows the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Principal components.
    Pca {
        /// The share of all variance that lies along the two, from 0 to 1.
        variance: f64,
    },
    /// t-SNE.
    TSne {
        /// The Kullback-Leibler divergence of the map from the vectors, in nats.
        divergence: f64,
        /// The perplexity that was used.
        perplexity: f64,
    },
}

/// What was measured: all but `fit` in the space of the vectors, not on the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The version of the file's form.
    pub version: u32,
    /// How many numbers a vector has.
    pub width: usize,
    /// The attribute that groups the items.
    pub relation: String,
    /// The mean silhouette of the items, from -1 to 1.
    pub silhouette: f64,
    /// How many neighbours of an item were looked at.
    pub neighbours: usize,
    /// The mean share of them that are of the item's group.
    pub same_group: f64,
    /// The same share if neighbours were drawn by chance.
    pub by_chance: f64,
    /// The mean distance of items of different groups, divided by that of items of one group.
    pub between_within: f64,
    /// How well the map shows the vectors.
    pub fit: Fit,
}

impl Quality {
    /// The version of the form that this code writes and reads.
    pub const VERSION: u32 = 1;
}

/// A map.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorMap {
    /// The items, group after group: the largest group first, and in it the item that is met most often.
    pub points: Vec<MapPoint>,
    /// What was measured.
    pub quality: Quality,
}

impl VectorMap {
    /// The groups in their order, each with how many items it has.
    pub fn groups(&self) -> Vec<(&str, usize)> {
        let runs = self.points.chunk_by(|one, next| one.group == next.group);
        runs.map(|run| (run[0].group.as_str(), run.len())).collect()
    }

    /// Writes the folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Utf8Path) -> Result<(), StageError> {
        let columns = vec![
            Column::Int32(self.points.iter().map(|point| point.item).collect()),
            Column::Text(Text::full(self.points.iter().map(|point| &point.name))),
            Column::Text(Text::full(self.points.iter().map(|point| &point.group))),
            Column::Float64(self.points.iter().map(|point| point.x).collect()),
            Column::Float64(self.points.iter().map(|point| point.y).collect()),
        ];
        table::write(&folder.join(FILE), &SCHEMA, columns, Vec::new())?;
        write_json(&folder.join(QUALITY), &self.quality)?;
        Ok(())
    }

    /// Reads the folder.
    ///
    /// # Errors
    /// When a file is missing, damaged, or of another version.
    pub fn read(folder: &Utf8Path) -> Result<Self, StageError> {
        let mut table = table::read(&folder.join(FILE), &SCHEMA)?;
        let (items, names, groups) = (table.int32("item"), table.text("name"), table.text("group"));
        let (across, upwards) = (table.float64("x"), table.float64("y"));
        let points = (0..items.len()).map(|row| MapPoint {
            item: items[row],
            name: names.at(row).to_owned(),
            group: groups.at(row).to_owned(),
            x: across[row],
            y: upwards[row],
        });
        let path = folder.join(QUALITY);
        let quality: Quality = serde_json::from_slice(&fs_err::read(&path)?).map_err(std::io::Error::from)?;
        if quality.version != Quality::VERSION {
            let message = format!("`{path}` is of version {}, not {}", quality.version, Quality::VERSION);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message).into());
        }
        Ok(Self { points: points.collect(), quality })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_comes_back_as_it_was_written_and_knows_its_groups() {
        let point =
            |item, group: &str, x| MapPoint { item, name: format!("i{item}"), group: group.to_owned(), x, y: -0.1 };
        let fit = Fit::TSne { divergence: 0.25, perplexity: 30.0 };
        let map = VectorMap {
            points: vec![point(4, "b", 1.5), point(1, "b", 0.0), point(2, "a", 1e-9)],
            quality: Quality {
                version: Quality::VERSION,
                width: 100,
                relation: "brand".to_owned(),
                silhouette: 0.1,
                neighbours: 10,
                same_group: 0.2,
                by_chance: 0.3,
                between_within: 1.4,
                fit,
            },
        };
        assert_eq!(map.groups(), [("b", 2), ("a", 1)]);
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        map.write(folder).unwrap();
        assert_eq!(VectorMap::read(folder).unwrap(), map);
    }
}
