"""Tests of components/losses/regression: minimizers, means and sums, defaults, and what must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.components.losses import regression as oracle
from nnspec_conformance.suite.components._long_sums import means_told_apart, near_one
from nnspec_conformance.suite.components.losses.test_regression import (
    LIKELIHOODS,
    NONE,
    WIDTHS,
    arrays,
    fixed,
    known,
    losses,
    numbers,
    slopes,
    table,
    value_case,
)
from nnspec_conformance.tolerance import Want, bound, exact
from nnspec_conformance.trial import Trial

# ---- the minimizer, from the subject's own values

COINS = np.arange(1, 40) / 40  # predictions, 0.3 and 0.5 and 0.85 among them
MEANS = (0.15, 0.225, 0.3, 0.375, 0.5, 0.7, 0.85)
SPREADS = (0.05, 0.1, 0.1275, 0.21, 0.25, 0.5)


def expected_loss(trial, predictions: np.ndarray, labels: Any, shares: Any, *rest: np.ndarray, **asked: Any):
    """The mean of what each prediction costs under each label, weighted with the labels' shares."""
    x, y = (a.ravel().astype(np.float32) for a in np.meshgrid(predictions, labels, indexing="ij"))
    others = (np.repeat(a, len(labels)).astype(np.float32) for a in rest)
    costs = trial.call(x, y, *others, **asked).reshape(len(predictions), len(labels)).astype(np.float64)
    return costs @ np.asarray(shares)


def require_least(trial, expected: np.ndarray, grid: np.ndarray, minimizer: Any) -> None:
    """The expected loss is least at the minimizer, and clearly so."""
    at = int(np.argmin(np.abs(grid - np.asarray(minimizer)).reshape(len(grid), -1).sum(-1)))
    best = grid[int(np.argmin(np.where(np.isnan(expected), np.inf, expected)))]
    trial.require(
        bool((np.delete(expected, at) > expected[at] + 1e-4).all()),
        f"the expected loss is least at {np.round(best, 3)}, right is {np.round(minimizer, 3)}",
    )


@clause("regression.proper")
def test_proper(trial) -> None:
    asked = fixed(trial.operation) | ({WIDTHS[trial.operation]: 1.0} if trial.operation in WIDTHS else {})
    pairs = np.array([(m, v) for m in MEANS for v in SPREADS])
    for p in (0.3, 0.5, 0.85):
        shares = (1 - p, p)
        if trial.operation == "gaussian_nll":
            expected = expected_loss(trial, pairs[:, 0], (0.0, 1.0), shares, pairs[:, 1], **asked)
            require_least(trial, expected, pairs, (p, p * (1 - p)))
            continue
        grid = np.log(COINS) if trial.operation == "poisson_nll" else COINS
        expected = expected_loss(trial, grid, (0.0, 1.0), shares, **asked)
        require_least(trial, expected, COINS, p)


@clause("absolute-error.median")
def test_median(trial) -> None:
    grid = np.arange(0, 5.25, 0.25)
    for shares, median in (((0.3, 0.3, 0.4), 1.0), ((0.6, 0.1, 0.3), 0.0), ((0.2, 0.2, 0.6), 5.0)):
        require_least(trial, expected_loss(trial, grid, (0.0, 1.0, 5.0), shares, **NONE), grid, median)


@clause("huber.small-delta")
def test_small_delta(trial) -> None:
    grid = np.arange(0, 33) / 32
    for p, minimizer in ((0.2, 0.0625), (1 / 3, 0.125), (2 / 3, 0.875)):
        expected = expected_loss(trial, grid, (0.0, 1.0), (1 - p, p), **NONE, delta=0.25)
        require_least(trial, expected, grid, minimizer)


# ---- reductions


@clause("regression.reduction")
def test_reduction(operation: str, readings: dict) -> Iterator[Case]:
    for reduction in ("mean", "sum"):
        yield value_case(operation, readings, *table(operation), reduction=reduction, note="divides by the batch alone")


@clause("regression.default-reduction")
def test_default_reduction(operation: str, default: str, readings: dict) -> Iterator[Case]:
    given, asked = arrays(operation), {k: v for k, v in fixed(operation).items() if k != "reduction"}
    want = losses(operation, readings)(*given, **asked, reduction=default)
    yield call(operation, *given, **asked, want=want, note="another reduction by default")


@clause("regression.outputs")
def test_outputs(operation: str, readings: dict) -> Iterator[Case]:
    yield value_case(operation, readings, *table(operation), note="the mean over the outputs of an example")
    yield value_case(operation, readings, *table(operation), reduction="sum", note="a sum of means")


@clause("regression.empty-mean")
def test_empty_mean(operation: str, readings: dict) -> Iterator[Case]:
    value = 0.0 if readings["empty_mean"] == "zero" else np.nan
    empty = tuple(a[:0] for a in arrays(operation))
    for reduction, want in (("mean", value), ("sum", 0.0)):
        yield call(
            operation, *empty, **fixed(operation) | {"reduction": reduction}, want=exact(want), note="a mean of nothing"
        )


@clause("regression.long-sums")
def test_long_sums(trial: Trial, readings: dict, lean: bool) -> None:
    def of(dtype: str, n: int) -> tuple[np.ndarray, ...]:
        """Arrays of which each loss is a sum of terms of one sign, near 1."""
        x = near_one(n, (n,), dtype)
        more = {"gaussian_nll": (0 * x, 2 * x), "poisson_nll": (0 * x + 1,), "poisson_nll_from_rate": (0 * x + 2,)}
        return (-x if trial.operation == "poisson_nll" else x, *more.get(trial.operation, (0 * x,)))

    units = 4 if trial.operation in LIKELIHOODS else 3  # each loss, the sum, the quotient
    how = fixed(trial.operation) | known(trial.operation, readings)
    means_told_apart(trial, oracle, of, units, lean, **how)

    def weighted(dtype: str, n: int) -> tuple[np.ndarray, ...]:
        return *of(dtype, n), near_one(n + 1, (n,), dtype)

    if "weighted_mean" in readings:  # each product with a weight, and their sum
        means_told_apart(trial, oracle, weighted, units + 2, lean, **how)


# ---- other defaults


@clause("huber.default-delta")
def test_default_delta(default: float, readings: dict) -> Iterator[Case]:
    yield call("huber", *numbers(), **NONE, want=losses("huber", readings)(*numbers(), **NONE, delta=default))


@clause("smooth-l1.default-beta")
def test_default_beta(default: float, readings: dict) -> Iterator[Case]:
    yield call("smooth_l1", *numbers(), **NONE, want=losses("smooth_l1", readings)(*numbers(), **NONE, beta=default))


@clause("regression.default-full")
def test_default_full(operation: str, default: bool, readings: dict) -> Iterator[Case]:
    given = arrays(operation)
    yield call(operation, *given, **NONE, want=losses(operation, readings)(*given, **NONE, full=default))


# ---- refusals


@clause("huber.range")
def test_range(operation: str) -> Iterator[ErrorCase]:
    name = WIDTHS[operation]
    for width in (-1.0, 0.0) if operation == "huber" else (-1.0, -0.25):
        yield refusal(operation, *numbers(), **NONE, **{name: width}, valid={name: 0.5}, note=f"a {name} of {width}")


def with_one(x: np.ndarray, entry: float) -> np.ndarray:
    return np.where(np.arange(x.size) == 3, entry, x).astype(x.dtype)


@clause("gaussian-nll.negative-variance")
def test_negative_variance() -> Iterator[ErrorCase]:
    x, y, v = arrays("gaussian_nll")
    asked = fixed("gaussian_nll")
    yield refusal("gaussian_nll", x, y, with_one(v, -1.0), **asked, valid=(x, y, v), note="a variance of -1")


@clause("poisson-nll.negative-count")
def test_negative_count(operation: str) -> Iterator[ErrorCase]:
    x, t = arrays(operation)
    yield refusal(operation, x, with_one(t, -2.0), **fixed(operation), valid=(x, t), note="a count of -2")


@clause("poisson-nll-from-rate.negative-rate")
def test_negative_rate() -> Iterator[ErrorCase]:
    x, t = arrays("poisson_nll_from_rate")
    asked = fixed("poisson_nll_from_rate")
    yield refusal("poisson_nll_from_rate", with_one(x, -1.0), t, **asked, valid=(x, t), note="a rate of -1")


# ---- weights of the examples

WEIGHTS = ((np.arange(12) * 5 % 12) / 4).astype(np.float32)  # no two alike, one of them 0


def weighted(operation: str, readings: dict) -> Want:
    """The losses of float32 times their weights."""
    each = losses(operation, readings)(*arrays(operation), **fixed(operation))
    product = bound(WEIGHTS * each.value, WEIGHTS * np.abs(each.value), 1, "float32")
    return replace(product, allowed=product.allowed + WEIGHTS * each.allowed)


@clause("regression.sample-weights")
def test_sample_weights(trial: Trial, readings: dict) -> None:
    given, asked = arrays(trial.operation), fixed(trial.operation)
    trial.expect(trial.call(*given, WEIGHTS, **asked), weighted(trial.operation, readings), "losses with weights")
    cotangents = normal_draws(43, WEIGHTS.shape)
    found = trial.vjp((*given, WEIGHTS), cotangents, **asked)[:2]
    right = slopes(trial.operation, readings, given, (cotangents * WEIGHTS).astype(np.float32), asked)
    for slope, want, what in zip(found, right, ("prediction", "target"), strict=True):
        more = replace(want, allowed=want.allowed + 4 * np.abs(want.value) * 2.0**-24)
        trial.expect(slope, more, f"gradient for the {what} with weights")


@clause("regression.weighted-mean")
def test_weighted_mean(operation: str, readings: dict) -> Iterator[Case]:
    each = weighted(operation, readings)
    divisor = WEIGHTS.sum() if readings["weighted_mean"] == "weights" else WEIGHTS.size
    for reduction, share in (("mean", 1 / divisor), ("sum", 1.0)):
        total, size = share * each.value.sum(), share * np.abs(each.value).sum()
        summed = bound(total, size, 2 * WEIGHTS.size, "float32")
        want = replace(summed, allowed=summed.allowed + share * each.allowed.sum())
        asked = fixed(operation) | {"reduction": reduction}
        yield call(operation, *arrays(operation), WEIGHTS, **asked, want=want, note="what the mean divides by")


@clause("regression.weighted-mean")
def test_gradient_of_weighted_mean(trial: Trial, readings: dict) -> None:
    given, g = arrays(trial.operation), np.array(0.75, np.float32)
    divisor = WEIGHTS.sum() if readings["weighted_mean"] == "weights" else WEIGHTS.size
    for reduction, share in (("mean", 1 / divisor), ("sum", 1.0)):
        asked = fixed(trial.operation) | {"reduction": reduction}
        found = trial.vjp((*given, WEIGHTS), g, **asked)[:2]
        shares = (g * share * WEIGHTS).astype(np.float32)
        right = slopes(trial.operation, readings, given, shares, fixed(trial.operation))
        for slope, want, what in zip(found, right, ("prediction", "target"), strict=True):
            more = replace(want, allowed=want.allowed + 6 * np.abs(want.value) * 2.0**-24)
            trial.expect(slope, more, f"gradient of the {reduction} for the {what} with weights")


@clause("regression.zero-weights")
def test_zero_weights(operation: str, readings: dict) -> Iterator[Case]:
    nan = readings["zero_weights"] == "nan" and readings["weighted_mean"] == "weights"
    for reduction, value in (("mean", np.nan if nan else 0.0), ("sum", 0.0)):
        asked = fixed(operation) | {"reduction": reduction}
        yield call(operation, *arrays(operation), 0 * WEIGHTS, **asked, want=exact(value), note="0 / 0")
