"""The oracle of dropout on weights against mpmath, with the mask given; gradients by the complex step."""

import itertools

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.transformer import attention_dropout as oracle
from nnspec_conformance.suite.architectures.transformer import test_attention as attention
from nnspec_conformance.suite.architectures.transformer import test_attention_dropout as suite

MP = mpmath.mp.clone()
MP.dps = 50
Q, K, V = suite.arrays("float64")
MASK = suite.a_mask()
FULL = (suite.BATCH, suite.HEADS, suite.QUERIES, suite.KEYS)
KEPT = np.random.default_rng(5).random(FULL) < 0.6


def dot(a, b):
    return MP.fdot([MP.mpf(x) for x in a], [MP.mpf(x) for x in b])


def exactly(seen, rate):
    """The results in 50 digits: 120 numbers."""
    y = np.zeros(Q.shape)
    for b, h, i in itertools.product(*map(range, FULL[:3])):
        e = [MP.exp(dot(Q[b, i, h], K[b, j, h]) / 2) if seen[b, h, i, j] else MP.mpf(0) for j in range(FULL[3])]
        left = [x * bool(m) / sum(e) / (1 - MP.mpf(rate)) for x, m in zip(e, KEPT[b, h, i], strict=True)]
        y[b, i, h] = [float(dot(left, V[b, :, h, c])) for c in range(V.shape[3])]
    return y


@pytest.mark.parametrize("rate", [0.4, 0.999])
@pytest.mark.parametrize("masked", [False, True], ids=["all keys", "some keys"])
def test_results_are_those_of_50_digits(masked, rate):
    seen = MASK if masked else np.ones(FULL, bool)
    y = oracle.attention_dropout(Q, K, V, MASK if masked else None, seed=0, rate=rate, kept=KEPT)
    np.testing.assert_allclose(y, exactly(seen, rate), rtol=1e-12, atol=1e-13 / (1 - rate))


def test_the_rows_of_the_page_are_the_results_of_its_masks():
    q, k, v = (np.array(x, float)[None, :, None] for x in (oracle.EXAMPLE_Q, oracle.EXAMPLE_K, oracle.EXAMPLE_V))
    for second, first in itertools.product((0, 1), repeat=2):
        kept = np.array([first, second], bool)[None, None, None]
        y = oracle.attention_dropout(q, k, v, seed=0, rate=0.5, kept=kept)
        np.testing.assert_allclose(y[0, 0, 0, :2], oracle.EXAMPLE_Y[second][first], rtol=1e-14)


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_the_mean_over_all_masks_is_the_attention(rate):
    """Of one query: four weights have 16 masks."""
    q, k, v = Q[:1, :1, :1], K[:1, :, :1], V[:1, :, :1]
    mean = np.zeros(q.shape)
    for kept in itertools.product([False, True], repeat=suite.KEYS):
        chance = (1 - rate) ** sum(kept) * rate ** (suite.KEYS - sum(kept))
        mean += chance * oracle.attention_dropout(q, k, v, seed=0, rate=rate, kept=np.array(kept)[None, None, None])
    np.testing.assert_allclose(mean, oracle.attention(q, k, v), rtol=1e-13)


@pytest.mark.parametrize("masks", ["own", "shared"])
@pytest.mark.parametrize(("rate", "train"), [(0.4, True), (0.4, False), (0.0, True), (1.0, True)])
@pytest.mark.parametrize("mask", [(), (MASK,)], ids=["all keys", "some keys"])
def test_gradients_are_those_of_the_complex_step(mask, rate, train, masks):
    given = {"seed": 3, "rate": rate, "train": train, "masks": masks}
    g = attention.cotangents(Q, V)
    right = complex_step(lambda q, k, v: oracle.attention_dropout(q, k, v, *mask, **given), (Q, K, V), g)
    found = oracle.attention_dropout_vjp(Q, K, V, *mask, g, **given)
    for one, other in zip(found, right, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


def test_a_mask_is_shared_or_not():
    own, shared = (oracle.drawn(1, (2, 2, 50, 50), 0.5, masks) for masks in ("own", "shared"))
    assert (shared == shared[:1, :1]).all()
    assert len({m.tobytes() for m in own.reshape(4, -1)}) == 4


@pytest.mark.parametrize("rate", [-1e-9, 1 + 1e-9, float("nan")])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match="expected 0 to 1"):
        oracle.attention_dropout(Q, K, V, seed=0, rate=rate)


def test_the_rate_1_is_refused_where_it_is_declared():
    with pytest.raises(ValueError, match="drops everything"):
        oracle.attention_dropout(Q, K, V, seed=0, rate=1.0, rate_one="refused")
