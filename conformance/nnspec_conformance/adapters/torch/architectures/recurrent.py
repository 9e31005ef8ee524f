"""``nn.RNN`` and ``nn.RNNCell``, which have two biases; sequences of several lengths are packed.

No layer reads backwards alone: it is the second half of a bidirectional one.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

VARIANTS = {"elman.empty-sequence": "refused", "elman.no-steps": "refused"}
RNN = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/rnn.py"
KNOWN_FAILURES = {
    "elman.lengths-integer": (
        "the lengths (7, 2.5, 1, 5) are taken for (7, 2, 1, 5), right is a refusal: pack_padded_sequence casts them; "
        "searched 2026-11-28, not found; https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/utils/rnn.py"
    ),
    "duty.refusals[elman]": (
        "of a carry for six sequences five are used with a packed batch of five, right is a refusal: the hidden state "
        "is sorted with the sequences, and looked at by nobody before; https://github.com/pytorch/pytorch/pull/195805"
    ),
} | {
    f"duty.broadcasting[{operation}]": (
        "a bias of one entry is added to every unit, right is a refusal: shapes of inputs and states are compared, "
        f"those of weights are not; searched 2026-11-28, not found; {RNN}"
    )
    for operation in ("elman_step", "elman")
}
NAMES = {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias_ih"}


def elman_step(x, weights, carry, *, activation):
    features, units = _sizes(weights)
    cell = nn.RNNCell(features, units, nonlinearity=activation, dtype=x.dtype)
    return functional_call(cell, _table(weights), (x, carry), strict=True)


def elman(x, weights, carry=None, lengths=None, *, activation, outputs=None, reverse=None):
    features, units = _sizes(weights)
    layer = nn.RNN(
        features, units, nonlinearity=activation, batch_first=True, bidirectional=bool(reverse), dtype=x.dtype
    )  # fmt: skip
    ends = ("_l0", "_l0_reverse") if reverse else ("_l0",)
    table = {name: w for end in ends for name, w in _table(weights, end).items()}
    start = None if carry is None else carry[None].repeat(len(ends), 1, 1)
    read = x if lengths is None else pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    states, last = functional_call(layer, table, (read, start), strict=True)
    if outputs == "last":
        return last[-1]
    if lengths is not None:
        states = pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])[0]
    return states[..., -units:]


def _table(weights, end=""):
    """The weights as they lie there; the second bias, which is added to the first, is zero."""
    table = {f"{NAMES.get(name, name)}{end}": w.T if w.ndim == 2 else w for name, w in weights.items()}
    return table | ({f"bias_hh{end}": torch.zeros_like(weights["bias"])} if "bias" in weights else {})


def _sizes(weights):
    """The lengths of the kernel; of one that is missing any, since PyTorch refuses the table."""
    return weights["kernel"].shape if "kernel" in weights else (1, 1)
