"""The stock cell, ``nnx.OptimizedLSTMCell``, alone and in ``nnx.RNN``."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
from flax import nnx

from nnspec_conformance.adapters import tables

VARIANTS = {
    "lstm.padded-outputs": "running",
    "lstm.reverse-order": ("processing", "aligned"),
}
DEFAULTS = {"lstm-forget-bias.start": 0.0}
SOURCE = "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/recurrent.py"
NOT_FOUND = f"searched 2026-11-28, not found; {SOURCE}"
KNOWN_FAILURES = {
    "lstm.padding-gradient": (
        "with NaN in the padding every gradient is NaN, right is that of other padding: the layer reads on behind the "
        f"end, and zero times NaN is NaN in the backward pass; {NOT_FOUND}"
    ),
    "lstm.empty-sequence": (
        "the last state of a sequence of length 0 is -0.342, right is its carry, 0.200: step -1 of all states is "
        f"taken, the last one of the padding; {NOT_FOUND}"
    ),
    "lstm.lengths-range": (
        f"lengths of 8 and -1 in 7 steps are taken, right is a refusal: nothing compares them; {NOT_FOUND}"
    ),
    "duty.broadcasting[lstm_step]": (
        "one input is taken for a batch of four states, right is a refusal: nothing compares shapes, and sums "
        f"broadcast; {NOT_FOUND}"
    ),
    "duty.broadcasting[lstm]": (
        "a single length is taken for a batch of five, right is a refusal: nothing compares shapes, and indices "
        f"broadcast; {NOT_FOUND}"
    ),
}
GATES = "ifgo"
PLACES = {"kernel": ("dense_i", "kernel"), "recurrent_kernel": ("dense_h", "kernel"), "bias": ("dense_h", "bias")}


def lstm_step(x, weights, h, c):
    (c, h), _ = _cell(weights, x.dtype)((c, h), x)
    return h, c


def lstm(x, weights, h=None, c=None, lengths=None, *, reverse=None, reverse_order=None):
    order = None if reverse_order is None else reverse_order == "aligned"
    carry, states = nnx.RNN(_cell(weights, x.dtype))(
        x, initial_carry=None if h is None else (c, h), seq_lengths=lengths, reverse=reverse, keep_order=order,
        return_carry=True,
    )  # fmt: skip
    return states, *carry[::-1]


def lstm_forget_bias(*, in_features, hidden_features, forget_bias=None):
    if forget_bias is not None:
        raise NotImplementedError("a forget bias beside other biases")
    cell = nnx.OptimizedLSTMCell(in_features, hidden_features, rngs=nnx.Rngs(0))
    bias: Any = nnx.state(cell, nnx.Param)["dense_h"]["bias"][...]
    return jnp.split(bias, len(GATES))[1].mean()


def _cell(weights, dtype):
    """The cell with these weights, all gates side by side."""
    table, state = dict(weights), {}
    for name, (layer, part) in PLACES.items():
        whole = f"the {name} of nnx.OptimizedLSTMCell"
        gates = jnp.stack(tables.packed(table, [f"{name}_{gate}" for gate in GATES], whole), -2)
        state.setdefault(layer, {})[part] = nnx.Param(gates.reshape(*gates.shape[:-2], -1))
    state |= {name: nnx.Param(w) for name, w in table.items()}
    return nnx.merge(_structure(*weights["kernel_i"].shape, dtype), nnx.State(state))


@functools.cache
def _structure(features, units, dtype):
    """The structure of a cell; its weights are handed over."""

    def make():
        return nnx.OptimizedLSTMCell(features, units, dtype=dtype, param_dtype=dtype, rngs=nnx.Rngs(0))

    return nnx.split(nnx.eval_shape(make))[0]
