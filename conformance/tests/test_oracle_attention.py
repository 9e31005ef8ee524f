"""The oracle of attention against mpmath, whose sums are written here once more; gradients by the complex step."""

import itertools
from functools import partial

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.transformer import attention as oracle
from nnspec_conformance.suite.architectures.transformer import test_attention as suite

MP = mpmath.mp.clone()
MP.dps = 50
Q, K, V = suite.arrays("float64")
MASK = suite.a_mask()
BIAS = suite.biases(Q, K)
G = suite.cotangents(Q, V)


def exactly(q, k, v, allowed, bias, scale):
    """The result of one query of one head, in 50 digits."""
    seen = [j for j in range(len(k)) if allowed[j]]
    if not seen:
        return [0.0] * v.shape[-1]
    scores = {j: MP.mpf(scale) * MP.fdot(map(MP.mpf, q), map(MP.mpf, k[j])) + MP.mpf(bias[j]) for j in seen}
    top = max(scores.values())
    e = {j: MP.exp(score - top) for j, score in scores.items()}
    return [float(MP.fdot(e.values(), (MP.mpf(v[j, c]) for j in seen)) / sum(e.values())) for c in range(v.shape[-1])]


def all_of(q, k, v, allowed, bias, scale):
    groups = q.shape[2] // k.shape[2]
    found = np.empty((*q.shape[:3], v.shape[-1]))
    for b, i, h in itertools.product(*map(range, q.shape[:3])):
        rows = (k[b, :, h // groups], v[b, :, h // groups])
        found[b, i, h] = exactly(q[b, i, h], *rows, allowed[b, h, i], bias[b, h, i], scale)
    return found


@pytest.mark.parametrize("factor", [1e-3, 1.0, 40.0, 1e4], ids=lambda f: f"scores times {f:g}")
@pytest.mark.parametrize("masked", [False, True], ids=["all keys", "some keys"])
def test_results_are_those_of_50_digits(factor, masked):
    allowed = MASK if masked else np.ones_like(MASK)
    q = factor * Q
    y = oracle.attention(q, K, V, MASK if masked else None, BIAS)
    np.testing.assert_allclose(y, all_of(q, K, V, allowed, BIAS, 0.5), rtol=1e-11, atol=1e-13)


def test_keys_that_are_not_seen_and_queries_that_see_nothing():
    q, k, v = suite.arrays("float64", queries=5, keys=3)
    allowed = np.broadcast_to(np.tri(5, 3, -2, dtype=bool), (2, 2, 5, 3))
    y = oracle.attention(q, k, v, causal=True, scale=0.3)
    np.testing.assert_allclose(y, all_of(q, k, v, allowed, np.zeros(allowed.shape), 0.3), rtol=1e-12, atol=1e-15)
    assert not y[:, :2].any()


def test_heads_that_share_keys():
    q, k, v = suite.arrays("float64", heads=6, kv_heads=2)
    shape = (2, 6, 3, 5)
    right = all_of(q, k, v, np.ones(shape, bool), np.zeros(shape), 0.5)
    np.testing.assert_allclose(oracle.attention(q, k, v), right, rtol=1e-12, atol=1e-15)


def test_the_example_of_the_page():
    q, k, v = (np.array(a, float)[None, :, None] for a in (oracle.EXAMPLE_Q, oracle.EXAMPLE_K, oracle.EXAMPLE_V))
    np.testing.assert_allclose(oracle.attention(q, k, v)[0, :, 0], oracle.EXAMPLE_Y, atol=1e-14)
    without = np.array([True, True, False]).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(oracle.attention(q, k, v, without)[0, :, 0], oracle.EXAMPLE_Y_MASKED, atol=1e-14)


BLIND = MASK & (np.arange(3) != 1)[:, None]  # a query that sees nothing


@pytest.mark.parametrize(
    ("mask", "given"),
    [(None, {}), (None, {"scale": -0.7}), (MASK, {}), (BLIND, {}), (BLIND, {"no_keys": "uniform"}),
     (None, {"causal": True}), (MASK, {"causal": True, "causal_alignment": "top-left", "masked_content": "leaks"})],
)  # fmt: skip
def test_gradients_are_those_of_the_complex_step(mask, given):
    for arrays in ((Q, K, V, BIAS), (*suite.arrays("float64", heads=2, kv_heads=1), BIAS)):

        def function(q, k, v, bias):
            return oracle.attention(q, k, v, mask, bias, **given)

        right = complex_step(partial(function), arrays, G)
        found = oracle.attention_vjp(*arrays[:3], mask, arrays[3], G, **given)
        for one, other in zip(found, right, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


def test_readings_of_what_is_not_defined():
    with pytest.raises(ValueError, match="truth values"):
        oracle.attention(Q, K, V, MASK.astype(int))
    as_words = oracle.attention(Q, K, V, 2 * MASK.astype(int), integer_mask="boolean")
    np.testing.assert_array_equal(as_words, oracle.attention(Q, K, V, MASK))
    added = oracle.attention(Q, K, V, MASK.astype(int), integer_mask="added")
    np.testing.assert_array_equal(added, oracle.attention(Q, K, V, None, MASK.astype(float)))
    assert np.isnan(oracle.attention(Q, K, V, BLIND, no_keys="nan")[:, 1]).all()
    uniform = oracle.attention(Q, K, V, BLIND, no_keys="uniform")[:, 1]
    np.testing.assert_allclose(uniform, V.mean(1), rtol=1e-14)
    assert not oracle.attention(Q, K[:, :0], V[:, :0]).any()
