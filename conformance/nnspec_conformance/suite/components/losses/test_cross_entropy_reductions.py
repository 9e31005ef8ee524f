"""Tests of components/losses/cross_entropy: propriety and convexity, means and sums, probabilities of 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, call, clause
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components.losses import cross_entropy as oracle
from nnspec_conformance.suite.components._long_sums import means_told_apart, near_one
from nnspec_conformance.suite.components.losses import _long_rows
from nnspec_conformance.suite.components.losses.test_cross_entropy import (
    BINARY,
    CLASSES,
    EXAMPLES,
    FROM_LOGITS,
    INTEGER,
    NONE,
    arrays,
    distributions,
    losses,
    value_case,
)
from nnspec_conformance.tolerance import Want, bound, exact, ulps
from nnspec_conformance.trial import Trial

# ---- propriety and convexity, from the subject's own values

STEPS = 10
GRID = np.array([(i, j, STEPS - i - j) for i in range(1, STEPS) for j in range(1, STEPS - i)]) / STEPS
TRUTHS = ((0.5, 0.3, 0.2), (0.1, 0.1, 0.8), (0.2, 0.6, 0.2))
COINS = np.arange(1, 40) / 40


def losses_of(trial, grid: np.ndarray, **attributes: Any) -> np.ndarray:
    """What each prediction of the grid costs under each label, [prediction, label]."""
    name = trial.operation
    if name in BINARY:
        p, y = (a.ravel().astype(np.float32) for a in np.meshgrid(grid, (0.0, 1.0), indexing="ij"))
        x = np.log(p / (1 - p)) if name.startswith("sigmoid") else p
        return trial.call(x, y, **NONE, **attributes).reshape(len(grid), 2).astype(np.float64)
    p, y = np.repeat(grid, 3, 0).astype(np.float32), np.tile(np.arange(3, dtype=np.int32), len(grid))
    x = np.log(p) if name in FROM_LOGITS else p
    target = y if name.endswith("labels") else np.eye(3, dtype=np.float32)[y]
    return trial.call(x, target, **NONE, **attributes).reshape(len(grid), 3).astype(np.float64)


@clause("cross-entropy.proper")
def test_proper(trial) -> None:
    if trial.operation == "kl_divergence":
        _proper_divergence(trial)
        return
    binary = trial.operation in BINARY
    grid = COINS if binary else GRID
    costs = losses_of(trial, grid)
    for truth in (0.3, 0.5, 0.85) if binary else TRUTHS:
        weights = truth if isinstance(truth, tuple) else (1 - truth, truth)
        _require_least(trial, costs @ np.array(weights), grid, truth)


def _proper_divergence(trial) -> None:
    q = GRID.astype(np.float32)
    for truth in TRUTHS:
        p = np.broadcast_to(np.array(truth, np.float32), q.shape)
        swapped = trial.readings["direction"] == "second-from-first"
        _require_least(trial, trial.call(*((q, p) if swapped else (p, q)), **NONE), GRID, truth)


def _require_least(trial, expected: np.ndarray, grid: np.ndarray, truth: Any) -> None:
    """The expected loss is least at the truth, and clearly so."""
    at = int(np.argmin(np.abs(grid - np.array(truth)).reshape(len(grid), -1).sum(-1)))
    others = np.delete(expected, at)
    best = grid[int(np.argmin(np.where(np.isnan(expected), np.inf, expected)))]
    trial.require(
        bool((others > expected[at] + 1e-4).all()), f"under {truth} the expected loss is least at {np.round(best, 3)}"
    )


@clause("softmax-cross-entropy.smoothed-minimizer")
def test_smoothed_minimizer(trial) -> None:
    truth, smoothing = np.array([0.7, 0.2, 0.1]), 0.3
    minimizer = (1 - smoothing) * truth + smoothing / 3  # 0.59, 0.24, 0.17
    grid = np.where((np.arange(len(GRID)) == 0)[:, None], minimizer, GRID)  # in place of (0.1, 0.1, 0.8)
    costs = losses_of(trial, grid, label_smoothing=smoothing)
    _require_least(trial, costs @ truth, grid, minimizer)


@clause("cross-entropy.convex")
def test_convex(trial) -> None:
    binary = trial.operation in BINARY
    count = 2 * len(COINS) // 3 if binary else len(GRID)  # as many losses as the grids above have: one shape for both
    pairs = 4 * normal_draws(33, (2, count) if binary else (2, count, 3))
    x = np.concatenate([*pairs, pairs.mean(0)]).astype(np.float32)
    y = np.tile(np.arange(count, dtype=np.int32) % (2 if binary else 3), 3)
    target = y.astype(np.float32) if binary else y if trial.operation == INTEGER else np.eye(3, dtype=np.float32)[y]
    first, second, middle = trial.call(x, target, **NONE).astype(np.float64).reshape(3, count)
    excess = middle - (first + second) / 2
    trial.require(
        bool((excess <= 1e-5).all()), f"half way the loss exceeds the mean of both ends by {excess.max():.3g}"
    )


# ---- reductions


def dense(operation: str) -> tuple[np.ndarray, ...]:
    """The arguments as a batch of 2 with 3 positions: a mean over the batch alone is 3 times too large."""
    x, y = arrays(operation)
    lead = (2, -1)
    if operation in BINARY:
        return x.reshape(lead), y.reshape(lead)
    return x.reshape(2, 3, CLASSES), y.reshape(2, 3) if y.ndim == 1 else y.reshape(2, 3, CLASSES)


@clause("cross-entropy.reduction")
def test_reduction(operation: str) -> Iterator[Case]:
    for reduction in ("mean", "sum"):
        yield value_case(
            operation, *dense(operation), reduction=reduction, note="divides by the batch, not by positions"
        )


@clause("cross-entropy.default-reduction")
def test_default_reduction(operation: str, default: str, readings: dict) -> Iterator[Case]:
    given, told = arrays(operation), {k: readings[k] for k in ("direction", "divisor") if k in readings}
    want = losses(operation, **told)(*given, reduction=default)
    yield call(operation, *given, want=want, note="another reduction by default")


@clause("kl-divergence.divisor")
def test_divisor(readings: dict) -> Iterator[Case]:
    told = {k: readings[k] for k in ("direction", "divisor")}
    yield value_case(
        "kl_divergence", *arrays("kl_divergence"), reduction="mean", readings=told, note="the mean of all terms"
    )
    yield value_case(
        "kl_divergence", *arrays("kl_divergence"), reduction="sum", readings=told, note="the sum of all terms"
    )


@clause("cross-entropy.empty-mean")
def test_empty_mean(operation: str, readings: dict) -> Iterator[Case]:
    value = 0.0 if readings["empty_mean"] == "zero" else np.nan
    empty = tuple(a[:0] for a in arrays(operation))
    for reduction, want in (("mean", value), ("sum", 0.0)):
        yield call(operation, *empty, reduction=reduction, want=exact(want), note="the mean of nothing")


# ---- probabilities of 0 and 1


@clause("cross-entropy.clipping")
def test_clipping(operation: str, readings: dict) -> Iterator[Case]:
    told = {k: readings[k] for k in ("clipping", "direction") if k in readings}
    for dtype in ("float32", "float64"):
        rows, binary = np.eye(CLASSES)[np.arange(EXAMPLES) % CLASSES].astype(dtype), operation in BINARY
        given: tuple[np.ndarray, ...] = rows, np.array([0, 1, 0, 3, 2, 4], np.int32)
        if operation == "cross_entropy":
            given = rows, np.eye(CLASSES)[given[1]].astype(dtype)
        if operation == "kl_divergence":
            p = distributions(24, dtype)  # the mean is taken under p, and the other has zeros
            given = (rows, p) if told["direction"] == "second-from-first" else (p, rows)
        if binary:
            given = np.tile([0, 1, 1, 0], 3).astype(dtype), np.tile([0, 1, 0, 1], 3).astype(dtype)
        yield call(operation, *given, **NONE, want=partial(clipped, operation, told), note="another clip")


def clipped(operation: str, told: dict, *given: np.ndarray, **attributes: Any) -> Want:
    """The loss of probabilities of 0 and 1, clipped in the dtype itself: there 1 - 1e-7 is another number."""
    dtype, value = str(given[0].dtype), getattr(oracle, operation)(*given, **attributes, **told).astype(np.float64)
    size = np.where(np.isfinite(value), np.abs(value) + 1, 0.0)
    return bound(value, size, CLASSES + 3, dtype)


@clause("cross-entropy.target-slope")
def test_target_slope(trial: Trial, readings: dict) -> None:
    p, target = arrays(trial.operation)
    if trial.operation in BINARY:
        p[:2] = target[:2] = [0, 1]
    else:
        p[0], target[0] = [0, 0.25, 0.5, 0.25, 0], [0, 0.5, 0.25, 0.25, 0]
    impossible = (p == target) & ((p == 0) | (trial.operation in BINARY) & (p == 1))
    cotangents, told = normal_draws(36, p.shape[:1]), {"target_slope": readings["target_slope"]}
    got = trial.vjp((p, target), cotangents, **NONE)[1]
    right = getattr(oracle, f"{trial.operation}_vjp")(p, target, cotangents, **told)[1].astype(np.float64)
    size = np.where(np.isfinite(right), np.abs(right), 0.0)
    want = bound(right[impossible], size[impossible], 8, "float32")
    trial.expect(got[impossible], want, f"{trial.operation}: gradient for targets of 0 where the probability is 0")


@clause("kl-divergence.both-zero")
def test_both_zero(readings: dict) -> Iterator[Case]:
    told = {"direction": readings["direction"]}
    p, q = distributions(25), distributions(26)
    p[:3, 1] = q[:3, 1] = 0
    mean = q if told["direction"] == "second-from-first" else p
    mean[3:, 2] = 0
    p, q = (a / a.sum(-1, keepdims=True) for a in (p, q))
    yield value_case("kl_divergence", p, q, readings=told, note="0 times the logarithm of 0")


@clause("cross-entropy.long-sums")
def test_long_sums(trial: Trial, readings: dict, lean: bool) -> None:
    def of(dtype: str, n: int) -> tuple[np.ndarray, ...]:
        """Losses from 1 to 4; probabilities of whole sixty-fourths, so that 1 - p has no rounding."""
        small = ((2 + np.arange(n) % 7) / 64).astype(DTYPES[dtype])
        labels, pairs = np.arange(n, dtype=np.int32) % 4, np.stack([small, 1 - small], -1)
        logits, zeros = near_one(n, (n, 4), dtype), 0 * small
        return {
            INTEGER: (logits, labels),
            "softmax_cross_entropy": (logits, np.eye(4, dtype=DTYPES[dtype])[labels]),
            "cross_entropy_with_integer_labels": (pairs, 0 * labels),
            "cross_entropy": (pairs, np.stack([zeros + 1, zeros], -1)),
            "sigmoid_binary_cross_entropy": (logits[:, 0], zeros),
            "binary_cross_entropy": (1 - small, zeros),
            "kl_divergence": (pairs, pairs[:, ::-1].copy()),
        }[trial.operation]

    told = {name: readings[name] for name in ("direction", "divisor", "normalization") if name in readings}
    means_told_apart(trial, oracle, of, 6, lean, **told)  # exponentials, their sum and its logarithm besides

    def weighted(dtype: str, n: int) -> tuple[np.ndarray, ...]:
        return *of(dtype, n), near_one(n + 1, (4 if trial.operation == INTEGER else n,), dtype)

    if "weighted_mean" in readings:
        means_told_apart(trial, oracle, weighted, 6, lean, **told, weighted_mean=readings["weighted_mean"])


@clause("cross-entropy.long-rows")
def test_long_rows(trial: Trial, readings: dict, lean: bool) -> None:
    def of(dtype: str, n: int) -> tuple[np.ndarray, ...]:
        """Logits whose exponentials have a sum beyond float16, and labels that both dtypes have; or probabilities."""
        if trial.operation == INTEGER:
            return near_one(n, (2, n), dtype), np.array([7, 200], np.int32)
        if trial.operation == "softmax_cross_entropy":
            share = 256 if n < 4096 else 4096  # so many classes have the same target
            target = np.where(np.arange(n) % (n // share) == 0, 1 / share, 0) * (np.arange(n) < n // share * share)
            return near_one(n, (2, n), dtype), np.tile(target, (2, 1)).astype(DTYPES[dtype])
        p = np.tile(np.where(np.arange(n) % 8, 1 / 2, 9 / 2) / n, (2, 1)).astype(DTYPES[dtype])
        return p, np.full_like(p, 1 / n)

    told = {name: readings[name] for name in ("direction", "normalization") if name in readings}
    scored = "softmax" in trial.operation
    lengths = _long_rows.LENGTHS if scored else (1024, 8192)  # in float16 more probabilities are subnormal
    _long_rows.rows_told_apart(trial, oracle, of, 6, 128 if scored else 1, lean, lengths, **told)


@clause("cross-entropy.large-labels")
def test_large_labels(trial: Trial) -> None:
    """The label and one rival share what there is; a label that is rounded falls on a class with next to nothing."""
    for dtype in trial.dtypes:
        for label in (299, 2_999, 69_999):
            x, y = np.full((2, 70_000), -64, DTYPES[dtype]), np.array([label, 5], np.int32)
            g = np.ones(2, x.dtype)
            x[:, [5, label]] = 0
            with trial.part(label=label):
                want = ulps(getattr(oracle, INTEGER)(wide(x), y), 8, dtype, scale=1.0)
                trial.expect(trial.call(x, y, **NONE), want, f"loss for the label {label} in {dtype}")
                want = ulps(getattr(oracle, f"{INTEGER}_vjp")(wide(x), y, wide(g))[0], 8, dtype, scale=1.0)
                trial.expect(trial.vjp((x, y), g, **NONE)[0], want, f"gradient for the label {label} in {dtype}")
