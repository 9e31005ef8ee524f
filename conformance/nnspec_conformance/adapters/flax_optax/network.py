"""Stock layers with the weights of a table, and activation functions by name."""

from __future__ import annotations

import functools

import jax
from flax import nnx


def activation(name):
    """The function, in the form that the specification takes where none is said."""
    return functools.partial(jax.nn.gelu, approximate=False) if name == "gelu" else getattr(jax.nn, name)


def layers(weights):
    """The table of a network as a list of the state of each layer; ``nnx.merge`` refuses too little and too much."""
    state = {}
    for name, value in weights.items():
        part, i = name.split("_")
        state.setdefault(int(i), {})[part] = nnx.Param(value)
    return state
