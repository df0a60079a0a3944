"""Data: made-up logs of the real sizes to Parquet, alone and with sessions, beside other programs on the same files."""

import tempfile
from pathlib import Path

from .measure import Failed, header, measure, progress

ROOT = Path(__file__).resolve().parent.parent.parent

# Rows of the published logs: JDATA's actions, KKBOX's train.csv, trivago's train.csv; lines of Freebase that pass in
# bearable time.
ROWS = {"jdata": 37_214_269, "kkbox": 7_377_418, "trivago": 15_932_992, "freebase": 100_000_000}

LOGS = {
    "jdata": ("jdata_action.csv", ["jdata_product.csv"], "by: gap, gap: 1h"),
    "kkbox": ("train.csv", ["songs.csv", "song_extra_info.csv"], "by: row-gap, rows: 2000"),
    "trivago": ("train.csv", ["item_metadata.csv"], "by: given"),
}

PEERS = ("duckdb", "polars", "pandas")


def measure_all(program, choice):
    with tempfile.TemporaryDirectory(prefix="sr-pipe-bench-", dir=choice.scratch) as scratch:
        for log in LOGS:
            if log in choice.only:
                one_log(program, log, choice, Path(scratch) / log)
        if "freebase" in choice.only:
            freebase(program, choice, Path(scratch) / "freebase")


def written(program, format, rows, folder):
    """Writes a log, and says how fast."""
    taken = measure([program, "synth", format, "--rows", rows, "--seed", 1, "--out", folder])
    print(f"\nWritten: {rows:,} rows of {format} at {rows / taken['cpu'] / 1e6:.1f} million rows a CPU second.", flush=True)


def one_log(program, log, choice, folder):
    rows = int(ROWS[log] * choice.share)
    file, others, by = LOGS[log]
    written(program, log, rows, folder)
    size = (folder / file).stat().st_size
    header(
        f"{log}: {rows:,} rows, {size / 1e6:,.0f} MB, {choice.threads} threads",
        "to Parquet: wall / CPU s",
        "GB/s",
        "million rows a CPU s",
        "peak MB",
        "with sessions: wall / CPU s",
        "peak MB",
    )
    figures(f"sr-pipe, with {' and '.join(others)}", rows, size, *(ours(program, log, task, folder, by) for task in ("ingest", "sessions")))
    for peer in PEERS:
        if not choice.peers:
            continue
        taken = []
        for task in ("ingest", "sessions"):
            progress(f"{peer}, {log}, {task}")
            script = ROOT / "benches" / "peers" / f"with_{peer}.py"
            python = choice.peers.resolve() / "bin" / "python"
            try:
                taken.append(measure([python, script, log, task, folder / file, folder / "out.parquet", choice.threads]))
            except Failed as failed:
                progress(f"{peer} failed: {failed}")
                taken.append(None)
        figures(peer, rows, size, *taken)


def ours(program, log, task, folder, by):
    """A run of a pipeline in an empty project, with all that it hashes, syncs and records."""
    progress(f"sr-pipe, {log}, {task}")
    file, others, _ = LOGS[log]
    stages = [
        f"  raw: {{ files: {{ folder: {folder.name}, files: [{', '.join([file, *others])}] }} }}",
        f"  events: {{ ingest: {{ from: raw, format: {log} }} }}",
    ]
    if task == "sessions":
        stages.append(f"  sessions: {{ sessionize: {{ from: events, {by} }} }}")
    return in_project(program, stages, folder)


def in_project(program, stages, folder):
    with tempfile.TemporaryDirectory(dir=folder) as project:
        project = Path(project)
        pipeline = "\n".join(["about: measured", "stages:", *stages, ""])
        (project / "pipeline.yaml").write_text(pipeline, encoding="utf-8")
        (project / "experiment.yaml").write_text(
            "title: measured\ndatasets: { one: { pipeline: pipeline.yaml } }\ngrid: { product: { dataset: [one] } }\n",
            encoding="utf-8",
        )
        return measure([program, "run", "experiment.yaml", "--plain", "--data", folder.parent], folder=project)


def figures(name, rows, size, ingest, sessions):
    def times(one):
        return f"{one['wall']:.1f} / {one['cpu']:.1f}" if one else "–"

    def peak(one):
        return f"{one['peak'] / 1e6:,.0f}" if one else "–"

    speed = f"{size / 1e9 / ingest['wall']:.2f} | {rows / 1e6 / ingest['cpu']:.2f}" if ingest else "– | –"
    print(f"| {name} | {times(ingest)} | {speed} | {peak(ingest)} | {times(sessions)} | {peak(sessions)} |", flush=True)
