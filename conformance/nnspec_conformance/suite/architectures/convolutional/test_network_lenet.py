"""Tests of architectures/convolutional/network: the network of two convolutions and two dense layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.architectures.convolutional import network, network_lenet
from nnspec_conformance.tolerance import exact
from nnspec_conformance.wanted import value_of

IMAGE = (9, 10, 1)  # neither side is twice an even number: both poolings leave something out
MAPS = (2, 2, 4)
WINDOW = (2, 2)  # even: the odd zero of the padding has a side
BATCH, HIDDEN, OUTPUTS = 3, 6, 5
SMOOTH: dict[str, Any] = {"activation": "tanh", "pooling": "average"}
KINKED: dict[str, Any] = {"activation": "relu", "pooling": "max"}
value, gradients = value_of(network_lenet.lenet), value_of(network_lenet.lenet_vjp)


def arrays(dtype: str = "float32") -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images and weights: no entry zero, no two alike, every sum of size one."""
    channels, (*_, maps) = IMAGE[-1], MAPS
    shapes = [(*WINDOW, channels, 3), (*WINDOW, 3, maps), (int(np.prod(MAPS)), HIDDEN), (HIDDEN, OUTPUTS)]
    weights = {}
    for i, shape in enumerate(shapes):
        weights[f"kernel_{i}"] = normal_draws(95 + i, shape, dtype, scale=float(np.prod(shape[:-1])) ** -0.5)
        weights[f"bias_{i}"] = normal_draws(91 + i, shape[-1:], dtype, scale=0.5)
    return normal_draws(90, (BATCH, *IMAGE), dtype), weights


def alike() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Windows of three, and as many images, maps, features, hidden units and outputs: all matrices are square."""
    sides = {"kernel_0": (3, 3, 1, 3), "kernel_1": (3, 3, 3, 3), "kernel_2": (3, 3), "kernel_3": (3, 3)}
    weights = {
        name: normal_draws(86 + i, s, scale=float(np.prod(s[:-1])) ** -0.5) for i, (name, s) in enumerate(sides.items())
    }
    weights |= {f"bias_{i}": normal_draws(81 + i, (3,), scale=0.5) for i in range(4)}
    return normal_draws(80, (3, 5, 5, 1)), weights


def order_of(readings: dict) -> dict[str, str]:
    """The subject's order of the features, as the oracle takes it."""
    return {name: readings[name] for name in ("flatten_order",) if name in readings}


def passed_on(x: np.ndarray, dtype: str = "float32") -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images and weights of which every layer passes on what it reads: the outputs are the features, bit for bit.

    The first map is the image, the second one is 16 times as large.
    """
    features = 2 * int(np.prod(x.shape[1:]))
    kernels = [np.array([[[[1.0, 16.0]]]]), np.eye(2)[None, None], np.eye(features), np.eye(features)]
    weights = {f"kernel_{i}": kernel.astype(DTYPES[dtype]) for i, kernel in enumerate(kernels)}
    weights |= {f"bias_{i}": np.zeros(kernel.shape[-1], DTYPES[dtype]) for i, kernel in enumerate(kernels)}
    large = x.repeat(4, 1).repeat(4, 2)  # the largest of four equal numbers, and their mean, is each of them
    return large.astype(DTYPES[dtype]), weights


@clause("network.flatten-order")
def test_order_inside(operation: str, readings: dict) -> Iterator[Case]:
    if operation != "lenet":
        return
    for dtype, pooling in (("float32", "max"), ("bfloat16", "average")):
        x = np.arange(1.0, 7.0).reshape(1, 2, 3, 1)
        want = exact(network.flatten_features(np.concatenate([x, 16 * x], -1), **order_of(readings)), dtype)
        given = {"activation": "relu", "pooling": pooling}
        yield call(operation, *passed_on(x, dtype), **given, want=want, note="another order of the axes")


@clause("lenet.value")
def test_value(readings: dict, lean: bool) -> Iterator[Case]:
    want = partial(value, **order_of(readings))
    for dtype in DTYPES:
        yield call("lenet", *arrays(dtype), **SMOOTH, want=want, note="the activation behind the pooling")
    for given in (KINKED,) if lean else (KINKED, SMOOTH | {"activation": "relu"}, SMOOTH | {"pooling": "max"}):
        yield call("lenet", *arrays(), **given, want=want, note="another function than the one that is named")
    yield call("lenet", *alike(), **SMOOTH, want=want, note="axes of one length exchanged")


@clause("lenet.output")
def test_output() -> Iterator[Case]:
    x, weights = arrays()
    outputs = np.array([-300, 2.5, 0.25, -0.125, 1e4], np.float32)
    told = weights | {"kernel_3": 0 * weights["kernel_3"], "bias_3": outputs}
    want = exact(np.tile(outputs, (BATCH, 1)))
    yield call("lenet", x, told, **SMOOTH, want=want, note="probabilities, or another function at the end")


@clause("lenet.gradient")
def test_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    want: Callable = partial(gradients, **order_of(readings))
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        g = normal_draws(99, (BATCH, OUTPUTS), dtype)
        yield gradient("lenet", *arrays(dtype), **SMOOTH, cotangents=g, want=want, note="a layer without a gradient")
    g = normal_draws(99, (BATCH, OUTPUTS))
    for given in (KINKED,) if lean else (KINKED, SMOOTH | {"activation": "relu"}, SMOOTH | {"pooling": "max"}):
        yield gradient("lenet", *arrays(), **given, cotangents=g, want=want, note="the whole block gets the gradient")
    g = normal_draws(98, (3, 3))
    yield gradient("lenet", *alike(), **SMOOTH, cotangents=g, want=want, note="axes of one length exchanged")


@clause("lenet.ported")
def test_ported(readings: dict) -> Iterator[Case]:
    x, weights = arrays()
    for before in network.ORDERS:
        here = order_of(readings).get("flatten_order", "hwc")
        told = weights | {"kernel_2": network.reordered(weights["kernel_2"], MAPS, before, here)}
        want = value(x, weights, **SMOOTH, flatten_order=before)
        yield call("lenet", x, told, **SMOOTH, want=want, note=f"rows of the head that were learned for {before}")


@clause("network.missing-axis")
def test_missing_axis(operation: str) -> Iterator[ErrorCase]:
    x, weights = arrays()
    yield refusal(operation, x[0], weights, **SMOOTH, valid=(x, weights), note="an image without the axis of the batch")
