"""The oracle of momentum against exact fractions and closed forms."""

from fractions import Fraction

import numpy as np
import pytest

from nnspec_conformance.oracles.training import momentum as oracle

DRAWS = np.random.default_rng(12)
POINTS = np.concatenate([DRAWS.standard_normal(194), [0.0, -0.0, 1e300, -1e300, 5e-324, 2.0**52]])
GRADS = [np.roll(POINTS, 7 * t) * (-0.5) ** t for t in range(1, 6)]
RATES = (0.5, 0.5, 0.125, 2.0, 0.25)


def exact_path(p, grads, *, beta, nesterov, inside, dampening=0.0, whole=True, decay=0.0, decoupled=False):
    """Fractions, entry by entry; written from the sum over all gradients, not from the recursion."""
    b, found, seen, now = Fraction(beta), [], [], Fraction(p)
    for t, (g, rate) in enumerate(zip(grads, RATES, strict=True)):
        rate, beside = Fraction(rate), Fraction(decay) * now
        g = Fraction(g) + (0 if decoupled else beside)
        g *= 1 if t == 0 and whole else 1 - Fraction(dampening)
        seen.append(g * (rate if inside else 1))
        v = sum(b ** (t - s) * one for s, one in enumerate(seen))
        step = seen[-1] + b * v if nesterov else v
        now = now - step * (1 if inside else rate) - (rate * beside if decoupled else 0)
        found.append(now)
    return found


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("momentum", {}),
        ("momentum", {"dampening": 0.25}),
        ("momentum", {"dampening": 0.25, "first_gradient": "dampened"}),
        ("momentum", {"weight_decay": 0.375}),
        ("momentum", {"weight_decay": 0.375, "decay_position": "decoupled"}),
        ("nesterov", {}),
    ],
)
def test_a_trajectory_is_the_exact_sum_rounded(name, given, inside):
    beta = 0.75
    step = getattr(oracle, name)(
        {"p": POINTS}, learning_rate=0.5, momentum=beta, rate_position="inside" if inside else "outside", **given
    )
    path = np.array([step({"p": g}, rate)["p"] for g, rate in zip(GRADS, RATES, strict=True)])
    rule = {
        "beta": beta, "nesterov": name == "nesterov", "inside": inside, "dampening": given.get("dampening", 0.0),
        "whole": given.get("first_gradient") != "dampened", "decay": given.get("weight_decay", 0.0),
        "decoupled": given.get("decay_position") == "decoupled",
    }  # fmt: skip
    for i, p in enumerate(POINTS):
        exact = [float(x) for x in exact_path(p, [g[i] for g in GRADS], **rule)]
        size = np.abs(POINTS[i]) + sum(np.abs(g[i]) for g in GRADS)
        np.testing.assert_allclose(path[:, i], exact, rtol=1e-13, atol=1e-14 * size)


@pytest.mark.parametrize("largest", [1.5, 9.0, 121.0, 1e4])
@pytest.mark.parametrize(
    ("rule", "constants", "errors"),
    [
        (oracle.momentum, oracle.heavy_ball_constants, oracle.heavy_ball_errors),
        (oracle.nesterov, oracle.nesterov_constants, oracle.nesterov_errors),
    ],
)
def test_errors_on_a_quadratic_are_the_closed_form(rule, constants, errors, largest):
    rate, beta, factor = constants(1.0, largest)
    now, slopes = {"w": np.array([3.0, -5.0])}, np.array([1.0, largest])
    step = rule(now, learning_rate=float(rate), momentum=float(beta))
    for t in range(1, 201):
        now = step({"w": slopes * now["w"]})
        scale = (1 + 2 * t) * factor**t
        np.testing.assert_allclose(now["w"], np.array([3.0, -5.0]) * errors(t, factor), rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("largest", [3.0, 40.0])
@pytest.mark.parametrize("constants", [oracle.heavy_ball_constants, oracle.nesterov_constants])
def test_no_other_constants_near_by_shorten_faster(constants, largest):
    """The spectral radius over the whole range of curvatures is the factor, and it is larger to all sides."""
    nesterov = constants is oracle.nesterov_constants
    curvatures = np.linspace(1.0, largest, 400)

    def radius(rate, beta):
        found = []
        for c in curvatures:
            q = 1 - rate * c
            row = [(1 + beta) * q, -beta * q] if nesterov else [beta + q, -beta]
            found.append(np.abs(np.linalg.eigvals([row, [1.0, 0.0]])).max())
        return max(found)

    rate, beta, factor = constants(1.0, largest)
    assert radius(rate, beta) == pytest.approx(factor, abs=1e-6)
    for moved in ((1.02, 1), (0.98, 1), (1, 1.02), (1, 0.98), (1.01, 1.01), (0.99, 0.99), (1.01, 0.99), (0.99, 1.01)):
        assert radius(rate * moved[0], beta * moved[1]) > factor + 1e-5


def test_points_ahead_are_those_of_two_sequences():
    slope = np.tanh
    found = oracle.looks_ahead(POINTS[:190], slope, [0.5] * 8, 0.75)
    now = {"p": POINTS[:190]}
    step = oracle.nesterov(now, learning_rate=0.5, momentum=0.75)
    for want in found:
        now = step({"p": slope(now["p"])})
        np.testing.assert_allclose(now["p"], want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("given", [{"momentum": 1.0}, {"momentum": -0.1}, {"dampening": 1.0}, {"weight_decay": -1.0}])
def test_out_of_range_is_refused(given):
    step = oracle.momentum({"p": POINTS}, **{"learning_rate": 0.5, "momentum": 0.5} | given)
    with pytest.raises(ValueError, match=next(iter(given))):
        step({"p": POINTS})
