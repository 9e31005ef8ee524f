"""``F.interpolate``, ``F.pixel_shuffle`` and its inverse, which take channels before lengths."""

from __future__ import annotations

import torch.nn.functional as F

VARIANTS = {
    "resize-nearest.takes": ("corner", "middle"),
    "resize-linear.coordinates": ("half-pixel", "corners"),
    "resize-cubic.kernel": "three-quarters",
    "resize-cubic.border": "repeated",
}
KNOWN_FAILURES = {
    "resize-nearest.every-length": (
        "of 26 entries the place 11 of 22 takes entry 12, right is 13, and by middles the place 18 of 37 takes entry 2 "
        "of 6, right is 3: the factor is rounded to float32 before it is multiplied; "
        "https://github.com/pytorch/pytorch/pull/64501"
    ),
    "resize-linear.antialias": (
        "three columns become one, right is their weighted mean along each row: the pass over the rows then reads them "
        "in another order, off by 0.18; searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/v2.13.0/aten/src/ATen/native/cpu/UpSampleKernel.cpp"
    ),
    "duty.nan[resize_linear]": (
        "infinity in an axis that keeps its length is NaN, right is infinity: 1 and 0 times it are added; "
        "searched 2026-11-28, not found; https://github.com/pytorch/pytorch/issues"
    ),
    "duty.nan[resize_cubic]": (
        "NaN beside a place that falls on an entry makes it NaN, right is the entry: the weights of its neighbours are "
        "0, and are multiplied; searched 2026-11-28, not found; https://github.com/pytorch/pytorch/issues"
    ),
    "duty.sizes[pixel_unshuffle]; float32": (
        "an empty map of 6 x 6 keeps its height and width, right is 3 x 3; "
        "https://github.com/pytorch/pytorch/pull/192816"
    ),
}


def resize_nearest(x, *, size, takes=None):
    return _resized(x, size, "nearest-exact" if takes == "middle" else "nearest")


def resize_linear(x, *, size, antialias=None, coordinates=None):
    if antialias and coordinates == "corners":
        raise NotImplementedError("antialiasing is described for half pixels alone")
    told = {} if antialias is None else {"antialias": antialias}
    return _resized(x, size, "bilinear", **told | ({"align_corners": True} if coordinates == "corners" else {}))


def resize_cubic(x, *, size):
    return _resized(x, size, "bicubic")


def pixel_shuffle(x, *, factor):
    return F.pixel_shuffle(x.movedim(-1, 1), factor).movedim(1, -1)


def pixel_unshuffle(x, *, factor):
    return F.pixel_unshuffle(x.movedim(-1, 1), factor).movedim(1, -1)


def _resized(x, size, mode, **given):
    return F.interpolate(x.movedim(-1, 1), size, mode=mode, **given).movedim(1, -1)
