"""The same graphs for other tools, so that ratios are taken on one machine under one load.

Each stage of a chain depends on the file of the one before; `largest` is what a tool gets through in bearable time.
"""

import json
import os

from .shapes import CHAIN


def of(venv):
    """The tools that are installed in a venv."""
    folder = venv.resolve() / "bin"
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return [peer(folder, path) for peer in (Ninja, Doit, Dvc, Snakemake) if (folder / peer.name).exists()]


class Peer:
    def __init__(self, folder, environment):
        self.program = folder / self.name
        self.environment = environment

    def version(self):
        return [self.program, "--version"]


def steps(shape, size):
    """Number, file and the file that it needs, of each stage."""
    for step in range(1, size + 1):
        yield step, f"f{step}", [f"f{step - 1}"] if shape == CHAIN and step > 1 else []


class Ninja(Peer):
    name = "ninja"
    largest = 10_000

    def write(self, folder, shape, size):
        lines = ["rule echo", "  command = echo $n > $out"]
        for step, file, needs in steps(shape, size):
            lines += [f"build {file}: echo {' '.join(needs)}", f"  n = {step}"]
        (folder / "build.ninja").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [self.program]


class Doit(Peer):
    name = "doit"
    largest = 10_000

    def write(self, folder, shape, size):
        tasks = [
            {"name": file, "actions": [f"echo {step} > {file}"], "targets": [file], "file_dep": needs, "uptodate": [True]}
            for step, file, needs in steps(shape, size)
        ]
        (folder / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
        program = "import json\n\n\ndef task_all():\n    yield from json.load(open('tasks.json'))\n"
        (folder / "dodo.py").write_text(program, encoding="utf-8")
        return [self.program]


class Dvc(Peer):
    name = "dvc"
    largest = 100

    def write(self, folder, shape, size):
        stages = {
            file: {"cmd": f"echo {step} > {file}", "deps": needs, "outs": [file]}
            for step, file, needs in steps(shape, size)
        }
        (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}), encoding="utf-8")
        # A project of its own, without git and without asking home for news.
        (folder / ".dvc").mkdir()
        (folder / ".dvc" / "config").write_text("[core]\nno_scm = true\nanalytics = false\ncheck_update = false\n")
        return [self.program, "repro", "--quiet"]


class Snakemake(Peer):
    name = "snakemake"
    largest = 1_000

    def write(self, folder, shape, size):
        rules = [f"rule all:\n    input: [{', '.join(repr(file) for _, file, _ in steps(shape, size))}]\n"]
        for step, file, needs in steps(shape, size):
            rules.append(f"rule:\n    input: {needs}\n    output: '{file}'\n    shell: 'echo {step} > {{output}}'\n")
        (folder / "Snakefile").write_text("\n".join(rules), encoding="utf-8")
        return [self.program, "--cores", "2", "--quiet", "all"]
