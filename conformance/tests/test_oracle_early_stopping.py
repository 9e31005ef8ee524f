"""The oracle of early stopping against a loop over one series, and its filters against mpmath and matrices."""

import itertools
import math

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.training import early_stopping as oracle

NAN = float("nan")


def one_series(series, patience, min_delta, warmup, nan):
    """Algorithm 7.1 of Goodfellow, Bengio and Courville for one series, in exact arithmetic on small numbers."""
    best, at, bad = None, -1, 0
    for t, m in enumerate(series):
        if t < warmup:
            continue
        if math.isnan(m) and nan == "stops":
            return t, at, t if at < 0 else at
        if not math.isnan(m) and (best is None or best - m > min_delta):
            best, at, bad = m, t, 0
            continue
        bad += 1
        if bad == patience:
            return t, at, t if at < 0 else at
    return -1, at, len(series) - 1 if at < 0 else at


@pytest.mark.parametrize("nan", ["counted", "stops"])
@pytest.mark.parametrize(("patience", "min_delta", "warmup"), [(1, 0, 0), (2, 1, 0), (3, 0, 2), (2, 0.5, 1)])
def test_all_short_series_with_nan(patience, min_delta, warmup, nan):
    given = {"min_delta": min_delta, "warmup": warmup, "nan": nan}
    for length in range(1, 7):
        series = list(itertools.product((0.0, 1.0, 2.0, NAN), repeat=length))
        got = oracle.early_stopping(np.array(series), patience=patience, **given)
        want = [one_series(row, patience, **given) for row in series]
        np.testing.assert_array_equal(np.stack([got["stopped"], got["best"], got["returned"]], 1), want)


def test_maximizing_is_minimizing_the_negative():
    metrics = np.random.default_rng(3).integers(0, 4, (200, 9)).astype(float)
    smallest = oracle.early_stopping(metrics, 2.0, patience=2, min_delta=1.0)
    largest = oracle.early_stopping(-metrics, -2.0, patience=2, min_delta=1.0, mode="max")
    for name, want in smallest.items():
        np.testing.assert_array_equal(largest[name], want)


@pytest.mark.parametrize(("role", "want"), [("first", (1, -1, 1)), ("beside", (5, 4, 4))])
def test_baseline_by_hand(role, want):
    """Never below the baseline of 1; beside it the count is 6 at the first evaluation without improvement."""
    got = oracle.early_stopping([6.0, 5, 4, 3, 2, 2, 2], 1.0, patience=2, baseline_role=role)
    assert tuple(int(got[k]) for k in ("stopped", "best", "returned")) == want


def test_readings_by_hand():
    losses = [3.0, 2, 1, 1.5, 1.5, 1.5]
    assert oracle.early_stopping(losses, patience=2)["stopped"] == 4
    assert oracle.early_stopping(losses, patience=2, stop="exceeded")["stopped"] == 5
    assert oracle.early_stopping(losses, patience=2, returned="last")["returned"] == 4
    assert oracle.early_stopping([NAN, 1.0, 0.5], patience=2, first_nan="kept")["stopped"] == 2


@pytest.mark.parametrize(
    "wrong", [{"patience": 0}, {"min_delta": -1.0}, {"min_delta": NAN}, {"warmup": -1}, {"mode": "minimum"}]
)
def test_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        oracle.early_stopping([1.0], **{"patience": 1} | wrong)


def test_filters_are_those_of_mpmath():
    with mpmath.workdps(50):
        for eigenvalue, rate, steps in itertools.product((1e-12, 1e-3, 0.5, 1.0), (1e-6, 0.05, 0.9), (1, 7, 100_000)):
            a, k = mpmath.mpf(rate), mpmath.mpf(eigenvalue)
            want = float(1 - (1 - a * k) ** steps)
            assert oracle.stopped_filter(eigenvalue, rate, steps) == pytest.approx(want, rel=1e-14)
            assert oracle.ridge_filter(eigenvalue, rate) == pytest.approx(float(k / (k + a)), rel=1e-14)


def test_a_stop_is_a_ridge_for_each_eigenvalue_and_nearly_one_ridge_for_all():
    """Against 1/(a t): the ratio is at least 1, and at most 1.2985, which (1 - exp(-x))(1 + x)/x has at x = 1.793."""
    eigenvalue, rate = np.geomspace(1e-6, 1.0, 400), 1e-6
    for steps in (1, 1_000, 1_000_000, 30_000_000):
        stopped, left = oracle.stopped_filter(eigenvalue, rate, steps), np.exp(steps * np.log1p(-rate * eigenvalue))
        strength = eigenvalue * left / stopped
        np.testing.assert_allclose(oracle.ridge_filter(eigenvalue, strength), stopped, rtol=1e-9)
        ratio = stopped / oracle.ridge_filter(eigenvalue, 1 / (rate * steps))
        assert ratio.min() >= 1 - 1e-12
        assert ratio.max() <= 1.29843
    widest = oracle.stopped_filter(1.0, 1e-7, 17_932_821) / oracle.ridge_filter(1.0, 1 / 1.7932821)
    assert widest == pytest.approx(1.29842, abs=1e-5)
