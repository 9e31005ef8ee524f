"""The stock functions, ``nnx.max_pool`` and ``nnx.avg_pool``."""

from __future__ import annotations

from flax import nnx

VARIANTS = {
    "average-pool.count-pads": ("counted", "left-out"),
    "pool.negative-pads": "crops",
    "pool.no-window": "empty",
    "pool.wide-pads": "taken",
}
KNOWN_FAILURES = {
    f"pool.missing-axis[{operation}]": (
        "an array of shape [4, 6, 7] is taken for one image without a batch, right is to refuse it; "
        "as intended there: https://github.com/google/flax/issues/739"
    )
    for operation in ("max_pool", "average_pool")
} | {
    "pool.half-precision[average_pool]": (
        "the mean of eight entries of 60,000 in float16 is inf, right is 60,000: lax.reduce_window adds in float16; "
        "searched 2026-11-28, not found; https://github.com/google/flax/blob/v0.12.8/flax/linen/pooling.py"
    ),
    "max-pool.minus-infinity-gradient; pads=(1, 1, 1, 1)": (
        "of a window of minus infinity and padding the entries get 0 together, right is the cotangent: the padding is "
        "minus infinity, too, comes first, and wins; searched 2026-11-30, not found; "
        "https://github.com/google/flax/blob/v0.12.8/flax/linen/pooling.py"
    ),
    "max-pool.nan-gradient": (
        "of the windows (1, NaN), (NaN, 2) and (2, 3), which overlap, with cotangents of 1, 10 and 100, the 2 gets 10, "
        "right is 0, and 11 for the NaN: the winner is searched by comparisons, and is what comes behind the NaN; "
        "searched 2026-11-30, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/lax/windowed_reductions.py"
    ),
    "average-pool.gradient; bfloat16": (
        "with count_include_pad=False the mean of bfloat16 is float32, right is bfloat16, so that a cotangent of "
        "bfloat16 is refused: the counts are float32; "
        "searched 2026-11-28, not found; https://github.com/google/flax/blob/v0.12.8/flax/linen/pooling.py"
    ),
}
DEFAULTS = {"pool.default-stride": "one"}


def max_pool(x, *, window, **given):
    return nnx.max_pool(x, window, **_named(given))


def average_pool(x, *, window, count_pads=None, **given):
    told = {} if count_pads is None else {"count_include_pad": count_pads == "counted"}
    return nnx.avg_pool(x, window, **_named(given), **told)


def _named(given):
    pads = given.pop("pads", None)
    if given.pop("ceil_mode", False):
        raise NotImplementedError("no ceil_mode")
    if "stride" in given:
        given["strides"] = given.pop("stride")
    if "padding" in given:
        given["padding"] = given["padding"].upper()
    if pads is not None:
        given["padding"] = tuple(tuple(pads[i : i + 2]) for i in range(0, len(pads), 2))
    return given
