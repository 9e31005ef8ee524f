"""Tests of architectures/autoencoder: encoder and decoder, their optimum, and penalties on the code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import autoencoder as oracle
from nnspec_conformance.tolerance import Shape, Want, bound, exact, spread, ulps, unit
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial
from nnspec_conformance.wanted import value_of

ORACLES: dict[str, Callable] = {"autoencoder": oracle.autoencoder, "tied_autoencoder": oracle.tied_autoencoder}
BACK: dict[str, Callable] = {
    "autoencoder": oracle.autoencoder_vjp,
    "tied_autoencoder": oracle.tied_autoencoder_vjp,
}
WIDTHS = (6, 5, 3)
TANH = {"activation": "tanh"}
# The page's four points, and what comes of them.
POINTS = np.array([[3, 3], [-3, -3], [1, -1], [-1, 1]], np.float32)
CODES = np.array([[3], [-3], [0], [0]], np.float32)
# Variances of the data along their principal directions, of which a code of two numbers keeps the first two.
SPECTRUM = np.array([9, 4, 1, 0.5, 0.25])
KEPT, EXAMPLES = 2, 8
STRENGTH, TARGET = 0.75, 0.125


# ---- encoder and decoder


def table(operation: str, widths: tuple[int, ...] = WIDTHS, dtype: str = "float64", seed: int = 400) -> dict:
    """Kernels of variance 1 over their inputs, biases of deviation ½; no two entries alike."""
    found: dict[str, np.ndarray] = {}
    for i in range(len(widths) - 1):
        n, m = widths[i : i + 2]
        kernel = normal_draws(seed + 4 * i, (n, m), "float64") / np.sqrt(n)
        if operation == "tied_autoencoder":
            found[f"kernel_{i}"] = kernel
        else:
            found[f"encoder_kernel_{i}"] = kernel
            found[f"decoder_kernel_{i}"] = normal_draws(seed + 4 * i + 1, (m, n), "float64") / np.sqrt(m)
        found[f"encoder_bias_{i}"] = normal_draws(seed + 4 * i + 2, (m,), "float64") / 2
        found[f"decoder_bias_{i}"] = normal_draws(seed + 4 * i + 3, (n,), "float64") / 2
    return mapped(lambda part: part.astype(DTYPES[dtype]), found)


def data(dtype: str, leading: tuple[int, ...] = (7,), features: int = WIDTHS[0], seed: int = 430) -> np.ndarray:
    return np.asarray(normal_draws(seed, (*leading, features), dtype))


def pulled_back(vjp: Callable) -> Callable[..., Any]:
    """What a written gradient moves when every operand is rounded at random, and all that is computed on the way."""

    def want(*operands: Any, **given: Any) -> Any:
        arrays = wide(operands)

        def run(rounded: Callable) -> Any:
            return vjp(*mapped(rounded, arrays), rounded=rounded, **given)

        return spread(run, str(operands[0].dtype))

    return want


@clause("autoencoder.example")
def test_example() -> Iterator[Case]:
    weights = {
        "encoder_kernel_0": np.full((2, 1), 0.5, np.float32),
        "encoder_bias_0": np.zeros(1, np.float32),
        "decoder_kernel_0": np.ones((1, 2), np.float32),
        "decoder_bias_0": np.zeros(2, np.float32),
    }
    want = exact(CODES), exact(np.repeat(CODES, 2, 1))
    yield call("autoencoder", POINTS, weights, activation="identity", want=want, note="the code left out of the result")


@clause("autoencoder.value")
def test_value(operation: str, lean: bool) -> Iterator[Case]:
    want = value_of(ORACLES[operation])
    for dtype in ("float32",) if lean else DTYPES:
        yield call(operation, data(dtype), table(operation, dtype=dtype), **TANH, want=want, note="an activated code")
    asked = (((6, 5, 4, 3), "relu"), ((4, 6), "tanh"), ((6, 4), "sigmoid"), ((3, 5, 4), "softplus"))
    for widths, name in asked[: 2 if lean else None]:
        given = data("float32", features=widths[0]), table(operation, widths, "float32")
        yield call(operation, *given, activation=name, want=want, note="the decoder's layers in the encoder's order")


@clause("autoencoder.shape")
def test_shape(operation: str, lean: bool) -> Iterator[Case]:
    grid = (((6, 5, 3), (2, 3)), ((4, 7), ()), ((5, 4, 3, 2), (1,)), ((3, 3, 3), (2, 1, 4)), ((1, 2), (0,)))
    for widths, leading in grid[: 2 if lean else None]:
        want = Shape((*leading, widths[-1]), "float32"), Shape((*leading, widths[0]), "float32")
        x = data("float32", leading, widths[0])
        yield call(operation, x, table(operation, widths, "float32"), **TANH, want=want, note="the code flattened")


@clause("autoencoder.gradient")
def test_gradient(operation: str, lean: bool) -> Iterator[Case]:
    want = pulled_back(BACK[operation])
    for dtype in ("float32",) if lean else ("float32", "float64"):
        x = data(dtype)
        g = data(dtype, features=WIDTHS[-1], seed=431), data(dtype, seed=432)
        given = {**TANH, "cotangents": g, "want": want}
        yield gradient(operation, x, table(operation, dtype=dtype), **given, note="one use of two of the code")


def centred() -> tuple[np.ndarray, np.ndarray]:
    """Examples whose mean is 0 and whose covariance has the spectrum, and the directions, one a column."""
    draws = normal_draws(440, (EXAMPLES, len(SPECTRUM)), "float64")
    scores = np.linalg.qr(draws - draws.mean(0))[0]
    directions = np.linalg.qr(normal_draws(441, (len(SPECTRUM),) * 2, "float64"))[0]
    return scores * np.sqrt(EXAMPLES * SPECTRUM) @ directions.T, directions


def optimal(operation: str, mixing: np.ndarray, directions: np.ndarray) -> dict[str, np.ndarray]:
    """An encoder onto the space of the first directions in another basis, and the decoder that belongs to it."""
    into = directions[:, :KEPT] @ mixing
    biases = {"encoder_bias_0": np.zeros(KEPT), "decoder_bias_0": np.zeros(len(SPECTRUM))}
    if operation == "tied_autoencoder":
        return {"kernel_0": into, **biases}
    return {"encoder_kernel_0": into, "decoder_kernel_0": np.linalg.inv(mixing) @ directions[:, :KEPT].T, **biases}


def rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@clause("autoencoder.principal")
def test_principal(trial: Trial, operation: str) -> None:
    x, directions = centred()
    skew = rotation(0.7) if operation == "tied_autoencoder" else np.array([[1, 0.5], [-0.25, 2]])
    for about, mixing in {"the directions themselves": np.eye(KEPT), "another basis": skew}.items():
        weights = optimal(operation, mixing, directions)
        given = mapped(lambda part: part.astype(np.float32), (x, weights))
        _, y = trial.call(*given, activation="identity")
        loss = np.sum((np.asarray(y, np.float64) - wide(given[0])) ** 2) / EXAMPLES
        trial.expect(loss, rest(operation, *wide(given)), f"loss of {about}")
        back = (2 / EXAMPLES * (np.asarray(y, np.float64) - wide(given[0]))).astype(np.float32)
        _, found = trial.vjp(given, (np.zeros((EXAMPLES, KEPT), np.float32), back), activation="identity")
        flat = flat_there(operation, *wide(given))
        for name in weights:
            trial.expect(np.asarray(found[name]), flat[name], f"gradient of {name} at {about}", given)


def rest(operation: str, x: np.ndarray, weights: dict) -> Want:
    """The sum of the other eigenvalues, within what rounding moves the loss."""

    def loss(rounded: Callable) -> np.ndarray:
        y = ORACLES[operation](rounded(x), weights, activation="identity", rounded=rounded)[1]
        return np.asarray(np.sum((y - rounded(x)) ** 2) / EXAMPLES)

    moved = spread(loss, "float32")
    return Want(np.asarray(SPECTRUM[KEPT:].sum()), moved.allowed, moved.flushed, "float32", moved.tolerance)


def flat_there(operation: str, x: np.ndarray, weights: dict) -> dict[str, Want]:
    """No slope, within what rounding makes of it."""

    def slopes(rounded: Callable) -> dict:
        y = ORACLES[operation](x, weights, activation="identity", rounded=rounded)[1]
        g = np.zeros((EXAMPLES, KEPT)), 2 / EXAMPLES * (rounded(y) - rounded(x))
        return BACK[operation](x, weights, g, activation="identity", rounded=rounded)[1]

    moved = spread(slopes, "float32")
    return {n: Want(np.zeros_like(w.value), w.allowed, w.flushed, w.dtype, w.tolerance) for n, w in moved.items()}


@clause("autoencoder.copies")
def test_copies() -> Iterator[Case]:
    x = data("float32", features=3)
    for width in (3, 5):
        weights = {
            "encoder_kernel_0": np.eye(3, width, dtype=np.float32),
            "encoder_bias_0": np.zeros(width, np.float32),
            "decoder_kernel_0": np.eye(width, 3, dtype=np.float32),
            "decoder_bias_0": np.zeros(3, np.float32),
        }
        want = exact(np.pad(x, ((0, 0), (0, width - 3)))), exact(x)
        yield call("autoencoder", x, weights, activation="identity", want=want, note="noise where none was asked for")


@clause("autoencoder.units")
def test_units(operation: str) -> Iterator[ErrorCase]:
    x, weights = data("float32"), table(operation, dtype="float32")
    for widths, note in (((6, 5, 0), "a code of nothing"), ((6, 0, 3), "a hidden layer of nothing")):
        wrong = table(operation, widths, "float32")
        yield refusal(operation, x, wrong, **TANH, valid=(x, weights), note=note)


# ---- sparse codes


def penalty(readings: dict) -> Callable[..., Want]:
    """A sum of sizes is its own sum of absolute values."""

    def want(code: np.ndarray, **given: Any) -> Want:
        y = oracle.activity_penalty(wide(code), **readings | given)
        return bound(y, y, code.size + 4, str(code.dtype))

    return want


def penalty_slope(readings: dict) -> Callable[..., tuple[Want]]:
    def want(code: np.ndarray, g: np.ndarray, **given: Any) -> tuple[Want]:
        return (ulps(oracle.activity_penalty_vjp(*wide((code, g)), **readings | given)[0], 4, str(code.dtype)),)

    return want


@clause("activity-penalty.batch")
def test_penalty(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        for examples, units in ((6, 3), (1, 1), (33, 5), (4, 65)) if dtype == "float32" else ((6, 3),):
            code = data(dtype, (examples,), units)
            yield call("activity_penalty", code, strength=STRENGTH, want=penalty(readings), note="a mean over the code")
    yield call("activity_penalty", data("float32", (6,), 3), strength=0.0, want=penalty(readings), note="0 for none")


@clause("activity-penalty.gradient")
def test_penalty_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        g = np.asarray(-1.5, DTYPES[dtype])
        given = {"strength": STRENGTH, "cotangents": g, "want": penalty_slope(readings), "note": "without the sign"}
        yield gradient("activity_penalty", data(dtype, (6,), 3), **given)


@clause("activity-penalty.kink")
def test_penalty_kink(trial: Trial, readings: dict) -> None:
    code = np.array([[0, 1], [-2, 0], [0, -0.5]], np.float32)
    (found,) = trial.vjp((code,), np.ones((), np.float32), strength=STRENGTH)
    most = STRENGTH / (len(code) if readings["batch"] == "mean" else 1)
    at = np.asarray(found, np.float64)[code == 0]
    trial.require(bool((np.abs(at) <= most * (1 + 1e-6)).all()), f"at 0 the gradient is {at}, beside it {most:g}")


def activations(dtype: str, units: int = 4) -> np.ndarray:
    """Numbers between 0 and 1, mostly small."""
    return (0.02 + 0.9 * np.abs(np.sin(np.arange(1.0, 6 * units + 1))) ** 3).reshape(6, units).astype(DTYPES[dtype])


def sparsity_slope(code: np.ndarray, g: np.ndarray, *, target: float) -> tuple[Want]:
    """The difference of two quotients, each within the rounding of the mean."""
    x, c = wide((code, g))
    mean = x.mean(0)
    size = np.abs(c) * (target / mean + (1 - target) / (1 - mean)) / len(x)
    value = oracle.sparsity_divergence_vjp(x, c, target=target)[0]
    return (bound(value, np.broadcast_to(size, x.shape), len(x) + 4, str(code.dtype)),)


@clause("sparsity-divergence.value")
def test_sparsity(lean: bool) -> Iterator[Case]:
    want = value_of(oracle.sparsity_divergence)
    for dtype in ("float32",) if lean else DTYPES:
        for target in (TARGET, 0.5):
            note = "the mean of divergences, for the divergence of a mean"
            yield call("sparsity_divergence", activations(dtype), target=target, want=want, note=note)
    for units in (1, 17, 65):
        code = activations("float32", units)
        yield call("sparsity_divergence", code, target=TARGET, want=want, note="right for four units")


@clause("sparsity-divergence.gradient")
def test_sparsity_gradient(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        g = np.asarray(1.5, DTYPES[dtype])
        given = {"target": TARGET, "cotangents": g, "want": sparsity_slope, "note": "target and mean exchanged"}
        yield gradient("sparsity_divergence", activations(dtype), **given)


@clause("sparsity-divergence.at-target")
def test_at_target() -> Iterator[Case]:
    code = TARGET + np.array([[1, -2, 3], [-1, 2, 1], [1, -2, -1], [-1, 2, -3]], np.float32) / 32
    u = unit("float32")
    want = Want(np.asarray(0.0), np.asarray(32 * u), np.zeros(()), "float32", "32 u")
    yield call("sparsity_divergence", code, target=TARGET, want=want, note="without the half of the units at rest")
    given = {"target": TARGET, "cotangents": np.ones((), np.float32), "want": sparsity_slope}
    yield gradient("sparsity_divergence", code, **given, note="the derivative of one half")


@clause("sparsity-divergence.range")
def test_sparsity_range() -> Iterator[ErrorCase]:
    for target in (1.5, -0.25):
        given = {"valid": {"target": TARGET}, "note": "a target that is no probability"}
        yield refusal("sparsity_divergence", activations("float32"), target=target, **given)


@clause("sparsity-divergence.activations")
def test_activations_range() -> Iterator[ErrorCase]:
    code = activations("float32")
    for wrong, note in ((1.25, "above 1"), (-0.25, "below 0")):
        other = code.copy()
        other[3, 1] = wrong
        note = f"an activation {note}, where the mean lies between 0 and 1"
        yield refusal("sparsity_divergence", other, target=TARGET, valid=(code,), note=note)
