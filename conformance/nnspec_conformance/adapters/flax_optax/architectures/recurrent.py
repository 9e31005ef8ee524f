"""The stock cell, ``nnx.SimpleCell``, alone and in ``nnx.RNN``."""

from __future__ import annotations

import functools

from flax import nnx

VARIANTS = {
    "elman.padded-outputs": "running",
    "elman.reverse-order": ("processing", "aligned"),
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
