"""``nn.GRU`` and ``nn.GRUCell``, whose gates r, z, n lie below one another; the gates r and z have two biases each.

No layer reads backwards alone: it is the second half of a bidirectional one.
"""

from __future__ import annotations

import torch
from torch import func, nn
from torch.nn.utils import rnn

from nnspec_conformance.adapters import tables

VARIANTS = {"gru.reset": "after", "gru.empty-sequence": "refused", "gru.no-steps": "refused"}
KNOWN_FAILURES = {
    "gru.lengths-integer": (
        "the lengths (7, 2.5, 1, 5) are taken for (7, 2, 1, 5), right is a refusal: pack_padded_sequence casts them; "
        "searched 2026-11-28, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/rnn.py"
    ),
    "duty.refusals[gru]": (
        "of a carry for six sequences five are used with a packed batch of five, right is a refusal: the hidden state "
        "is sorted with the sequences, and looked at by nobody before; https://github.com/pytorch/pytorch/pull/195805"
    ),
    "duty.broadcasting[gru]": (
        "of five sequences with lengths for one the first alone is read, and one comes back, right is a refusal: "
        "pack_padded_sequence picks as many sequences as there are lengths; searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/rnn.py"
    ),
}
GATES = ("r", "z", "n")


def gru_step(x, weights, carry):
    table = _table(weights)
    cell = nn.GRUCell(*_sizes(weights), dtype=x.dtype)
    return func.functional_call(cell, table, (x, carry), strict=True)


def gru(x, weights, carry=None, lengths=None, *, outputs=None, reverse=None):
    ends = ("_l0", "_l0_reverse") if reverse else ("_l0",)
    table = {name: w for end in ends for name, w in _table(weights, end).items()}
    features, units = _sizes(weights)
    layer = nn.GRU(features, units, batch_first=True, bidirectional=bool(reverse), dtype=x.dtype)
    start = None if carry is None else carry[None].repeat(len(ends), 1, 1)
    read = x if lengths is None else rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    states, last = func.functional_call(layer, table, (read, start), strict=True)
    if outputs == "last":
        return last[-1]
    if lengths is not None:
        states = rnn.pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])[0]
    return states[..., -units:]


def _table(weights, end=""):
    """The weights as they lie there; the second biases of r and z, which are added to the first, are zero."""
    left = dict(weights)

    def below(kind):
        return torch.cat([w.T for w in gates(kind, "weight")])

    def gates(kind, whole):
        return tables.packed(left, [f"{kind}_{gate}" for gate in GATES], f"the {whole} of nn.GRU")

    table = {f"weight_ih{end}": below("kernel"), f"weight_hh{end}": below("recurrent_kernel")}
    bias = gates("bias", "bias")
    zero = torch.zeros_like(bias[0])
    second = [zero, zero, *tables.packed(left, ["recurrent_bias_n"], "the second bias of nn.GRU")]
    return table | {f"bias_ih{end}": torch.cat(bias), f"bias_hh{end}": torch.cat(second)} | left


def _sizes(weights):
    """The lengths of a kernel."""
    return weights["kernel_n"].shape
