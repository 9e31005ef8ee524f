"""The stock cell, ``nnx.SimpleCell``, alone and in ``nnx.RNN``."""

from __future__ import annotations

import functools

from flax import nnx

from nnspec_conformance.adapters.flax_optax import network

VARIANTS = {
    "elman.padded-outputs": "running",
    "elman.reverse-order": ("processing", "aligned"),
}
SOURCE = "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/recurrent.py"
NOT_FOUND = f"searched 2026-11-28, not found; {SOURCE}"
KNOWN_FAILURES = {
    "elman.padding-gradient": (
        "with NaN in the padding every gradient is NaN, right is that of other padding: the layer reads on behind the "
        f"end, and zero times NaN is NaN in the backward pass; {NOT_FOUND}"
    ),
    "elman.empty-sequence": (
        "the last state of a sequence of length 0 is -0.848, right is its carry, 0.385: step -1 of all states is "
        f"taken, the last one of the padding; {NOT_FOUND}"
    ),
    "elman.lengths-range": (
        f"lengths of 8 and -1 in 7 steps are taken, right is a refusal: nothing compares them; {NOT_FOUND}"
    ),
    "duty.broadcasting[elman_step]": (
        "one input is taken for a batch of four states, right is a refusal: nothing compares shapes, and sums "
        f"broadcast; {NOT_FOUND}"
    ),
    "duty.broadcasting[elman]": (
        "a bias of one entry is added to every unit, right is a refusal: neither nnx.merge nor nnx.Linear compares "
        f"shapes; {NOT_FOUND}"
    ),
    "duty.names[elman_step]": network.ORDER,
}
NAMES = {"kernel": ("dense_i", "kernel"), "recurrent_kernel": ("dense_h", "kernel"), "bias": ("dense_i", "bias")}


def elman_step(x, weights, carry, *, activation):
    return _cell(weights, activation, x.dtype)(carry, x)[1]


def elman(
    x, weights, carry=None, lengths=None, *, activation, outputs=None, reverse=None, reverse_order=None
):  # fmt: skip
    order = None if reverse_order is None else reverse_order == "aligned"
    last, states = nnx.RNN(_cell(weights, activation, x.dtype))(
        x, initial_carry=carry, seq_lengths=lengths, reverse=reverse, keep_order=order, return_carry=True
    )
    return last if outputs == "last" else states


def _cell(weights, activation, dtype):
    """The cell with these weights."""
    state = {}
    for name, w in weights.items():
        *path, last = NAMES.get(name, (name,))
        inner = state
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = nnx.Param(w)
    features, units = weights["kernel"].shape if "kernel" in weights else (1, 1)
    return nnx.merge(_structure(features, units, activation, dtype), nnx.State(state))


@functools.cache
def _structure(features, units, activation, dtype):
    """The structure of a cell; its weights are handed over."""

    def make():
        f = {"tanh": nnx.tanh, "relu": nnx.relu}[activation]
        return nnx.SimpleCell(
            features, units, activation_fn=f, dtype=dtype, param_dtype=dtype, rngs=nnx.Rngs(0)
        )  # fmt: skip

    return nnx.split(nnx.eval_shape(make))[0]
