"""The oracle of the network like LeNet: 50 digits, the oracles of its layers, and gradients by the complex step."""

import itertools
from functools import partial

import mpmath
import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.oracles.architectures.convolutional import _maps, network, network_lenet
from nnspec_conformance.oracles.architectures.convolutional.convolution import convolution_2d, convolution_2d_vjp

MP = mpmath.mp.clone()
MP.dps = 50
PHI = {"tanh": MP.tanh, "relu": lambda z: max(z, MP.mpf(0))}
POOL = {"average": lambda four: MP.fsum(four) / 4, "max": max}
CHOICES = list(itertools.product(PHI, POOL))


def arrays(image=(6, 5, 1), window=2, maps=(2, 3), hidden=3, outputs=2, batch=2):
    """Images and weights in float64."""
    draws = np.random.default_rng(11).standard_normal
    features = (image[0] // 4) * (image[1] // 4) * maps[1]
    shapes = [(window, window, image[2], maps[0]), (window, window, *maps), (features, hidden), (hidden, outputs)]
    weights = {f"kernel_{i}": draws(shape) * np.prod(shape[:-1]) ** -0.5 for i, shape in enumerate(shapes)}
    weights |= {f"bias_{i}": draws(shape[-1]) / 2 for i, shape in enumerate(shapes)}
    return draws((batch, *image)), weights


def exactly(image, weights, activation, pooling):
    """The outputs for one image, place by place, in 50 digits: a list of numbers."""
    phi, maps = PHI[activation], {at: MP.mpf(float(v)) for at, v in np.ndenumerate(image)}
    height, width, _ = image.shape
    for i in range(2):
        W, b = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        before = (len(W) - 1) // 2
        large = {
            (p, q, o): phi(
                MP.mpf(float(b[o]))
                + MP.fsum(
                    maps.get((p + a - before, q + c - before, j), MP.mpf(0)) * MP.mpf(float(W[a, c, j, o]))
                    for a, c, j in np.ndindex(W.shape[:3])
                )
            )
            for p, q, o in np.ndindex(height, width, len(b))
        }
        height, width = height // 2, width // 2
        maps = {
            (p, q, o): POOL[pooling]([large[2 * p + r, 2 * q + s, o] for r in (0, 1) for s in (0, 1)])
            for p, q, o in np.ndindex(height, width, len(b))
        }
    row = [maps[at] for at in np.ndindex(height, width, len(b))]
    for i in (2, 3):
        W, b = weights[f"kernel_{i}"], weights[f"bias_{i}"]
        sums = [
            MP.mpf(float(b[o])) + MP.fsum(v * MP.mpf(float(w)) for v, w in zip(row, W[:, o], strict=True))
            for o in range(len(b))
        ]
        row = [phi(z) for z in sums] if i == 2 else sums
    return [float(v) for v in row]


@pytest.mark.parametrize(("activation", "pooling"), CHOICES)
@pytest.mark.parametrize("sizes", [{}, {"image": (9, 8, 1), "window": 3}, {"image": (8, 11, 2), "window": 1}])
def test_outputs_are_those_of_50_digits(activation, pooling, sizes):
    x, weights = arrays(**sizes, batch=4, outputs=5)
    got = network_lenet.lenet(x, weights, activation=activation, pooling=pooling)

    for i, image in enumerate(x):
        np.testing.assert_allclose(got[i], exactly(image, weights, activation, pooling), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("order", network.ORDERS)
@pytest.mark.parametrize(("activation", "pooling"), CHOICES)
def test_gradients_are_those_of_the_complex_step(activation, pooling, order):
    x, weights = arrays()
    given = {"activation": activation, "pooling": pooling, "flatten_order": order}
    g = np.random.default_rng(12).standard_normal((2, 2))
    got = network_lenet.lenet_vjp(x, weights, g, **given)
    want = complex_step(partial(network_lenet.lenet, **given), (x, weights), g)

    np.testing.assert_allclose(got[0], want[0], rtol=1e-12, atol=1e-14)
    for name in weights:
        np.testing.assert_allclose(got[1][name], want[1][name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_a_saturated_network_keeps_its_digits():
    x, weights = arrays()
    weights["bias_2"] = np.array([1e3, -1e3, 0.0])
    hidden = np.array([1.0, -1.0])
    weights["kernel_3"][2] = 0
    got = network_lenet.lenet(1e150 * x, weights, activation="tanh", pooling="average")

    np.testing.assert_array_equal(got, np.tile(hidden @ weights["kernel_3"][:2] + weights["bias_3"], (2, 1)))


@pytest.mark.parametrize("window", [(1, 1), (2, 2), (3, 2), (4, 5), (7, 6)])
def test_one_product_is_the_convolution_tap_by_tap(window):
    draws = np.random.default_rng(13).standard_normal
    x, kernel, bias = draws((2, 5, 4, 3)), draws((*window, 3, 2)), draws(2)
    g = draws((2, 5, 4, 2))
    want = convolution_2d(x, kernel, bias, padding="same")

    np.testing.assert_allclose(_maps.same_convolution(x, kernel, bias), want, rtol=1e-12, atol=1e-13)
    pairs = zip(
        _maps.same_convolution_vjp(x, kernel, bias, g),
        convolution_2d_vjp(x, kernel, bias, g, padding="same"), strict=True,
    )  # fmt: skip
    for got, right in pairs:
        np.testing.assert_allclose(got, right, rtol=1e-12, atol=1e-13)


def test_a_sum_term_by_term_is_rounded_more_than_its_operands():
    terms, draws = np.ones((400, 3)), np.random.default_rng(14)

    def rounded(y):
        return y * (1 + 1e-6 * draws.uniform(-1, 1, y.shape))

    np.testing.assert_array_equal(_maps.summed(terms, _maps.as_it_is), [400] * 3)
    off = np.abs(_maps.summed(terms, rounded) - 400)
    assert (off > 0).all()
    assert (off < 400 * 400 * 1e-6).all()
