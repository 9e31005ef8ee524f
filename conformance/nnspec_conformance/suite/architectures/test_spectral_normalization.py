"""Tests of architectures/spectral_normalization: kernels over the estimate of their largest singular value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import spectral_normalization as oracle
from nnspec_conformance.tolerance import Want, bound, exact, spread, ulps
from nnspec_conformance.trees import mapped

SHAPE, WINDOWS = (5, 4), (3, 2, 4, 5)
TRAINING = {"iterations": 1, "training": True}
STORED = {"iterations": 1, "training": False}
# The page's kernel and vector, and what comes of them.
KERNEL, VECTOR = np.diag([1.6, 0.9]), np.array([0.6, 0.8])
ENOUGH = 24
TINY = 2.0**-30


def arrays(dtype: str, shape: tuple[int, ...] = SHAPE, seed: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """A kernel, and a vector of length 1 that is far from its first direction."""
    kernel, u = normal_draws(seed, shape, "float64"), normal_draws(seed + 1, shape[-1:], "float64")
    return kernel.astype(DTYPES[dtype]), (u / np.sqrt((u * u).sum())).astype(DTYPES[dtype])


def told(function: Callable, readings: dict) -> Callable[..., Any]:
    """What the oracle moves when every operand, and all that it computes on the way, is rounded at random."""

    def want(*operands: np.ndarray, **given: Any) -> Any:
        parts = wide(operands)

        def run(rounded: Callable) -> Any:
            return function(*mapped(rounded, parts), rounded=rounded, **given, **readings)

        return spread(run, str(operands[0].dtype))

    return want


def normalized(readings: dict) -> Callable[..., Want]:
    return told(oracle.spectral_norm, readings)


@clause("spectral-norm.example")
def test_example(readings: dict) -> Iterator[Case]:
    sigma = {"last": np.sqrt(1.93), "refreshed": np.sqrt((1.6 * 1.28) ** 2 + (0.9 * 0.54) ** 2) / np.sqrt(1.93)}
    want = ulps(KERNEL / sigma[readings.get("estimate", "last")], 8, "float32", scale=1.0)
    given = KERNEL.astype(np.float32), VECTOR.astype(np.float32)
    yield call("spectral_norm", *given, **TRAINING, want=want, note="the estimate of before the iteration")


@clause("spectral-norm.value")
def test_value(readings: dict, lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        for iterations in (1, 3):
            given = {"iterations": iterations, "training": True, "want": normalized(readings)}
            yield call("spectral_norm", *arrays(dtype), **given, note="the root of the sum of all squares")


@clause("spectral-norm.matrix")
def test_matrix(readings: dict, lean: bool) -> Iterator[Case]:
    for shape in (WINDOWS, (4, 3, 2))[: 1 if lean else None]:
        given = {"iterations": 2, "training": True, "want": normalized(readings)}
        yield call("spectral_norm", *arrays("float32", shape), **given, note="inputs as rows")


def within_sums(operation: str, readings: dict) -> Callable[..., Want]:
    """The answer of one iteration, within the bound of sums over all rows and all columns, one after the other."""

    def want(kernel: np.ndarray, u: np.ndarray, **given: Any) -> Want:
        parts = wide((kernel, u))
        told = readings if operation == "spectral_norm" else {}
        value, terms = getattr(oracle, operation)(*parts, **given, **told), kernel.size // len(u) + len(u)
        found = oracle.estimated(*parts, **given)
        sigma, last, v = (1.0, u, np.zeros(1)) if found is None else found
        matrix = np.abs(parts[0].reshape(-1, len(u)))
        over = np.abs(v) @ matrix @ np.abs(last) / sigma  # what is added, over the sum
        absolute = np.abs(value) * over if operation == "spectral_norm" else np.abs(v) @ matrix / sigma + np.abs(value)
        return bound(value, absolute, terms, str(kernel.dtype))

    return want


@clause("spectral-norm.sizes")
def test_sizes(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    want = within_sums(operation, readings)
    shapes = ((300, 220), (1, 7), (7, 1), (1, 1), (2, 1, 3, 17, 9), (65, 33), (16, 16))
    for shape in shapes[: 2 if lean else None]:
        note = "a kernel that is long or short"
        yield call(operation, *arrays("float32", shape, 540), **TRAINING, want=want, note=note)


@clause("spectral-norm.limit")
def test_limit() -> Iterator[Case]:
    """Singular values 2, 1, ½ and ¼: what is left of the second one after 24 iterations is 2⁻⁴⁸."""
    left, right = (np.linalg.qr(normal_draws(seed, (n, 4), "float64"))[0] for n, seed in ((5, 510), (4, 511)))
    singular = np.array([2, 1, 0.5, 0.25])
    kernel, u = (left * singular @ right.T).astype(np.float32), right.sum(1) / 2
    want = ulps(wide(kernel) / np.linalg.svd(wide(kernel), compute_uv=False)[0], 16, "float32", scale=1.0)
    given = {"iterations": ENOUGH, "training": True}
    yield call("spectral_norm", kernel, u.astype(np.float32), **given, want=want, note="one iteration, always")


@clause("spectral-norm.gradient")
def test_gradient(readings: dict, lean: bool) -> Iterator[Case]:
    want = told(oracle.spectral_norm_vjp, readings)
    for dtype in ("float32",) if lean else ("float32", "float64"):
        for shape in (SHAPE, WINDOWS):
            given = arrays(dtype, shape)
            g = normal_draws(520, shape, "float64").astype(DTYPES[dtype])
            note = "the estimate held"
            yield gradient("spectral_norm", *given, **TRAINING, cotangents=g, want=want, note=note)


@clause("spectral-vector.value")
def test_vector(lean: bool) -> Iterator[Case]:
    want = told(oracle.spectral_vector, {})
    for dtype in ("float32",) if lean else DTYPES:
        for shape in (SHAPE, WINDOWS):
            given = {"iterations": 2, "training": True, "want": want}
            yield call("spectral_vector", *arrays(dtype, shape), **given, note="the vector of before")
    given = {"iterations": 4, "training": True, "want": want}
    yield call("spectral_vector", *arrays("float32"), **given, note="an iteration or two, whatever was asked for")


@clause("spectral-vector.evaluation")
def test_vector_stays(lean: bool) -> Iterator[Case]:
    for dtype in ("float32",) if lean else DTYPES:
        kernel, u = arrays(dtype)
        yield call("spectral_vector", kernel, u, **STORED, want=exact(wide(u), dtype), note="a step out of training")


@clause("spectral-norm.estimate")
def test_estimate(readings: dict) -> Iterator[Case]:
    for seed in (530, 532):
        given = arrays("float32", seed=seed)
        yield call("spectral_norm", *given, **TRAINING, want=normalized(readings), note="v of before, or of u'")


@clause("spectral-norm.evaluation")
def test_evaluation(readings: dict) -> Iterator[Case]:
    for iterations in (1, 3):
        given = {"iterations": iterations, "training": False, "want": normalized(readings)}
        yield call("spectral_norm", *arrays("float32"), **given, note="iterations out of training")


@clause("spectral-norm.scale")
def test_scale(readings: dict) -> Iterator[Case]:
    kernel, u = arrays("float32")
    given = {"iterations": 2, "training": True, "want": normalized(readings)}
    yield call("spectral_norm", kernel * np.float32(TINY), u, **given, note="an epsilon beside the length")


def nothing() -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
    """Kernels whose product with the vector is 0."""
    kernel, u = arrays("float32")
    yield np.zeros_like(kernel), u, "0 over 0"
    kernel[:, 0] = 0
    yield kernel, np.array([1, 0, 0, 0], np.float32), "a kernel without a column, and the vector of that column"


@clause("spectral-norm.zero")
def test_zero() -> Iterator[Case]:
    for kernel, u, note in nothing():
        yield call("spectral_norm", kernel, u, **TRAINING, want=exact(kernel), note=note)


@clause("spectral-vector.zero")
def test_vector_of_zero() -> Iterator[Case]:
    for kernel, u, note in nothing():
        yield call("spectral_vector", kernel, u, **TRAINING, want=exact(u), note=note)


@clause("spectral-norm.iterations")
def test_iterations(operation: str) -> Iterator[ErrorCase]:
    for iterations in (0, -1):
        given = {"iterations": iterations, "training": True, "valid": {"iterations": 1}}
        yield refusal(operation, *arrays("float32"), **given, note=f"{iterations} iterations")
