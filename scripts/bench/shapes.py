"""The graphs that are measured, as `sr-pipe` reads them: stages of one `echo` each."""

import json

CHAIN = "in a chain"
SIDE_BY_SIDE = "side by side"


class Ours:
    """`sr-pipe` itself."""

    name = "sr-pipe"
    largest = 10_000
    environment = None

    def __init__(self, program):
        self.program = program

    def version(self):
        return [self.program, "--version"]

    def write(self, folder, shape, size):
        """Writes an experiment of so many stages; gives the command that runs it. JSON is YAML too."""
        if shape == SIDE_BY_SIDE:
            stages = {"out": {"shell": {"command": "echo ${n} > $OUT/n"}}}
            product = {"dataset": ["d"], "n": list(range(1, size + 1))}
        else:
            stages = {"s1": {"shell": {"command": "echo 1 > $OUT/n"}}}
            for stage in range(2, size + 1):
                # Each writes other bytes than the one before, so that every key is a new one.
                config = {"command": f"echo {stage} > $OUT/n", "inputs": {"before": f"s{stage - 1}"}}
                stages[f"s{stage}"] = {"shell": config}
            product = {"dataset": ["d"]}
        return self.experiment(folder, stages, product)

    def write_raw(self, folder):
        """One stage that reads `data/raw/large.bin`."""
        stages = {
            "raw": {"files": {"folder": "raw", "files": ["large.bin"]}},
            "out": {"shell": {"command": "echo > $OUT/done", "inputs": {"raw": "raw"}}},
        }
        return self.experiment(folder, stages, {"dataset": ["d"]})

    def experiment(self, folder, stages, product):
        experiment = {
            "title": "Bench",
            "datasets": {"d": {"pipeline": "pipeline.yaml"}},
            "grid": {"product": product},
        }
        place = folder / "experiments"
        place.mkdir()
        (place / "pipeline.yaml").write_text(json.dumps({"stages": stages}), encoding="utf-8")
        (place / "bench.yaml").write_text(json.dumps(experiment), encoding="utf-8")
        return [self.program, "run", place / "bench.yaml"]
