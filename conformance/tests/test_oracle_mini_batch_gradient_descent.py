"""The oracle of the mini-batch gradient against exact fractions, and the theorems on all batches."""

from fractions import Fraction

import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.training import mini_batch_gradient_descent as oracle

DRAWS = np.random.default_rng(5)
ROWS = np.concatenate([DRAWS.standard_normal((40, 5)), 1e150 * DRAWS.standard_normal((2, 5)), np.zeros((1, 5))])


@pytest.mark.parametrize("size", [1, 2, 7, 100])
@pytest.mark.parametrize("combine", ["mean", "sum"])
def test_result_is_the_exact_combination_rounded(size, combine):
    for _ in range(10):
        batch = DRAWS.integers(0, 40, size)
        total = [sum(map(Fraction, column)) for column in ROWS[batch].T]
        exact = [float(t / size if combine == "mean" else t) for t in total]
        np.testing.assert_allclose(
            oracle.mini_batch_gradient(ROWS, batch, combine=combine), exact, rtol=1e-12, atol=1e-14 * size
        )


def test_huge_rows_and_zeros():
    np.testing.assert_allclose(oracle.mini_batch_gradient(ROWS, np.array([40, 42])), ROWS[40] / 2)


@pytest.mark.parametrize("combine", ["mean", "sum"])
def test_gradient_is_that_of_the_complex_step(combine):
    batch, g = np.array([4, 1, 4, 4, 0]), DRAWS.standard_normal(5)
    (want,) = complex_step(lambda rows: oracle.mini_batch_gradient(rows, batch, combine=combine), (ROWS[:6],), g)
    np.testing.assert_allclose(oracle.mini_batch_gradient_vjp(ROWS[:6], batch, g, combine=combine)[0], want, atol=1e-14)


@pytest.mark.parametrize(("examples", "size"), [(4, 2), (4, 3), (5, 1), (5, 5), (6, 3)])
def test_variance_over_all_batches_in_fractions(examples, size):
    values = [Fraction(int(v)) for v in DRAWS.integers(-9, 9, examples)]
    mean = sum(values) / examples
    s2 = sum((v - mean) ** 2 for v in values) / examples
    found = [sum(values[i] for i in batch) / size for batch in oracle.batches(examples, size)]
    assert sum(found) / len(found) == mean
    variance = sum((v - mean) ** 2 for v in found) / len(found)
    assert variance == s2 / size * Fraction(examples - size, examples - 1)
    rows = np.array([[float(v)] for v in values])
    assert oracle.variance(rows, size)[0] == pytest.approx(float(variance), rel=1e-14)


@pytest.mark.parametrize(("examples", "size"), [(3, 2), (4, 2), (3, 3)])
def test_variance_over_all_draws_in_fractions(examples, size):
    values = [Fraction(int(v)) for v in DRAWS.integers(-9, 9, examples)]
    mean = sum(values) / examples
    s2 = sum((v - mean) ** 2 for v in values) / examples
    found = [sum(values[i] for i in batch) / size for batch in oracle.draws(examples, size)]
    variance = sum((v - mean) ** 2 for v in found) / len(found)
    assert variance == s2 / size
    rows = np.array([[float(v)] for v in values])
    assert oracle.variance(rows, size, replacement=True)[0] == pytest.approx(float(variance), rel=1e-14)


def test_the_example_of_the_page():
    rows = np.array(oracle.EXAMPLE_GRADIENTS, float)
    found = {batch: oracle.mini_batch_gradient(rows, np.array(batch))[0] for batch in oracle.EXAMPLE_BATCHES}
    assert found == oracle.EXAMPLE_BATCHES
    assert np.mean(list(found.values())) == 2
    assert np.var(list(found.values())) == pytest.approx(17 / 6) == oracle.variance(rows, 2)[0]
    three = sorted(oracle.mini_batch_gradient(rows, batch)[0] for batch in oracle.batches(4, 3))
    assert three == pytest.approx([2 / 3, 5 / 3, 7 / 3, 10 / 3])
    assert np.var(three) == pytest.approx(17 / 18)


@pytest.mark.parametrize("batch", [[], [0, 43], [-1]])
def test_wrong_indices_are_refused(batch):
    with pytest.raises(ValueError, match="expected"):
        oracle.mini_batch_gradient(ROWS, np.array(batch, int))
