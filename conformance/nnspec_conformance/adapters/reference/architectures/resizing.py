"""The reference's resizings; the readings of a cubic are two keywords there."""

from __future__ import annotations

from nnspec.architectures import resizing
from nnspec.architectures.resizing import pixel_shuffle as pixel_shuffle
from nnspec.architectures.resizing import pixel_unshuffle as pixel_unshuffle
from nnspec.architectures.resizing import resize_linear as resize_linear
from nnspec.architectures.resizing import resize_nearest as resize_nearest

VARIANTS = {
    "resize-linear.coordinates": ("half-pixel", "corners", "origin"),
    "resize-cubic.kernel": ("half", "three-quarters"),
    "resize-cubic.border": ("left-out", "repeated"),
}


def resize_cubic(x, *, size, kernel=None, border=None):
    told = {} if kernel is None else {"a": {"half": -0.5, "three-quarters": -0.75}[kernel]}
    told |= {} if border is None else {"repeat_border": border == "repeated"}
    return resizing.resize_cubic(x, size=size, **told)
