"""The stock cell, ``nnx.GRUCell``, alone and in ``nnx.RNN``; its gates r, z, n lie beside one another."""

from __future__ import annotations

import functools

import jax.numpy as jnp
from flax import nnx

from nnspec_conformance.adapters import tables

VARIANTS = {
    "gru.reset": "after-one-bias",  # https://github.com/google/flax/issues/5594: b_hn is missing
    "gru.padded-outputs": "running",
    "gru.reverse-order": ("processing", "aligned"),
}
SOURCE = "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/recurrent.py"
NOT_FOUND = f"searched 2026-11-28, not found; {SOURCE}"
KNOWN_FAILURES = {
    "gru.padding-gradient": (
        "with NaN in the padding every gradient is NaN, right is that of other padding: the layer reads on behind the "
        f"end, and zero times NaN is NaN in the backward pass; {NOT_FOUND}"
    ),
    "gru.empty-sequence": (
        "the last state of a sequence of length 0 is 0.970, right is its carry, 0.385: step -1 of all states is taken, "
        f"the last one of the padding; {NOT_FOUND}"
    ),
    "gru.lengths-range": (
        f"lengths of 8 and -1 in 7 steps are taken, right is a refusal: nothing compares them; {NOT_FOUND}"
    ),
    "duty.broadcasting[gru_step]": (
        "one input is taken for a batch of several states, right is a refusal: nothing compares shapes, and sums "
        f"broadcast; {NOT_FOUND}"
    ),
    "duty.broadcasting[gru]": (
        "lengths of one sequence are taken for five, right is a refusal: nothing compares shapes, and the comparison "
        f"with the steps broadcasts; {NOT_FOUND}"
    ),
}
GATES = ("r", "z", "n")


def gru_step(x, weights, carry):
    return _cell(weights, x.dtype)(carry, x)[1]


def gru(x, weights, carry=None, lengths=None, *, outputs=None, reverse=None, reverse_order=None):
    order = None if reverse_order is None else reverse_order == "aligned"
    last, states = nnx.RNN(_cell(weights, x.dtype))(
        x, initial_carry=carry, seq_lengths=lengths, reverse=reverse, keep_order=order, return_carry=True
    )
    return last if outputs == "last" else states


def _cell(weights, dtype):
    """The cell with these weights; one that is left over has a place that no cell has."""
    left = dict(weights)

    def beside(kind):
        names = [f"{kind}_{gate}" for gate in GATES]
        return nnx.Param(jnp.concatenate(tables.packed(left, names, f"the {kind} of nnx.GRUCell"), -1))

    inputs = {"kernel": beside("kernel"), "bias": beside("bias")}
    state = {"dense_i": inputs, "dense_h": {"kernel": beside("recurrent_kernel")}}
    state |= {name: nnx.Param(w) for name, w in left.items()}
    return nnx.merge(_structure(*weights["kernel_n"].shape, dtype), nnx.State(state))


@functools.cache
def _structure(features, units, dtype):
    """The structure of a cell; its weights are handed over."""

    def make():
        return nnx.GRUCell(features, units, dtype=dtype, param_dtype=dtype, rngs=nnx.Rngs(0))

    return nnx.split(nnx.eval_shape(make))[0]
