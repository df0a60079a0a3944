# Every recipe sets up what it needs. `./just` runs them without an installed `just`.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

target := env('CARGO_TARGET_DIR', 'target')

# List the recipes.
[private]
default:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list --unsorted

# Run the quickstart from raw files to `results/quickstart.md`.
demo: (run 'experiments/quickstart.yaml')
    @echo 'the table is in results/quickstart.md' >&2

# Check format and lints, then run every test.
test: setup
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo build --workspace
    cargo test --workspace

# The same as `test`.
check: test

# Run an experiment: `./just run experiments/table2.yaml --data DIR`.
run FILE *ARGS: build
    @{{ quote(target / "debug/sr-pipe") }} run "$@"

# Measure the engine, or what is named: `./just bench engine|data|train`; prints tables.
bench *ARGS: build
    @python3 scripts/bench.py "$@"

# Measure the reading of data: `./just bench-data --share 1 --peers VENV` (`benches/peers/install.py VENV` makes the venv).
bench-data *ARGS: build
    @python3 scripts/bench.py data "$@"

# Measure every model that learns: `./just bench-train --peers VENV` (`benches/peers/install.py VENV train` makes the venv).
bench-train *ARGS: build
    @python3 scripts/bench.py train "$@"

# Write `schemas/` anew.
schemas: build
    @{{ quote(target / "debug/sr-pipe") }} schema

# Fetch libtorch and check the machine.
setup:
    @python3 scripts/setup.py

[private]
build: setup
    cargo build --workspace
