"""Measures whole processes, as a person would with a stop watch, and prints Markdown tables.

engine: start-up, runs with nothing to do, the price of a stage, a large raw input, an insert into the records.
data: made-up logs to Parquet, and to sessions, beside DuckDB, polars and pandas.
train: every model that learns, on made-up data with as many items as the papers' and on the Demo set, beside PyTorch.
Wall and CPU seconds are those of the process with all its children; medians over repeats.
"""

import argparse
import os
import sys
from pathlib import Path

from bench import data, engine, samples, training
from bench.measure import Failed, machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"


def parsed():
    form = argparse.RawDescriptionHelpFormatter
    words = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parts = words.add_subparsers(dest="part", required=True, metavar="engine|data|train")

    part = parts.add_parser("engine", help="what a stage, a run and a record cost")
    part.add_argument("--repeats", type=int, default=5, help="runs behind each median (default 5)")
    part.add_argument("--largest", type=int, default=10_000, help="most cells and stages (default 10000)")
    part.add_argument("--megabytes", type=int, default=1_000, help="size of the large raw input (default 1000)")
    peers(part, "doit, snakemake, dvc and ninja, those of them that are installed")

    part = parts.add_parser("data", help="the reading of logs")
    part.add_argument("--only", nargs="*", choices=list(data.ROWS), default=list(data.ROWS), help="these logs")
    part.add_argument("--share", type=float, default=0.1, help="share of the published rows (default 0.1)")
    part.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of the other programs")
    part.add_argument("--scratch", type=Path, help="where the logs are written (default: the system's)")
    peers(part, "those of `benches/peers/install.py VENV data`")

    part = parts.add_parser("train", help="training and evaluation")
    part.add_argument("--models", nargs="*", metavar="NAME", help="these models (default: all that learn)")
    part.add_argument("--epochs", type=int, default=4, help="epochs a model; the first is not counted (default 4)")
    part.add_argument("--threads", type=int, nargs="*", default=[1, 2], help="each of these (default 1 2)")
    part.add_argument("--sizes", type=int, nargs="*", default=samples.SIZES, help="items of the made-up data")
    part.add_argument("--device", default="cpu", help="where ours runs: cpu, or cuda:0 as `describe` lists it (default cpu)")
    part.add_argument("--profile", action="store_true", help="also where a step's time goes; always on a GPU")
    part.add_argument("--samples", type=int, default=10_000, help="made-up samples to train on (default 10000)")
    part.add_argument("--dataset", type=Path, help="this folder alone (default: made-up data, and Demo in `.sr-pipe`)")
    part.add_argument("--knowledge", type=Path, help="the knowledge that belongs to `--dataset`")
    part.add_argument("--scratch", type=Path, help="where the data are made (default: the system's)")
    peers(part, "that of `benches/peers/install.py VENV train`")

    choice = words.parse_args(sys.argv[1:] or ["engine"])
    if choice.part == "engine" and choice.repeats < 1:
        words.error("at least one repeat is needed")
    if choice.part == "train" and (choice.epochs < 2 or choice.samples < 5):
        words.error("at least two epochs and five samples are needed")
    if choice.part == "train" and choice.peers and choice.device != "cpu":
        words.error("the other programs run on the CPU; leave out `--peers` or `--device`")
    if choice.peers and not (choice.peers / "bin").is_dir():
        words.error(f"`{choice.peers}` is no venv: `benches/peers/install.py` makes one, or `python3 -m venv`")
    return choice


def peers(part, which):
    part.add_argument("--peers", type=Path, metavar="VENV", help=f"measure the programs of this venv as well: {which}")


def main():
    choice = parsed()
    print(f"Measured on {machine()}, the build of `./just demo` (optimization level 3 for our own code).\n", flush=True)
    program, trainer = TARGET / "sr-pipe", TARGET / "sr-pipe-trainer"
    if choice.part == "engine":
        engine.measure_all(program, choice)
    elif choice.part == "data":
        data.measure_all(program, choice)
    else:
        training.measure_all(program, trainer, choice)


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"error: {failed}")
