"""The oracle of embedding: one-hot rows through a matrix product, row by row in fractions, and the page's numbers."""

from fractions import Fraction

import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.architectures.transformer import embedding as oracle
from nnspec_conformance.suite.architectures.transformer import test_embedding as suite

TABLE, IDS = normal_draws(1, (11, 6), "float64"), np.random.default_rng(2).integers(0, 11, (40, 5))
G = normal_draws(3, (40, 5, 6), "float64")
ONE_HOT = np.eye(11)[IDS]


def test_rows_are_products_with_one_hot_rows():
    np.testing.assert_array_equal(oracle.embedding(TABLE, IDS), ONE_HOT @ TABLE)
    np.testing.assert_allclose(oracle.embedding(TABLE, IDS, scaled=True), ONE_HOT @ TABLE * 6**0.5, rtol=1e-15)


@pytest.mark.parametrize("scaled", [False, True])
def test_the_gradient_is_the_sum_over_the_uses_in_fractions(scaled):
    (got,) = oracle.embedding_vjp(TABLE, IDS, G, scaled=scaled)
    for row in range(11):
        for feature in range(6):
            uses = [Fraction(float(g)) for g in G[np.equal(IDS, row)][:, feature]]
            assert got[row, feature] == pytest.approx(float(sum(uses)) * (6**0.5 if scaled else 1), rel=1e-12)


@pytest.mark.parametrize("padding", ["zeros", "row"])
def test_padding_hides_one_row_and_takes_its_gradient(padding):
    y = oracle.padded_embedding(TABLE, IDS, padding_id=4, padding=padding)
    (gradient,) = oracle.padded_embedding_vjp(TABLE, IDS, G, padding_id=4, padding=padding)
    others = np.arange(11) != 4

    np.testing.assert_array_equal(y[IDS != 4], TABLE[IDS[IDS != 4]])
    assert (y[IDS == 4] == (TABLE[4] if padding == "row" else 0)).all()
    assert not gradient[4].any()
    np.testing.assert_array_equal(gradient[others], oracle.embedding_vjp(TABLE, IDS, G)[0][others])


@pytest.mark.parametrize(
    ("reading", "above", "below"),
    [("nan", np.nan, np.nan), ("zeros", 0.0, 0.0), ("last-row", TABLE[10], TABLE[9])],
)
def test_ids_that_are_no_rows(reading, above, below):
    y = oracle.embedding(TABLE, np.array([0, 11, 500, -2]), out_of_range=reading, negative=reading)
    np.testing.assert_array_equal(y, np.broadcast_arrays(TABLE[0], above, above, below, TABLE[0])[:4])
    (gradient,) = oracle.embedding_vjp(
        TABLE, np.array([0, 11, -2]), np.ones((3, 6)), out_of_range=reading, negative=reading
    )
    learns = {0, 10, 9} if reading == "last-row" else {0}
    assert set(np.flatnonzero(gradient.any(-1))) == learns


@pytest.mark.parametrize("given", [{"out_of_range": "refused"}, {"negative": "refused"}])
def test_ids_that_are_refused(given):
    number = 11 if "out_of_range" in given else -1
    with pytest.raises(ValueError, match="an id is"):
        oracle.embedding(TABLE, np.array([0, number]), **given)
    with pytest.raises(ValueError, match="integers"):
        oracle.embedding(TABLE, np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="no row"):
        oracle.padded_embedding(TABLE, IDS, padding_id=11)


def test_the_tied_output_is_the_sum_of_products_and_its_gradient_the_complex_step():
    x, g = normal_draws(4, (7, 6), "float64"), normal_draws(5, (7, 11), "float64")
    for at in np.ndindex(7, 11):
        right = sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x[at[0]], TABLE[at[1]], strict=True))
        assert oracle.tied_logits(x, TABLE)[at] == pytest.approx(float(right), rel=1e-12, abs=1e-14)
    for got, want in zip(
        oracle.tied_logits_vjp(x, TABLE, g), complex_step(oracle.tied_logits, (x, TABLE), g), strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


def test_a_table_at_both_ends_gets_both_gradients():
    ids = np.array([[3, 0, 3], [10, 9, 0]])
    g = normal_draws(6, (2, 3, 11), "float64")
    (want,) = complex_step(lambda table: oracle.tied_logits(table[ids], table), (TABLE,), g)

    np.testing.assert_allclose(oracle.tied_embedding_vjp(TABLE, ids, g)[0], want, rtol=1e-12, atol=1e-13)


def test_the_example_of_the_page():
    table, ids = np.array(suite.EXAMPLE_TABLE, float), np.array(suite.EXAMPLE_IDS)
    np.testing.assert_array_equal(oracle.embedding(table, ids), [[2, 1, 0, 4], [1, 0, 2, 1], [2, 1, 0, 4]])
    np.testing.assert_array_equal(oracle.embedding(table, ids, scaled=True)[1], [2, 0, 4, 2])
    (gradient,) = oracle.embedding_vjp(table, ids, np.array(suite.EXAMPLE_COTANGENTS, float))
    np.testing.assert_array_equal(gradient, suite.EXAMPLE_GRADIENT)
    (uses,) = oracle.embedding_vjp(np.zeros((6, 2)), np.array([5, 5, 5, 1]), np.ones((4, 2)))
    assert uses[:, 0].tolist() == [0, 1, 0, 0, 0, 3]
    assert (50_000 * 512 / 1e6, 25.6 + 20, 25.6 * 2 + 20) == (25.6, 45.6, 71.2)
