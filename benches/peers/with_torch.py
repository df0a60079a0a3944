"""The trainer's models in plain PyTorch, behind as much of its contract as is measured: `with_torch.py VERB [JOB]`.

`train`, `evaluate` and `score` take the jobs of `docs/contract.md` and `docs/scoring.md`; `describe` prints the models.
"""

import copy
import json
import resource
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from pytorch.models import MODELS, build, restore, weights
from pytorch.samples import Samples


def main():
    verb = sys.argv[1]
    if verb == "describe":
        print(json.dumps({"libtorch": torch.__version__, "models": [{"name": name} for name in MODELS]}))
        return
    job = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    torch.set_num_threads(job.get("threads", 1))
    torch.manual_seed(job.get("seed", 0))
    {"train": train, "evaluate": evaluate, "score": score}[verb](job)


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def train(job):
    begin = time.perf_counter()
    folder, config = Path(job["inputs"]["dataset"]), job["config"]
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    samples, judged = Samples.of_part(folder, "train"), Samples.of_part(folder, job["selection"]["part"])
    catalog = {"items": meta["items"], "operations": meta["operations"], "entities": meta["items"], "relations": 0}
    triples = None
    if "knowledge" in job["inputs"]:
        triples, sizes = knowledge(Path(job["inputs"]["knowledge"]))
        catalog.update(sizes)
    model = build(job["model"], config, catalog)
    model.draw()
    training = config["training"]
    if training.get("optimizer", "adam") != "adam":
        raise ValueError(f"`optimizer: {training['optimizer']}` is not rendered, only `adam` is")
    rate, decay = training["learning_rate"], training["weight_decay"]
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay)
    epochs = training["epochs"]
    numbers = sum(weight.numel() for weight in model.parameters())
    say("start", model=job["model"], parameters=numbers, samples=len(samples), epochs=epochs, device="cpu")
    best = {"mrr@20": -1.0}
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = rate * fall(training["schedule"], epoch)
        if triples is not None:
            one_pass(model, triples, optimizer)
        sessions_start = time.perf_counter()
        loss = one_epoch(model, samples, optimizer, training)
        speed = len(samples) / (time.perf_counter() - sessions_start)
        above, ties = rank(model, judged, training["batch"])
        ranks = 1 + above + ties / 2
        metrics = {"hit@20": (ranks <= 20).float().mean().item(), "mrr@20": (1 / ranks * (ranks <= 20)).mean().item()}
        if metrics["mrr@20"] > best["mrr@20"]:
            best = {**metrics, "epoch": epoch, "weights": copy.deepcopy(weights(model))}
        seconds = time.perf_counter() - start
        figures = {"loss": loss, "metrics": metrics, "seconds": seconds, "samples_per_second": speed}
        say("epoch", epoch=epoch, epochs=epochs, peak_memory=peak_memory(), **figures)
    out = Path(job["output"])
    save_file(best.pop("weights"), out / "best.safetensors")
    selected = {"name": "best", "epoch": best.pop("epoch"), "file": "best.safetensors", "metrics": best}
    model_file = {"version": 1, "model": job["model"], "config": config, "catalog": catalog, "selected": [selected]}
    (out / "model.json").write_text(json.dumps(model_file), encoding="utf-8")
    say("done", seconds=time.perf_counter() - begin, peak_memory=peak_memory())


def fall(schedule, epoch):
    """What the learning rate is multiplied by in an epoch."""
    if schedule == "constant":
        return 1.0
    step = schedule["step"]
    return 1.0 if epoch <= step["first"] else step["factor"] ** (1 + (epoch - step["first"] - 1) // step["every"])


def knowledge(folder):
    """The triples of a knowledge folder, `[3, M]`: head, relation, tail; and how many entities and relations there are."""
    columns = load_file(folder / "triples.safetensors")
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    triples = torch.stack([columns[name].long() for name in ("head", "relation", "tail")])
    return triples, {"entities": meta["entities"], "relations": len(meta["relations"])}


def one_pass(model, triples, optimizer):
    """One pass over all triples. Weights without a gradient stay where they are."""
    model.train()
    for at in torch.randperm(triples.shape[1]).split(model.triples_at_once):
        optimizer.zero_grad()
        model.knowledge_loss(*triples[:, at]).backward()
        optimizer.step()


def one_epoch(model, samples, optimizer, training):
    """One pass over all samples; gives the mean loss of a sample."""
    model.train()
    clip, total = training["clip"], 0.0
    for at in torch.randperm(len(samples)).split(training["batch"]):
        batch = samples.batch(at)
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(batch), batch.targets, reduction=training["batch_loss"])
        loss.backward()
        if clip != "none":
            for weight in model.parameters():
                torch.nn.utils.clip_grad_norm_(weight, clip["each-tensor"])
        optimizer.step()
        total += loss.item() * (1 if training["batch_loss"] == "sum" else len(at))
    return total / len(samples)


@torch.no_grad()
def rank(model, samples, size):
    """How many items score above each target, and how many others the same."""
    model.eval()
    above, ties = [], []
    for at in torch.arange(len(samples)).split(size):
        batch = samples.batch(at)
        scores = model(batch)
        target = scores.gather(1, batch.targets[:, None])
        above.append((scores > target).sum(1))
        ties.append((scores == target).sum(1) - 1)
    return torch.cat(above), torch.cat(ties)


def trained(folder):
    """The model that `train` wrote, here or in the trainer."""
    file = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    model = build(file["model"], file["config"], file["catalog"])
    return model, file["selected"][0], file["config"]["training"]["batch"]


def evaluate(job):
    begin = time.perf_counter()
    samples = Samples.of_part(Path(job["inputs"]["dataset"]), job["part"])
    folder = Path(job["inputs"]["model"])
    model, selected, size = trained(folder)
    numbers = sum(weight.numel() for weight in model.parameters())
    say("start", model=job["model"], parameters=numbers, samples=len(samples), epochs=0, device="cpu")
    restore(model, load_file(folder / selected["file"]))
    above, ties = rank(model, samples, size)
    name = selected["name"]
    ranks = {f"{name}.above": above.int(), f"{name}.ties": ties.int()}
    save_file(ranks, Path(job["output"]) / "ranks.safetensors")
    say("done", seconds=time.perf_counter() - begin, peak_memory=peak_memory())


@torch.no_grad()
def score(job):
    folder = Path(job["model"]["trained"]["folder"])
    model, selected, _ = trained(folder)
    restore(model, load_file(folder / selected["file"]))
    model.eval()
    sessions = [json.loads(line) for line in sys.stdin]
    lists = [[session[key] for session in sessions] for key in ("items", "operations")]
    samples = Samples(*lists, [1] * len(sessions))
    for scores in model(samples.batch(torch.arange(len(samples)))).tolist():
        print(json.dumps({"scores": scores}))


if __name__ == "__main__":
    main()
