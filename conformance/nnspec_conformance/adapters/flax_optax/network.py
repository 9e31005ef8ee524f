"""Stock layers with the weights of a table, and activation functions by name."""

from __future__ import annotations

import functools

import jax
from flax import nnx

# Measured: what was asked, what came, what is right, and why.
BROADCAST = (
    "a bias of one entry is added to every unit, and a kernel of one unit is taken beside a bias of several, right is "
    "to refuse: nnx.merge compares no shapes, and the bias is reshaped and broadcast; searched 2026-11-27, not found; "
    "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/linear.py"
)
ORDER = (
    "a misspelt name is taken, and so is a layer 7 after the layers 0 to 2, right is to refuse: nnx.merge pairs the "
    "leaves of structure and state by their order (inferred from what it takes); searched 2026-11-27, not found; "
    "https://github.com/google/flax/blob/v0.12.8/flax/nnx/graphlib.py"
)
NAMES = (
    "relu6, mish and swish are taken for an activation, right is to refuse: JAX names activations by the functions of "
    "jax.nn, which has more of them; searched 2026-11-27, not found; "
    "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/nn/__init__.py"
)

NONE = -1  # the layer of a name that is of none: nnx.State sorts numbers


def activation(name):
    """The function, in the form that the specification takes where none is said."""
    return functools.partial(jax.nn.gelu, approximate=False) if name == "gelu" else getattr(jax.nn, name)


def linear(weights):
    """A stock layer with a table of weights; ``nnx.merge`` refuses another number of arrays."""
    shape = weights["kernel"].shape if "kernel" in weights else (1, 1)
    return nnx.merge(_linear(*shape), nnx.State({name: nnx.Param(w) for name, w in weights.items()}))


@functools.cache
def _linear(features, units):
    """The structure of a stock layer, without drawing its first weights."""
    return nnx.split(nnx.eval_shape(lambda: nnx.Linear(features, units, rngs=nnx.Rngs(0))))[0]


def layers(weights):
    """The table of a network as a list of the state of each layer; ``nnx.merge`` refuses another number of them."""
    state = {}
    for name, value in weights.items():
        part, _, i = name.partition("_")
        at, part = (int(i), part) if i.isdigit() else (NONE, name)
        state.setdefault(at, {})[part] = nnx.Param(value)
    return state
