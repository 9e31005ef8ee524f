"""The oracle of the residual network: 50 digits, gradients by the complex step, the numbers of the page."""

from functools import partial

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.convolutional import _maps
from nnspec_conformance.oracles.architectures.convolutional import residual_network as oracle
from nnspec_conformance.oracles.architectures.convolutional.convolution import convolution_2d, convolution_2d_vjp

MP = mpmath.mp.clone()
MP.dps = 50
PHI = {"tanh": MP.tanh, "relu": lambda z: max(z, MP.mpf(0))}
PADDINGS = ("centred", "least")


def arrays(sides=(4, 5), maps=(2, 3), outputs=4, batch=2):
    """Images and weights in float64."""
    draws, (first, last) = np.random.default_rng(21).standard_normal, maps
    shapes = [(3, 3, 3, first), (3, 3, first, first), (3, 3, first, first), (3, 3, first, last), (3, 3, last, last)]
    shapes += [(1, 1, first, last), (last, outputs)]
    weights = {f"kernel_{i}": draws(shape) * np.prod(shape[:-1]) ** -0.5 for i, shape in enumerate(shapes)}
    weights |= {f"bias_{i}": draws(shape[-1]) / 2 for i, shape in enumerate(shapes)}
    return draws((batch, *sides, 3)), weights


def exactly(image, weights, activation, padding):
    """The outputs for one image, place by place, in 50 digits: a list of numbers."""
    phi = PHI[activation]

    def convolved(maps, sides, i, stride=1):
        W, b = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        starts = []
        for n in sides:  # where the first window begins
            even = stride == 2 and padding == "least" and n % 2 == 0
            starts.append(0 if len(W) == 1 or even else -1)
        sizes = tuple((n + stride - 1) // stride for n in sides)
        found = {}
        for p, q, o in np.ndindex(*sizes, len(b)):
            at = (stride * p + starts[0], stride * q + starts[1])
            read = (
                maps.get((at[0] + a, at[1] + c, j), MP.mpf(0)) * MP.mpf(float(W[a, c, j, o]))
                for a, c, j in np.ndindex(W.shape[:3])
            )
            found[p, q, o] = MP.mpf(float(b[o])) + MP.fsum(read)
        return found, sizes

    def activated(maps):
        return {at: phi(z) for at, z in maps.items()}

    def added(one, other):
        return {at: one[at] + other[at] for at in one}

    sides = image.shape[:2]
    a0 = activated(convolved({at: MP.mpf(float(v)) for at, v in np.ndenumerate(image)}, sides, 0)[0])
    h1 = activated(convolved(a0, sides, 1)[0])
    a1 = activated(added(a0, convolved(h1, sides, 2)[0]))
    shortcut, half = convolved(a1, sides, 5, stride=2)
    h2 = activated(convolved(a1, sides, 3, stride=2)[0])
    a2 = activated(added(shortcut, convolved(h2, half, 4)[0]))
    W, b = weights["kernel_6"], weights["bias_6"]
    means = [MP.fsum(a2[p, q, i] for p, q in np.ndindex(half)) / (half[0] * half[1]) for i in range(len(W))]
    rows = range(len(W))
    return [
        float(MP.mpf(float(b[o])) + MP.fsum(means[i] * MP.mpf(float(W[i, o])) for i in rows)) for o in range(len(b))
    ]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("sides", [(4, 5), (6, 2), (3, 7), (1, 4)])
def test_outputs_are_those_of_50_digits(activation, padding, sides):
    x, weights = arrays(sides, batch=3, outputs=5)
    got = oracle.residual_network(x, weights, activation=activation, strided_padding=padding)

    for i, image in enumerate(x):
        np.testing.assert_allclose(got[i], exactly(image, weights, activation, padding), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("sides", [(4, 5), (3, 6)])
def test_gradients_are_those_of_the_complex_step(activation, padding, sides):
    x, weights = arrays(sides)
    given = {"activation": activation, "strided_padding": padding}
    g = np.random.default_rng(22).standard_normal((2, 4))
    got = oracle.residual_network_vjp(x, weights, g, **given)
    want = complex_step(partial(oracle.residual_network, **given), (x, weights), g)

    np.testing.assert_allclose(got[0], want[0], rtol=1e-12, atol=1e-14)
    for name in weights:
        np.testing.assert_allclose(got[1][name], want[1][name], rtol=1e-12, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("window", [(1, 1), (3, 3), (2, 4)])
@pytest.mark.parametrize(
    ("stride", "pads"), [(2, (0, 0, 0, 0)), (2, (1, 1, 1, 1)), (3, (0, 1, 2, 0)), (1, (1, 0, 0, 1))]
)
def test_the_strided_convolution_is_the_one_tap_by_tap(window, stride, pads):
    draws = np.random.default_rng(23).standard_normal
    x, kernel, bias = draws((2, 6, 7, 3)), draws((*window, 3, 2)), draws(2)
    given = {"padding": "valid", "pads": pads, "stride": (stride, stride)}
    want = convolution_2d(x, kernel, bias, **given)
    g, pairs = draws(want.shape), [pads[:2], pads[2:]]

    np.testing.assert_allclose(_maps.strided_convolution(x, kernel, bias, stride, pairs), want, rtol=1e-12, atol=1e-13)
    got = _maps.strided_convolution_vjp(x, kernel, bias, g, stride, pairs)
    for part, right in zip(got, convolution_2d_vjp(x, kernel, bias, g, **given), strict=True):
        np.testing.assert_allclose(part, right, rtol=1e-12, atol=1e-13)


def test_the_paddings_meet_on_odd_sides_alone():
    for sides in ((5, 7), (4, 7), (5, 6), (4, 6)):
        x, weights = arrays(sides)
        one, other = (
            oracle.residual_network(x, weights, activation="tanh", strided_padding=padding) for padding in PADDINGS
        )
        assert np.array_equal(one, other) == all(n % 2 for n in sides)


def test_the_row_of_the_page_by_hand():
    row = np.array(oracle.EXAMPLE_ROW, float).reshape(1, 1, 4, 1)
    kernel = np.array(oracle.EXAMPLE_KERNEL, float).reshape(1, 3, 1, 1)
    for padding, want in oracle.EXAMPLE_STRIDED.items():
        pads = [(0, 0), *oracle.strided_pads((4,), padding)]
        assert _maps.strided_convolution(row, kernel, np.zeros(1), 2, pads).ravel().tolist() == want


def test_the_block_of_the_page_by_hand():
    example = oracle.EXAMPLE_BLOCK

    def network(x):
        """One place, one map: the centre of each kernel counts; the second block hands on."""
        centre = np.zeros((3, 3, 1, 1))
        centre[1, 1] = 1
        kernels = [0 * centre, example["first"] * centre, example["second"] * centre, 0 * centre, 0 * centre]
        kernels[0][1, 1] = 1
        weights = {f"kernel_{i}": kernel for i, kernel in enumerate([*kernels, np.ones((1, 1, 1, 1)), np.ones((1, 1))])}
        weights |= {f"bias_{i}": np.zeros(1) for i in range(7)}
        weights["kernel_0"] = np.concatenate([weights["kernel_0"], np.zeros((3, 3, 2, 1))], 2)
        image = np.array([x, 0, 0], float).reshape(1, 1, 1, 3)
        y = oracle.residual_network(image, weights, activation="relu").item()
        dx, _ = oracle.residual_network_vjp(image, weights, np.ones((1, 1)), activation="relu")
        return y, dx[0, 0, 0, 0]

    y, slope = network(example["x"])
    assert y == pytest.approx(example["result"], rel=1e-12)
    assert slope == pytest.approx(example["slope"], rel=1e-12)
    assert example["first"] * example["second"] == pytest.approx(example["slope without"])
    assert round(example["slope"] ** 10, 3) == 0.197
    assert round(example["slope without"] ** 10, 10) == 5.8e-9
