"""Tests of architectures/convolutional/network: the order of the features."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause, gradient
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures.convolutional import network as oracle
from nnspec_conformance.tolerance import Want, exact

SHAPE = (3, 4, 5, 2)  # no two axes alike, and no two that are equal to a product of others


def features(x: np.ndarray, **order: Any) -> Want:
    """The oracle's features, every number as it is."""
    return exact(oracle.flatten_features(wide(x), **order), str(x.dtype))


def maps(x: np.ndarray, cotangents: np.ndarray, **order: Any) -> tuple[Want]:
    """The cotangent in maps, every number as it is."""
    (dx,) = oracle.flatten_features_vjp(*wide((x, cotangents)), **order)
    return (exact(dx, str(x.dtype)),)


@clause("network.flatten-order")
def test_flatten_order(operation: str, readings: dict) -> Iterator[Case]:
    if operation != "flatten_features":
        return
    order = {name: readings[name] for name in ("flatten_order",) if name in readings}
    for dtype in DTYPES:
        x = np.array([oracle.EXAMPLE_MAPS], DTYPES[dtype])
        yield call(operation, x, want=partial(features, **order), note="another order of the axes")
    x = normal_draws(60, SHAPE)
    yield call(operation, x, want=partial(features, **order), note="height and width exchanged")
    g = normal_draws(61, (SHAPE[0], int(np.prod(SHAPE[1:]))))
    yield gradient(
        operation, x, cotangents=g, want=partial(maps, **order), note="the cotangent put back in another order"
    )
