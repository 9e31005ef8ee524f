"""The oracle of the decoder against mpmath, place by place; gradients by the complex step."""

from functools import partial

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.transformer import decoder as oracle
from nnspec_conformance.oracles.architectures.transformer import encoder as encoders
from nnspec_conformance.suite.architectures.transformer import test_decoder as suite
from nnspec_conformance.trees import leaves

MP = mpmath.mp.clone()
MP.dps = 40
EPSILON = suite.EPSILON
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


def attended(rows, others, w, seen):
    """What each row finds among the first ``seen(i)`` of the others."""
    heads, found = w["bias_q"].shape[0], [[MP.mpf(b) for b in w["bias_o"]] for _ in rows]
    for h in range(heads):
        q, k, v = (
            [mapped(row, w[f"kernel_{p}"][:, h], w[f"bias_{p}"][h]) for row in read]
            for p, read in (("q", rows), ("k", others), ("v", others))
        )
        for i, query in enumerate(q):
            e = [MP.exp(MP.fdot(query, k[j]) / MP.sqrt(len(query))) for j in range(seen(i))]
            mean = [MP.fdot(e, [v[j][d] for j in range(seen(i))]) / sum(e) for d in range(len(query))]
            found[i] = plus(found[i], mapped(mean, w["kernel_o"][h], np.zeros(len(found[i]))))
    return found


def fed(row, w, activation):
    z = mapped(row, w["kernel_in"], w["bias_in"])
    bent = [max(x, MP.mpf(0)) if activation == "relu" else x * MP.ncdf(x) for x in z]
    return mapped(bent, w["kernel_out"], w["bias_out"])


def beside(rows, part, w, n, norm):
    """A part of all rows with shortcut and norm."""
    weighed = w[f"scale_{n}"], w[f"shift_{n}"]
    if norm == "pre":
        return [plus(*pair) for pair in zip(rows, part([normalized(r, *weighed) for r in rows]), strict=True)]
    return [normalized(plus(*pair), *weighed) for pair in zip(rows, part(rows), strict=True)]


def decoder_layer(rows, source, w, norm, activation="relu"):
    cross = {name.removeprefix("cross_"): a for name, a in w.items() if name.startswith("cross_")}
    rows = beside(rows, lambda h: attended(h, h, w, lambda i: i + 1), w, 1, norm)
    rows = beside(rows, lambda h: attended(h, source, cross, lambda i: len(source)), w, 2, norm)
    return beside(rows, lambda h: [fed(row, w, activation) for row in h], w, 3, norm)


def encoder_layer(rows, w, norm):
    rows = beside(rows, lambda h: attended(h, h, w, lambda i: len(rows)), w, 1, norm)
    return beside(rows, lambda h: [fed(row, w, "relu") for row in h], w, 2, norm)


def last(rows, table, norm):
    return [normalized(row, table["final_scale"], table["final_shift"]) for row in rows] if norm == "pre" else rows


def exactly(sequence):
    return [[MP.mpf(x) for x in row] for row in sequence]


def close(found, rows):
    np.testing.assert_allclose(found, np.array(rows, float), rtol=1e-12, atol=1e-13)


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
@pytest.mark.parametrize(("norm", "lengths"), [("pre", ()), ("post", (suite.LENGTHS,))], ids=["whole", "padded"])
def test_gradients_are_those_of_the_complex_step(operation, norm, lengths):
    asked, given = suite.asking(operation, norm, "float64"), {"norm": norm, "epsilon": EPSILON}
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
