"""The oracle of learning rates that decay, against mpmath in 50 digits, and the page's numbers."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.training.schedules import decay as oracle
from nnspec_conformance.suite.training.schedules.test_decay import EXAMPLE

MP = mpmath.mp.clone()
MP.dps = 50
STEPS = np.concatenate([np.arange(60), np.random.default_rng(0).integers(60, 3_000, 140)])
WIDE = {"dtype": "float64"}


def told(right):
    return [float(right(MP.mpf(int(t)), int(t))) for t in STEPS]


@pytest.mark.parametrize("staircase", [False, True])
def test_factors_and_quotients(staircase):
    given = {"initial": 0.7, "decay_steps": 30, "decay_rate": 0.93, "staircase": staircase}

    def part(t, n):
        return n // 30 if staircase else t / 30

    exponential = told(lambda t, n: MP.mpf(0.7) * MP.mpf(0.93) ** part(t, n))
    inverse = told(lambda t, n: MP.mpf(0.7) / (1 + MP.mpf(0.93) * part(t, n)))
    np.testing.assert_allclose(oracle.exponential_decay(STEPS, **given, **WIDE), exponential, rtol=2e-14)
    np.testing.assert_allclose(oracle.inverse_time_decay(STEPS, **given, **WIDE), inverse, rtol=1e-15)


@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_polynomial(power):
    right = told(lambda t, n: MP.mpf(0.1) + (MP.mpf(0.7) - MP.mpf(0.1)) * (1 - min(t / 900, 1)) ** MP.mpf(power))
    found = oracle.polynomial_decay(STEPS, initial=0.7, end=0.1, decay_steps=900, power=power, **WIDE)
    np.testing.assert_allclose(found, right, rtol=1e-14)


@pytest.mark.parametrize(("floor_is", "end"), [("absolute", 0.25), ("fraction", 0.7 * 0.25)])
@pytest.mark.parametrize("after_end", ["stays", "rises"])
def test_cosine(floor_is, end, after_end):
    def right(t, n):
        x = t / 900 if after_end == "rises" else min(t / 900, 1)
        return MP.mpf(end) + (MP.mpf(0.7) - MP.mpf(end)) * (1 + MP.cos(MP.pi * x)) / 2

    given = {"initial": 0.7, "decay_steps": 900, "floor": 0.25, "floor_is": floor_is, "after_end": after_end}
    np.testing.assert_allclose(oracle.cosine_decay(STEPS, **given, **WIDE), told(right), rtol=1e-13)


@pytest.mark.parametrize("boundary", ["at", "after"])
def test_steps_count_the_boundaries(boundary):
    edges = [100, 7, 7, 900]
    reached = [sum(b <= t if boundary == "at" else b < t for b in edges) for t in STEPS.tolist()]
    found = oracle.step_decay(STEPS, np.array(edges), initial=0.7, factor=0.3, boundary=boundary, **WIDE)

    np.testing.assert_allclose(found, [0.7 * 0.3**k for k in reached], rtol=1e-15)


@pytest.mark.parametrize("operation", EXAMPLE)
def test_the_numbers_of_the_page(operation):
    given, rates = EXAMPLE[operation]
    arrays = (np.arange(6), np.array([2, 4])) if operation == "step_decay" else (np.arange(6),)

    assert getattr(oracle, operation)(*arrays, **given) == pytest.approx(rates, abs=6e-5)


def test_a_rounded_factor_of_each_step_is_off_by_a_percent_after_a_million():
    factor = np.float64(np.float32(0.999999))

    assert factor**1e6 / 0.999999**1e6 == pytest.approx(0.987, abs=5e-4)
