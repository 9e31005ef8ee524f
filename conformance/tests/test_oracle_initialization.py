"""The laws of initialization against mpmath: distribution function and moments; and the draws from them."""

import math

import mpmath
import numpy as np
import pytest

from nnspec_conformance.oracles.training import initialization as oracle
from nnspec_conformance.oracles.training.initialization import Law

LAWS = [Law(kind, scale) for kind in ("uniform", "normal", "truncated") for scale in (1.0, 0.037, 4096.0)]


def density(law: Law, w):
    """Of an entry, by the definition of each distribution."""
    z = w / law.scale
    if law.kind == "uniform":
        return mpmath.mpf(1) / 2 / law.scale if abs(z) <= 1 else mpmath.mpf(0)
    kept = mpmath.ncdf(2) - mpmath.ncdf(-2) if law.kind == "truncated" else 1
    return mpmath.npdf(z) / kept / law.scale if law.kind == "normal" or abs(z) <= 2 else mpmath.mpf(0)


def ends(law: Law):
    return [-min(law.bound, 12 * law.scale), 0, min(law.bound, 12 * law.scale)]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_the_distribution_function_at_200_places(law):
    places = np.concatenate([np.linspace(-3.5, 3.5, 196), [0.0, 1e-9, -1e-9, 9.0]]) * law.scale
    for place, below in zip(places, law.below(places), strict=True):
        if abs(place) > law.bound:
            want = float(place > 0)
        elif law.kind == "uniform":
            want = (place / law.scale + 1) / 2
        else:
            kept = mpmath.ncdf(2) - mpmath.ncdf(-2) if law.kind == "truncated" else 1
            least = mpmath.ncdf(-2) if law.kind == "truncated" else 0
            want = float((mpmath.ncdf(mpmath.mpf(place) / law.scale) - least) / kept)
        assert below == pytest.approx(want, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_variance_and_kurtosis(law):
    second = mpmath.quad(lambda w: w**2 * density(law, w), ends(law))
    fourth = mpmath.quad(lambda w: w**4 * density(law, w), ends(law))
    assert law.variance == pytest.approx(float(second), rel=1e-9)
    assert law.kurtosis == pytest.approx(float(fourth / second**2), rel=1e-9)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_draws_are_uniform_under_the_distribution_function(law):
    below = np.sort(law.below(law.draw((5000,), 3)))
    steps = np.arange(1, 5001) / 5000
    assert np.abs(below - steps).max() < 2.7 / math.sqrt(5000)  # Kolmogorov's statistic: beyond once in a million


@pytest.mark.parametrize(
    ("tails", "share"), [("normal", 1.0), ("truncated", 1.0), ("uncorrected", oracle.CUT_VARIANCE)]
)
def test_a_reading_has_the_stated_variance_or_what_the_cut_leaves_of_it(tails, share):
    assert oracle.normal_law(0.3, tails).variance == pytest.approx(0.3 * share)


def test_fans_by_counting_the_weights_of_an_output_and_of_an_input():
    kernel = np.ones((3, 5, 4, 2))
    assert oracle.fans(kernel.shape) == (kernel[..., 0].sum(), kernel[..., 0, :].sum())


def test_bounds_by_hand():
    laws = [oracle.scaled_law(f"{name}_uniform", (4, 2)) for name in ("lecun", "glorot", "he")]
    assert [law.bound for law in laws] == pytest.approx([math.sqrt(3 / 4), 1.0, math.sqrt(6 / 4)])


def test_truncated_draws_between_other_bounds():
    w = oracle.truncated_normal_init((4000,), seed=1, deviation=0.5, bound=0.4)
    z = np.sort(w.astype(np.float64) / 0.5)
    kept = math.erf(0.8 / math.sqrt(2))
    below = np.array([(math.erf(x / math.sqrt(2)) / kept + 1) / 2 for x in z])
    assert np.abs(w).max() <= np.float32(0.4)
    assert np.abs(below - np.arange(1, 4001) / 4000).max() < 2.7 / math.sqrt(4000)


def test_orthogonal_matrices_are_orthogonal_in_float64():
    q = oracle.orthogonal_init((2, 5, 7), seed=1, gain=1.0, dtype="float64").reshape(10, 7)
    np.testing.assert_allclose(q.T @ q, np.eye(7), atol=1e-14)
