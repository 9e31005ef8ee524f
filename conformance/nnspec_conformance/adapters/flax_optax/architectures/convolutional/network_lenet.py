"""``nnx.Sequential`` of stock layers and functions, merged with the weights of the table."""

from __future__ import annotations

import functools

import jax
from flax import nnx

from nnspec_conformance.adapters import tables
from nnspec_conformance.adapters.flax_optax import network

KNOWN_FAILURES = {
    "duty.refusals[lenet]": (
        "a kernel of 5 x 4 is taken beside one of 4 x 4, right is a refusal: nnx.merge compares no shapes, and "
        "padding='SAME' fits any window; searched 2026-11-28, not found; "
        "https://github.com/google/flax/blob/v0.12.8/flax/nnx/graphlib.py"
    ),
    "duty.broadcasting[lenet]": network.BROADCAST,
    "duty.names[lenet]": network.ORDER,
}
PLACES = (0, 3, 7, 9)  # of the layers with weights
POOLS = {"average": nnx.avg_pool, "max": nnx.max_pool}


def lenet(x, weights, *, activation, pooling):
    state = {PLACES[i] if 0 <= i < 4 else i: layer for i, layer in network.layers(weights).items()}
    window = (tables.size(weights, "kernel_0", "kernel_1", axis=axis) for axis in (0, 1))
    structure = _sequential((*window, tables.size(weights, "kernel_0", axis=2)), activation, pooling)
    return nnx.merge(structure, nnx.State({"layers": state}))(x)


@functools.cache
def _sequential(kernel, activation, pooling):
    """The structure of stock layers; each takes its channels from the weights."""
    *window, channels = kernel
    phi = {"tanh": jax.nn.tanh, "relu": jax.nn.relu}[activation]
    pool = functools.partial(POOLS[pooling], window_shape=(2, 2), strides=(2, 2))

    def make():
        rngs = nnx.Rngs(0)
        first, second = (nnx.Conv(channels, 1, tuple(window), padding="SAME", rngs=rngs) for _ in range(2))
        head = nnx.Linear(1, 1, rngs=rngs), phi, nnx.Linear(1, 1, rngs=rngs)
        return nnx.Sequential(first, phi, pool, second, phi, pool, _flatten, *head)

    return nnx.split(nnx.eval_shape(make))[0]


def _flatten(maps):
    return maps.reshape(len(maps), -1)
