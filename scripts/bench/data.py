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


def freebase(program, choice, folder):
    """What touches linked films, out of a made-up dump in gzip; beside it what unpacking alone and a query cost."""
    lines = int(ROWS["freebase"] * choice.share)
    written(program, "freebase", lines, folder)
    films = sum(1 for _ in (folder / "ml2fb.txt").open("rb"))
    measure([program, "synth", "movielens", "--rows", films * 20, "--items", films, "--seed", 1, "--out", folder])
    dump = folder / "freebase-rdf-latest.gz"
    size = dump.stat().st_size
    stages = [
        f"  ratings: {{ files: {{ folder: {folder.name}, files: [ratings.csv, movies.csv] }} }}",
        f"  dump: {{ files: {{ folder: {folder.name}, files: [{dump.name}] }} }}",
        f"  pairs: {{ files: {{ folder: {folder.name}, files: [ml2fb.txt] }} }}",
        "  events: { ingest: { from: ratings, format: movielens } }",
        "  links: { link: { items: events, from: pairs, by: kb4rec } }",
        "  triples: { extract_triples: { from: dump, links: links } }",
    ]
    header(
        f"freebase: {lines:,} lines, {size / 1e6:,.0f} MB packed, {choice.threads} threads",
        "wall / CPU s",
        "million lines a wall s",
        "peak MB",
    )
    seeds = f"SELECT '<http://rdf.freebase.com/ns/' || entity || '>' FROM read_csv('{folder / 'ml2fb.txt'}', delim='\\t', header=false, names=['item', 'entity'])"
    source = f"read_csv('{dump}', delim='\\t', quote='', escape='', header=false, names=['s', 'p', 'o', 'dot'], all_varchar=true, max_line_size=20000000)"
    query = f"COPY (SELECT s, p, o FROM {source} WHERE s IN ({seeds}) OR o IN ({seeds})) TO '{folder / 'out.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    rows = [("sr-pipe, with its links", lambda: in_project(program, stages, folder)), ("`zcat | wc -l`", lambda: shell(f"zcat {dump} | wc -l"))]
    if choice.peers:
        python = choice.peers.resolve() / "bin" / "python"
        command = [python, "-c", f"import duckdb; duckdb.connect().execute({f'SET threads={choice.threads}'!r}).execute({query!r})"]
        rows.append(("duckdb", lambda: measure(command)))
    for name, run in rows:
        progress(f"{name}, freebase")
        try:
            taken = run()
        except Failed as failed:
            progress(f"{name} failed: {failed}")
            continue
        print(f"| {name} | {taken['wall']:.1f} / {taken['cpu']:.1f} | {lines / 1e6 / taken['wall']:.2f} | {taken['peak'] / 1e6:,.0f} |", flush=True)


def shell(command):
    return measure(["sh", "-c", command])
