"""``nn.LSTM`` and ``nn.LSTMCell``, which have two biases; sequences of several lengths are packed.

No layer reads backwards alone: it is the second half of a bidirectional one.
"""

from __future__ import annotations

import torch
from torch import func, nn
from torch.nn.utils import rnn

from nnspec_conformance.adapters import tables

VARIANTS = {"lstm.empty-sequence": "refused", "lstm.no-steps": "refused"}
DEFAULTS = {"lstm-forget-bias.start": 0.0}
KNOWN_FAILURES = {
    "lstm.lengths-integer": (
        "the lengths (7, 2.5, 1, 5) are taken for (7, 2, 1, 5), right is a refusal: pack_padded_sequence casts them; "
        "searched 2026-11-28, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/rnn.py"
    ),
    "duty.refusals[lstm]": (
        "of a carry for six sequences five are used with a packed batch of five, right is a refusal: the carry is "
        "sorted with the sequences, and looked at by nobody before; https://github.com/pytorch/pytorch/pull/195805"
    ),
    "duty.broadcasting[lstm]": (
        "with one length for a batch of five the first sequence alone is read, and the others are left out, right is a "
        "refusal: pack_padded_sequence takes as many sequences as there are lengths; "
        "searched 2026-11-28, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/rnn.py"
    ),
}
GATES = "ifgo"
NAMES = {"weight_ih": "kernel", "weight_hh": "recurrent_kernel", "bias_ih": "bias"}


def lstm_step(x, weights, h, c):
    table = _packed(weights)
    cell = nn.LSTMCell(*weights["kernel_i"].shape, dtype=x.dtype)
    return func.functional_call(cell, table, (x, (h, c)), strict=True)


def lstm(x, weights, h=None, c=None, lengths=None, *, reverse=None):
    ends = ("_l0", "_l0_reverse") if reverse else ("_l0",)
    table = {name: w for end in ends for name, w in _packed(weights, end).items()}
    features, units = weights["kernel_i"].shape
    layer = nn.LSTM(features, units, batch_first=True, bidirectional=bool(reverse), dtype=x.dtype)
    start = None if h is None or c is None else tuple(part[None].repeat(len(ends), 1, 1) for part in (h, c))
    read = x if lengths is None else rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    states, carry = func.functional_call(layer, table, (read, start), strict=True)
    if lengths is not None:
        states = rnn.pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])[0]
    return states[..., -units:], *(part[-1] for part in carry)


def lstm_forget_bias(*, in_features, hidden_features, forget_bias=None):
    if forget_bias is not None:
        raise NotImplementedError("a forget bias of a new layer")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = nn.LSTM(in_features, hidden_features)
    table = layer.state_dict()
    return (table["bias_ih_l0"] + table["bias_hh_l0"]).chunk(len(GATES))[1].mean()


def _packed(weights, end=""):
    """The gates one below another; the second bias, which is added to the first, is zero."""
    table = dict(weights)
    packed = {}
    for native, name in NAMES.items():
        names = [f"{name}_{gate}" for gate in GATES]
        gates = torch.stack(tables.packed(table, names, f"the {native} of nn.LSTM"))
        packed[f"{native}{end}"] = (gates.mT if gates.ndim == 3 else gates).flatten(0, 1)
    packed[f"bias_hh{end}"] = torch.zeros_like(packed[f"bias_ih{end}"])
    return packed | table
