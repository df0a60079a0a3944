"""Training: what an epoch costs, by the trainer's own events."""

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .measure import measure, progress

MODELS = ("sr-gnn", "m-sr")


def measure_all(trainer, dataset, epochs):
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
