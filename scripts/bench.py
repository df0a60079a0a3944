"""Measures whole processes, as a person would with a stop watch, and prints Markdown tables.

Engine: a grid of `shell` cells, run for the first time and again when nothing is left to do; medians over repeats.
Training: SR-GNN and M-SR on the Demo set with one thread, by the trainer's own `epoch` events.
Wall and CPU seconds are those of the process with all its children.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
CELLS = (10, 100, 1000)
MODELS = ("sr-gnn", "m-sr")


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("part", nargs="?", choices=["all", "engine", "training"], default="all")
    words.add_argument("--repeats", type=int, default=5, help="runs behind each median of the engine (default 5)")
    words.add_argument("--epochs", type=int, default=4, help="epochs a model; the first is not counted (default 4)")
    words.add_argument("--dataset", type=Path, help="dataset folder (default: the Demo set in `.sr-pipe`)")
    choice = words.parse_args()
    if choice.repeats < 1 or choice.epochs < 2:
        words.error("at least one repeat and two epochs are needed")
    print(f"Measured on {machine()}, the build of `./just demo` (optimization level 1 for our own code).\n", flush=True)
    if choice.part in ("all", "engine"):
        engine(choice.repeats)
    if choice.part in ("all", "training"):
        training(choice.dataset or find_dataset(ROOT / ".sr-pipe", "demo"), choice.epochs)


# ---- The engine.


def engine(repeats):
    print("| cells | first run, wall s | CPU s | again, wall s | CPU s |")
    print("|---:|---:|---:|---:|---:|", flush=True)
    for cells in CELLS:
        first, again = [], []
        for repeat in range(repeats):
            with tempfile.TemporaryDirectory(prefix="sr-pipe-bench-") as folder:
                command = [TARGET / "sr-pipe", "run", shell_experiment(Path(folder), cells)]
                progress(f"{cells} cells, repeat {repeat + 1} of {repeats}")
                first.append(measure(command))
                again.append(measure(command))
        figures = [median(first, "wall"), median(first, "cpu"), median(again, "wall"), median(again, "cpu")]
        print(f"| {cells:,} | {' | '.join(f'{figure:.3f}' for figure in figures)} |", flush=True)
    print()


def shell_experiment(folder, cells):
    """Writes an experiment of so many cells, each one `shell` stage; JSON is YAML too. Returns its path."""
    pipeline = {"stages": {"out": {"shell": {"command": "echo ${n} > $OUT/n.txt"}}}}
    experiment = {
        "title": f"{cells} cells",
        "datasets": {"shell": {"pipeline": "shell.yaml"}},
        "grid": {"product": {"dataset": ["shell"], "n": list(range(1, cells + 1))}},
    }
    place = folder / "experiments"
    place.mkdir()
    (place / "shell.yaml").write_text(json.dumps(pipeline), encoding="utf-8")
    (place / "cells.yaml").write_text(json.dumps(experiment), encoding="utf-8")
    return place / "cells.yaml"


# ---- Training.


def training(dataset, epochs):
    trainer = TARGET / "sr-pipe-trainer"
    describe = json.loads(subprocess.run([trainer, "describe"], check=True, capture_output=True).stdout)
    defaults = {model["name"]: model["defaults"] for model in describe["models"]}
    print("| model | samples / s | training s an epoch | CPU s an epoch, ranking included | peak MB |")
    print("|---|---:|---:|---:|---:|", flush=True)
    for model in MODELS:
        progress(f"{model}, {epochs} epochs")
        config = {**defaults[model], "training": {**defaults[model]["training"], "epochs": epochs}}
        with tempfile.TemporaryDirectory(prefix="sr-pipe-bench-") as folder:
            events, used = train(trainer, model, config, dataset, Path(folder))
        counted = events[1:]
        speed = statistics.median(event["samples_per_second"] for event in counted)
        seconds = statistics.median(event["seconds"] for event in counted)
        figures = f"{speed:,.0f} | {seconds:.2f} | {used['cpu'] / len(events):.2f} | {used['peak'] / 1e6:.0f}"
        print(f"| {model} | {figures} |", flush=True)
    print()


def train(trainer, model, config, dataset, folder):
    """Trains one model as `sr-pipe` would: returns the trainer's `epoch` events and what the process used."""
    for name in ("output", "checkpoint"):
        (folder / name).mkdir()
    job = {
        "contract": 1,
        "verb": "train",
        "model": model,
        "config": config,
        "inputs": {"dataset": str(dataset)},
        "selection": {"part": "test", "rule": "mrr", "metrics": ["hit@20", "mrr@20"]},
        "part": "test",
        "target_operation": "hidden",
        "seed": 1,
        "device": "cpu",
        "threads": 1,
        "output": str(folder / "output"),
        "checkpoint": str(folder / "checkpoint"),
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    with (folder / "events").open("w+b") as events:
        used = measure([trainer, "train", folder / "job.json"], events)
        events.seek(0)
        lines = [json.loads(line) for line in events]
    return [line for line in lines if line["event"] == "epoch"], used


def find_dataset(state, name):
    """The folder of a dataset in the store: the newest of that name."""
    found = []
    for meta in state.glob("objects/*/*/files/meta.json"):
        with contextlib.suppress(ValueError):
            is_it = json.loads(meta.read_text(encoding="utf-8")).get("name") == name
            if is_it and (meta.parent / "samples.safetensors").exists():
                found.append(meta.parent)
    if not found:
        sys.exit(
            f"error: no dataset `{name}` was made yet\n"
            "  help: `./just run experiments/table2-demo.yaml --data DIR` makes it; or name a folder with `--dataset`\n"
            "  help: `./just bench engine` needs none"
        )
    return max(found, key=lambda folder: folder.stat().st_mtime)


# ---- Measuring.


def measure(command, stdout=subprocess.DEVNULL):
    """Runs a command to its end: wall seconds, CPU seconds and peak bytes of it and its children."""
    with tempfile.TemporaryFile() as words:
        # The trainer takes the end of its standard input for the end of `sr-pipe`, so a pipe is held open.
        begin = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=stdout, stderr=words)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdin.close()
        if process.returncode != 0:
            words.seek(0)
            sys.stderr.buffer.write(words.read()[-4000:])
            sys.exit(f"error: `{' '.join(map(str, command))}` ended with {process.returncode}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}


def median(measured, what):
    return statistics.median(one[what] for one in measured)


def machine():
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def progress(words):
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
