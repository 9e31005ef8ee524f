"""Resizing on PyTorch, whose interpolation it calls."""

from __future__ import annotations

VARIANTS = {"resize-cubic.kernel": "three-quarters", "resize-cubic.border": "repeated"}
KNOWN_FAILURES = {
    "resize-nearest.every-length": (
        "by middles the place 18 of 37 takes entry 2 of 6, right is 3: the factor is rounded to float32 before it is "
        "multiplied; https://github.com/pytorch/pytorch/pull/64501"
    ),
    "resize-linear.antialias": (
        "three columns become one, right is their weighted mean along each row: the pass over the rows then reads them "
        "in another order, off by 0.18; searched 2026-11-28, not found; "
        "https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/cpu/UpSampleKernel.cpp"
    ),
    "duty.nan[resize_linear]": (
        "infinity in an axis that keeps its length is NaN, right is infinity: 1 and 0 times it are added; "
        "searched 2026-11-28, not found; https://github.com/pytorch/pytorch/issues"
    ),
    "duty.nan[resize_cubic]": (
        "NaN beside a place that falls on an entry makes it NaN, right is the entry: the weights of its neighbours are "
        "0, and are multiplied; searched 2026-11-28, not found; https://github.com/pytorch/pytorch/issues"
    ),
}
