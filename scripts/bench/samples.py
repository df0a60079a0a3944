"""Datasets to train on: made up by `sr-pipe` at the sizes of the papers' catalogs, or found in the store."""

import array
import contextlib
import json
import shutil
import struct

from .measure import Failed, measure, progress

# Items of MKM-SR's Demo, KKBOX(N) and JDATA(N).
SIZES = (12_195, 34_120, 139_099)

# Rows for each item: enough that almost every item is met.
ROWS = 33

PIPELINE = """\
about: measured
stages:
  raw: { files: { folder: made, files: [jdata_action.csv, jdata_product.csv] } }
  events: { ingest: { from: raw, format: jdata } }
  sessions: { sessionize: { from: events, by: gap, gap: 1h } }
  dataset: { split: { from: sessions, name: made-up, by: events, test_share: 0.1, cold_items: keep } }
  knowledge: { extract_knowledge: { dataset: dataset, items: sessions, attributes: [brand, shop, category, launch] } }
"""

EXPERIMENT = """\
title: measured
datasets: { one: { pipeline: pipeline.yaml } }
grid: { product: { dataset: [one] } }
"""


class Dataset:
    """A dataset folder and the knowledge on it, `None` where there is none."""

    def __init__(self, folder, knowledge):
        self.folder, self.knowledge = folder, knowledge
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        self.name, self.items, self.longest = meta["name"], meta["items"], meta["max_length"]
        arrays = read(folder / "samples.safetensors")
        self.samples = len(arrays["train.sample_target"])
        self.to_rank = len(arrays["test.sample_target"])
        sessions = zip(arrays["train.sample_session"], arrays["train.sample_target"])
        offsets = arrays["train.session_offsets"]
        self.mean_length = sum(target - offsets[session] for session, target in sessions) / max(self.samples, 1)

    def title(self):
        return (
            f"{self.name}: {self.items:,} items, {self.samples:,} samples to train on with {self.mean_length:.1f} events "
            f"before the target on average, at most {self.longest}, and {self.to_rank:,} to rank"
        )

    def sessions(self, count):
        """What stands before the targets of so many test samples, as `score` reads it: one JSON object a line."""
        arrays = read(self.folder / "samples.safetensors")
        samples = list(zip(arrays["test.sample_session"], arrays["test.sample_target"]))
        lines = []
        for session, target in samples[:: max(1, len(samples) // count)][:count]:
            events = slice(arrays["test.session_offsets"][session], target)
            columns = {key: list(arrays[f"test.{key}"][events]) for key in ("items", "operations")}
            lines.append(json.dumps(columns))
        return "".join(f"{line}\n" for line in lines)


def made_up(program, items, samples, scratch):
    """A dataset of so many items, made by `sr-pipe`, of which `samples` are trained on and a fifth as many ranked."""
    progress(f"a made-up log of {items:,} items, through the pipeline")
    log, project = scratch / f"log-{items}", scratch / f"project-{items}"
    synth = [program, "synth", "jdata", "--rows", items * ROWS, "--items", items, "--seed", 1]
    measure([*synth, "--out", log / "made"])
    project.mkdir()
    (project / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    (project / "experiment.yaml").write_text(EXPERIMENT, encoding="utf-8")
    measure([program, "run", "experiment.yaml", "--plain", "--data", log], folder=project)
    shutil.rmtree(log)
    whole = find(project / ".sr-pipe", "made-up")
    folder, knowledge = scratch / f"dataset-{items}", scratch / f"knowledge-{items}"
    for target, source in ((folder, whole.folder), (knowledge, whole.knowledge)):
        target.mkdir()
        shutil.copy(source / "meta.json", target)
    arrays, kept = read(whole.folder / "samples.safetensors"), {}
    for part, count in (("train", samples), ("valid", 0), ("test", samples // 5)):
        kept.update(some_sessions(arrays, part, count))
    write(folder / "samples.safetensors", kept)
    triples = read(whole.knowledge / "triples.safetensors")
    every = max(len(triples["head"]) // samples, 1)
    write(knowledge / "triples.safetensors", {name: column[::every][:samples] for name, column in triples.items()})
    shutil.rmtree(project)
    return Dataset(folder, knowledge)


def find(state, name):
    """The dataset of that name in a store, the newest, with the knowledge that was taken from it; `None` if there is none."""
    found = []
    for meta in state.glob("objects/*/*/files/meta.json"):
        with contextlib.suppress(ValueError):
            is_it = json.loads(meta.read_text(encoding="utf-8")).get("name") == name
            if is_it and (meta.parent / "samples.safetensors").exists():
                found.append(meta.parent)
    if not found:
        return None
    folder = max(found, key=lambda folder: folder.stat().st_mtime)
    return Dataset(folder, knowledge_of(state, folder.parent.name))


def knowledge_of(state, dataset):
    """The folder of the knowledge that was extracted for the dataset of this digest, or `None`."""
    for key in state.glob("keys/*/*.json"):
        result = json.loads(key.read_text(encoding="utf-8"))["result"]
        fingerprint, digest = result["fingerprint"], result["object"]
        if fingerprint["kind"] == "extract_knowledge" and fingerprint["inputs"]["dataset"] == dataset:
            folder = state / "objects" / digest[:2] / digest / "files"
            if folder.is_dir():
                return folder
    return None


# ---- Files of arrays.


def read(path):
    """The arrays of a safetensors file of int32 and int64 numbers, by name."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    tensors, content = json.loads(content[8 : 8 + length]), memoryview(content)[8 + length :]
    tensors.pop("__metadata__", None)
    codes = {"I32": "i", "I64": "q"}
    arrays = {}
    for name, tensor in tensors.items():
        begin, end = tensor["data_offsets"]
        arrays[name] = array.array(codes[tensor["dtype"]])
        arrays[name].frombytes(content[begin:end])
    return arrays


def write(path, arrays):
    """Writes a file of int32 and int64 numbers, the wider ones in front so that each array is aligned."""
    names = {"i": "I32", "q": "I64"}
    header, content = {}, bytearray()
    for name, numbers in sorted(arrays.items(), key=lambda entry: -entry[1].itemsize):
        begin = len(content)
        content += numbers.tobytes()
        shape, place = [len(numbers)], [begin, len(content)]
        header[name] = {"dtype": names[numbers.typecode], "shape": shape, "data_offsets": place}
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    path.write_bytes(struct.pack("<Q", len(words)) + words + content)


def some_sessions(arrays, part, count):
    """The arrays of a part with so many samples and their sessions alone, which are spread over the whole log."""
    old = {name.removeprefix(f"{part}."): numbers for name, numbers in arrays.items() if name.startswith(f"{part}.")}
    if len(old["sample_target"]) < count:
        raise Failed(f"the made-up data have {len(old['sample_target'])} samples in `{part}`: lower `--samples`")
    new = {name: array.array(numbers.typecode) for name, numbers in old.items()}
    new["session_offsets"].append(0)
    targets = {}
    for session, target in zip(old["sample_session"], old["sample_target"]):
        targets.setdefault(session, []).append(target)
    every = len(old["sample_target"]) // count if count else 1
    sessions = list(targets)
    for session in [session for start in range(every) for session in sessions[start::every]]:
        room = count - len(new["sample_target"])
        if room == 0:
            break
        begin, end = old["session_offsets"][session : session + 2]
        moved = len(new["items"]) - begin
        for target in targets[session][:room]:
            new["sample_session"].append(len(new["session_offsets"]) - 1)
            new["sample_target"].append(target + moved)
        for column in ("items", "operations", "times"):
            new[column] += old[column][begin:end]
        new["session_offsets"].append(end + moved)
    return {f"{part}.{name}": numbers for name, numbers in new.items()}
