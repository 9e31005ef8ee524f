"""The oracle of the encoder against mpmath, place by place; gradients by the complex step."""

from functools import partial

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.transformer import encoder as oracle
from nnspec_conformance.suite.architectures.transformer import test_encoder as suite
from nnspec_conformance.trees import leaves

MP = mpmath.mp.clone()
MP.dps = 40
X, EPSILON = suite.inputs("float64"), suite.EPSILON
PLACES, ACTIVATIONS = ("post", "pre"), ("relu", "gelu")


def plus(*rows):
    return [sum(column) for column in zip(*rows, strict=True)]


def mapped(row, kernel, bias):
    """A row times a kernel, plus a bias, in 40 digits."""
    return [MP.fdot(row, [MP.mpf(k) for k in column]) + MP.mpf(b) for column, b in zip(kernel.T, bias, strict=True)]


def normalized(row, scale, shift):
    mean = MP.fsum(row) / len(row)
    root = MP.sqrt(MP.fsum((x - mean) ** 2 for x in row) / len(row) + MP.mpf(EPSILON))
    return [(x - mean) / root * MP.mpf(s) + MP.mpf(b) for x, s, b in zip(row, scale, shift, strict=True)]


def attended(rows, w, causal):
    heads, found = w["bias_q"].shape[0], [[MP.mpf(b) for b in w["bias_o"]] for _ in rows]
    for h in range(heads):
        q, k, v = ([mapped(row, w[f"kernel_{p}"][:, h], w[f"bias_{p}"][h]) for row in rows] for p in "qkv")
        for i, query in enumerate(q):
            seen = range(i + 1 if causal else len(rows))
            e = [MP.exp(MP.fdot(query, k[j]) / MP.sqrt(len(query))) for j in seen]
            mean = [MP.fdot(e, [v[j][d] for j in seen]) / sum(e) for d in range(len(query))]
            found[i] = plus(found[i], mapped(mean, w["kernel_o"][h], np.zeros(len(found[i]))))
    return found


def fed(row, w, activation):
    z = mapped(row, w["kernel_in"], w["bias_in"])
    bent = [max(x, MP.mpf(0)) if activation == "relu" else x * MP.ncdf(x) for x in z]
    return mapped(bent, w["kernel_out"], w["bias_out"])


def layer(rows, w, norm, activation, causal=False):
    def first(row):
        return normalized(row, w["scale_1"], w["shift_1"])

    def second(row):
        return normalized(row, w["scale_2"], w["shift_2"])

    if norm == "pre":
        h = [plus(*pair) for pair in zip(rows, attended([first(row) for row in rows], w, causal), strict=True)]
        return [plus(row, fed(second(row), w, activation)) for row in h]
    h = [first(plus(*pair)) for pair in zip(rows, attended(rows, w, causal), strict=True)]
    return [second(plus(row, fed(row, w, activation))) for row in h]


def exactly(sequence):
    return [[MP.mpf(x) for x in row] for row in sequence]


@pytest.mark.parametrize("norm", PLACES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
def test_a_layer_is_that_of_40_digits(norm, activation, causal):
    table = suite.weights("encoder_layer", dtype="float64")
    y = oracle.encoder_layer(X, table, norm=norm, activation=activation, epsilon=EPSILON, causal=causal)
    for example in range(2):
        right = np.array(layer(exactly(X[example]), table, norm, activation, causal), float)
        np.testing.assert_allclose(y[example], right, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("norm", PLACES)
def test_a_stack_is_that_of_40_digits_for_each_sequence_alone(norm):
    table = suite.weights("encoder", norm, "float64")
    y = oracle.encoder(X, table, suite.LENGTHS, norm=norm, epsilon=EPSILON)
    for example, n in enumerate(suite.LENGTHS):
        rows = exactly(X[example, :n])
        for number in range(suite.LAYERS):
            rows = layer(rows, oracle.of_layer(table, number), norm, "relu")
        if norm == "pre":
            rows = [normalized(row, table["final_scale"], table["final_shift"]) for row in rows]
        np.testing.assert_allclose(y[example, :n], np.array(rows, float), rtol=1e-12, atol=1e-13)
        assert not y[example, n:].any()


def test_the_example_of_the_page():
    table = {name: np.array(w, float) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
    for norm, right in oracle.EXAMPLE_Y.items():
        y = oracle.encoder_layer(np.array([oracle.EXAMPLE_X], float), table, norm=norm, epsilon=0.0)
        np.testing.assert_allclose(y[0], right, rtol=1e-14)


@pytest.mark.parametrize("operation", ["encoder_layer", "encoder"])
@pytest.mark.parametrize("norm", PLACES)
@pytest.mark.parametrize("padded_rows", [None, "zeros", "computed"])
def test_gradients_are_those_of_the_complex_step(operation, norm, padded_rows):
    lengths = () if padded_rows is None else (suite.LENGTHS,)
    given = {"norm": norm, "epsilon": EPSILON, "causal": padded_rows is None}
    given |= {} if padded_rows is None else {"padded_rows": padded_rows}
    table, g = suite.weights(operation, norm, "float64"), suite.cotangents(X)
    function = partial(suite.VALUES[operation], **given)
    right = complex_step(lambda x, w: function(x, w, *lengths), (X, table), g)
    found = suite.GRADIENTS[operation](X, table, *lengths, g, **given)
    for one, other in zip(leaves(found), leaves(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("operation", ["encoder_layer", "encoder"])
@pytest.mark.parametrize("norm", PLACES)
def test_gradients_through_gelu_are_those_of_differences(operation, norm):
    given = {"norm": norm, "activation": "gelu", "epsilon": EPSILON}
    table, g, step = suite.weights(operation, norm, "float64"), suite.cotangents(X), 1e-5
    dx, found = suite.GRADIENTS[operation](X, table, g, **given)
    for seed in range(5):
        draw = np.random.default_rng(seed).standard_normal
        way, ways = draw(X.shape), {name: draw(w.shape) for name, w in table.items()}
        ends = [
            suite.VALUES[operation](X + s * way, {name: w + s * ways[name] for name, w in table.items()}, **given)
            for s in (step, -step)
        ]
        right = np.vdot(g, ends[0] - ends[1]) / (2 * step)
        got = np.vdot(dx, way) + sum(np.vdot(w, ways[name]) for name, w in found.items())
        np.testing.assert_allclose(got, right, rtol=1e-6)


@pytest.mark.parametrize("number", [0, 1])
def test_no_two_weights_are_alike_and_no_scale_is_near_zero(number):
    table = oracle.of_layer(suite.weights("encoder", "post", "float64"), number)
    assert min(abs(w).min() for name, w in table.items() if name.startswith("scale")) > 0.1
    assert len({float(w) for a in table.values() for w in a.ravel()}) == sum(a.size for a in table.values())


def test_names_and_places_that_there_are_not():
    table = suite.weights("encoder_layer", dtype="float64")
    with pytest.raises(ValueError, match="expected pre or post"):
        oracle.encoder_layer(X, table, norm="between", epsilon=EPSILON)
    with pytest.raises(ValueError, match="missing or extra"):
        oracle.encoder(X, suite.weights("encoder", "pre", "float64"), norm="post", epsilon=EPSILON)
