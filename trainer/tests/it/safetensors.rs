//! The safetensors format in a few lines, so that the tests do not read with the code that they test.

use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fs, path::Path};

/// A one-dimensional tensor of whole numbers, or one of any shape of real ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Flat {
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<usize>, Vec<f32>),
}

impl From<Vec<i32>> for Flat {
    fn from(values: Vec<i32>) -> Self {
        Self::I32(values)
    }
}

impl From<Vec<i64>> for Flat {
    fn from(values: Vec<i64>) -> Self {
        Self::I64(values)
    }
}

/// Writes the tensors: length of the header as u64, the header in JSON, the numbers; all little-endian.
pub(crate) fn write(path: &Path, tensors: &BTreeMap<String, Flat>) {
    let (mut header, mut data) = (Map::new(), Vec::new());
    for (name, tensor) in tensors {
        let start = data.len();
        let (dtype, shape) = match tensor {
            Flat::I32(values) => {
                data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                ("I32", vec![values.len()])
            }
            Flat::I64(values) => {
                data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                ("I64", vec![values.len()])
            }
            Flat::F32(shape, values) => {
                data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                ("F32", shape.clone())
            }
        };
        header.insert(name.clone(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, data.len()] }));
    }
    let mut header = serde_json::to_vec(&Value::Object(header)).unwrap();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(data);
    fs::write(path, bytes).unwrap();
}

/// The int32 tensors of one dimension, by name.
pub(crate) fn read_i32(path: &Path) -> BTreeMap<String, Vec<i32>> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let data = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: BTreeMap<String, Value> = serde_json::from_slice(&bytes[8..data]).unwrap();
    let flat = |tensor: &Value| tensor["dtype"] == "I32" && tensor["shape"].as_array().is_some_and(|s| s.len() == 1);
    header
        .into_iter()
        .filter(|(_, tensor)| flat(tensor))
        .map(|(name, tensor)| {
            let at = |end: usize| data + tensor["data_offsets"][end].as_u64().unwrap() as usize;
            let values = bytes[at(0)..at(1)].chunks_exact(4).map(|word| i32::from_le_bytes(word.try_into().unwrap()));
            (name, values.collect())
        })
        .collect()
}
