"""Transformer encoders in NumPy, written from the clauses: attention and feed-forward network, each beside a shortcut.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
The decoder is made of the same parts.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.architectures.transformer import multi_head_attention as attention
from nnspec_conformance.oracles.architectures.transformer.attention import as_it_is
from nnspec_conformance.oracles.architectures.transformer.normalization import layer_norm, layer_norm_vjp
from nnspec_conformance.oracles.components.layers import activate_vjp, activated

FEED_FORWARD = {"kernel_in": ("width", "hidden"), "bias_in": ("hidden",), "kernel_out": ("hidden", "width"),
                "bias_out": ("width",)}  # fmt: skip
NORMS = {f"{part}_{n}": ("width",) for n in (1, 2) for part in ("scale", "shift")}
AXES = attention.AXES | FEED_FORWARD | NORMS
FINAL = {"final_scale": ("width",), "final_shift": ("width",)}
# The example of the page: two places with two features, one head; epsilon is 0.
EXAMPLE_X = [[2, 0], [0, 2]]
EXAMPLE_WEIGHTS = {
    "kernel_q": [[[0, 0]], [[0, 0]]],
    "bias_q": [[0, 0]],
    "kernel_k": [[[0, 0]], [[0, 0]]],
    "bias_k": [[0, 0]],
    "kernel_v": [[[1, 0]], [[0, 1]]],
    "bias_v": [[1, 0]],
    "kernel_o": [[[1, 0], [0, 1]]],
    "bias_o": [0, 0],
    "kernel_in": [[1], [0]],
    "bias_in": [0],
    "kernel_out": [[0, 1]],
    "bias_out": [0, 0],
    "scale_1": [1, 1],
    "shift_1": [0, 0],
    "scale_2": [2, 3],
    "shift_2": [0, 1],
}
EXAMPLE_Y = {"post": [[2, -2], [-2, 4]], "pre": [[3, 2], [1, 2]]}


def encoder_layer(
    x, weights, lengths=None, *, norm, epsilon, activation="relu", causal=False, padded_rows="zeros", rounded=as_it_is
):  # fmt: skip
    return _padded(_layer, x, weights, lengths, norm, activation, causal, epsilon, padded_rows, rounded)[0]


def encoder_layer_vjp(
    x, weights, *rest, norm, epsilon, activation="relu", causal=False, padded_rows="zeros", rounded=as_it_is
):  # fmt: skip
    *given, g = rest
    lengths = (*given, None)[0]
    return _padded(_layer, x, weights, lengths, norm, activation, causal, epsilon, padded_rows, rounded)[1](g)


def encoder(
    x, weights, lengths=None, *, norm, epsilon, activation="relu", causal=False, padded_rows="zeros", rounded=as_it_is
):  # fmt: skip
    return _padded(stack, x, weights, lengths, norm, activation, causal, epsilon, padded_rows, rounded)[0]


def encoder_vjp(
    x, weights, *rest, norm, epsilon, activation="relu", causal=False, padded_rows="zeros", rounded=as_it_is
):  # fmt: skip
    *given, g = rest
    lengths = (*given, None)[0]
    return _padded(stack, x, weights, lengths, norm, activation, causal, epsilon, padded_rows, rounded)[1](g)


def _padded(run, x, weights, lengths, norm, activation, causal, epsilon, padded_rows, rounded):
    """What a layer or a stack makes of sequences with padding, and the function that gives the gradients."""
    x, mask, real = entered(x, lengths, padded_rows, rounded)
    y, back = run(x, weights, mask, norm, activation, causal, epsilon, rounded)

    def gradients(g):
        dx, table = back(left(rounded(g), real, padded_rows))
        return left(dx, real, padded_rows), {name: table[name] for name in weights}

    return left(y, real, padded_rows), gradients


def stack(x, weights, mask, norm, activation, causal, epsilon, rounded):
    """The result of all layers, and the function of a cotangent that gives its gradients."""
    layers = depth(weights)
    wanted = {f"{name}_{n}" for name in AXES for n in range(layers)} | ({*FINAL} if norm == "pre" else set())
    if not layers or set(weights) != wanted:
        raise ValueError(f"names {sorted(set(weights) ^ wanted)} are missing or extra")
    y, backs = x, []
    for n in range(layers):
        y, back = _layer(y, of_layer(weights, n), mask, norm, activation, causal, epsilon, rounded)
        backs.append(back)
    if norm == "pre":
        y, last = _normalized(y, weights["final_scale"], weights["final_shift"], epsilon, rounded)

    def back(g):
        found = {}
        if norm == "pre":
            g, found["final_scale"], found["final_shift"] = last(g)
        for n in range(layers - 1, -1, -1):
            g, table = backs[n](g)
            found |= {f"{name}_{n}": w for name, w in table.items()}
        return g, found

    return y, back


def of_layer(weights, number):
    """The table of one layer of a stack."""
    return {name: weights[f"{name}_{number}"] for name in AXES}


def depth(weights):
    return sum(name.startswith("kernel_q_") for name in weights)


def entered(x, lengths, padded_rows, rounded):
    """Rounded inputs, which keys take part, and which places are no padding; it is zeros, unless it is read."""
    if lengths is None:
        return rounded(x), None, None
    real = np.arange(x.shape[1]) < np.asarray(lengths)[:, None]
    return rounded(left(x, real[..., None], padded_rows)), real[:, None, None], real[..., None]


def left(y, real, padded_rows):
    """Zeros in the padding, unless it has rows of its own."""
    return y if real is None or padded_rows == "computed" else np.where(real, y, y.dtype.type(0))


def _layer(x, weights, mask, norm, activation, causal, epsilon, rounded):
    """A layer's result, and the function of a cotangent that gives its gradients."""
    _check(x, weights, AXES)

    def attend(y):
        seen = (None, mask) if mask is not None else ()
        table = {name: weights[name] for name in attention.AXES}
        given = {"causal": causal, "rounded": rounded}
        return attention.multi_head_attention(y, table, *seen, **given), lambda g: attention.multi_head_attention_vjp(
            y, table, *seen, g, **given
        )

    first, back_first = beside(x, attend, weights, 1, norm, epsilon, rounded)
    second, back_second = beside(first, fed_forward(weights, activation, rounded), weights, 2, norm, epsilon, rounded)

    def back(g):
        g, table = back_second(g)
        g, more = back_first(g)
        return g, table | more

    return second, back


def beside(x, inner, weights, n, norm, epsilon, rounded):
    """A part of a layer with its shortcut and its norm, and the function of a cotangent that gives its gradients."""
    scale, shift = weights[f"scale_{n}"], weights[f"shift_{n}"]
    if norm == "pre":
        read, back_norm = _normalized(x, scale, shift, epsilon, rounded)
        y, back_inner = inner(read)

        def back(g):
            moved, table = back_inner(g)
            dx, dscale, dshift = back_norm(moved)
            return rounded(g + dx), table | {f"scale_{n}": dscale, f"shift_{n}": dshift}

        return rounded(x + y), back
    if norm != "post":
        raise ValueError(f"norm is {norm}, expected pre or post")
    y, back_inner = inner(x)
    y, back_norm = _normalized(rounded(x + y), scale, shift, epsilon, rounded)

    def back(g):
        g, dscale, dshift = back_norm(g)
        dx, table = back_inner(g)
        return rounded(g + dx), table | {f"scale_{n}": dscale, f"shift_{n}": dshift}

    return y, back


def fed_forward(weights, activation, rounded):
    """Two dense maps with an activation between them."""
    table = {name: rounded(weights[name]) for name in FEED_FORWARD}

    def run(x):
        x = rounded(x)
        z = rounded(attention._product(x, table["kernel_in"], rounded) + table["bias_in"])
        h = activated(z, activation, rounded)

        def back(g):
            dz = rounded(activate_vjp(z, rounded(attention._product(g, table["kernel_out"].T, rounded)), activation,
                                      rounded))  # fmt: skip
            return attention._product(dz, table["kernel_in"].T, rounded), {
                "kernel_in": attention._of_weights(x, dz, rounded),
                "bias_in": attention._of_bias(dz, rounded),
                "kernel_out": attention._of_weights(h, g, rounded),
                "bias_out": attention._of_bias(g, rounded),
            }

        return rounded(attention._product(h, table["kernel_out"], rounded) + table["bias_out"]), back

    return run


def _normalized(x, scale, shift, epsilon, rounded):
    scale, shift = rounded(scale), rounded(shift)
    y = layer_norm(x, scale, shift, epsilon=epsilon, rounded=rounded)
    return y, lambda g: layer_norm_vjp(x, scale, shift, g, epsilon=epsilon, rounded=rounded)


def _check(x, weights, axes):
    if weights.keys() != axes.keys():
        raise ValueError(f"the table has {', '.join(weights)}, expected {', '.join(axes)}")
    sizes = {"width": x.shape[-1]}
    for name, words in axes.items():
        if weights[name].ndim != len(words):
            raise ValueError(f"{name} has shape {weights[name].shape}, expected {words}")
        for axis, length in zip(words, weights[name].shape, strict=True):
            if sizes.setdefault(axis, length) != length:
                raise ValueError(f"{name} has {axis} {length}, elsewhere it is {sizes[axis]}")
