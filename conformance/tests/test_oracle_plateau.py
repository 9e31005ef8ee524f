"""The oracle of a reduction on a plateau against a loop over one series, and the numbers of the page."""

import itertools
import math

import numpy as np
import pytest

from nnspec_conformance.oracles.training.schedules import plateau as oracle

NAN = float("nan")
PLAIN = {"initial": 1.0, "factor": 0.5, "min_delta": 0.25, "min_delta_is": "absolute", "floor": 0.0}


def one_series(series, patience, cooldown, min_delta, relative):
    """The rule for one series in plain Python: the rate after each evaluation."""
    best, bad, rest, rate, found = None, 0, 0, 1.0, []
    for m in series:
        margin = min_delta * abs(best or 0) if relative else min_delta
        if not math.isnan(m) and (best is None or best - m > margin):
            best, bad = m, 0
        elif rest == 0:
            bad += 1
        if rest > 0:
            rest, bad = rest - 1, 0
        if bad == patience:
            rate, bad, rest = max(rate * 0.5, 0.25), 0, cooldown
        found.append(rate)
    return found


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize(("patience", "cooldown", "min_delta"), [(1, 0, 0.5), (2, 0, 1.0), (1, 2, 0.5), (2, 1, 0.25)])
def test_all_short_series_with_nan(patience, cooldown, min_delta, relative):
    given = {"min_delta": min_delta, "min_delta_is": "relative" if relative else "absolute"}
    for length in range(1, 7):
        series = list(itertools.product((-1.0, 1.0, 2.0, NAN), repeat=length))
        got = oracle.reduce_on_plateau(
            np.array(series), initial=1.0, factor=0.5, floor=0.25, patience=patience, cooldown=cooldown, **given
        )
        want = [one_series(row, patience, cooldown, min_delta, relative) for row in series]
        np.testing.assert_array_equal(got, want)


def test_maximizing_is_minimizing_the_negative():
    metrics = np.random.default_rng(3).integers(-3, 4, (200, 12)).astype(float)
    for measure in ("absolute", "relative"):
        given = PLAIN | {"min_delta_is": measure}
        smallest = oracle.reduce_on_plateau(metrics, **given, patience=2)
        np.testing.assert_array_equal(oracle.reduce_on_plateau(-metrics, **given, patience=2, mode="max"), smallest)


def test_readings_by_hand():
    """PyTorch and Keras as their documentation tells them."""
    flat = [1.0] * 8
    cuts = {"reached": [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125], "exceeded": [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]}
    for cut, want in cuts.items():
        np.testing.assert_array_equal(oracle.reduce_on_plateau(flat, **PLAIN, patience=2, cut=cut), want)
    rests = {
        "whole": [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125],
        "less": [1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625],
    }
    for rest, want in rests.items():
        got = oracle.reduce_on_plateau(flat, **PLAIN, patience=1, cooldown=2, cooldown_is=rest)
        np.testing.assert_array_equal(got, want)
    share = {**PLAIN, "min_delta_is": "relative", "patience": 1}
    assert oracle.reduce_on_plateau([-1.0] * 8, **share, relative_to="value")[-1] == 1
    assert oracle.reduce_on_plateau([-1.0] * 8, **share)[-1] == 2.0**-7
    assert oracle.reduce_on_plateau([NAN, 1.0, 0.5], **PLAIN, patience=2, first_nan="kept")[-1] == 0.5


def test_the_numbers_of_the_page():
    got = oracle.reduce_on_plateau([3, 2, 2, 2, 2, 2, 1, 1], **PLAIN | {"initial": 0.8}, patience=2)
    np.testing.assert_allclose(got, [0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2], rtol=1e-7)


@pytest.mark.parametrize(
    "wrong",
    [{"patience": 0}, {"min_delta": -1.0}, {"cooldown": -1}, {"factor": 1.0}, {"floor": 2.0}, {"mode": "minimum"}],
)
def test_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        oracle.reduce_on_plateau([1.0], **PLAIN | {"patience": 1} | wrong)
