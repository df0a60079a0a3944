"""Samples of a dataset folder (`docs/contract.md`) as padded tensors, made once; a batch is cut to its longest session."""

from dataclasses import dataclass

import numpy
import torch
from safetensors.numpy import load_file


@dataclass
class Batch:
    """`B` sessions of up to `T` events; 0 is padding."""

    items: torch.Tensor  # [B, T]
    operations: torch.Tensor  # [B, T]
    lengths: torch.Tensor  # [B]
    mask: torch.Tensor  # [B, T, 1], 1 where there is an event
    nodes: torch.Tensor  # [B, N], the distinct items
    alias: torch.Tensor  # [B, T], the node of each event
    targets: torch.Tensor  # [B], counted from 0


class Samples:
    """`N` sessions with their targets."""

    def __init__(self, sessions, operations, targets):
        longest = max(map(len, sessions))
        self.items = padded(sessions, longest)
        self.operations = padded(operations, longest)
        self.lengths = torch.tensor([len(session) for session in sessions])
        self.targets = torch.as_tensor(numpy.asarray(targets, dtype=numpy.int64)) - 1
        distinct = [numpy.unique(session, return_inverse=True) for session in sessions]
        self.nodes = padded([nodes for nodes, _ in distinct], longest)
        self.alias = padded([alias for _, alias in distinct], longest)
        self.node_counts = torch.tensor([len(nodes) for nodes, _ in distinct])

    @classmethod
    def of_part(cls, folder, part):
        """The samples of one part of a dataset folder."""
        arrays = load_file(folder / "samples.safetensors")
        items, operations = arrays[f"{part}.items"], arrays[f"{part}.operations"]
        targets = arrays[f"{part}.sample_target"]
        starts = arrays[f"{part}.session_offsets"][arrays[f"{part}.sample_session"]]
        bounds = list(zip(starts, targets))
        return cls([items[a:b] for a, b in bounds], [operations[a:b] for a, b in bounds], items[targets])

    def __len__(self):
        return len(self.lengths)

    def batch(self, at):
        """The samples of these numbers."""
        lengths = self.lengths[at]
        steps, nodes = lengths.max(), self.node_counts[at].max()
        mask = torch.arange(steps) < lengths[:, None]
        return Batch(
            items=self.items[at, :steps],
            operations=self.operations[at, :steps],
            lengths=lengths,
            mask=mask[:, :, None].float(),
            nodes=self.nodes[at, :nodes],
            alias=self.alias[at, :steps],
            targets=self.targets[at],
        )


def padded(rows, longest):
    out = numpy.zeros((len(rows), longest), dtype=numpy.int64)
    for place, row in enumerate(rows):
        out[place, : len(row)] = row
    return torch.from_numpy(out)
