"""What several models share: the unit over padded sessions, session graphs and their network, the soft attention."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def run(gru, x, lengths):
    """The states `[B, T, d]` of an `nn.GRU` over `x` `[B, T, e]`."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(gru(packed)[0], batch_first=True)[0]


def last(x, lengths):
    """The row of `x` `[B, T, d]` at the end of each session, `[B, d]`."""
    return x[torch.arange(len(x)), lengths - 1]


def at_events(h, alias):
    """Node states `[B, N, d]` at the events of each session, `[B, T, d]`."""
    return h.gather(1, alias[:, :, None].expand(-1, -1, h.shape[2]))


def adjacency(batch, counted):
    """Shares of the transitions into each node and out of it, `[B, N, N]` each."""
    size, nodes = batch.nodes.shape
    count = torch.zeros(size, nodes, nodes)
    if batch.alias.shape[1] > 1:
        row = torch.arange(size)[:, None].expand(-1, batch.alias.shape[1] - 1)
        at = (row, batch.alias[:, :-1], batch.alias[:, 1:])
        count.index_put_(at, batch.mask[:, 1:, 0], accumulate=True)
    if not counted:
        count = count.clamp(max=1)
    into = (count / count.sum(1, keepdim=True).clamp(min=1)).transpose(1, 2)
    out_of = count / count.sum(2, keepdim=True).clamp(min=1)
    return into, out_of


class Ggnn(nn.Module):
    """The gated graph network of SR-GNN (Wu et al., AAAI 2019, eq. 1 to 5)."""

    def __init__(self, d):
        super().__init__()
        self.edge = nn.Linear(d, 2 * d)
        self.message_bias = nn.Parameter(torch.empty(2 * d))
        self.cell = nn.GRUCell(2 * d, d)

    def forward(self, into, out_of, h):
        of_in, of_out = self.edge(h).chunk(2, dim=2)
        message = torch.cat([into @ of_in, out_of @ of_out], dim=2) + self.message_bias
        return self.cell(message.flatten(0, 1), h.flatten(0, 1)).view_as(h)


class Readout(nn.Module):
    """The soft attention of SR-GNN and MKM-SR over the events of a session."""

    def __init__(self, width, d, bias_of_q):
        super().__init__()
        self.w1 = nn.Linear(width, width)
        self.w2 = nn.Linear(width, width)
        self.q = nn.Linear(width, 1, bias=bias_of_q)
        self.w3 = nn.Linear(2 * width, d)

    def forward(self, m, batch):
        m_last = last(m, batch.lengths)
        alpha = self.q(torch.sigmoid(self.w1(m_last)[:, None] + self.w2(m)))
        s = (alpha * m * batch.mask).sum(1)
        return self.w3(torch.cat([s, m_last], dim=1))
