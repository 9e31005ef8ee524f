"""Poolings that are wrong in a special case alone, for which libraries have code of their own."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.mutants.architectures.convolutional.pooling import both, plan_of
from nnspec_conformance.oracles.architectures.convolutional import pooling as oracle

MUTANTS = Mutants(straight=["average_pool", "max_pool"])


@both("a block of 128 examples, and the first ones again", "value", mutants=MUTANTS)
def computes_a_block_of_128_examples(f, x, **given):
    y = f(x[:128], **given)
    return y[np.arange(len(x)) % 128] if len(x) else f(x, **given)


@both("a strided slice from the middle of what each stride covers", "value", mutants=MUTANTS)
def centres_windows_that_are_shorter_than_the_stride(f, x, **given):
    window, stride = given["window"], given.get("stride") or (1, 1)
    if (
        x.ndim != 4
        or len(window) != 2
        or min(stride) < 1
        or given.get("pads")
        or given.get("padding", "valid") != "valid"
    ):
        return f(x, **given)
    moves = [-max(0, (s - k) // 2) for k, s in zip(window, stride, strict=False)]
    return f(np.roll(x, moves, (1, 2)), **given)


@both("a long window cut to a block of eight", "value", mutants=MUTANTS)
def cuts_long_windows(f, x, **given):
    window = given["window"]
    if len(window) != 2 or max(window) <= 8:
        return f(x, **given)
    y = f(x, **given)
    return f(x, **{"stride": window} | given | {"window": tuple(min(k, 8) for k in window)})[
        :, *map(slice, y.shape[1:3])
    ]


@both("height and width exchanged where the image is a square", "value", mutants=MUTANTS)
def turns_a_square_image(f, x, **given):
    square = x.ndim == 4 and x.shape[1] == x.shape[2] > 1 and not given.get("pads")
    return f(x.swapaxes(1, 2) if square else x, **given)


@MUTANTS.each("pads of height and width exchanged where window and image are squares", "max-pool.value")
def exchanges_the_pads_of_squares(f, x, **given):
    window, pads = given["window"], given.get("pads") or ()
    square = x.ndim == 4 and x.shape[1] == x.shape[2] and len(pads) == 4 and len(set(window)) == 1
    return f(x, **given | ({"pads": pads[2:] + pads[:2]} if square else {}))


@both("the gradient of a block of 128 examples", "gradient", part="_vjp", mutants=MUTANTS)
def hands_back_to_a_block_of_128_examples(f, x, g, **given):
    (dx,) = f(x, g, **given)
    return (np.where(np.arange(len(x)).reshape(-1, 1, 1, 1) < 128, dx, 0 * dx),)


@both("the odd place of SAME_LOWER taken away at the end", "gradient", part="_vjp", mutants=MUTANTS)
def moves_the_gradient_of_same_lower(f, x, g, **given):
    (dx,) = f(x, g, **given)
    return (np.roll(dx, 1, 1) if given.get("padding") == "same_lower" else dx,)


@MUTANTS.each("a search from minus infinity that asks for more: no entry wins", "max-pool.minus-infinity-gradient",
              part="_vjp")  # fmt: skip
def loses_the_cotangent_of_minus_infinity(f, x, g, **given):
    return f(x, np.where(np.isneginf(ORACLE.max_pool(x, **given)), 0, g).astype(g.dtype), **given)


@MUTANTS.each("the index that was not found is -1, another place: pytorch 1465", "max-pool.minus-infinity-gradient",
              part="_vjp")  # fmt: skip
def writes_the_cotangent_of_minus_infinity_to_the_last_entry(f, x, g, **given):
    none = np.isneginf(ORACLE.max_pool(x, **given))
    dx = f(x, np.where(none, 0, g).astype(g.dtype), **given)[0].copy()
    dx[:, -1, -1] += np.where(none, g, 0).sum((1, 2)).astype(g.dtype)
    return (dx,)


@MUTANTS.each("the first of what is padded with minus infinity", "max-pool.minus-infinity-gradient", part="_vjp")
def hands_the_padding_a_part(f, x, g, **given):
    plan = plan_of(x, given)
    told = given.get("tie_share", "first")
    return (plan.handed_back(x, g[..., None] * oracle.shares(plan.read(x, -np.inf), told).astype(x.dtype)),)


def by_winner(f, x, g, winners, given):
    """The gradient, where every window has the winner that is told."""
    if not np.isnan(x).any():
        return f(x, g, **given)
    plan = plan_of(x, given)
    return (plan.handed_back(x, g[..., None] * winners(plan.read(x, -np.inf)).astype(x.dtype)),)


@MUTANTS.each("the entry behind the NaN: select and scatter with >= never keeps NaN", "max-pool.nan-gradient",
              part="_vjp")  # fmt: skip
def hands_the_cotangent_to_what_comes_behind_nan(f, x, g, **given):
    def winners(read):
        at = np.zeros(read.shape[:-1], int)
        for i in range(read.shape[-1]):
            kept = np.take_along_axis(read, at[..., None], -1)[..., 0] >= read[..., i]
            at = np.where(kept, at, i)
        return np.arange(read.shape[-1]) == at[..., None]

    return by_winner(f, x, g, winners, given)


@MUTANTS.each("x == y, which is false for NaN: nobody has won", "max-pool.nan-gradient", part="_vjp")
def gives_nothing_where_there_is_nan(f, x, g, **given):
    return by_winner(f, x, g, lambda read: oracle.shares(read, "first") * (read == read.max(-1, keepdims=True)), given)


@MUTANTS.each("nanargmax: the largest of the others", "max-pool.nan-gradient", part="_vjp")
def hands_the_cotangent_of_nan_to_the_largest_number(f, x, g, **given):
    return by_winner(f, x, g, lambda read: oracle.shares(np.where(np.isnan(read), -np.inf, read), "first"), given)


def beside_a_large_square(x, size):
    """Where the sum of squares is infinite if they are squared in the dtype of the entries."""
    with np.errstate(over="ignore"):
        infinite = np.isinf(x * x)
    padded = np.pad(infinite, [(0, 0)] * 3 + [(size // 2, size // 2)])
    return np.lib.stride_tricks.sliding_window_view(padded, size // 2 * 2 + 1, -1).any(-1)


@MUTANTS.each("x * x in float16, before the sum in float32", "local-response-normalization.half-precision")
@MUTANTS.each("x * x in float16 in the backward pass", "local-response-normalization.half-precision", part="_vjp",
              name="squares in half precision in the backward pass")  # fmt: skip
def squares_in_half_precision(f, x, *g, **given):
    y, large = f(x, *g, **given), beside_a_large_square(x, given["size"])
    return (np.where(large, 0 * x, y[0]),) if g else np.where(large, 0 * x, y)


@MUTANTS.each(
    "np.pad, then a pooling without padding: zeros win, and their cotangents are cut off",
    "max-pool.gradient",
    part="_vjp",
)
def hands_cotangents_to_the_zeros_beside(f, x, g, **given):
    plan = plan_of(x, given)
    parts = g[..., None] * oracle.shares(plan.read(x, 0), given.get("tie_share", "first")).astype(x.dtype)
    return (plan.handed_back(x, parts),)
