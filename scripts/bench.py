"""Measures whole processes, as a person would with a stop watch, and prints Markdown tables.

Engine: start-up, runs with nothing to do, the price of a stage, a large raw input, an insert into the records.
Data, only when it is named: made-up logs to Parquet, and to sessions, beside DuckDB, polars and pandas.
Training: SR-GNN and M-SR on the Demo set with one thread, by the trainer's own `epoch` events.
Wall and CPU seconds are those of the process with all its children; medians over repeats.
"""

import argparse
import os
import sys
from pathlib import Path

from bench import data, engine, training
from bench.measure import Failed, machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("part", nargs="?", choices=["all", "engine", "training", "data"], default="all")
    words.add_argument("--repeats", type=int, default=5, help="runs behind each median of the engine (default 5)")
    words.add_argument("--largest", type=int, default=10_000, help="most cells and stages (default 10000)")
    words.add_argument("--megabytes", type=int, default=1_000, help="size of the large raw input (default 1000)")
    words.add_argument(
        "--peers", type=Path, metavar="VENV", help="measure the programs of this venv as well: doit, snakemake, dvc and ninja, or those of benches/peers"
    )
    words.add_argument("--epochs", type=int, default=4, help="epochs a model; the first is not counted (default 4)")
    words.add_argument("--dataset", type=Path, help="dataset folder (default: the Demo set in `.sr-pipe`)")
    words.add_argument("--only", nargs="*", choices=list(data.ROWS), default=list(data.ROWS), help="data: these logs")
    words.add_argument("--share", type=float, default=0.1, help="data: share of the published rows (default 0.1)")
    words.add_argument("--threads", type=int, default=os.cpu_count(), help="data: threads of the other programs")
    words.add_argument("--scratch", type=Path, help="data: where the logs are written (default: the system's)")
    choice = words.parse_args()
    if choice.repeats < 1 or choice.epochs < 2:
        words.error("at least one repeat and two epochs are needed")
    if choice.peers and not (choice.peers / "bin").is_dir():
        words.error(f"`{choice.peers}` is no venv: make one with `python3 -m venv`, and install the tools with its pip")
    print(f"Measured on {machine()}, the build of `./just demo` (optimization level 3 for our own code).\n", flush=True)
    if choice.part in ("all", "engine"):
        engine.measure_all(TARGET / "sr-pipe", choice)
    if choice.part == "data":
        data.measure_all(TARGET / "sr-pipe", choice)
    if choice.part in ("all", "training"):
        dataset = choice.dataset or training.find_dataset(ROOT / ".sr-pipe", "demo")
        training.measure_all(TARGET / "sr-pipe-trainer", dataset, choice.epochs)


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"error: {failed}")
