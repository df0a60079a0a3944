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
    counts = {"train": samples, "valid": 0, "test": samples // 5}
    columns = {f"{part}.sample_{key}": count for part, count in counts.items() for key in ("session", "target")}
    thin(whole.folder, folder, "samples", columns)
    thin(whole.knowledge, knowledge, "triples", dict.fromkeys(("head", "relation", "tail"), samples))
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


def layout(path):
    """The tensors of a safetensors file, by name, and its bytes from the first tensor on."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    tensors = json.loads(content[8 : 8 + length])
    tensors.pop("__metadata__", None)
    return tensors, memoryview(content)[8 + length :]


def read(path):
    """The arrays of a file of int32 and int64 numbers, by name."""
    tensors, content = layout(path)
    codes = {"I32": "i", "I64": "q"}
    arrays = {}
    # In the order of the file, which keeps the wider numbers in front and so each array aligned.
    for name, tensor in sorted(tensors.items(), key=lambda entry: entry[1]["data_offsets"]):
        begin, end = tensor["data_offsets"]
        arrays[name] = array.array(codes[tensor["dtype"]])
        arrays[name].frombytes(content[begin:end])
    return arrays


def thin(source, target, file, counts):
    """Copies a dataset or knowledge folder, leaving so many numbers, evenly spread, of the arrays that are named."""
    target.mkdir()
    shutil.copy(source / "meta.json", target)
    tensors, _ = layout(source / f"{file}.safetensors")
    header, content = {}, bytearray()
    for name, numbers in read(source / f"{file}.safetensors").items():
        if name in counts:
            if len(numbers) < counts[name]:
                raise Failed(f"the made-up data have {len(numbers)} of `{name}`, not {counts[name]}: lower `--samples`")
            every = len(numbers) // max(counts[name], 1)
            numbers = numbers[:: max(every, 1)][: counts[name]]
        begin = len(content)
        content += numbers.tobytes()
        header[name] = {"dtype": tensors[name]["dtype"], "shape": [len(numbers)], "data_offsets": [begin, len(content)]}
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    (target / f"{file}.safetensors").write_bytes(struct.pack("<Q", len(words)) + words + content)
