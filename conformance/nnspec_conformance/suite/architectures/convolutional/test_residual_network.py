"""Tests of architectures/convolutional/residual_network: shortcuts, the padding of the stride, the whole network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.architectures.convolutional import residual_network as oracle
from nnspec_conformance.tolerance import exact
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

COLOURS = 3
IMAGE = (6, 7, COLOURS)  # an even side, of which the paddings of the stride differ, and an odd one
MAPS = (2, 4)
BATCH, OUTPUTS = 2, 5
SMOOTH: dict[str, Any] = {"activation": "tanh"}
KINKED: dict[str, Any] = {"activation": "relu"}
PLACES = (4, 8)  # of an image that the blocks hand on: the second block keeps eight places, whose mean is exact
value, gradients = value_of(oracle.residual_network), value_of(oracle.residual_network_vjp)


def arrays(dtype: str = "float32", image: tuple[int, ...] = IMAGE) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images and weights: no entry zero, no two alike, every sum of size one."""
    first, last = MAPS
    shapes = [(3, 3, COLOURS, first), *[(3, 3, first, first)] * 2, (3, 3, first, last), (3, 3, last, last)]
    shapes += [(1, 1, first, last), (last, OUTPUTS)]
    weights = {}
    for i, shape in enumerate(shapes):
        weights[f"kernel_{i}"] = normal_draws(115 + i, shape, dtype, scale=float(np.prod(shape[:-1])) ** -0.5)
        weights[f"bias_{i}"] = normal_draws(105 + i, shape[-1:], dtype, scale=0.5)
    return normal_draws(100, (BATCH, *image), dtype), weights


def alike() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images and weights of which all axes are as long as there are colours: all matrices are square."""
    shapes = dict.fromkeys(range(5), (3, 3, COLOURS, COLOURS)) | {5: (1, 1, COLOURS, COLOURS), 6: (COLOURS, COLOURS)}
    weights = {}
    for i, shape in shapes.items():
        weights[f"kernel_{i}"] = normal_draws(135 + i, shape, scale=float(np.prod(shape[:-1])) ** -0.5)
        weights[f"bias_{i}"] = normal_draws(145 + i, shape[-1:], scale=0.5)
    return normal_draws(130, (3, 3, 3, COLOURS)), weights


def padding_of(readings: dict) -> dict[str, str]:
    """The subject's padding of the stride, as the oracle takes it."""
    return {name: readings[name] for name in ("strided_padding",) if name in readings}


def without_branches(weights: dict, *last: int) -> dict:
    """The weights, of which the branches that end with these layers give zero."""
    zeros = {f"{part}_{i}": 0 * weights[f"{part}_{i}"] for i in last for part in ("kernel", "bias")}
    return weights | zeros


def handed_on(dtype: str = "float32") -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images of small whole numbers, and weights with which the outputs are the means of every second place.

    The first convolution copies the image, both branches give zero, and projection and head copy what they read. In
    the branches are weights that are not zero.
    """
    x = normal_draws(101, (BATCH, *PLACES, COLOURS), scale=4).round() * 8  # means of eight stay whole numbers
    x[x == 0] = 8  # at zero a slope of ReLU is anybody's
    centre = np.zeros((3, 3, COLOURS, COLOURS))
    centre[1, 1] = np.eye(COLOURS)
    drawn = [normal_draws(125 + i, centre.shape, scale=0.25) for i in range(2)]
    kernels = [centre, drawn[0], 0 * centre, drawn[1], 0 * centre, np.eye(COLOURS)[None, None], np.eye(COLOURS)]
    weights = {f"kernel_{i}": kernel.astype(DTYPES[dtype]) for i, kernel in enumerate(kernels)}
    weights |= {f"bias_{i}": np.zeros(COLOURS, DTYPES[dtype]) for i in range(len(kernels))}
    return x.astype(DTYPES[dtype]), weights


@clause("residual-network.value")
def test_value(readings: dict, lean: bool) -> Iterator[Case]:
    want: Callable = partial(value, **padding_of(readings))
    for dtype in DTYPES:
        yield call("residual_network", *arrays(dtype), **SMOOTH, want=want, note="a block without its activation")
    yield call("residual_network", *arrays(), **KINKED, want=want, note="another function than the one that is named")
    if not lean:
        yield call("residual_network", *arrays(image=(5, 8, COLOURS)), **SMOOTH, want=want, note="a fixed size")
    yield call("residual_network", *alike(), **SMOOTH, want=want, note="a shortcut without weights between equal maps")


@clause("residual-network.identity")
def test_identity() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        x, weights = handed_on(dtype)
        want = exact(np.maximum(x, 0)[:, ::2, ::2].astype(float).mean((1, 2)), dtype)
        yield call("residual_network", x, weights, **KINKED, want=want, note="a block without its shortcut")


@clause("residual-network.identity-gradient")
def test_identity_gradient(trial: Trial) -> None:
    x, weights = handed_on()
    g = np.full((BATCH, COLOURS), 3, x.dtype)
    dx, _ = trial.vjp((x, weights), g, **KINKED)
    want = np.zeros(x.shape)
    want[:, ::2, ::2] = (x > 0)[:, ::2, ::2] * 3 / 8  # the second block reads every second place, and takes a mean
    trial.expect(dx, exact(want), "the gradient of the images, behind a shortcut that is cut from the graph")


@clause("residual-network.projection")
def test_projection(readings: dict) -> Iterator[Case]:
    x, weights = arrays()
    for given in (SMOOTH, KINKED):
        want = partial(value, **padding_of(readings))
        told = without_branches(weights, 2, 4)
        yield call(
            "residual_network", x, told, **given, want=want, note="a shortcut of other places, or with a function"
        )


@clause("residual-network.strided-padding")
def test_strided_padding(readings: dict) -> Iterator[Case]:
    want = partial(value, **padding_of(readings))
    for note, sides in (("both sides even", (4, 6)), ("one side odd", (5, 4))):
        x, weights = arrays(image=(*sides, COLOURS))
        yield call(
            "residual_network", x, without_branches(weights, 2), **SMOOTH, want=want, note=f"{note}: another middle"
        )


@clause("residual-network.odd-sides")
def test_odd_sides() -> Iterator[Case]:
    x, weights = arrays(image=(5, 7, COLOURS))
    for trained in ("centred", "least"):
        want = value(x, weights, **SMOOTH, strided_padding=trained)
        yield call("residual_network", x, weights, **SMOOTH, want=want, note=f"trained with the padding {trained}")


@clause("residual-network.output")
def test_output() -> Iterator[Case]:
    x, weights = arrays()
    outputs = np.array([-300, 2.5, 0.25, -0.125, 1e4], np.float32)
    told = weights | {"kernel_6": 0 * weights["kernel_6"], "bias_6": outputs}
    want = exact(np.tile(outputs, (BATCH, 1)))
    yield call("residual_network", x, told, **SMOOTH, want=want, note="probabilities, or another function at the end")


@clause("residual-network.gradient")
def test_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    want: Callable = partial(gradients, **padding_of(readings))
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        g = normal_draws(104, (BATCH, OUTPUTS), dtype)
        yield gradient(
            "residual_network", *arrays(dtype), **SMOOTH, cotangents=g, want=want, note="a layer without one"
        )
    g, note = normal_draws(103, (3, COLOURS)), "axes of one length exchanged, or the gradient where it is off"
    yield gradient("residual_network", *alike(), **KINKED, cotangents=g, want=want, note=note)
    if not lean:
        note = "axes of one length exchanged"
        yield gradient("residual_network", *alike(), **SMOOTH, cotangents=g, want=want, note=note)
        g, note = normal_draws(104, (BATCH, OUTPUTS)), "the gradient where it is off"
        yield gradient("residual_network", *arrays(), **KINKED, cotangents=g, want=want, note=note)


@clause("residual-network.missing-axis")
def test_missing_axis() -> Iterator[ErrorCase]:
    x, weights = arrays()
    yield refusal(
        "residual_network", x[0], weights, **SMOOTH, valid=(x, weights), note="an image without the axis of the batch"
    )
