"""Tests of architectures/convolutional_autoencoder: strided convolutions to a code, transposed ones back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import convolutional_autoencoder as oracle
from nnspec_conformance.tolerance import Shape, exact
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

NAME, TIED = "convolutional_autoencoder", "tied_convolutional_autoencoder"
CHANNELS, MAPS, CODE = 3, 4, 2
SMOOTH: dict[str, Any] = {"activation": "tanh"}
KINKED: dict[str, Any] = {"activation": "relu"}
VALUES = {NAME: value_of(oracle.convolutional_autoencoder), TIED: value_of(oracle.tied_convolutional_autoencoder)}
GRADIENTS = {
    NAME: value_of(oracle.convolutional_autoencoder_vjp),
    TIED: value_of(oracle.tied_convolutional_autoencoder_vjp),
}


def shapes(channels: int = CHANNELS, maps: int = MAPS, code: int = CODE) -> dict[str, tuple[int, ...]]:
    """Give the shape of each kernel."""
    pairs = {"encoder": [(channels, maps), (maps, code)], "decoder": [(maps, channels), (code, maps)]}
    return {f"{half}_kernel_{i}": (4, 4, *pair) for half, both in pairs.items() for i, pair in enumerate(both)}


def table(dtype: str = "float32", **sizes: int) -> dict[str, np.ndarray]:
    """Kernels that keep the size of what they read, biases of deviation ½; no two entries alike."""
    found = {}
    for i, (name, shape) in enumerate(shapes(**sizes).items()):
        read = 16 * shape[2] / (4 if name.startswith("decoder") else 1)
        found[name] = normal_draws(460 + i, shape, dtype, scale=max(read, 1) ** -0.5)
        found[name.replace("kernel", "bias")] = normal_draws(470 + i, shape[-1:], dtype, scale=0.5)
    return found


def told(operation: str, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The table as the operation has it: tied, the kernels of the encoder serve both halves."""
    if operation == NAME:
        return weights
    return {n.replace("encoder_kernel", "kernel"): w for n, w in weights.items() if not n.startswith("decoder_kernel")}


def images(dtype: str = "float32", sides: tuple[int, int] = (8, 12), batch: int = 2, channels: int = CHANNELS) -> Any:
    return normal_draws(480, (batch, *sides, channels), dtype)


def whole(sides: tuple[int, int], at: tuple[int, int]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Small whole numbers: an image that is 0 but for a spot, kernels, and biases of 0."""
    x = np.zeros((1, *sides, 1), np.float32)
    x[:, at[0] : at[0] + 3, at[1] : at[1] + 2] = np.array([[1, 3], [-2, 2], [4, -1]], np.float32)[..., None]
    given = {}
    for i, (name, shape) in enumerate(shapes(1, 2, 2).items()):
        given[name] = normal_draws(490 + i, shape, scale=1.5).round()
        given[name.replace("kernel", "bias")] = np.zeros(shape[-1], np.float32)
    return x, given


@clause("convolutional-autoencoder.example")
def test_example() -> Iterator[Case]:
    middle = np.zeros((4, 4, 1, 1), np.float32)
    middle[1:3, 1:3] = 1
    weights = {name: middle / 4 if name.startswith("encoder") else middle for name in shapes(1, 1, 1)}
    weights |= {name.replace("kernel", "bias"): np.zeros(1, np.float32) for name in weights}
    x = np.tile(np.array([2, 6, 2, 6, 8, 8, 8, 8], np.float32), (4, 1))[None, ..., None]
    y = np.tile(np.array([4, 4, 4, 4, 8, 8, 8, 8], np.float32), (4, 1))[None, ..., None]
    want = exact(np.array([4, 8], np.float32).reshape(1, 1, 2, 1)), exact(y)
    yield call(NAME, x, weights, **KINKED, want=want, note="windows that begin at the first pixel")


@clause("convolutional-autoencoder.value")
def test_value(operation: str, lean: bool) -> Iterator[Case]:
    want = VALUES[operation]
    for dtype in DTYPES:
        given = images(dtype), told(operation, table(dtype))
        yield call(operation, *given, **SMOOTH, want=want, note="an activated code")
    yield call(
        operation,
        images(),
        told(operation, table()),
        **KINKED,
        want=want,
        note="another function than the one that is named",
    )
    if not lean:
        other = images(sides=(4, 4), channels=1), told(operation, table(channels=1, maps=1, code=3))
        yield call(operation, *other, **SMOOTH, want=want, note="one channel, or one place of the code")
        square = images(channels=2), told(operation, table(channels=2, maps=2, code=2))
        yield call(operation, *square, **SMOOTH, want=want, note="inputs and outputs of a kernel exchanged")


@clause("convolutional-autoencoder.shape")
def test_shape(operation: str, lean: bool) -> Iterator[Case]:
    grid = (((4, 20), 1, 1, 5, 3), ((16, 8), 3, 2, 1, 1), ((12, 12), 1, 3, 2, 4), ((28, 28), 1, 1, 2, 1))
    for (height, width), batch, channels, maps, code in grid[: 2 if lean else None]:
        x = images("float32", (height, width), batch, channels)
        want = (
            Shape((batch, height // 4, width // 4, code), "float32"),
            Shape((batch, height, width, channels), "float32"),
        )
        weights = told(operation, table(channels=channels, maps=maps, code=code))
        yield call(operation, x, weights, **KINKED, want=want, note="a flat code")


@clause("convolutional-autoencoder.gradient")
def test_gradient(operation: str, lean: bool) -> Iterator[Case]:
    want, note = GRADIENTS[operation], "one use of two of the code, or of a tied kernel"
    for dtype in ("float32", "bfloat16") if lean else DTYPES:
        g = normal_draws(484, (2, 2, 3, CODE), dtype), normal_draws(485, (2, 8, 12, CHANNELS), dtype)
        given = images(dtype), told(operation, table(dtype))
        yield gradient(operation, *given, **SMOOTH, cotangents=g, want=want, note=note)
    g = normal_draws(484, (2, 2, 3, CODE)), normal_draws(485, (2, 8, 12, CHANNELS))
    note = "the gradient where a map is off"
    yield gradient(operation, images(), told(operation, table()), **KINKED, cotangents=g, want=want, note=note)


@clause("tied-convolutional-autoencoder.adjoint")
def test_adjoint(trial: Trial) -> None:
    """Nothing is cut off by ReLU here, so that the network is the matrix of the encoder, and its transpose."""
    x, weights = whole((8, 12), (2, 5))
    x, given = np.abs(x), {n: np.abs(w) for n, w in told(TIED, weights).items()}
    code, y = (np.asarray(part, np.float64) for part in trial.call(x, given, **KINKED))
    one, other = float((x * y).sum()), float((code * code).sum())
    trial.require(
        other > 0 and one == other, f"the image times its reconstruction is {one:g}, code times code {other:g}"
    )


def as_defined(x: np.ndarray, weights: dict) -> Any:
    """The results of whole numbers, which every order of adding gives."""
    return tuple(map(exact, oracle.convolutional_autoencoder(*wide((x, weights)), **KINKED)))


@clause("convolutional-autoencoder.shift")
def test_shift() -> Iterator[Case]:
    x, weights = whole((32, 28), (12, 12))
    code, y = (np.asarray(part.value) for part in as_defined(x, weights))
    yield call(NAME, x, weights, **KINKED, want=(exact(code), exact(y)), note="the image where it was")
    for axis in (1, 2):
        moved = np.roll(x, 4, axis)
        want = exact(np.roll(code, 1, axis)), exact(np.roll(y, 4, axis))
        yield call(NAME, moved, weights, **KINKED, want=want, note=f"rows and columns exchanged, axis {axis}")


@clause("convolutional-autoencoder.even")
def test_even() -> Iterator[Case]:
    x, weights = whole((16, 20), (4, 4))
    for name in weights:
        if name.startswith("encoder_kernel"):
            weights[name] = np.zeros_like(weights[name])
        elif name.startswith("decoder_kernel"):
            weights[name] = np.ones_like(weights[name])
    weights["encoder_bias_1"] = np.array([2, 1], np.float32)
    want = as_defined(x, weights)
    inside = np.asarray(want[1].value)[:, 3:-3, 3:-3]
    assert (inside == inside.flat[0]).all()
    yield call(NAME, x, weights, **KINKED, want=want, note="a checkerboard")


@clause("convolutional-autoencoder.sides")
def test_sides(operation: str) -> Iterator[ErrorCase]:
    x, weights = images(), told(operation, table())
    for wrong in (images(sides=(6, 12)), images(sides=(8, 13)), images(sides=(10, 8))):
        yield refusal(operation, wrong, weights, **KINKED, valid=(x, weights), note="a reconstruction of another size")


@clause("convolutional-autoencoder.maps")
def test_maps(operation: str) -> Iterator[ErrorCase]:
    x, weights = images(), told(operation, table())
    for wrong, note in ((table(code=0), "a code without a channel"), (table(maps=0), "a layer without a map")):
        yield refusal(operation, x, told(operation, wrong), **KINKED, valid=(x, weights), note=note)
