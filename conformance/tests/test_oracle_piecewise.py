"""The oracle of constant pieces, against a loop over the boundaries, and the page's numbers."""

import numpy as np
import pytest

from nnspec_conformance.oracles.training.schedules import piecewise as oracle

STEPS = np.concatenate([np.arange(60), np.random.default_rng(0).integers(-5, 2**31 - 1, 140)])
EDGES = (1, 2, 7, 40, 2**24 + 1, 2**31 - 3)
RATES = np.random.default_rng(1).uniform(0, 2, 7)


@pytest.mark.parametrize("boundary", ["at", "after"])
def test_pieces(boundary):
    steps = np.concatenate([STEPS, *([b - 1, b, b + 1] for b in EDGES)])
    right = []
    for t in steps.tolist():
        piece = 0
        while piece < len(EDGES) and (t >= EDGES[piece] if boundary == "at" else t > EDGES[piece]):
            piece += 1
        right.append(RATES[piece])
    given = {"boundaries": EDGES, "boundary": boundary, "dtype": "float64"}

    assert oracle.piecewise_constant(steps, RATES, **given).tolist() == right


def test_the_numbers_of_the_page():
    steps, rates = np.arange(6), np.array([0.2, 0.8, 0.1])
    at = oracle.piecewise_constant(steps, rates, boundaries=(2, 5))
    after = oracle.piecewise_constant(steps, rates, boundaries=(2, 5), boundary="after")

    assert at == pytest.approx([0.2, 0.2, 0.8, 0.8, 0.8, 0.1])
    assert after == pytest.approx([0.2, 0.2, 0.2, 0.8, 0.8, 0.8])
    assert oracle.constant_rate(steps, rate=0.8) == pytest.approx([0.8] * 6)
    moved = oracle.scheduled_descent(np.ones(6), np.append(at, 0.1))
    assert moved == pytest.approx([-0.2, -0.4, -1.2, -2.0, -2.8, -2.9])


@pytest.mark.parametrize("first_rate", ["own", "next"])
def test_updates_one_by_one(first_rate):
    draws = np.random.default_rng(2)
    gradients, rates = draws.normal(size=200), draws.uniform(0, 1, 201)
    w, right = 0.0, []
    for k, g in enumerate(gradients):
        w -= rates[k + (first_rate == "next")] * g
        right.append(w)

    found = oracle.scheduled_descent(gradients, rates, resume_at=7, first_rate=first_rate)
    np.testing.assert_allclose(found, right, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("boundaries", [(3, 2), (2, 2)])
def test_boundaries_out_of_order(boundaries):
    with pytest.raises(ValueError, match="boundaries are"):
        oracle.piecewise_constant(STEPS, RATES[:3], boundaries=boundaries)
