"""The engine: start-up, runs with nothing to do, what a stage costs, a large raw input, the records."""

import os
import tempfile
from pathlib import Path

from . import peers, shapes
from .measure import Failed, header, measure, progress, repeated, row

SIZES = (10, 100, 1_000, 10_000)
FIRST_RUNS = (100, 1_000)


def measure_all(program, choice):
    # Folders go at the end and not in between: ext4 passes over inodes that were freed a moment ago one by one, so what
    # is measured right after a large folder was removed looks slower than it is.
    with tempfile.TemporaryDirectory(prefix="sr-pipe-bench-") as scratch:
        tables(program, choice, scratch)
        records(scratch)


def tables(program, choice, scratch):
    tools = [shapes.Ours(program), *(peers.of(choice.peers) if choice.peers else [])]
    sizes = [size for size in SIZES if size <= choice.largest]
    start_up(tools, choice.repeats)
    for title, shape in (("chain of so many stages", shapes.CHAIN), ("so many side by side", shapes.SIDE_BY_SIDE)):
        first, again = {}, {}
        for tool in tools:
            for size in sizes:
                first[tool.name, size], again[tool.name, size] = first_and_again(tool, shape, size, choice.repeats, scratch)
        names = [f"{size:,}" for size in sizes]
        header(f"nothing to do, {title}: wall / CPU s", *names)
        for tool in tools:
            row(tool.name, *(again[tool.name, size] for size in sizes))
        counted = [size for size in sizes if size in FIRST_RUNS]
        header(f"first run, {title}: wall / CPU ms a stage", *(f"{size:,}" for size in counted))
        row("`sh -c`, one after the other", *(in_milliseconds(bare_shell(size, scratch), size) for size in counted), digits=1)
        for tool in tools:
            row(tool.name, *(in_milliseconds(first[tool.name, size], size) for size in counted), digits=1)
    raw_input(program, choice.megabytes, choice.repeats, scratch)


def start_up(tools, repeats):
    header("start: wall / CPU s", "`--version`")
    for tool in tools:
        row(tool.name, repeated(repeats, tool.version()))


def first_and_again(tool, shape, size, repeats, scratch):
    """A first run and the median of those after it; `None` where the tool fails or would take too long."""
    if size > tool.largest:
        return None, None
    progress(f"{tool.name}, {size} {shape}")
    folder = tempfile.mkdtemp(dir=scratch)
    try:
        command = tool.write(Path(folder), shape, size)
        how = {"folder": folder, "environment": tool.environment}
        return measure(command, **how), repeated(repeats, command, **how)
    except Failed as failed:
        progress(f"{tool.name} failed: {failed}")
        return None, None


def bare_shell(size, scratch):
    """The commands of the stages alone: the floor under every tool."""
    script = f"i=0; while [ $i -lt {size} ]; do i=$((i + 1)); sh -c \"echo $i > f$i\"; done"
    return measure(["sh", "-c", script], folder=tempfile.mkdtemp(dir=scratch))


def in_milliseconds(measured, size):
    return measured and {what: measured[what] * 1_000 / size for what in ("wall", "cpu")}


def raw_input(program, megabytes, repeats, scratch):
    """A large raw file that one stage reads: what each kind of change costs, and whether it is seen."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    raw = folder / "data" / "raw" / "large.bin"
    raw.parent.mkdir(parents=True)
    progress(f"a raw input of {megabytes} MB")
    with raw.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))
    command = shapes.Ours(program).write_raw(folder)
    header(f"{megabytes:,} MB of raw input: wall / CPU s", "seconds", "seen as changed?")

    def told(name, measured):
        seen = "no" if "nothing had to run" in measured["said"] else "yes"
        print(f"| {name} | {measured['wall']:.3f} / {measured['cpu']:.3f} | {seen} |", flush=True)

    told("first run", measure(command))
    told("unchanged", min((measure(command) for _ in range(repeats)), key=lambda run: run["cpu"]))
    os.utime(raw)
    told("after `touch`", measure(command))
    before = raw.stat()
    with raw.open("r+b") as file:
        file.seek(megabytes * 500_000)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(raw, ns=(before.st_atime_ns, before.st_mtime_ns))
    told("a byte changed, size and time stamp kept", measure(command))


def records(scratch):
    """The example that times the records prints its own lines."""
    print("\nRecords, by `cargo run --example record_insert`:\n", flush=True)
    measure(["cargo", "run", "--quiet", "--example", "record_insert"], stdout=None, environment={"TMPDIR": scratch})
