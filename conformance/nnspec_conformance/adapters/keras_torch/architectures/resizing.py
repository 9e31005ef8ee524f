"""Resizing on PyTorch, whose interpolation it calls."""

from __future__ import annotations

from nnspec_conformance.adapters.torch.architectures import resizing

VARIANTS = {"resize-cubic.kernel": "three-quarters", "resize-cubic.border": "repeated"}
KNOWN_FAILURES = {
    "resize-nearest.every-length": (
        "by middles the place 18 of 37 takes entry 2 of 6, right is 3: the factor is rounded to float32 before it is "
        "multiplied; https://github.com/pytorch/pytorch/pull/64501"
    ),
    **{
        clause: resizing.KNOWN_FAILURES[clause]
        for clause in ("resize-linear.antialias", "duty.nan[resize_linear]", "duty.nan[resize_cubic]")
    },
}
