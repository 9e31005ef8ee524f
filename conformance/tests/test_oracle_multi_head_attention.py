"""The oracle of multi-head attention against mpmath, head by head; gradients by the complex step."""

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.transformer import multi_head_attention as oracle
from nnspec_conformance.suite.architectures.transformer import test_multi_head_attention as suite
from nnspec_conformance.suite.architectures.transformer.test_attention import a_mask
from nnspec_conformance.trees import leaves

MP = mpmath.mp.clone()
MP.dps = 50
X, WEIGHTS, CONTEXT, MASK = suite.inputs("float64"), suite.weights("float64"), suite.other("float64"), a_mask()


def dot(a, b):
    return MP.fdot([MP.mpf(x) for x in a], [MP.mpf(x) for x in b])


def rows(x, part, head):
    """Queries, keys or values of one head, in 50 digits."""
    kernel, bias = WEIGHTS[f"kernel_{part}"][:, head], WEIGHTS[f"bias_{part}"][head]
    return [[dot(place, kernel[:, j]) + MP.mpf(bias[j]) for j in range(len(bias))] for place in x]


def exactly(x, context, mask):
    """The results of one example."""
    places, width, heads = len(x), x.shape[1], WEIGHTS["bias_q"].shape[0]
    y = [[MP.mpf(b) for b in WEIGHTS["bias_o"]] for _ in range(places)]
    for head in range(heads):
        q, k, v = rows(x, "q", head), rows(context, "k", head), rows(context, "v", head)
        for i in range(places):
            e = [MP.exp(dot(q[i], key) / MP.sqrt(len(key))) if mask[head, i, j] else MP.mpf(0)
                 for j, key in enumerate(k)]  # fmt: skip
            found = [dot(e, column) / sum(e) for column in zip(*v, strict=True)]
            for o in range(width):
                y[i][o] += dot(found, WEIGHTS["kernel_o"][head, :, o])
    return np.array(y, float)


@pytest.mark.parametrize("crossed", [False, True], ids=["self", "cross"])
@pytest.mark.parametrize("masked", [False, True], ids=["all keys", "some keys"])
def test_results_are_those_of_50_digits(crossed, masked):
    context = CONTEXT if crossed else X
    full = (len(X), suite.HEADS, X.shape[1], context.shape[1])
    mask = (a_mask(keys=full[-1]) | (np.arange(full[-1]) == 0)) if masked else np.ones(full, bool)
    y = oracle.multi_head_attention(X, WEIGHTS, CONTEXT if crossed else None, mask if masked else None)
    for example in range(len(X)):
        right = exactly(X[example], context[example], mask[example])
        np.testing.assert_allclose(y[example], right, rtol=1e-12, atol=1e-14)


def test_the_example_of_the_page():
    table = {name: np.array(w, float) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
    y = oracle.multi_head_attention(np.array([oracle.EXAMPLE_X], float), table)
    np.testing.assert_allclose(y[0], oracle.EXAMPLE_Y, rtol=1e-14)


@pytest.mark.parametrize(("context", "mask"), [(None, False), (None, True), (CONTEXT, False), (CONTEXT, True)])
def test_gradients_are_those_of_the_complex_step(context, mask):
    seen = None if not mask else a_mask(keys=X.shape[1] if context is None else len(CONTEXT[0]))
    arrays = (X, WEIGHTS) if context is None else (X, WEIGHTS, context)
    g = suite.cotangents(X)

    def function(x, weights, context=None):
        return oracle.multi_head_attention(x, weights, context, seen, causal=True)

    right = complex_step(function, arrays, g)
    found = oracle.multi_head_attention_vjp(X, WEIGHTS, context, seen, g, causal=True)
    for one, other in zip(leaves(found), leaves(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


def test_examples_of_different_number_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        oracle.multi_head_attention(X, WEIGHTS, CONTEXT[:1])
