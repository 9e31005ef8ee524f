"""Tests of batch gradient descent: the mean gradient, and rates of convergence where they are attained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components.optimization import gradient_descent
from nnspec_conformance.oracles.training import batch_gradient_descent as oracle
from nnspec_conformance.tolerance import Want, carried, exact, product_error, spread, ulp, unit
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial

EXAMPLES, FEATURES, OUTPUTS = 11, 3, 2  # a prime number of examples: every last piece is short

# ---- the mean gradient


def arrays(dtype: str = "float32", examples: int = EXAMPLES) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Data, labels and weights; the examples are of unequal size, so that none counts as much as another."""
    size = np.linspace(0.5, 2.0, examples)[:, None]
    x = np.asarray(size * normal_draws(11, (examples, FEATURES), "float64"), DTYPES[dtype])
    weights = {"kernel": normal_draws(12, (FEATURES, OUTPUTS), dtype), "bias": normal_draws(13, (OUTPUTS,), dtype)}
    return x, normal_draws(14, (examples, OUTPUTS), dtype), weights


def mean_want(x: np.ndarray, labels: np.ndarray, weights: dict, *, chunk: int) -> dict[str, Want]:
    """The gradient in float64, and the error carried through the errors of the examples."""
    dtype, (x, labels, weights) = str(x.dtype), wide((x, labels, weights))
    kernel, bias, n = weights["kernel"], weights["bias"], len(x)
    right = oracle.batch_gradient(x, labels, weights, chunk=chunk)
    r = x @ kernel + bias - labels
    dr = product_error(x, 0.0 * x, kernel, 0.0 * kernel, len(kernel) + 2, dtype, plus=np.abs(bias) + np.abs(labels))
    allowed = {
        "kernel": product_error(x.T, 0.0 * x.T, r, dr, n + 1, dtype) / n,
        "bias": (dr.sum(0) + 2 * (n + 2) * unit(dtype) * (np.abs(r) + dr).sum(0)) / n,
    }
    return {name: carried(g, allowed[name] + ulp(g, dtype) / 2, dtype) for name, g in right.items()}


@clause("batch-gradient.example")
def test_example() -> Iterator[Case]:
    for dtype in ("bfloat16", "float32"):  # every number is one of the narrowest dtype, and so of all
        x, labels = (np.asarray(a, DTYPES[dtype]) for a in (oracle.EXAMPLE_X, oracle.EXAMPLE_LABELS))
        weights = {name: np.asarray(w, DTYPES[dtype]) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        want = {name: exact(np.array(g), dtype) for name, g in oracle.EXAMPLE_GRADIENTS.items()}
        yield call("batch_gradient", x, labels, weights, chunk=4, want=want, note="the page's table")


@clause("batch-gradient.mean")
def test_mean() -> Iterator[Case]:
    for dtype in DTYPES:
        yield call("batch_gradient", *arrays(dtype), chunk=EXAMPLES, want=mean_want, note="a sum for a mean")
    yield call("batch_gradient", *arrays(), chunk=64, want=mean_want, note="divides by the largest piece")


@clause("batch-gradient.chunks")
def test_chunks() -> Iterator[Case]:
    for chunk in (1, 3, 10):  # 1 + ... + 1, 3 + 3 + 3 + 2, 10 + 1
        yield call("batch_gradient", *arrays(), chunk=chunk, want=mean_want, note="a short last piece")
    for dtype in ("float64", "bfloat16"):
        yield call("batch_gradient", *arrays(dtype), chunk=4, want=mean_want, note="a short last piece")


@clause("batch-gradient.chunk-range")
def test_chunk_range() -> Iterator[ErrorCase]:
    yield refusal("batch_gradient", *arrays(), chunk=0, valid={"chunk": 4}, note="no examples at a time")


@clause("batch-gradient.no-examples")
def test_no_examples() -> Iterator[ErrorCase]:
    yield refusal("batch_gradient", *arrays(examples=0), chunk=4, valid=arrays(), note="no examples at all")


# ---- rates of convergence: equalities, so that a better result is wrong too


def attained(
    trial: Trial, start: dict, gradient: Callable, rate: float, count: int, measure: Callable, values: Callable
) -> None:
    """Hold what is measured after each step to a closed form, within the spread of rounded runs of the oracle.

    Args:
        trial: the subject.
        start: the parameters, in float64.
        gradient: of parameters, in their dtype.
        rate: of all steps.
        count: how many steps.
        measure: from parameters in float64 to numbers by name.
        values: the closed form, from the number of the step to some or all of these numbers.
    """
    for dtype in [name for name in ("float32", "float64") if name in trial.dtypes]:
        params = {name: np.asarray(p, DTYPES[dtype]) for name, p in start.items()}
        path = trial.trajectory(params, gradient, rates=[rate] * count, learning_rate=rate)

        def run(rounded: Callable, params: dict = params) -> list[dict]:
            now, found = wide(params), []
            step = gradient_descent(now, rounded=rounded, learning_rate=rate)
            for _ in range(count):
                now = step(mapped(rounded, gradient(now)))
                found.append(measure(now))
            return found

        for t, (now, wants) in enumerate(zip(path, spread(run, dtype), strict=True), 1):
            measured = measure(wide(now))
            for name, value in values(t).items():
                want = replace(wants[name], value=np.asarray(value, np.float64))
                trial.expect(measured[name], want, f"{name} after {t} steps with rate {rate:g} in {dtype}")


@clause("gradient-descent.sublinear")
def test_sublinear(trial: Trial) -> None:
    """A worst loss for each number of steps, all of them in one array."""
    lipschitz, steps = 4.0, np.array([1, 2, 4, 8, 16, 32])
    start = 3.0 * (-1.0) ** np.arange(len(steps))
    tau = oracle.worst_threshold(start, steps)

    def gradient(now: dict) -> dict:
        return {"x": np.asarray(oracle.huber_slope(now["x"], tau.astype(now["x"].dtype), 4), now["x"].dtype)}

    def losses(now: dict) -> dict:
        return {f"loss {k}": np.asarray(v) for k, v in zip(steps, oracle.huber(now["x"], tau, lipschitz), strict=True)}

    def bound(t: int) -> dict[str, Any]:
        return {f"loss {k}": oracle.worst_loss(3.0, k, lipschitz) for k in steps if k == t}

    attained(trial, {"x": start}, gradient, 1 / lipschitz, int(steps[-1]), losses, bound)


@clause("gradient-descent.contraction")
def test_contraction(trial: Trial) -> None:
    """Three condition numbers whose curvatures add up to 16, so that one rate is the best for all."""
    curvatures = {"a": (12.0, 4.0), "b": (14.0, 2.0), "c": (15.0, 1.0)}
    start = {"a": np.array([3.0, -5.0]), "b": np.array([-1.5, 0.75]), "c": np.array([0.5, 2.0])}

    def gradient(now: dict) -> dict:
        return {name: np.asarray(curvatures[name], x.dtype) * x for name, x in now.items()}

    def distances(now: dict) -> dict:
        return {name: np.asarray(np.sqrt(np.sum(x * x))) for name, x in now.items()}

    def shrunk(t: int) -> dict[str, Any]:
        factors = {name: oracle.contraction(low, high) for name, (high, low) in curvatures.items()}
        return {name: factors[name] ** t * distance for name, distance in distances(start).items()}

    attained(trial, start, gradient, 1 / 8, 24, distances, shrunk)


@clause("gradient-descent.too-large-rate")
def test_too_large_rate(trial: Trial) -> None:
    """Curvatures along oblique axes; with the rate 1/4 the limit is 8."""
    top, other, rate = np.array([0.6, 0.8]), np.array([-0.8, 0.6]), 0.25
    curvatures = {"above": 9.0, "at": 8.0, "below": 7.0}
    start = dict.fromkeys(curvatures, 2.0 * top - 3.0 * other)

    def gradient(now: dict) -> dict:
        found = {}
        for name, x in now.items():
            hessian = curvatures[name] * np.outer(top, top) + np.outer(other, other)
            found[name] = np.asarray(hessian, x.dtype) @ x
        return found

    def along_the_top(now: dict) -> dict:
        return {name: np.asarray(x @ top) for name, x in now.items()}

    def multiplied(t: int) -> dict[str, Any]:
        return {name: 2.0 * (1 - rate * curvature) ** t for name, curvature in curvatures.items()}

    attained(trial, start, gradient, rate, 24, along_the_top, multiplied)
