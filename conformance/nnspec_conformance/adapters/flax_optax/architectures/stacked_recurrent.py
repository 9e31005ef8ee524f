"""``nnx.Bidirectional`` of two ``nnx.RNN``; Flax has no layer that stacks cells."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

from nnspec_conformance.adapters.flax_optax.architectures import lstm, recurrent

KNOWN_FAILURES = {
    "duty.broadcasting[bidirectional]": (
        "a bias of one entry is added to every unit, right is a refusal: neither nnx.merge nor nnx.Linear compares "
        f"shapes; {recurrent.NOT_FOUND}"
    ),
}


def bidirectional(x, weights, lengths=None, *, cell):
    if cell == "gru":
        raise NotImplementedError("a second bias of the candidate")  # https://github.com/google/flax/issues/5594
    rest = dict(weights)
    tables = [
        {name.removeprefix(start): rest.pop(name) for name in [*rest] if name.startswith(start)}
        for start in ("forward_", "backward_")
    ]
    forward, backward = (nnx.RNN(_cell(table | rest, cell, x.dtype)) for table in tables)
    carries, states = nnx.Bidirectional(forward, backward)(x, seq_lengths=lengths, return_carry=True)
    return states, jnp.concatenate([carry[1] if cell == "lstm" else carry for carry in carries], -1)


def _cell(table, cell, dtype):
    return lstm._cell(table, dtype) if cell == "lstm" else recurrent._cell(table, cell, dtype)
