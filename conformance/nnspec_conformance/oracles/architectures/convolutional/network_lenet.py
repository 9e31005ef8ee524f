"""A network of two convolutions, two poolings and two dense layers, like LeNet, in NumPy, from the clauses.

It is put together from the oracles of its layers. ``rounded`` is given every operand and every value on the way.
"""

from __future__ import annotations

from nnspec_conformance.oracles.architectures.convolutional import pooling as pools
from nnspec_conformance.oracles.architectures.convolutional._maps import (
    activate,
    as_it_is,
    dense,
    same_convolution,
    same_convolution_vjp,
    slope,
)
from nnspec_conformance.oracles.architectures.convolutional.network import flatten_features, flatten_features_vjp
from nnspec_conformance.oracles.components.layers import dense_vjp

POOLS = {
    "average": (pools.average_pool, pools.average_pool_vjp),
    "max": (pools.max_pool, pools.max_pool_vjp),
}
BLOCK = (2, 2)  # window and stride of both poolings
NAMES = tuple(f"{part}_{i}" for i in range(4) for part in ("kernel", "bias"))


def _forward(x, weights, activation, pooling, flatten_order, rounded):
    """The weights as they are used, input and activation of each convolution, last maps, features, hidden units."""
    w, pool = {name: rounded(weights[name]) for name in NAMES}, POOLS[pooling][0]
    a, convolutions = rounded(x), []
    for i in range(2):
        z = rounded(same_convolution(a, w[f"kernel_{i}"], w[f"bias_{i}"], rounded))
        h = rounded(activate(z, activation))
        convolutions.append((a, h))
        a = rounded(pool(h, window=BLOCK))
    features = flatten_features(a, flatten_order=flatten_order)
    hidden = rounded(activate(rounded(dense(features, w["kernel_2"], w["bias_2"], rounded)), activation))
    return w, convolutions, a, features, hidden


def lenet(x, weights, *, activation, pooling, flatten_order="hwc", rounded=as_it_is):
    w, *_, hidden = _forward(x, weights, activation, pooling, flatten_order, rounded)
    return rounded(dense(hidden, w["kernel_3"], w["bias_3"], rounded))


def lenet_vjp(x, weights, cotangents, *, activation, pooling, flatten_order="hwc", rounded=as_it_is):
    w, convolutions, maps, features, hidden = _forward(x, weights, activation, pooling, flatten_order, rounded)
    found = {}

    def through_dense(i, inputs, g):
        g, *found_here = map(rounded, dense_vjp(inputs, w[f"kernel_{i}"], w[f"bias_{i}"], g))
        found[f"kernel_{i}"], found[f"bias_{i}"] = found_here
        return g

    g = through_dense(3, hidden, rounded(cotangents))
    g = through_dense(2, features, rounded(g * slope(hidden, activation, rounded)))
    (g,) = flatten_features_vjp(maps, g, flatten_order=flatten_order)
    for i in (1, 0):
        a, h = convolutions[i]
        (g,) = POOLS[pooling][1](h, g, window=BLOCK)
        g = rounded(rounded(g) * slope(h, activation, rounded))
        parts = same_convolution_vjp(a, w[f"kernel_{i}"], w[f"bias_{i}"], g, rounded)
        g, found[f"kernel_{i}"], found[f"bias_{i}"] = map(rounded, parts)
    return g, {name: found[name] for name in weights}
