"""The models, as their equations stand in `trainer/src/model/`. Each takes the keys of its config, and refuses others."""

import torch
from torch import nn
from torch.nn import functional

from .layers import Ggnn, Readout, adjacency, at_events, last, run


class Model(nn.Module):
    """A session becomes a vector, whose products with the item vectors are the scores."""

    def table(self):
        """The item vectors, row 0 being the padding."""
        return self.embedding

    @torch.no_grad()
    def draw(self):
        """Draws the weights as the trainer does by default: uniform within 1/sqrt(width), the padding zero."""
        for weight in self.parameters():
            nn.init.uniform_(weight, -(self.width**-0.5), self.width**-0.5)
        self.table().weight[0] = 0

    def forward(self, batch):
        """Scores `[B, V]`."""
        return self.represent(batch) @ self.table().weight[1:].T


class Gru(Model):
    """A recurrent network whose last state scores the items."""

    def __init__(self, catalog, dimension):
        super().__init__()
        self.embedding = nn.Embedding(catalog["items"] + 1, dimension, padding_idx=0)
        self.gru = nn.GRU(dimension, dimension, batch_first=True)
        self.width = dimension

    @torch.no_grad()
    def draw(self):
        for name, weight in self.named_parameters():
            sizes = weight.shape if name == "embedding.weight" else (self.width, self.width)
            nn.init.uniform_(weight, -((6 / sum(sizes)) ** 0.5), (6 / sum(sizes)) ** 0.5)
        self.embedding.weight[0] = 0

    def represent(self, batch):
        return last(run(self.gru, self.embedding(batch.items), batch.lengths), batch.lengths)


class Narm(Model):
    """NARM (Li et al., CIKM 2017)."""

    def __init__(self, catalog, dimension, embedding_dimension, attention, dropout):
        super().__init__()
        only(attention=(attention, "softmax"))
        h, d = dimension, embedding_dimension
        self.embedding = nn.Embedding(catalog["items"] + 1, d, padding_idx=0)
        self.gru = nn.GRU(d, h, batch_first=True)
        linear = {"a1": nn.Linear(h, h, bias=False), "a2": nn.Linear(h, h, bias=False), "v": nn.Linear(h, 1, bias=False)}
        self.attention = nn.ModuleDict(linear)
        self.bilinear = nn.Linear(2 * h, d, bias=False)
        self.drop_items, self.drop_session = nn.Dropout(dropout["items"]), nn.Dropout(dropout["session"])

    @torch.no_grad()
    def draw(self):
        for weight in (*self.attention.parameters(), self.bilinear.weight):
            nn.init.normal_(weight, std=(2 / len(weight)) ** 0.5)
        h, d = self.gru.hidden_size, self.gru.input_size
        nn.init.normal_(self.gru.weight_ih_l0, std=(2 / d) ** 0.5)
        for block in self.gru.weight_hh_l0.split(h):
            nn.init.orthogonal_(block)
        nn.init.zeros_(self.gru.bias_ih_l0)
        nn.init.zeros_(self.gru.bias_hh_l0)
        nn.init.normal_(self.embedding.weight[1:], std=(2 / (len(self.embedding.weight) - 1)) ** 0.5)

    def represent(self, batch):
        x = self.drop_items(self.embedding(batch.items))
        h = run(self.gru, x, batch.lengths)
        h_last = last(h, batch.lengths)
        a = self.attention["v"](torch.sigmoid(self.attention["a1"](h_last)[:, None] + self.attention["a2"](h)))
        alpha = torch.softmax(a.masked_fill(batch.mask == 0, float("-inf")), dim=1)
        c = torch.cat([h_last, (alpha * h).sum(1)], dim=1)
        return self.bilinear(self.drop_session(c))


class Stamp(Model):
    """STAMP (Liu et al., KDD 2018)."""

    def __init__(self, catalog, dimension, lookup):
        super().__init__()
        d = dimension
        self.embedding = nn.Embedding(catalog["items"] + 1, d, padding_idx=0)
        linear = {name: nn.Linear(d, d, bias=False) for name in ("w1", "w2", "w3")}
        self.attention = nn.ModuleDict({**linear, "w0": nn.Linear(d, 1, bias=False)})
        self.memory = nn.Linear(d, d, bias=False)
        self.trigger = nn.Linear(d, d, bias=False)
        self.longest = None if lookup == "whole" else lookup["shortened"]

    @torch.no_grad()
    def draw(self):
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.002 if weight is self.embedding.weight else 0.05)
        self.embedding.weight[0] = 0

    def represent(self, batch):
        x = self.embedding(batch.items)
        if self.longest is not None:
            x = x * (self.longest / x.norm(dim=2, keepdim=True).clamp(min=self.longest))
        m_t = last(x, batch.lengths)
        m_s = x.sum(1) / batch.lengths[:, None]
        w = self.attention
        alpha = w["w0"](torch.sigmoid(w["w1"](x) + (w["w2"](m_t) + w["w3"](m_s))[:, None]))
        m_a = (alpha * x * batch.mask).sum(1) + m_s
        return torch.tanh(self.memory(m_a)) * torch.tanh(self.trigger(m_t))


class SrGnn(Model):
    """SR-GNN (Wu et al., AAAI 2019)."""

    def __init__(self, catalog, dimension, steps, edges):
        super().__init__()
        self.embedding = nn.Embedding(catalog["items"] + 1, dimension, padding_idx=0)
        self.ggnn = Ggnn(dimension)
        self.readout = Readout(dimension, dimension, bias_of_q=False)
        self.width, self.steps, self.counted = dimension, steps, edges == "counted"

    def represent(self, batch):
        into, out_of = adjacency(batch, self.counted)
        h = self.embedding(batch.nodes)
        for _ in range(self.steps):
            h = self.ggnn(into, out_of, h)
        return self.readout(at_events(h, batch.alias), batch)


class Msr(Model):
    """M-SR (Meng et al., SIGIR 2020)."""

    def __init__(self, catalog, dimension, init, scorer, knowledge, encoder="ggnn-gru"):
        super().__init__()
        only(init=(init, "paper"), scorer=(scorer, "dot"), knowledge=(knowledge, "none"), encoder=(encoder, "ggnn-gru"))
        d = self.width = dimension
        self.relations = catalog["relations"]
        self.entity = nn.Embedding(catalog["entities"] + 1, d, padding_idx=0)
        self.relation = nn.Embedding(self.relations + catalog["operations"] + 1, d, padding_idx=0)
        self.ggnn = Ggnn(d)
        self.gru = nn.GRU(d, d, batch_first=True)
        self.readout = Readout(2 * d, d, bias_of_q=True)
        self.items = catalog["items"]

    @torch.no_grad()
    def draw(self):
        super().draw()
        for table in (self.entity, self.relation):
            nn.init.normal_(table.weight[1:], std=0.1)

    def table(self):
        return self.entity

    def represent(self, batch):
        into, out_of = adjacency(batch, counted=True)
        i = at_events(self.ggnn(into, out_of, self.entity(batch.nodes)), batch.alias)
        o = torch.where(batch.operations > 0, batch.operations + self.relations, 0)
        o = run(self.gru, self.relation(o), batch.lengths)
        return self.readout(torch.cat([i, o], dim=2), batch)

    def forward(self, batch):
        return self.represent(batch) @ self.entity.weight[1 : self.items + 1].T


class MkmSr(Msr):
    """MKM-SR (Meng et al., SIGIR 2020): M-SR, and TransH on the triples of its items by turns."""

    def __init__(self, catalog, knowledge, **keys):
        super().__init__(catalog, knowledge="none", **keys)
        task = knowledge["alternating"]
        only(energy=(task["energy"], "squared"), moves=(task["moves"], "tables"))
        self.normal = nn.Embedding(self.relations + 1, self.width, padding_idx=0)
        self.share, self.triples_at_once = task["lambda"], task["batch"]

    @torch.no_grad()
    def draw(self):
        super().draw()
        nn.init.normal_(self.normal.weight[1:], std=0.1)

    def knowledge_loss(self, head, relation, tail):
        """The weighted loss of some triples."""
        w = functional.normalize(self.normal(relation))

        def on_plane(x):
            return x - (x * w).sum(1, keepdim=True) * w

        h, t = on_plane(self.entity(head)), on_plane(self.entity(tail))
        return self.share * (h + self.relation(relation) - t).square().sum()


MODELS = {"gru": Gru, "narm": Narm, "stamp": Stamp, "sr-gnn": SrGnn, "m-sr": Msr, "mkm-sr": MkmSr}


def only(**choices):
    """Fails unless each config key has the one value that is rendered here."""
    for key, (value, rendered) in choices.items():
        if value != rendered:
            raise ValueError(f"`{key}: {value}` is not rendered, only `{rendered}` is")


def build(name, config, catalog):
    """The model of a job, with the names of its weights as `docs/scoring.md` has them."""
    keys = {key: value for key, value in config.items() if key != "training"}
    return MODELS[name](catalog, **keys)


def weights(model):
    """Each weight under the name that it has in the trainer's files."""
    tables = {name for name, layer in model.named_modules() if isinstance(layer, nn.Embedding)}
    renamed = {}
    for name, weight in model.state_dict().items():
        owner, _, field = name.rpartition(".")
        if owner in tables:
            name = owner
        elif field.startswith(("weight_", "bias_")):
            name = f"{owner.removesuffix('.cell')}.{field[0]}_{field.split('_')[1]}"
        renamed[name] = weight
    return renamed


def restore(model, given):
    """Takes weights under the trainer's names; they must be the same names and shapes."""
    own = weights(model)
    differ = sorted(own.keys() ^ given.keys()) or [name for name in own if own[name].shape != given[name].shape]
    if differ:
        raise ValueError(f"weights that differ in name or shape: {', '.join(differ)}")
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(given[name])
