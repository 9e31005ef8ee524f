"""``nn.RNN``, ``nn.LSTM`` and ``nn.GRU`` with ``num_layers`` and with ``bidirectional``."""

from __future__ import annotations

import torch
from torch import func, nn
from torch.nn.utils import rnn

from nnspec_conformance.adapters.torch.architectures import gru, lstm, recurrent

KNOWN_FAILURES = {
    f"duty.broadcasting[{operation}]": (
        "a bias of one entry is added to every unit, right is a refusal: shapes of inputs and states are compared, "
        "those of weights are not; searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/rnn.py"
    )
    for operation in ("stacked_recurrent", "bidirectional")
}
LAYERS = {"tanh": nn.RNN, "relu": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
TABLES = {"tanh": recurrent._table, "relu": recurrent._table, "lstm": lstm._packed, "gru": gru._table}
KERNEL = {"tanh": "kernel", "relu": "kernel", "lstm": "kernel_i", "gru": "kernel_n"}


def stacked_recurrent(x, weights, *, cell):
    tables, rest = {}, dict(weights)
    while any(name.endswith(f"_{len(tables)}") for name in rest):
        end = f"_{len(tables)}"
        tables[f"_l{len(tables)}"] = {n.removesuffix(end): rest.pop(n) for n in [*rest] if n.endswith(end)}
    states, last = _called(x, cell, tables, rest, num_layers=len(tables))
    return states, last


def bidirectional(x, weights, lengths=None, *, cell):
    tables, rest = {}, dict(weights)
    for start, end in (("forward_", "_l0"), ("backward_", "_l0_reverse")):
        tables[end] = {n.removeprefix(start): rest.pop(n) for n in [*rest] if n.startswith(start)}
    read = x if lengths is None else rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    states, last = _called(read, cell, tables, rest, bidirectional=True)
    if lengths is not None:
        states = rnn.pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])[0]
    return states, last.movedim(0, 1).flatten(1)


def _called(read, cell, tables, rest, **named):
    """The states of a layer with these tables, by the ends of its names, and its last state."""
    table = {name: w for end, part in tables.items() for name, w in TABLES[cell](part, end).items()}
    first = tables.get("_l0", {})
    sizes = first[KERNEL[cell]].shape if KERNEL[cell] in first else (1, 1)  # of a table without: PyTorch refuses it
    named |= {"nonlinearity": cell} if LAYERS[cell] is nn.RNN else {}
    layer = LAYERS[cell](*sizes, batch_first=True, dtype=read.data.dtype, **named)
    states, last = func.functional_call(layer, table | rest, (read,), strict=True)
    return states, last[0] if cell == "lstm" else last
