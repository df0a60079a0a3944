//! Finds libtorch at run time, builds the C++ shim, and digests the sources that define each model.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "build/code.rs"]
mod code;

/// What decides the numbers of every model, beside the model's own file.
const SHARED: &[&str] = &[
    "native",
    "src/batch.rs",
    "src/count.rs",
    "src/evaluate",
    "src/lanes.rs",
    "src/model/objective.rs",
    "src/model/training.rs",
    "src/native",
    "src/nn",
    "src/popularity.rs",
    "src/seed.rs",
    "src/train",
];

/// Beside these and decides none: it looks on.
const ASIDE: &str = "native/profile.cpp";

fn main() {
    let lib = PathBuf::from(env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys names the folder of libtorch"));
    println!("cargo:rustc-link-arg=-Wl,-rpath={}", lib.display());
    println!("cargo:rustc-link-arg=-Wl,--no-as-needed");
    println!("cargo:rustc-link-arg=-ltorch");

    let include = lib.parent().expect("`lib` stands in a folder").join("include");
    // The same runtime of threads as libtorch's. A compiler with another one gets none: the kernels then have one thread.
    let openmp = kernels().get_compiler().is_like_gnu();
    let build = || {
        let mut build = kernels();
        if openmp {
            build.flag("-fopenmp");
        }
        build
    };
    build()
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .flag_if_supported("-Wno-psabi")
        // Roots in loops as vectors, and the same sums on every processor.
        .flag_if_supported("-fno-math-errno")
        .flag_if_supported("-ffp-contract=off")
        .files(["torch", "gru", "softmax", "profile"].map(|part| format!("native/{part}.cpp")))
        .compile("sr_pipe_torch");
    // Loops over a few registers, which must be unrolled. Skip-gram rounds alike on every processor; the scorer fuses
    // products with sums where the processor can, as the matrix products beside it do.
    for (kernel, contract) in
        [("skip_gram", "-ffp-contract=off"), ("mlp", "-ffp-contract=fast"), ("stand", "-ffp-contract=off")]
    {
        build().flag_if_supported(contract).file(format!("native/{kernel}.cpp")).compile(&format!("sr_pipe_{kernel}"));
    }
    if openmp {
        println!("cargo:rustc-link-lib=gomp");
    }
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=native");

    write_digests();
}

/// What all of our C++ is built with.
fn kernels() -> cc::Build {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").opt_level(3).flag_if_supported("-w");
    build
}

/// Writes `code.rs`: pairs of (file or folder of `src/model` or `src/embed`, such as `model/sknn`, digest).
fn write_digests() {
    let mut shared = BTreeMap::new();
    for path in SHARED {
        println!("cargo:rerun-if-changed={path}");
        read_sources(Path::new(path), &mut shared);
    }
    let mut table = String::from("&[");
    for folder in ["src/model", "src/embed"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let sources = ["src/model", "src/embed"].into_iter().flat_map(|folder| entries(Path::new(folder)));
    for path in sources {
        let mut own = BTreeMap::new();
        read_sources(&path, &mut own);
        let mut hasher = blake3::Hasher::new();
        for (name, content) in shared.iter().chain(&own) {
            // Lengths stand before the parts, so that no two lists of files read the same.
            for part in [name.as_bytes(), content.as_bytes()] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        let name = path.with_extension("");
        let name = name.strip_prefix("src").expect("sources stand under `src`").to_string_lossy().replace('\\', "/");
        write!(table, "({name:?}, {:?}),", hasher.finalize().to_hex().as_str()).expect("a string grows");
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo names it")).join("code.rs");
    fs::write(out, table).expect("the output folder can be written");
}

fn read_sources(path: &Path, into: &mut BTreeMap<String, String>) {
    if path.is_dir() {
        for entry in entries(path) {
            read_sources(&entry, into);
        }
    } else if path != Path::new(ASIDE) {
        let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        into.insert(path.to_string_lossy().replace('\\', "/"), code::deciding(&source));
    }
}

/// What stands in a folder, in the order of names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder of sources").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
