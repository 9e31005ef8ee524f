"""Multi-head attention in NumPy, written from the clauses: dense maps to queries, keys and values, and one back.

Every function computes in the dtype that it is handed; the expected values of the suite are computed in float64.
"""

from __future__ import annotations

import numpy as np

from nnspec_conformance.oracles.architectures.transformer.attention import as_it_is, attention, attention_vjp

PARTS = "qkv"
LOG3 = float(np.log(3))
# The example of the page: two places, two heads of depth 1.
EXAMPLE_X = [[LOG3, 0], [0, LOG3]]
EXAMPLE_WEIGHTS = {
    "kernel_q": [[[0], [0]], [[0], [0]]],
    "bias_q": [[1], [1]],
    "kernel_k": [[[1], [0]], [[0], [1]]],
    "bias_k": [[0], [0]],
    "kernel_v": [[[8 / LOG3], [8 / LOG3]], [[0], [0]]],
    "bias_v": [[0], [0]],
    "kernel_o": [[[1, 0]], [[0, 1]]],
    "bias_o": [0, 1],
}
EXAMPLE_Y = [[6, 3], [6, 3]]


AXES = {
    **{f"kernel_{part}": ("width", "heads", "depth") for part in PARTS},
    **{f"bias_{part}": ("heads", "depth") for part in PARTS},
    "kernel_o": ("heads", "depth", "width"),
    "bias_o": ("width",),
}
GROUPED = AXES | {f"{kind}_{part}": tuple("shared" if axis == "heads" else axis for axis in AXES[f"{kind}_{part}"])
                  for kind in ("kernel", "bias") for part in "kv"}  # fmt: skip
PIECE = 4  # terms of a sum that are added before it is rounded


def multi_head_attention(
    x, weights, context=None, mask=None, *, causal=False, no_keys="zeros", grouped="taken", rounded=as_it_is
):  # fmt: skip
    weights, _, _, (q, k, v) = _prepared(x, weights, context, grouped, rounded)
    y = attention(q, k, v, mask, causal=causal, no_keys=no_keys, rounded=rounded)
    return rounded(_product(_flat(y, 2), _flat(weights["kernel_o"], 0, 2), rounded) + weights["bias_o"])


def multi_head_attention_vjp(
    x, weights, *rest, causal=False, no_keys="zeros", grouped="taken", rounded=as_it_is
):  # fmt: skip
    *given, cotangents = rest
    context, mask = (*given, None, None)[:2]
    weights, x, c, (q, k, v) = _prepared(x, weights, context, grouped, rounded)
    g, given = rounded(cotangents), {"causal": causal, "no_keys": no_keys, "rounded": rounded}
    y = attention(q, k, v, mask, **given)
    found = {"kernel_o": _of_weights(y, g, rounded), "bias_o": _of_bias(g, rounded)}
    heads = _product(g, _flat(weights["kernel_o"], 0, 2).T, rounded).reshape(y.shape)
    back = dict(zip(PARTS, attention_vjp(q, k, v, mask, heads, **given), strict=True))
    to_inputs = {}
    for part, moved in back.items():
        found[f"kernel_{part}"] = _of_weights(x if part == "q" else c, moved, rounded)
        found[f"bias_{part}"] = _of_bias(moved, rounded)
        to_inputs[part] = _product(_flat(moved, 2), _flat(weights[f"kernel_{part}"], 1).T, rounded)
    dx, dc = to_inputs["q"], rounded(to_inputs["k"] + to_inputs["v"])
    table = {name: found[name] for name in weights}
    return (rounded(dx + dc), table) if context is None else (dx, table, dc)


def _prepared(x, weights, context, grouped, rounded):
    """Rounded weights and inputs, what keys are made of, and queries, keys and values."""
    _check(x, weights, context, GROUPED if grouped == "taken" else AXES)
    weights = {name: rounded(w) for name, w in weights.items()}
    x = rounded(x)
    c = x if context is None else rounded(context)
    rows = []
    for part in PARTS:
        kernel, bias = weights[f"kernel_{part}"], weights[f"bias_{part}"]
        sums = _product(x if part == "q" else c, _flat(kernel, 1), rounded)
        rows.append(rounded(sums.reshape(*sums.shape[:2], *bias.shape) + bias))
    return weights, x, c, rows


def _product(a, b, rounded):
    """A product of matrices whose sums are rounded on the way, as long ones are in a narrow dtype.

    That is the same as the exact partial sums and, for each of them, what its rounding adds to all that follow.
    """
    terms = b.shape[0]
    if terms <= PIECE or rounded is as_it_is:
        return rounded(a @ b)
    more, rows = -terms % PIECE, a.shape[:-1]
    a = np.concatenate([a.reshape(-1, terms), np.zeros((a.size // terms, more), a.dtype)], 1)
    b = np.concatenate([b, np.zeros((more, b.shape[1]), b.dtype)])
    pieces = a.reshape(len(a), -1, PIECE).swapaxes(0, 1) @ b.reshape(-1, PIECE, b.shape[1])
    partial = np.add.accumulate(rounded(pieces), 0)
    total = partial[-1]
    with np.errstate(invalid="ignore"):  # what is infinite, or no number, stays that from there on
        off = total + (rounded(partial[1:]) - partial[1:]).sum(0)
    return np.where(np.isfinite(total), off, total).reshape(*rows, b.shape[1])


def _flat(x, first, count=2):
    """Some neighbouring axes as one."""
    return x.reshape(*x.shape[:first], int(np.prod(x.shape[first : first + count])), *x.shape[first + count :])


def _of_weights(read, moved, rounded):
    """The gradient of a kernel: over all places, what it read times what comes back."""
    rows, columns = read.shape[2:], moved.shape[2:]
    places = read.shape[0] * read.shape[1]
    a, b = read.reshape(places, int(np.prod(rows))), moved.reshape(places, int(np.prod(columns)))
    return _product(a.T, b, rounded).reshape(*rows, *columns)


def _of_bias(moved, rounded):
    places = moved.reshape(moved.shape[0] * moved.shape[1], int(np.prod(moved.shape[2:])))
    return _product(np.ones((1, len(places)), moved.dtype), places, rounded).reshape(moved.shape[2:])


def _check(x, weights, context, expected):
    if weights.keys() != expected.keys():
        raise ValueError(f"the table has {', '.join(weights)}, expected {', '.join(expected)}")
    sizes = {"width": x.shape[-1]}
    for name, axes in expected.items():
        if weights[name].ndim != len(axes):
            raise ValueError(f"{name} has shape {weights[name].shape}, expected {axes}")
        for axis, length in zip(axes, weights[name].shape, strict=True):
            if sizes.setdefault(axis, length) != length:
                raise ValueError(f"{name} has {axis} {length}, elsewhere it is {sizes[axis]}")
    if sizes["heads"] * sizes["depth"] != sizes["width"]:
        raise ValueError(f"{sizes['heads']} heads of depth {sizes['depth']} are not {sizes['width']} features")
    if x.ndim != 3 or (context is not None and (context.ndim != 3 or context.shape[::2] != x.shape[::2])):
        raise ValueError(f"x {x.shape} and context {np.shape(context)} do not fit")
