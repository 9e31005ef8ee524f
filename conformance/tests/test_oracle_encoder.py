"""The oracle of the encoder against mpmath, place by place; gradients by the complex step."""

from functools import partial

import numpy as np
import pytest
from transformer_digits import close, encoder_layer, exactly, last

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.transformer import encoder as oracle
from nnspec_conformance.suite.architectures.transformer import test_encoder as suite
from nnspec_conformance.trees import leaves

X, EPSILON = suite.inputs("float64"), suite.EPSILON
PLACES, ACTIVATIONS = ("post", "pre"), ("relu", "gelu")


@pytest.mark.parametrize("norm", PLACES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
def test_a_layer_is_that_of_40_digits(norm, activation, causal):
    table = suite.weights("encoder_layer", dtype="float64")
    y = oracle.encoder_layer(X, table, norm=norm, activation=activation, epsilon=EPSILON, causal=causal)
    for example in range(2):
        close(y[example], encoder_layer(exactly(X[example]), table, norm, activation, causal))


@pytest.mark.parametrize("norm", PLACES)
def test_a_stack_is_that_of_40_digits_for_each_sequence_alone(norm):
    table = suite.weights("encoder", norm, "float64")
    y = oracle.encoder(X, table, suite.LENGTHS, norm=norm, epsilon=EPSILON)
    for example, n in enumerate(suite.LENGTHS):
        rows = exactly(X[example, :n])
        for number in range(suite.LAYERS):
            rows = encoder_layer(rows, oracle.of_layer(table, number), norm)
        close(y[example, :n], last(rows, table, norm))
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
