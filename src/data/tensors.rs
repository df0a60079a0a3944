//! Safetensors files, the form in which arrays go to a trainer and come back: eight bytes of header length, a JSON
//! header, the arrays' bytes.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value, json};

/// An array of whole numbers with one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tensor {
    /// 32 bits.
    Int32(Vec<i32>),
    /// 64 bits.
    Int64(Vec<i64>),
}

/// An array on its way into a file: its length, and its values as they come.
pub enum Stream<'a> {
    /// 32 bits.
    Int32(usize, Box<dyn Iterator<Item = i32> + 'a>),
    /// 64 bits.
    Int64(usize, Box<dyn Iterator<Item = i64> + 'a>),
}

impl Stream<'_> {
    fn layout(&self) -> (&'static str, usize, usize) {
        match self {
            Self::Int32(length, _) => ("I32", *length, 4),
            Self::Int64(length, _) => ("I64", *length, 8),
        }
    }

    /// Writes the values, and answers how many there were.
    fn write(self, file: &mut impl Write) -> std::io::Result<usize> {
        let mut count = 0;
        match self {
            Self::Int32(_, values) => {
                for value in values {
                    file.write_all(&value.to_le_bytes())?;
                    count += 1;
                }
            }
            Self::Int64(_, values) => {
                for value in values {
                    file.write_all(&value.to_le_bytes())?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }
}

/// Writes named arrays. The wider ones come first, so that each begins at a multiple of its width.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Utf8Path, tensors: &[(String, Tensor)]) -> std::io::Result<()> {
    let streams = tensors.iter().map(|(name, tensor)| {
        let stream = match tensor {
            Tensor::Int32(values) => Stream::Int32(values.len(), Box::new(values.iter().copied())),
            Tensor::Int64(values) => Stream::Int64(values.len(), Box::new(values.iter().copied())),
        };
        (name.clone(), stream)
    });
    write_streams(path, streams.collect())
}

/// Writes named arrays whose values need not stand in memory.
///
/// # Errors
/// When the file cannot be written.
///
/// # Panics
/// When a stream has another length than it says.
pub fn write_streams(path: &Utf8Path, mut streams: Vec<(String, Stream<'_>)>) -> std::io::Result<()> {
    streams.sort_by(|(a, left), (b, right)| right.layout().2.cmp(&left.layout().2).then_with(|| a.cmp(b)));
    let mut header = Map::new();
    let mut offset = 0;
    for (name, stream) in &streams {
        let (kind, length, width) = stream.layout();
        let end = offset + length * width;
        header.insert(name.clone(), json!({ "dtype": kind, "shape": [length], "data_offsets": [offset, end] }));
        offset = end;
    }
    let mut header = serde_json::Value::Object(header).to_string();
    // The format lets spaces fill the header up; the data then begin at a multiple of eight.
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut file = std::io::BufWriter::with_capacity(1 << 16, fs_err::File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for (name, stream) in streams {
        let (_, length, _) = stream.layout();
        let written = stream.write(&mut file)?;
        assert_eq!(written, length, "the array `{name}` has another length than was said");
    }
    file.flush()
}

/// An open file, whose arrays are read value by value.
pub struct TensorFile {
    path: Utf8PathBuf,
    data: u64,
    header: Map<String, Value>,
}

impl TensorFile {
    /// Opens a file and reads what it holds.
    ///
    /// # Errors
    /// When it cannot be read or is no safetensors file.
    pub fn open(path: &Utf8Path) -> std::io::Result<Self> {
        let mut file = fs_err::File::open(path)?;
        let size = file.metadata()?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let bytes = usize::try_from(length).ok().filter(|_| length <= size).ok_or_else(|| unreadable(path))?;
        let mut header = vec![0; bytes];
        file.read_exact(&mut header)?;
        let header = serde_json::from_slice(&header).map_err(|_| unreadable(path))?;
        Ok(Self { path: path.to_owned(), data: 8 + length, header })
    }

    /// The values of an array, in order. They end early, with an error, where the file does.
    ///
    /// # Errors
    /// When there is no such array, it holds no whole numbers of 32 or 64 bits, or the file cannot be read.
    pub fn values(&self, name: &str) -> std::io::Result<impl Iterator<Item = std::io::Result<i64>> + use<>> {
        let about = self.header.get(name).ok_or_else(|| unreadable(&self.path))?;
        let offset = |at: usize| about["data_offsets"][at].as_u64().ok_or_else(|| unreadable(&self.path));
        let width: usize = match about["dtype"].as_str() {
            Some("I32") => 4,
            Some("I64") => 8,
            _ => return Err(unreadable(&self.path)),
        };
        let (from, to) = (offset(0)?, offset(1)?);
        let mut file = fs_err::File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.data + from))?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        let count = to.saturating_sub(from) / width as u64;
        Ok((0..count).map(move |_| {
            // A narrow number fills the wide one up to its sign.
            let mut bytes = [0; 8];
            file.read_exact(&mut bytes[..width])?;
            let wide = i64::from_le_bytes(bytes);
            let spare = 64 - 8 * width;
            Ok(wide << spare >> spare)
        }))
    }
}

/// A table of floating-point numbers, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// How many numbers a row has.
    pub width: usize,
    /// The numbers of all rows.
    pub values: Vec<f32>,
}

impl TensorFile {
    /// The names of its arrays.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.keys().map(String::as_str).filter(|name| *name != "__metadata__")
    }

    /// A table `[rows, width]` of 32-bit floating-point numbers; nothing where the file has none of that name.
    ///
    /// # Errors
    /// When it holds something else, or the file is cut short.
    pub fn matrix(&self, name: &str) -> std::io::Result<Option<Matrix>> {
        let Some(about) = self.header.get(name) else { return Ok(None) };
        let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        let sizes = about["shape"].as_array().map(|sizes| sizes.iter().map(number).collect::<Vec<_>>());
        let ends = [number(&about["data_offsets"][0]), number(&about["data_offsets"][1])];
        let (Some([Some(rows), Some(width)]), [Some(from), Some(to)], Some("F32")) =
            (sizes.as_deref(), ends, about["dtype"].as_str())
        else {
            let message = format!("`{name}` of `{}` is no table of 32-bit floating-point numbers", self.path);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
        };
        let bytes = rows.checked_mul(*width).and_then(|count| count.checked_mul(4));
        if bytes.is_none() || bytes != to.checked_sub(from) || *width == 0 {
            return Err(unreadable(&self.path));
        }
        let mut file = fs_err::File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.data + from as u64))?;
        let mut bytes = Vec::new();
        if file.take((to - from) as u64).read_to_end(&mut bytes)? != to - from {
            return Err(unreadable(&self.path));
        }
        let (chunks, _) = bytes.as_chunks::<4>();
        Ok(Some(Matrix { width: *width, values: chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect() }))
    }
}

fn unreadable(path: &Utf8Path) -> std::io::Error {
    std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        format!("`{path}` is not a safetensors file of numbers, is cut short, or lacks an array"),
    )
}

/// Reads every array of a file.
///
/// # Errors
/// When the file cannot be read, is cut short, or holds another type than whole numbers of 32 or 64 bits.
pub fn read(path: &Utf8Path) -> std::io::Result<BTreeMap<String, Tensor>> {
    let bytes = fs_err::read(path)?;
    decode(&bytes).ok_or_else(|| unreadable(path))
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
            let length = match &tensor {
                Tensor::Int32(values) => values.len(),
                Tensor::Int64(values) => values.len(),
            };
            assert_eq!(entry["shape"], json!([length]));
            tensors.push((name, tensor));
        }
        assert_eq!(covered, data.len());
        tensors
    }

    /// A file with one array of this type and shape, and these bytes.
    fn given(kind: &str, shape: &[usize], bytes: &[u8]) -> (tempfile::TempDir, Utf8PathBuf) {
        let header = json!({ "t": { "dtype": kind, "shape": shape, "data_offsets": [0, bytes.len()] } }).to_string();
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), bytes].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("t.safetensors")).unwrap();
        fs_err::write(&path, file).unwrap();
        (folder, path)
    }

    #[test]
    fn a_table_of_floating_point_numbers_is_read_row_after_row() {
        let values = [1.5f32, -0.25, 3.0, 4.0, 5.0, 1e-9];
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let (_folder, path) = given("F32", &[3, 2], &bytes);
        let file = TensorFile::open(&path).unwrap();
        assert_eq!(file.matrix("t").unwrap().unwrap(), Matrix { width: 2, values: values.into() });
        assert_eq!(file.matrix("u").unwrap(), None);
    }

    #[test]
    fn what_is_no_such_table_is_told() {
        let problem = |kind: &str, shape: &[usize]| {
            let (_folder, path) = given(kind, shape, &[0; 24]);
            TensorFile::open(&path).unwrap().matrix("t").unwrap_err().to_string()
        };
        assert!(problem("F64", &[3, 1]).contains("no table of 32-bit"));
        assert!(problem("F32", &[6]).contains("no table of 32-bit"));
        assert!(problem("F32", &[3, 3]).contains("cut short") && problem("F32", &[0, 0]).contains("cut short"));
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
            let file = TensorFile::open(&path).unwrap();
            for (name, tensor) in &tensors {
                let values: Vec<i64> = file.values(name).unwrap().map(Result::unwrap).collect();
                let expected: Vec<i64> = match tensor {
                    Tensor::Int32(values) => values.iter().map(|value| i64::from(*value)).collect(),
                    Tensor::Int64(values) => values.clone(),
                };
                prop_assert_eq!(values, expected);
            }
            tensors.sort_by(|a, b| a.0.cmp(&b.0));
            found.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(found, tensors);
        }
    }
}
