"""Training and evaluation: every model of the trainer that learns, and PyTorch on the same jobs, by their own events."""

import json
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import samples
from .measure import TICKS, Failed, cpu_seconds, header, measure, progress

ROOT = Path(__file__).resolve().parent.parent.parent

# What a model may need and the jobs here can name.
GIVEN = {"operations", "knowledge", "target_operation", "vectors"}

# How far scores with equal weights may be apart, as a share of the largest score.
TOLERANCE = 1e-4

# Sessions whose scores are compared.
COMPARED = 20


class Program:
    """A program that speaks the trainer's contract."""

    def __init__(self, name, command):
        self.name, self.command = name, list(map(str, command))
        answer = subprocess.run([*self.command, "describe"], check=False, capture_output=True, text=True)
        if answer.returncode != 0:
            raise Failed(f"`{' '.join(self.command)} describe` failed\n{answer.stderr[-2000:]}")
        described = json.loads(answer.stdout)
        self.models = {model["name"]: model for model in described["models"]}
        self.embeddings = described.get("embeddings", [])
        self.libtorch, self.devices = described["libtorch"], described.get("devices", ["cpu"])

    def events(self, job, folder, command=None):
        """Runs a job: its events, each with the time (`at`) and CPU seconds (`cpu`) at which it was said, and the peak."""
        path = folder / f"{job['verb']}.json"
        path.write_text(json.dumps(job), encoding="utf-8")
        events = []

        def heard(line, process):
            now = {"at": time.perf_counter(), "cpu": cpu_seconds(process)}
            events.append({**json.loads(line), **now})

        used = measure([*self.command, command or job["verb"], path], heard=heard)
        return events, used["peak"]

    def scores(self, job, sessions, folder):
        """The scores of all items for each session."""
        path = folder / "score.json"
        path.write_text(json.dumps(job), encoding="utf-8")
        command = [*self.command, "score", str(path)]
        answer = subprocess.run(command, check=False, capture_output=True, input=sessions, text=True)
        if answer.returncode != 0:
            raise Failed(f"`{' '.join(command)}` failed\n{answer.stderr[-2000:]}")
        return [json.loads(line)["scores"] for line in answer.stdout.splitlines()]


def measure_all(program, trainer, choice):
    ours = Program("sr-pipe-trainer", [trainer])
    peer = None
    if choice.peers:
        python = choice.peers.resolve() / "bin" / "python"
        peer = Program("PyTorch", [python, ROOT / "benches" / "peers" / "with_torch.py"])
        print(f"sr-pipe-trainer with libtorch {ours.libtorch}, beside PyTorch {peer.libtorch}.", flush=True)
    learning = [name for name, model in ours.models.items() if not model.get("floor")]
    wrong = sorted(set(choice.models or []) - set(learning))
    if wrong:
        raise Failed(f"no such models: {', '.join(wrong)}; those that learn are {', '.join(learning)}")
    if choice.device not in ours.devices:
        raise Failed(f"there is no `{choice.device}` here; the trainer sees {', '.join(ours.devices)}")
    failed = []
    with tempfile.TemporaryDirectory(prefix="sr-pipe-bench-", dir=choice.scratch) as scratch:
        for dataset in datasets(program, choice, Path(scratch)):
            for threads in choice.threads:
                setting = Setting(dataset, threads, choice.device, choice.epochs)
                failed += table(ours, peer, choice.models or learning, setting)
                if choice.profile or choice.device != "cpu":
                    failed += profiles(ours, choice.models or learning, setting)
    if failed:
        raise Failed("not all could be measured\n" + "\n".join(failed))


def datasets(program, choice, scratch):
    """Those of the sizes asked for, and the Demo set where it lies in the store."""
    if choice.dataset:
        yield samples.Dataset(choice.dataset, choice.knowledge)
        return
    for items in choice.sizes:
        yield samples.made_up(program, items, choice.samples, scratch)
    demo = samples.find(ROOT / ".sr-pipe", "demo")
    if demo:
        yield demo
    else:
        progress("no Demo set in the store: `./just run experiments/table2.yaml --data DIR` makes it")


@dataclass
class Setting:
    """What all models of a table have in common."""

    dataset: samples.Dataset
    threads: int
    device: str
    epochs: int

    def title(self):
        where = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.dataset.title()}; {where if self.device == 'cpu' else f'{self.device}, {where} of the host'}"

    def lacks(self, described):
        """What a model needs and the jobs here cannot name, in words."""
        missing = [need for need, wanted in described["needs"].items() if wanted and need not in GIVEN]
        if described["needs"].get("knowledge") and not self.dataset.knowledge:
            missing.append("knowledge")
        return " and no ".join(missing)


COLUMNS = (
    "training: samples (or events) a wall s",
    "CPU s an epoch, ranking included",
    "evaluation: samples a wall / CPU s",
    "peak MB",
    "loss",
)
OF_PEER = "PyTorch takes so many times as long: training wall, epoch CPU; evaluation wall, CPU"


def table(ours, peer, models, setting):
    """Measures all models in one setting; gives what went wrong, in words."""
    columns = [*COLUMNS, OF_PEER] if peer else COLUMNS
    header(setting.title(), *columns)
    checked, failed = [], []
    for model in models:
        described = ours.models[model]
        if missing := setting.lacks(described):
            progress(f"{model} is left out: there is no {missing} for it")
            continue
        with tempfile.TemporaryDirectory(prefix="sr-pipe-bench-") as folder:
            run = Run(described, setting, Path(folder))
            try:
                mine = run.of(ours)
                row(model, mine, [""] if peer else [])
                if peer and model in peer.models:
                    theirs = run.of(peer)
                    row(f"{model} in PyTorch", theirs, [compared(mine, theirs)])
                    checked.append(f"{model} {run.apart(ours, peer):.0e}")
            except Failed as error:
                progress(f"{model} failed: {error}")
                failed.append(str(error))
    if checked:
        words = f"PyTorch with our weights gives our scores; largest differences in {COMPARED} sessions"
        print(f"\n{words}, as shares of the largest score: {', '.join(checked)}.", flush=True)
    return failed


OF_STEP = ("samples (or events) a wall s", "ms a step", "operations a step", "own ms a step: the five longest")
OF_GPU = ("kernels a step", "copies a step", "busy ms a step", "busy share while watched", "peak MB of the GPU")


def profiles(ours, models, setting):
    """Where the time of a step goes, by the trainer's `profile`; gives what went wrong, in words."""
    on_gpu = setting.device != "cpu"
    header(f"A step of training; {setting.title()}", *OF_STEP[:3], *(OF_GPU if on_gpu else ()), OF_STEP[3])
    failed = []
    for model in models:
        described = ours.models[model]
        if setting.lacks(described):
            continue
        with tempfile.TemporaryDirectory(prefix="sr-pipe-bench-") as folder:
            try:
                found = Run(described, setting, Path(folder)).profile(ours)
            except Failed as error:
                progress(f"{model} failed: {error}")
                failed.append(str(error))
                continue
        calls = sum(operation["calls_a_step"] for operation in found["operations"])
        longest = (
            f"{operation['name'].removeprefix('aten::')} {operation['own_microseconds_a_step'] / 1e3:.2f}"
            for operation in found["operations"][:5]
        )
        cells = [f"{found['samples_per_second']:,.0f}", f"{found['milliseconds_a_step']:.2f}", f"{calls:,.0f}"]
        if on_gpu:
            gpu = found["gpu"]
            busy = gpu["busy_microseconds_a_step"] / 1e3
            cells += [f"{gpu['kernels_a_step']:.0f}", f"{gpu['copies_a_step']:.0f}", f"{busy:.2f}"]
            cells += [f"{gpu['busy_share']:.0%}", f"{found['peaks']['peak_gpu_memory'] / 1e6:,.0f}"]
        print(f"| {model} | {' | '.join(cells)} | {', '.join(longest)} |", flush=True)
    return failed


def compared(mine, theirs):
    """How many times as long it takes for each of `OF_PEER`."""
    training, cpu = mine["training"] / theirs["training"], theirs["cpu"] / mine["cpu"]
    wall, cpu_of_ranking = (mine[key] / theirs[key] for key in ("evaluation", "evaluation cpu"))
    return f"{training:.1f}, {cpu:.1f}; {wall:.1f}, {cpu_of_ranking:.1f}"


def row(name, figures, more):
    """One line of the table."""
    loss = f"{figures['loss']:.3f}" if "loss" in figures else "–"
    cells = [
        name,
        f"{figures['training']:,.0f}",
        f"{figures['cpu']:.2f}",
        f"{figures['evaluation']:,.0f} / {figures['evaluation cpu']:,.0f}",
        f"{figures['peak'] / 1e6:,.0f}",
        loss,
        *more,
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


class Run:
    """One model in one setting, by whichever program."""

    def __init__(self, described, setting, folder):
        self.model, self.setting, self.folder = described["name"], setting, folder
        self.dataset, epochs = setting.dataset, setting.epochs
        self.config = described["defaults"]
        if "training" in self.config:
            # Patience would end a run early where the made-up data are learned by heart.
            self.config = {**self.config, "training": {**self.config["training"], "epochs": epochs, "patience": epochs}}
        self.knowledge = self.dataset.knowledge if described["needs"].get("knowledge") else None
        self.begins_with_vectors, self.vectors = bool(described["needs"].get("vectors")), None

    def of(self, program):
        """Trains and evaluates: medians of the epochs after the first, and the loss of the last."""
        progress(f"{program.name}: {self.model}, {self.dataset.items:,} items, {self.setting.threads} threads")
        place = self.folder / program.name
        for name in ("trained", "checkpoint", "ranks"):
            (place / name).mkdir(parents=True)
        inputs = self.inputs(program)
        selection = {"part": "test", "rule": "mrr", "metrics": ["hit@20", "mrr@20"]}
        job = self.job("train", inputs, place / "trained")
        events, peak = program.events({**job, "selection": selection, "checkpoint": str(place / "checkpoint")}, place)
        figures = {**self.training(events), "peak": peak}
        inputs = {"dataset": str(self.dataset.folder), "model": str(place / "trained")}
        events, _ = program.events({**self.job("evaluate", inputs, place / "ranks"), "part": "test"}, place)
        wall, cpu = between(events, "start", "done")
        return {**figures, "evaluation": self.dataset.to_rank / wall, "evaluation cpu": self.dataset.to_rank / cpu}

    def profile(self, program):
        """What a step consists of."""
        progress(f"{program.name}: a step of {self.model}, {self.dataset.items:,} items")
        job = self.job("train", self.inputs(program), self.folder)
        events, _ = program.events(job, self.folder, command="profile")
        return next(event for event in events if event["event"] == "profile")

    def inputs(self, program):
        """What training reads."""
        inputs = {"dataset": str(self.dataset.folder)}
        if self.knowledge:
            inputs["knowledge"] = str(self.knowledge)
        if self.begins_with_vectors:
            self.vectors = self.vectors or self.learned(program)
            inputs["vectors"] = str(self.vectors)
        return inputs

    def learned(self, program):
        """The folder of vectors that the model begins with, learned by skip-gram as a pipeline has it by default."""
        output = self.folder / "vectors"
        output.mkdir()
        method = next(method for method in program.embeddings if method["name"] == "skip-gram")
        job = self.job("embed", {"dataset": str(self.dataset.folder)}, output)
        program.events({**job, "model": method["name"], "config": method["defaults"]}, self.folder)
        return output

    def job(self, verb, inputs, output):
        return {
            "contract": 1,
            "verb": verb,
            "model": self.model,
            "config": self.config,
            "inputs": inputs,
            "target_operation": "hidden",
            "seed": 1,
            "device": self.setting.device,
            "threads": self.setting.threads,
            "output": str(output),
        }

    def training(self, events):
        epochs = [event for event in events if event["event"] == "epoch"]
        if not epochs:  # It counts.
            seconds, cpu = between(events, "start", "done")
            return {"training": self.dataset.samples / seconds, "cpu": cpu}
        speed = statistics.median(event["samples_per_second"] for event in epochs[1:])
        cpu = statistics.median(after["cpu"] - before["cpu"] for before, after in zip(epochs, epochs[1:]))
        return {"training": speed, "cpu": cpu, "loss": epochs[-1]["loss"]}

    def apart(self, ours, peer):
        """How far the scores of both with our weights are apart; fails where that is more than rounding."""
        trained = {"folder": str(self.folder / ours.name / "trained"), "kept": "best"}
        job = {"contract": 1, "verb": "score", "model": {"trained": trained}, "answer": "all"}
        sessions = self.dataset.sessions(COMPARED)
        pairs = list(zip(ours.scores(job, sessions, self.folder), peer.scores(job, sessions, self.folder), strict=True))
        most = max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))
        largest = max(abs(a) for one, _ in pairs for a in one)
        if not most <= TOLERANCE * largest:
            words = f"differ by {most:.2e} where the largest is {largest:.2e}"
            raise Failed(f"{self.model} in PyTorch is another model: its scores with our weights {words}")
        return most / largest


def between(events, first, last):
    """Wall and CPU seconds from one event to another."""
    begin, end = ([event for event in events if event["event"] == name][-1] for name in (first, last))
    return end["at"] - begin["at"], max(end["cpu"] - begin["cpu"], 1 / TICKS)
