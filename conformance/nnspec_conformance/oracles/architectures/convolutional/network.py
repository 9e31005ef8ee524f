"""Two small convolutional networks with every value on the way, and their gradients, in NumPy, from the clauses.

``rounded`` is given every operand: data, weights, and what each layer makes of them; the suite rounds at random there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnspec_conformance.oracles.architectures.convolutional.convolution import convolution_2d, convolution_2d_vjp
from nnspec_conformance.oracles.components.layers import activate, activate_vjp, dense, dense_vjp

ORDERS = {"hwc": (0, 1, 2, 3), "chw": (0, 3, 1, 2)}
SAME = {"padding": "same"}
# Window, stride and zeros before the first place of each layer, by the value that it makes.
LENET = {"maps_0": (5, 1, 2), "pooled_0": (2, 2, 0), "maps_1": (5, 1, 2), "pooled_1": (2, 2, 0)}


def as_it_is(operand):
    """Rounds nothing."""
    return operand


# ---- from feature maps to features


def flatten_features(x, *, flatten_order="hwc"):
    return x.transpose(ORDERS[flatten_order]).reshape(len(x), -1)


def flatten_features_vjp(x, cotangents, *, flatten_order="hwc"):
    order = ORDERS[flatten_order]
    moved = cotangents.reshape(tuple(x.shape[i] for i in order))
    return (moved.transpose(np.argsort(order)),)


def reordered(kernel, maps, before, after):
    """The rows of a dense kernel for features in another order: equal logits.

    Args:
        kernel: [features, units], made for features in the order ``before``.
        maps: height, width and channels of the feature maps.
        before: ``hwc`` or ``chw``.
        after: the order in which the features come now.
    """
    lengths = (1, *maps)
    rows = np.arange(int(np.prod(maps))).reshape([lengths[i] for i in ORDERS[before]])
    in_maps = rows.transpose(np.argsort(ORDERS[before]))  # [1, height, width, channels]
    return kernel[in_maps.transpose(ORDERS[after]).ravel()]


# ---- halving


def _in_fours(x):
    """Squares of two by two: [batch, rows, 2, columns, 2, channels]; an odd last row or column is left out."""
    rows, columns = x.shape[1] // 2, x.shape[2] // 2
    return x[:, : 2 * rows, : 2 * columns].reshape(len(x), rows, 2, columns, 2, x.shape[-1])


def halved(x, pooling):
    return _in_fours(x).max((2, 4)) if pooling == "max" else _in_fours(x).mean((2, 4))


def halved_vjp(x, g, pooling):
    fours = _in_fours(x)
    if pooling == "max":
        top = fours.max((2, 4), keepdims=True)
        hit = (fours == top) | np.isnan(fours)
        share = hit / hit.sum((2, 4), keepdims=True)
    else:
        share = np.full(fours.shape, 0.25)
    dx = np.zeros_like(x)
    inside = dx[:, : 2 * fours.shape[1], : 2 * fours.shape[3]]
    inside[...] = (share * g[:, :, None, :, None]).reshape(inside.shape)
    return dx


# ---- the network with a head of dense layers


def lenet(x, weights, *, activation, pooling, flatten_order="hwc", rounded=as_it_is):
    return _lenet(x, weights, activation, pooling, flatten_order, rounded)[0]


def _lenet(x, weights, activation, pooling, flatten_order, rounded):
    """The values, and the sums before the activations."""
    if activation not in ("tanh", "relu") or pooling not in ("average", "max"):
        raise ValueError(f"no activation {activation!r} or no pooling {pooling!r}")
    weights = {name: rounded(w) for name, w in weights.items()}
    a, values, sums = rounded(x), {}, {}
    for i in (0, 1):
        sums[i] = z = rounded(convolution_2d(a, weights[f"kernel_{i}"], weights[f"bias_{i}"], **SAME))
        values[f"maps_{i}"] = rounded(activate(z, activation))
        values[f"pooled_{i}"] = a = rounded(halved(values[f"maps_{i}"], pooling))
    values["features"] = f = flatten_features(a, flatten_order=flatten_order)
    if f.shape[1] != len(weights["kernel_2"]) or not f.shape[1]:
        raise ValueError(f"the maps give {f.shape[1]} features, kernel_2 takes {len(weights['kernel_2'])}")
    sums[2] = rounded(dense(f, weights["kernel_2"], weights["bias_2"]))
    values["hidden"] = rounded(activate(sums[2], activation))
    values["output"] = rounded(dense(values["hidden"], weights["kernel_3"], weights["bias_3"]))
    return values, sums


def lenet_vjp(x, weights, cotangents, *, activation, pooling, flatten_order="hwc", rounded=as_it_is):
    values, sums = _lenet(x, weights, activation, pooling, flatten_order, rounded)
    weights = {name: rounded(w) for name, w in weights.items()}
    given, found = {name: rounded(c) for name, c in cotangents.items()}, {}
    g, found["kernel_3"], found["bias_3"] = map(
        rounded, dense_vjp(values["hidden"], weights["kernel_3"], weights["bias_3"], given["output"])
    )
    g = rounded(activate_vjp(sums[2], given["hidden"] + g, activation, rounded))
    g, found["kernel_2"], found["bias_2"] = map(
        rounded, dense_vjp(values["features"], weights["kernel_2"], weights["bias_2"], g)
    )
    (g,) = flatten_features_vjp(values["pooled_1"], given["features"] + g, flatten_order=flatten_order)
    for i in (1, 0):
        maps, inputs = values[f"maps_{i}"], values["pooled_0"] if i else rounded(x)
        g = rounded(given[f"maps_{i}"] + halved_vjp(maps, given[f"pooled_{i}"] + g, pooling))
        g = rounded(activate_vjp(sums[i], g, activation, rounded))
        kernel, bias = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        g, found[f"kernel_{i}"], found[f"bias_{i}"] = map(rounded, convolution_2d_vjp(inputs, kernel, bias, g, **SAME))
    return g, {name: found[name] for name in weights}


# ---- the network with shortcuts


def residual_network(x, weights, *, activation, strided_zeros="both", rounded=as_it_is):
    return _residual_network(x, weights, activation, strided_zeros, rounded)[0]


def _strided(strided_zeros):
    zeros = {"padding": "valid", "pads": (1, 1, 1, 1)} if strided_zeros == "both" else SAME
    return {"stride": (2, 2)} | zeros


def _layers(strided_zeros):
    """The number of each convolution, with its keywords."""
    return {0: SAME, 1: SAME, 2: SAME, 3: _strided(strided_zeros), 4: SAME, "shortcut": SHORTCUT}


SHORTCUT = {"padding": "valid", "stride": (2, 2)}


def _named(i):
    return ("shortcut_kernel", "shortcut_bias") if i == "shortcut" else (f"kernel_{i}", f"bias_{i}")


def _residual_network(x, weights, activation, strided_zeros, rounded):
    """The values, the sums before the activations, and the inputs of the convolutions."""
    if activation not in ("tanh", "relu"):
        raise ValueError(f"no activation {activation!r}")
    weights = {name: rounded(w) for name, w in weights.items()}
    told, inputs, sums, values = _layers(strided_zeros), {}, {}, {}

    def convolved(i, a):
        inputs[i] = a
        kernel, bias = (weights[name] for name in _named(i))
        return rounded(convolution_2d(a, kernel, bias, **told[i]))

    def phi(name, z):
        sums[name] = z
        return rounded(activate(z, activation))

    values["maps"] = a = phi("maps", convolved(0, rounded(x)))
    inner = phi("inner_0", convolved(1, a))
    values["block_0"] = a = phi("block_0", rounded(convolved(2, inner) + a))
    inner = phi("inner_1", convolved(3, a))
    values["block_1"] = a = phi("block_1", rounded(convolved(4, inner) + convolved("shortcut", a)))
    values["pooled"] = rounded(a.mean((1, 2)))
    values["output"] = rounded(dense(values["pooled"], weights["kernel_5"], weights["bias_5"]))
    return values, sums, inputs


def residual_network_vjp(x, weights, cotangents, *, activation, strided_zeros="both", rounded=as_it_is):
    values, sums, inputs = _residual_network(x, weights, activation, strided_zeros, rounded)
    weights = {name: rounded(w) for name, w in weights.items()}
    given, told, found = {name: rounded(c) for name, c in cotangents.items()}, _layers(strided_zeros), {}

    def back(i, g):
        kernel, bias = _named(i)
        g, found[kernel], found[bias] = map(
            rounded, convolution_2d_vjp(inputs[i], weights[kernel], weights[bias], g, **told[i])
        )
        return g

    def slope(name, g):
        return rounded(activate_vjp(sums[name], rounded(g), activation, rounded))

    g, found["kernel_5"], found["bias_5"] = map(
        rounded, dense_vjp(values["pooled"], weights["kernel_5"], weights["bias_5"], given["output"])
    )
    a = values["block_1"]
    g = given["block_1"] + ((given["pooled"] + g) / (a.shape[1] * a.shape[2]))[:, None, None]
    g = slope("block_1", np.broadcast_to(g, a.shape))
    g = given["block_0"] + back(3, slope("inner_1", back(4, g))) + back("shortcut", g)
    g = slope("block_0", g)
    g = given["maps"] + back(1, slope("inner_0", back(2, g))) + g
    g = back(0, slope("maps", g))
    return g, {name: found[name] for name in weights}


# ---- what a place sees


def receptive_field(windows: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """How many places of the input one place sees, and how far apart two neighbours see: by the formula of the page."""
    size, jump = 1, 1
    for k, s in zip(windows, strides, strict=True):
        size, jump = size + (k - 1) * jump, jump * s
    return size, jump


def seen(layers: Sequence[tuple[int, int, int]], length: int, place: int) -> tuple[int, int]:
    """The first and the last place of an axis of the input that one place of the last layer sees, step by step back.

    Args:
        layers: window, stride, and zeros before the first place, of each.
        length: of the input's axis; zeros around it, and places that no window reads, are not seen.
        place: of the last layer.
    """
    lengths = [length]
    for k, s, before in layers:
        after = 0 if k == 2 else k - 1 - before
        lengths.append((lengths[-1] + before + after - k) // s + 1)
    first = last = place
    for (k, s, before), n in zip(reversed(layers), reversed(lengths[:-1]), strict=True):
        first, last = max(first * s - before, 0), min(last * s - before + k - 1, n - 1)
    return first, last


def residual_layers(length: int, strided_zeros: str) -> dict[str, tuple[int, int, int]]:
    """The residual network's layers along an axis, as ``seen`` takes them."""
    before = 1 if strided_zeros == "both" or length % 2 else 0
    plain = (3, 1, 1)
    return {"maps": plain, "inner_0": plain, "block_0": plain, "inner_1": (3, 2, before), "block_1": plain}


# ---- the examples of the page: kernels of which the tap in the middle alone is not zero, so that a reader can follow

EXAMPLE_MAPS = [[[1, 5], [2, 6]], [[3, 7], [4, 8]]]  # [height, width, channels]
EXAMPLE_FLAT = {"hwc": [1, 5, 2, 6, 3, 7, 4, 8], "chw": [1, 2, 3, 4, 5, 6, 7, 8]}
EXAMPLE_KERNEL = [1, 0, 0, 2, 0, -1, 3, 0]  # of one unit, for features in the order H, W, C: it gives 18
LENET_X = [[1, 3, 0, 2], [-1, 1, 2, 0], [4, 0, 1, 1], [0, 0, 3, -1]]
LENET_VALUES = {
    "maps_0": [[[1], [3], [0], [2]], [[0], [1], [2], [0]], [[4], [0], [1], [1]], [[0], [0], [3], [0]]],
    "pooled_0": [[[3], [2]], [[4], [3]]],
    "maps_1": [[[6, 0], [4, 1]], [[8, 0], [6, 0]]],
    "pooled_1": [[[8, 1]]],
    "features": [8, 1],
    "hidden": [10, 0],
    "output": [7],
}
RESIDUAL_X = [[1, 2], [3, -1]]
RESIDUAL_VALUES = {
    "maps": [[[1], [2]], [[3], [0]]],
    "block_0": [[[1], [2]], [[1], [0]]],
    "both": {"block_1": [[[5]]], "pooled": [5], "output": [9]},
    "end": {"block_1": [[[2]]], "pooled": [2], "output": [3]},
}


def middle(taps, *weights):
    """A kernel of so many taps a side with these weights, [channels, filters], in the middle and zeros elsewhere."""
    kernel = np.zeros((taps, taps, *np.shape(weights)))
    kernel[taps // 2, taps // 2] = weights
    return kernel


def lenet_example():
    return {
        "kernel_0": middle(5, [1]), "bias_0": [0],
        "kernel_1": middle(5, [2, -1]), "bias_1": [0, 3],
        "kernel_2": [[1, 0], [2, -4]], "bias_2": [0, 0],
        "kernel_3": [[1], [5]], "bias_3": [-3],
    }  # fmt: skip


def residual_example():
    return {
        "kernel_0": middle(3, [1]), "bias_0": [0],
        "kernel_1": middle(3, [1]), "bias_1": [-2],
        "kernel_2": middle(3, [-2]), "bias_2": [0],
        "kernel_3": middle(3, [3]), "bias_3": [0],
        "kernel_4": middle(3, [1]), "bias_4": [0],
        "shortcut_kernel": [[[[2]]]], "shortcut_bias": [0],
        "kernel_5": [[2]], "bias_5": [-1],
    }  # fmt: skip
