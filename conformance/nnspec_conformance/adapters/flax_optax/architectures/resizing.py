"""``jax.image.resize``; Flax has none of its own, and nothing that shuffles pixels."""

from __future__ import annotations

import jax

VARIANTS = {
    "resize.reach": "line",
    "resize-cubic.kernel": ("half", "three-quarters"),
    "resize-cubic.border": ("left-out", "repeated"),
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
