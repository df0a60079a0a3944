//! Finds libtorch at run time, builds the C++ shim, and digests the sources that define each model.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What decides the numbers of every model, beside the model's own file.
const SHARED: &[&str] = &[
    "native",
    "src/batch.rs",
    "src/count.rs",
    "src/evaluate",
    "src/lanes.rs",
    "src/model/objective.rs",
    "src/model/training.rs",
    "src/native.rs",
    "src/nn",
    "src/popularity.rs",
    "src/seed.rs",
    "src/train",
];

fn main() {
    let lib = PathBuf::from(env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys names the folder of libtorch"));
    println!("cargo:rustc-link-arg=-Wl,-rpath={}", lib.display());
    println!("cargo:rustc-link-arg=-Wl,--no-as-needed");
    println!("cargo:rustc-link-arg=-ltorch");

    let include = lib.parent().expect("`lib` stands in a folder").join("include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .opt_level(3)
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .flag_if_supported("-w")
        // Roots in loops as vectors, and the same sums on every processor.
        .flag_if_supported("-fno-math-errno")
        .flag_if_supported("-ffp-contract=off")
        .file("native/torch.cpp")
        .compile("sr_pipe_torch");
    println!("cargo:rerun-if-changed=native/torch.cpp");

    write_digests();
}

/// Writes `code.rs`: pairs of (file of `src/model` without `.rs`, digest).
fn write_digests() {
    let mut shared = BTreeMap::new();
    for path in SHARED {
        println!("cargo:rerun-if-changed={path}");
        read_sources(Path::new(path), &mut shared);
    }
    println!("cargo:rerun-if-changed=src/model");
    let mut models = BTreeMap::new();
    read_sources(Path::new("src/model"), &mut models);

    let mut table = String::from("&[");
    for (path, text) in &models {
        let mut hasher = blake3::Hasher::new();
        for (name, content) in shared.iter().chain([(path, text)]) {
            // Lengths stand before the parts, so that no two lists of files read the same.
            for part in [name.as_bytes(), content.as_slice()] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        let stem = path.strip_prefix("src/model/").and_then(|name| name.strip_suffix(".rs")).unwrap_or(path);
        write!(table, "({stem:?}, {:?}),", hasher.finalize().to_hex().as_str()).expect("a string grows");
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo names it")).join("code.rs");
    fs::write(out, table).expect("the output folder can be written");
}

fn read_sources(path: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of sources").flatten() {
            read_sources(&entry.path(), into);
        }
    } else {
        let content = fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        into.insert(path.to_string_lossy().replace('\\', "/"), content);
    }
}
