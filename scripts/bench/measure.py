"""Processes under the stop watch, and the tables of what they took."""

import contextlib
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# CPU time of a living process is told in so many parts of a second.
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A command did not end well; the words are its own."""


def measure(command, stdout=subprocess.DEVNULL, folder=None, environment=None, heard=None):
    """Runs a command to its end: wall seconds, CPU seconds, peak bytes and the words of it and its children.

    `heard` is called with each line of its standard output and the process, as soon as the line is there.
    """
    with tempfile.TemporaryFile() as words:
        # The trainer takes the end of its standard input for the end of `sr-pipe`, so a pipe is held open.
        begin = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if heard else stdout,
            stderr=words,
            cwd=folder,
            env=environment and {**os.environ, **environment},
        )
        peak = 0
        for line in process.stdout or ():
            peak = max(peak, peak_bytes(process))
            heard(line, process)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdin.close()
        if process.stdout:
            process.stdout.close()
        words.seek(0)
        said = words.read().decode(errors="replace")
    if process.returncode != 0:
        raise Failed(f"`{' '.join(map(str, command))}` ended with {process.returncode}\n{said[-2000:]}")
    # What the system says at the end counts the memory that this program had when it started the other.
    peak = peak or usage.ru_maxrss * 1024
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": peak, "said": said}


def cpu_seconds(process):
    """CPU seconds that a living process has taken, to the system's tick."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_bytes(process):
    """The most memory that a living process has had; 0 when it has just ended."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def repeated(count, command, **how):
    """The medians of a command that is run so many times."""
    runs = [measure(command, **how) for _ in range(count)]
    return {what: statistics.median(run[what] for run in runs) for what in ("wall", "cpu")}


def row(name, *measured, digits=3):
    """One line of a table: a name, then wall and CPU seconds of each; `None` is what could not be measured."""
    figures = [f"{one['wall']:.{digits}f} / {one['cpu']:.{digits}f}" if one else "–" for one in measured]
    print(f"| {name} | {' | '.join(figures)} |", flush=True)


def header(title, *columns):
    print(f"\n| {title} | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}", flush=True)


def machine():
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def progress(words):
    print(words, file=sys.stderr, flush=True)
