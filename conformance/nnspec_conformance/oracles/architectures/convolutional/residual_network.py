"""A residual network of two blocks in NumPy, from the clauses, and its gradients by hand.

``rounded`` is given every operand and every value on the way.
"""

from __future__ import annotations

from nnspec_conformance.oracles.architectures.convolutional._maps import (
    activate,
    as_it_is,
    dense,
    same_convolution,
    same_convolution_vjp,
    slope,
    strided_convolution,
    strided_convolution_vjp,
)
from nnspec_conformance.oracles.architectures.convolutional.pooling import (
    global_average_pool,
    global_average_pool_vjp,
)
from nnspec_conformance.oracles.components.layers import dense_vjp

NAMES = tuple(f"{part}_{i}" for i in range(7) for part in ("kernel", "bias"))
STRIDE = 2  # of the second block, its shortcut included
# The example of the page: a block of one unit, and a row that is read with a stride of two.
EXAMPLE_BLOCK = {"x": 2.0, "first": 0.5, "second": -0.3, "result": 1.7, "slope": 0.85, "slope without": -0.15}
EXAMPLE_ROW, EXAMPLE_KERNEL = [1, 2, 3, 4], [1, 10, 100]
EXAMPLE_STRIDED = {"centred": [210, 432], "least": [321, 43]}


def strided_pads(lengths, strided_padding):
    """The zeros before and after each axis, of a window of three with a stride of two."""
    if strided_padding == "centred":
        return [(1, 1) for _ in lengths]
    if strided_padding == "least":
        return [(1, 1) if n % 2 else (0, 1) for n in lengths]
    raise ValueError(f"no padding {strided_padding!r}")


def residual_network(x, weights, *, activation, strided_padding="centred", rounded=as_it_is):
    return _forward(x, weights, activation, strided_padding, rounded)[0]


def _forward(x, weights, activation, strided_padding, rounded):
    """The outputs, and what the backward pass needs: weights, image, and the maps behind each activation."""
    w = {name: rounded(weights[name]) for name in NAMES}

    def layer(i, a):
        return rounded(same_convolution(a, w[f"kernel_{i}"], w[f"bias_{i}"], rounded))

    def strided(i, a, pads):
        return rounded(strided_convolution(a, w[f"kernel_{i}"], w[f"bias_{i}"], STRIDE, pads))

    def phi(z):
        return rounded(activate(z, activation))

    x = rounded(x)
    a0 = phi(layer(0, x))
    h1 = phi(layer(1, a0))
    a1 = phi(rounded(a0 + layer(2, h1)))
    h2 = phi(strided(3, a1, strided_pads(a1.shape[1:3], strided_padding)))
    a2 = phi(rounded(strided(5, a1, [(0, 0)] * 2) + layer(4, h2)))  # the shortcut first
    means = rounded(global_average_pool(a2))
    y = rounded(dense(means, w["kernel_6"], w["bias_6"], rounded))
    return y, w, x, (a0, h1, a1, h2, a2, means)


def residual_network_vjp(x, weights, cotangents, *, activation, strided_padding="centred", rounded=as_it_is):
    _, w, x, (a0, h1, a1, h2, a2, means) = _forward(x, weights, activation, strided_padding, rounded)
    found = {}

    def through(i, vjp, a, g, *how):
        dx, *parts = map(rounded, vjp(a, w[f"kernel_{i}"], w[f"bias_{i}"], g, *how))
        found[f"kernel_{i}"], found[f"bias_{i}"] = parts
        return dx

    def before(h, g):
        return rounded(g * slope(h, activation, rounded))

    def layer(i, a, g):
        return through(i, same_convolution_vjp, a, g, rounded)

    def strided(i, a, g, pads):
        return through(i, strided_convolution_vjp, a, g, STRIDE, pads, rounded)

    g = through(6, dense_vjp, means, rounded(cotangents))
    g = before(a2, rounded(global_average_pool_vjp(a2, g)[0]))
    shortcut = strided(5, a1, g, [(0, 0)] * 2)
    g = before(h2, layer(4, h2, g))
    g = before(a1, rounded(shortcut + strided(3, a1, g, strided_pads(a1.shape[1:3], strided_padding))))
    g = before(a0, rounded(g + layer(1, a0, before(h1, layer(2, h1, g)))))
    return layer(0, x, g), {name: found[name] for name in weights}
