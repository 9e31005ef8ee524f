"""``jax.image.resize``; Flax has none of its own, and nothing that shuffles pixels."""

from __future__ import annotations

import jax

VARIANTS = {
    "resize.no-size": "empty",
    "resize.reach": "line",
    "resize-cubic.kernel": ("half", "three-quarters"),
    "resize-cubic.border": ("left-out", "repeated"),
}
KNOWN_FAILURES = {
    **{
        f"resize.size-error[{operation}]": (
            "a size of -1 gives an empty map, right is to refuse it; searched 2026-11-28, not found; "
            "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/image/scale.py"
        )
        for operation in ("resize_nearest", "resize_linear", "resize_cubic")
    },
    "resize-nearest.every-length": (
        "the place 14 of 29 takes entry 14 of 30, right is 15: 14.5 times 30 is divided by 29 as a product with the "
        "reciprocal in float32; searched 2026-11-28, not found; "
        "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/image/scale.py"
    ),
}
DEFAULTS = {"resize-linear.default-antialias": True}


def resize_nearest(x, *, size):
    return _resized(x, size, "nearest")


def resize_linear(x, *, size, **given):
    return _resized(x, size, "linear", **given)


def resize_cubic(x, *, size, kernel=None, border=None):
    methods = {(None, None): "cubic", ("half", "left-out"): "cubic", ("three-quarters", "repeated"): "cubic-pytorch"}
    if (kernel, border) not in methods:
        raise NotImplementedError(f"no cubic of {kernel} with the border {border}")
    return _resized(x, size, methods[kernel, border], antialias=False)


def _resized(x, size, method, **given):
    if len(size) == 2:
        size = (x.shape[0], *size, x.shape[3])
    return jax.image.resize(x, size, method, **given)
