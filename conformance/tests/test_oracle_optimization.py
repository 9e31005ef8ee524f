"""The oracle of optimization against closed forms and exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from nnspec_conformance.oracles.components import optimization as oracle

DRAWS = np.random.default_rng(8)
POINTS = np.concatenate(
    [DRAWS.standard_normal(190), [0.0, -0.0, 1e300, -1e300, 5e-324, 1e-308, 1.0, -1.0, 2.0**52, 0.1]]
)


def test_gradient_descent_is_the_exact_sum_rounded():
    g, rate, decay = POINTS[::-1] * 0.75, 0.375, 0.0625
    got = oracle.gradient_descent({"p": POINTS}, learning_rate=rate, weight_decay=decay)({"p": g})["p"]
    exact = [
        float(Fraction(p) - Fraction(rate) * (Fraction(d) + Fraction(decay) * Fraction(p)))
        for p, d in zip(POINTS, g, strict=True)
    ]
    np.testing.assert_allclose(got, exact, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("t", [1, 2, 7, 400])
def test_gradient_descent_of_a_parabola_is_a_power(t):
    step, now = oracle.gradient_descent({"p": POINTS[:190]}, learning_rate=0.25), {"p": POINTS[:190]}
    for _ in range(t):
        now = step(now)
    np.testing.assert_allclose(now["p"], POINTS[:190] * 0.75**t, rtol=1e-13)


def test_accumulated_gradients_are_the_steps_of_their_exact_mean_or_sum():
    grads = DRAWS.standard_normal((6, 200))
    for combine, part in (("mean", 3), ("sum", 1)):
        step = oracle.gradient_accumulation({"p": np.ones(200)}, learning_rate=0.5, every=3, combine=combine)
        path = [step({"p": g})["p"] for g in grads]
        exact = [float(1 - sum(map(Fraction, column)) / (2 * part)) for column in grads.T]
        np.testing.assert_allclose(path[5], exact, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_average_is_the_weighted_sum_in_closed_form(decay):
    values, first, t = DRAWS.standard_normal((20, 200)), np.full(200, 3.0), 20
    weights = (1 - decay) * decay ** np.arange(t - 1, -1, -1.0)
    total = weights @ values
    wanted = {
        "zero": total,
        "debiased": total / weights.sum(),
        "initial": total + decay**t * first,
        "copied": total + decay**t * values[0],
    }
    for rule, want in wanted.items():
        step = oracle.exponential_average({"p": first}, decay_rate=decay, start_rule=rule)
        got = [step({"p": value})["p"] for value in values][-1]
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_wells_and_barrier_are_the_zeros_of_the_derivative():
    for x in (oracle.LEFT, oracle.BARRIER, oracle.RIGHT):
        assert abs(oracle.two_wells_derivative(x)) < 1e-15
    assert oracle.two_wells(oracle.LEFT) < oracle.two_wells(oracle.RIGHT) < oracle.two_wells(oracle.BARRIER)
