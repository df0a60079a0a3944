//! Safetensors files, the form in which arrays go to a trainer and come back: eight bytes of header length, a JSON
//! header, the arrays' bytes.

use std::collections::BTreeMap;
use std::io::Write;

use camino::Utf8Path;
use serde_json::{Map, Value, json};

/// An array of whole numbers with one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tensor {
    /// 32 bits.
    Int32(Vec<i32>),
    /// 64 bits.
    Int64(Vec<i64>),
}

impl Tensor {
    fn layout(&self) -> (&'static str, usize, usize) {
        match self {
            Self::Int32(values) => ("I32", values.len(), 4),
            Self::Int64(values) => ("I64", values.len(), 8),
        }
    }
}

/// Writes named arrays. The wider ones come first, so that each begins at a multiple of its width.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Utf8Path, tensors: &[(String, Tensor)]) -> std::io::Result<()> {
    let mut ordered: Vec<&(String, Tensor)> = tensors.iter().collect();
    ordered.sort_by_key(|(name, tensor)| (std::cmp::Reverse(tensor.layout().2), name));
    let mut header = Map::new();
    let mut offset = 0;
    for (name, tensor) in &ordered {
        let (kind, length, width) = tensor.layout();
        let end = offset + length * width;
        header.insert(name.clone(), json!({ "dtype": kind, "shape": [length], "data_offsets": [offset, end] }));
        offset = end;
    }
    let mut header = serde_json::Value::Object(header).to_string();
    // The format lets spaces fill the header up; the data then begin at a multiple of eight.
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut file = std::io::BufWriter::new(fs_err::File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for (_, tensor) in ordered {
        match tensor {
            Tensor::Int32(values) => values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?,
            Tensor::Int64(values) => values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?,
        }
    }
    file.flush()
}

/// Reads every array of a file.
///
/// # Errors
/// When the file cannot be read, is cut short, or holds another type than whole numbers of 32 or 64 bits.
pub fn read(path: &Utf8Path) -> std::io::Result<BTreeMap<String, Tensor>> {
    let bytes = fs_err::read(path)?;
    decode(&bytes).ok_or_else(|| {
        std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!("`{path}` is not a safetensors file of whole numbers"),
        )
    })
}

fn decode(bytes: &[u8]) -> Option<BTreeMap<String, Tensor>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, data) = rest.split_at_checked(length)?;
    let header: Map<String, Value> = serde_json::from_slice(header).ok()?;
    let mut tensors = BTreeMap::new();
    for (name, about) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let offset = |at: usize| usize::try_from(about["data_offsets"][at].as_u64()?).ok();
        let part = data.get(offset(0)?..offset(1)?)?;
        let tensor = match about["dtype"].as_str()? {
            "I32" => {
                let (chunks, []) = part.as_chunks::<4>() else { return None };
                Tensor::Int32(chunks.iter().map(|chunk| i32::from_le_bytes(*chunk)).collect())
            }
            "I64" => {
                let (chunks, []) = part.as_chunks::<8>() else { return None };
                Tensor::Int64(chunks.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect())
            }
            _ => return None,
        };
        tensors.insert(name.clone(), tensor);
    }
    Some(tensors)
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Reads a file by the rules of the format, and checks that the arrays cover its bytes without gap or overlap.
    fn read_back(bytes: &[u8]) -> Vec<(String, Tensor)> {
        let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
        let header: Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        let data = &bytes[8 + length..];
        let mut covered = 0;
        let mut tensors = Vec::new();
        for (name, entry) in header {
            let offset = |at: usize| usize::try_from(entry["data_offsets"][at].as_u64().unwrap()).unwrap();
            assert_eq!(offset(0), covered);
            covered = offset(1);
            let raw = &data[offset(0)..covered];
            let tensor = if entry["dtype"] == "I32" {
                Tensor::Int32(raw.chunks(4).map(|b| i32::from_le_bytes(b.try_into().unwrap())).collect())
            } else {
                assert_eq!((8 + length + offset(0)) % 8, 0);
                Tensor::Int64(raw.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect())
            };
            assert_eq!(entry["shape"], json!([tensor.layout().1]));
            tensors.push((name, tensor));
        }
        assert_eq!(covered, data.len());
        tensors
    }

    proptest! {
        #[test]
        fn arrays_come_back_from_the_file(
            narrow in proptest::collection::btree_map("[a-z.]{1,8}", proptest::collection::vec(any::<i32>(), 0..9), 0..4),
            wide in proptest::collection::btree_map("[A-Z_]{1,8}", proptest::collection::vec(any::<i64>(), 0..9), 0..4),
        ) {
            let narrow = narrow.into_iter().map(|(name, values)| (name, Tensor::Int32(values)));
            let mut tensors: Vec<_> = narrow.chain(wide.into_iter().map(|(n, v)| (n, Tensor::Int64(v)))).collect();
            let folder = tempfile::tempdir().unwrap();
            let path = Utf8PathBuf::from_path_buf(folder.path().join("t.safetensors")).unwrap();
            write(&path, &tensors).unwrap();
            let mut found = read_back(&fs_err::read(&path).unwrap());
            tensors.sort_by(|a, b| a.0.cmp(&b.0));
            found.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(found, tensors);
        }
    }
}
