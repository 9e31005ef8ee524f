"""The oracle of learning rates that rise first, or again: against mpmath in 50 digits, and the page's numbers."""

import itertools

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.training.schedules import warmup as oracle
from nnspec_conformance.suite.training.schedules.test_warmup import EXAMPLE

MP = mpmath.mp.clone()
MP.dps = 50
STEPS = np.concatenate([np.arange(60), np.random.default_rng(0).integers(60, 3_000, 140)])
WIDE = {"dtype": "float64"}


def told(right):
    return [float(right(int(t))) for t in STEPS]


def half_cosine(x, high, low):
    return low + (high - low) * (1 + MP.cos(MP.pi * x)) / 2


@pytest.mark.parametrize(("floor_is", "end"), [("absolute", 0.25), ("fraction", 0.7 * 0.25)])
@pytest.mark.parametrize("after_end", ["stays", "rises"])
@pytest.mark.parametrize(("decay_is", "told_steps"), [("alone", 900), ("whole", 940)])
def test_warmup_cosine(floor_is, end, after_end, decay_is, told_steps):
    def right(t):
        if t < 40:
            return MP.mpf(0.1) + (MP.mpf(0.7) - MP.mpf(0.1)) * t / 40
        x = MP.mpf(t - 40) / 900
        return half_cosine(x if after_end == "rises" else min(x, 1), MP.mpf(0.7), MP.mpf(end))

    given = {"start": 0.1, "peak": 0.7, "warmup_steps": 40, "decay_steps": told_steps, "floor": 0.25}
    readings = {"floor_is": floor_is, "after_end": after_end, "decay_is": decay_is}
    np.testing.assert_allclose(oracle.warmup_cosine(STEPS, **given, **readings, **WIDE), told(right), rtol=1e-13)


@pytest.mark.parametrize(("count", "ahead"), [("own", 0), ("next", 1)])
def test_warmup_stable_decay(count, ahead):
    def right(step):
        t = step + ahead
        pieces = (0, 0.1), (40, 0.7), (90, 0.7), (900, 0.2)
        for (begin, first), (end, last) in itertools.pairwise(pieces):
            if t < end:
                return MP.mpf(first) + (MP.mpf(last) - MP.mpf(first)) * (t - begin) / (end - begin)
        return MP.mpf(0.2)

    given = {"start": 0.1, "peak": 0.7, "warmup_steps": 40, "stable_steps": 50, "decay_steps": 810, "end": 0.2}
    found = oracle.warmup_stable_decay(STEPS, **given, count=count, **WIDE)
    np.testing.assert_allclose(found, told(right), rtol=1e-14)


@pytest.mark.parametrize(("counts_from", "ahead"), [("one", 1), ("zero", 0)])
def test_inverse_root_in_the_form_of_the_paper(counts_from, ahead):
    """With d = 512 and 400 steps: d^-1/2 min(k^-1/2, k w^-3/2) has the peak (d w)^-1/2."""

    def right(t):
        k, w, d = MP.mpf(t + ahead), MP.mpf(400), MP.mpf(512)
        return 0 if k == 0 else min(k**-0.5, k * w**-1.5) / MP.sqrt(d)

    found = oracle.inverse_root_warmup(
        STEPS, peak=(512 * 400) ** -0.5, warmup_steps=400, counts_from=counts_from, **WIDE
    )
    np.testing.assert_allclose(found, told(right), rtol=1e-14)


@pytest.mark.parametrize("multiplier", [1, 2, 3])
@pytest.mark.parametrize(("floor_is", "end"), [("absolute", 0.25), ("fraction", 0.7 * 0.25)])
def test_restarts_cycle_by_cycle(multiplier, floor_is, end):
    def right(t):
        cycle, length = 0, 7
        while t >= length:
            t, cycle, length = t - length, cycle + 1, length * multiplier
        return (
            MP.mpf(end)
            + (half_cosine(MP.mpf(t) / length, MP.mpf(0.7), MP.mpf(end)) - MP.mpf(end)) * MP.mpf(0.5) ** cycle
        )

    given = {"initial": 0.7, "period": 7, "multiplier": multiplier, "shrink": 0.5, "floor": 0.25}
    np.testing.assert_allclose(
        oracle.cosine_restarts(STEPS, **given, floor_is=floor_is, **WIDE), told(right), rtol=1e-13
    )


@pytest.mark.parametrize("anneal", ["cosine", "linear"])
@pytest.mark.parametrize(("ends", "early"), [("at", 0), ("before", 1)])
@pytest.mark.parametrize("phases", ["two", "three"])
def test_one_cycle(anneal, ends, early, phases):
    low, last = MP.mpf(0.7) / 4, MP.mpf(0.7) / 40
    peak, end = 300 - early, 900 - early
    pieces = [(0, low), (peak, MP.mpf(0.7)), *([(2 * peak, low)] if phases == "three" else []), (end, last)]

    def right(t):
        for (begin, first), (stop, then) in itertools.pairwise(pieces):
            if t < stop:
                x = MP.mpf(t - begin) / (stop - begin)
                return half_cosine(x, first, then) if anneal == "cosine" else first + (then - first) * x
        return last

    given = {"peak": 0.7, "rise_steps": 300, "length": 900, "start_divisor": 4.0, "end_divisor": 10.0}
    found = oracle.one_cycle(STEPS, **given, phases=phases, anneal=anneal, ends=ends, **WIDE)
    np.testing.assert_allclose(found, told(right), rtol=1e-13)


@pytest.mark.parametrize("operation", EXAMPLE)
def test_the_numbers_of_the_page(operation):
    given, rates = EXAMPLE[operation]

    assert getattr(oracle, operation)(np.arange(6), **given) == pytest.approx(rates, abs=6e-5)


def test_the_rate_of_the_transformer_paper():
    peak = (512 * 4000) ** -0.5

    assert peak == pytest.approx(0.000699, abs=5e-7)
    assert oracle.inverse_root_warmup(np.arange(3999, 4000), peak=peak, warmup_steps=4000)[0] == np.float32(peak)
