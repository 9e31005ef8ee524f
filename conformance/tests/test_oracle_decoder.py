"""The oracle of the decoder against mpmath, place by place; gradients by the complex step."""

from functools import partial

import numpy as np
import pytest
from transformer_digits import close, decoder_layer, encoder_layer, exactly, last

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.transformer import decoder as oracle
from nnspec_conformance.oracles.architectures.transformer import encoder as encoders
from nnspec_conformance.suite.architectures.transformer import test_decoder as suite
from nnspec_conformance.trees import leaves

EPSILON = suite.EPSILON
PLACES, ACTIVATIONS = ("post", "pre"), ("relu", "gelu")
NONE = np.array([6, 0, 3])  # lengths, one of them of a source without a place


@pytest.mark.parametrize("norm", PLACES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_layer_is_that_of_40_digits(norm, activation):
    asked = suite.asking("decoder_layer", norm, "float64")
    y = oracle.decoder_layer(*asked.arrays, norm=norm, activation=activation, epsilon=EPSILON)
    for example in range(2):
        rows, source = exactly(asked.x[example]), exactly(asked.source[example])
        close(y[example], decoder_layer(rows, source, asked.table, norm, activation))


@pytest.mark.parametrize("norm", PLACES)
def test_a_stack_is_that_of_40_digits_for_each_source_alone(norm):
    asked = suite.asking("decoder", norm, "float64")
    y = oracle.decoder(*asked.arrays, suite.LENGTHS, norm=norm, epsilon=EPSILON)
    for example, n in enumerate(suite.LENGTHS):
        rows, source = exactly(asked.x[example]), exactly(asked.source[example, :n])
        for number in range(suite.LAYERS):
            rows = decoder_layer(rows, source, oracle.of_layer(asked.table, number), norm)
        close(y[example], last(rows, asked.table, norm))


@pytest.mark.parametrize("norm", PLACES)
@pytest.mark.parametrize("operation", ["decoder", "encoder_decoder"])
def test_a_target_beside_an_empty_source_finds_zeros_in_it(norm, operation):
    asked, given = suite.asking(operation, norm, "float64"), {"norm": norm, "epsilon": EPSILON}
    y = suite.VALUES[operation](*asked.arrays, NONE, **given, no_source="zeros")
    above = asked.table if operation == "decoder" else oracle.of_part(asked.table, "decoder_")
    rows = exactly(asked.x[1])
    for number in range(encoders.depth(above)):
        rows = decoder_layer(rows, [], oracle.of_layer(above, number), norm)
    close(y[1], last(rows, above, norm))
    with pytest.raises(ValueError, match="expected at least 1 for each source"):
        suite.VALUES[operation](*asked.arrays, NONE, **given)


@pytest.mark.parametrize("norm", PLACES)
def test_an_encoder_decoder_is_that_of_40_digits_for_each_source_alone(norm):
    asked = suite.asking("encoder_decoder", norm, "float64")
    below, above = (oracle.of_part(asked.table, start) for start in oracle.PARTS)
    y = oracle.encoder_decoder(*asked.arrays, suite.LENGTHS, norm=norm, epsilon=EPSILON)
    for example, n in enumerate(suite.LENGTHS):
        seen = encoder_layer(exactly(asked.source[example, :n]), encoders.of_layer(below, 0), norm)
        rows = decoder_layer(exactly(asked.x[example]), last(seen, below, norm), oracle.of_layer(above, 0), norm)
        close(y[example], last(rows, above, norm))


def test_the_example_of_the_page():
    table = {name: np.array(w, float) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
    x, source = (np.array([a], float) for a in (oracle.EXAMPLE_X, oracle.EXAMPLE_SOURCE))
    for norm, right in oracle.EXAMPLE_Y.items():
        np.testing.assert_allclose(oracle.decoder_layer(x, table, source, norm=norm, epsilon=0.0)[0], right, rtol=1e-14)


@pytest.mark.parametrize("operation", suite.VALUES)
@pytest.mark.parametrize(
    ("norm", "lengths"),
    [("pre", ()), ("post", (suite.LENGTHS,)), ("pre", (NONE,))],
    ids=["whole", "padded", "one source is empty"],
)
def test_gradients_are_those_of_the_complex_step(operation, norm, lengths):
    given = {"norm": norm, "epsilon": EPSILON, "no_source": "zeros"}
    asked = suite.asking(operation, norm, "float64")
    g = suite.cotangents(asked.x)
    function = partial(suite.VALUES[operation], **given)
    right = complex_step(lambda *arrays: function(*arrays, *lengths), asked.arrays, g)
    found = suite.GRADIENTS[operation](*asked.arrays, *lengths, g, **given)
    for one, other in zip(leaves(found), leaves(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("operation", suite.VALUES)
def test_no_two_weights_are_alike(operation):
    table = suite.weights(operation, "pre", "float64")
    assert len({float(w) for a in table.values() for w in a.ravel()}) == sum(a.size for a in table.values())


def test_names_that_there_are_not():
    asked = suite.asking("encoder_decoder", "pre", "float64")
    with pytest.raises(ValueError, match="names begin with"):
        oracle.encoder_decoder(asked.source, asked.x, asked.table | {"scale": asked.x}, norm="pre", epsilon=EPSILON)
    with pytest.raises(ValueError, match="missing or extra"):
        oracle.encoder_decoder(*asked.arrays, norm="post", epsilon=EPSILON)
