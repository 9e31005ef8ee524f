"""The oracle of the sampler against what can be counted, and the stationary variance against its recursion."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from nnspec_conformance.oracles.training.stochastic_gradient_descent import batches, cut, stationary_variance

SIZES = [(n, b) for n in range(1, 21) for b in range(1, n + 1)]  # 210


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("last", ["kept", "dropped"])
def test_every_size_holds_each_example_once_in_batches_of_the_right_length(last, shuffle):
    for n, b in SIZES:
        for epoch in batches(examples=n, batch_size=b, epochs=2, seed=n, shuffle=shuffle, last=last):
            told = [[i for i in batch if i >= 0] for batch in epoch.tolist()]
            whole, rest = divmod(n, b)
            assert [len(batch) for batch in told] == [b] * whole + [rest] * (rest > 0 and last == "kept")
            flat = list(itertools.chain(*told))
            assert len(set(flat)) == len(flat)
            assert set(flat) <= set(range(n))
            assert shuffle or flat == list(range(len(flat)))


def test_what_fills_a_short_batch_stands_at_its_end():
    np.testing.assert_array_equal(cut(np.arange(7)[None], 3, "kept"), [[[0, 1, 2], [3, 4, 5], [6, -1, -1]]])


def test_all_orders_of_four_come_equally_often():
    """120,000 epochs: each of 24 orders 5,000 times, with a standard deviation of 69."""
    found = batches(examples=4, batch_size=4, epochs=120_000, seed=5).reshape(-1, 4) @ [64, 16, 4, 1]
    counts = np.unique(found, return_counts=True)[1]
    assert len(counts) == math.factorial(4)
    assert np.abs(counts - 5000).max() < 5 * 69


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"examples": 0}, "examples"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": -4}, "batch_size"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 13}, "batch_size"),
        ({"batch_size": 13, "last": "dropped", "too_large": "short"}, "batch_size"),
    ],
)
def test_out_of_range_is_refused(wrong, named):
    with pytest.raises(ValueError, match=f"^{named} is"):
        batches(**{"examples": 12, "batch_size": 5, "epochs": 1, "seed": 0} | wrong)


def test_a_batch_size_above_the_number_of_examples_may_be_one_short_batch():
    found = batches(examples=3, batch_size=5, epochs=1, seed=0, shuffle=False, too_large="short")
    np.testing.assert_array_equal(found, [[[0, 1, 2, -1, -1]]])


def test_stationary_variance_solves_its_recursion_exactly():
    """V = (1 - rate * curvature)^2 V + rate^2 noise, in fractions, up to the edge of stability."""
    for rate, curvature in itertools.product((1e-3, 0.1, 0.5, 0.75, 1.5), (1e-4, 0.03, 0.5, 1.0, 1.3)):
        for noise in (1e-6, 0.04, 1.0, 4.0, 1e5, 3e8, 1e-300, 7.0):
            r, c, s = map(Fraction, (rate, curvature, noise))
            v = r**2 * s / (1 - (1 - r * c) ** 2)
            assert (1 - r * c) ** 2 * v + r**2 * s == v
            found = stationary_variance(rate, curvature, noise)
            assert abs(Fraction(found) - v) <= v / 2**46  # 2 - 1.95 loses six bits
