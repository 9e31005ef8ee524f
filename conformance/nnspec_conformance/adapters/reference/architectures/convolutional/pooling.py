"""The reference's poolings; a mean with the padding counted is a flag there."""

from __future__ import annotations

from nnspec.architectures.convolutional import pooling
from nnspec.architectures.convolutional.pooling import global_average_pool as global_average_pool

VARIANTS = {"average-pool.count-pads": ("left-out", "counted")}


def max_pool(x, **given):
    return pooling.max_pool(x, **given)


def average_pool(x, *, count_pads=None, **given):
    told = {} if count_pads is None else {"count_pads": count_pads == "counted"}
    return pooling.average_pool(x, **given, **told)


def local_response_normalization(x, **given):
    return pooling.local_response_normalization(x, **given)
