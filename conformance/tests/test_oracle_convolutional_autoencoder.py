"""The oracle of convolutional autoencoders: loops over places, the complex step, and the page's example."""

import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.architectures import convolutional_autoencoder as oracle
from nnspec_conformance.suite.architectures import test_convolutional_autoencoder as suite

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(0, 1, (2, 8, 12, 3))
SHAPES = {"encoder": [(3, 4), (4, 2)], "decoder": [(4, 3), (2, 4)]}
WEIGHTS = {
    f"{half}_{part}_{i}": RANDOM.normal(0, 0.3, (4, 4, n, m) if part == "kernel" else m)
    for half, shapes in SHAPES.items()
    for i, (n, m) in enumerate(shapes)
    for part in ("kernel", "bias")
}


def halved_by_loops(x, kernel, bias):
    batch, rows, columns, _ = x.shape
    y = np.zeros((batch, rows // 2, columns // 2, kernel.shape[-1])) + bias
    for p, q, a, c in np.ndindex(rows // 2, columns // 2, 4, 4):
        i, j = 2 * p + a - 1, 2 * q + c - 1
        if 0 <= i < rows and 0 <= j < columns:
            y[:, p, q] += x[:, i, j] @ kernel[a, c]
    return y


def doubled_by_loops(z, kernel, bias):
    batch, rows, columns, _ = z.shape
    y = np.zeros((batch, 2 * rows, 2 * columns, kernel.shape[-1])) + bias
    for p, q, a, c in np.ndindex(rows, columns, 4, 4):
        i, j = 2 * p + a - 1, 2 * q + c - 1
        if 0 <= i < 2 * rows and 0 <= j < 2 * columns:
            y[:, i, j] += z[:, p, q] @ kernel[a, c]
    return y


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_layers_are_loops_over_windows(activation):
    phi = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[activation]
    pairs = {name: (WEIGHTS[f"{name[:-1]}kernel_{name[-1]}"], WEIGHTS[f"{name[:-1]}bias_{name[-1]}"]) for name in (
        "encoder_0", "encoder_1", "decoder_0", "decoder_1")}  # fmt: skip
    code = halved_by_loops(phi(halved_by_loops(X, *pairs["encoder_0"])), *pairs["encoder_1"])
    y = doubled_by_loops(phi(doubled_by_loops(code, *pairs["decoder_1"])), *pairs["decoder_0"])

    for got, want in zip(oracle.convolutional_autoencoder(X, WEIGHTS, activation=activation), (code, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradients_are_those_of_the_complex_step(activation):
    def smooth(x, weights):
        return oracle.convolutional_autoencoder(x, weights, activation=activation)

    g = RANDOM.normal(0, 1, (2, 2, 3, 2)), RANDOM.normal(0, 1, X.shape)
    found = oracle.convolutional_autoencoder_vjp(X, WEIGHTS, g, activation=activation)
    wanted = complex_step(smooth, (X, WEIGHTS), g)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-10, atol=1e-12)
    for name in WEIGHTS:
        np.testing.assert_allclose(found[1][name], wanted[1][name], rtol=1e-10, atol=1e-12, err_msg=name)


TIED = {f"kernel_{i}": WEIGHTS[f"encoder_kernel_{i}"] for i in (0, 1)} | {n: WEIGHTS[n] for n in WEIGHTS if "bias" in n}


def test_tied_gradients_are_those_of_the_complex_step():
    def smooth(x, weights):
        return oracle.tied_convolutional_autoencoder(x, weights, activation="tanh")

    g = RANDOM.normal(0, 1, (2, 2, 3, 2)), RANDOM.normal(0, 1, X.shape)
    found = oracle.tied_convolutional_autoencoder_vjp(X, TIED, g, activation="tanh")
    wanted = complex_step(smooth, (X, TIED), g)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-10, atol=1e-12)
    assert set(found[1]) == set(TIED)
    for name in TIED:
        np.testing.assert_allclose(found[1][name], wanted[1][name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_a_tied_layer_of_the_decoder_is_the_adjoint_of_its_layer_of_the_encoder():
    kernel, z = TIED["kernel_0"], RANDOM.normal(0, 1, (2, 4, 6, 4))
    there, back = oracle.halved(X, kernel, np.zeros(4)), oracle.doubled(z, kernel.swapaxes(2, 3), np.zeros(3))

    np.testing.assert_allclose((there * z).sum(), (X * back).sum(), rtol=1e-12)
    code, y = oracle.tied_convolutional_autoencoder(X, TIED, activation="relu")
    table = oracle.untied(TIED)
    for i in (0, 1):
        np.testing.assert_array_equal(table[f"decoder_kernel_{i}"], table[f"encoder_kernel_{i}"].swapaxes(2, 3))
    for got, want in zip(oracle.convolutional_autoencoder(X, table, activation="relu"), (code, y), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    "change", [{"decoder_kernel_0": np.zeros(1)}, {"kernel_0": np.zeros((3, 4))}, {"kernel_1": np.zeros((4, 4, 4, 0))}]
)
def test_other_tied_tables_are_refused(change):
    with pytest.raises(ValueError, match=r"names|window|no code"):
        oracle.tied_convolutional_autoencoder(X, TIED | change, activation="relu")


@pytest.mark.parametrize("shape", [(2, 6, 8, 3), (2, 8, 7, 3), (2, 0, 4, 3), (8, 8, 3)])
def test_other_sides_are_refused(shape):
    with pytest.raises(ValueError, match="multiples of four"):
        oracle.convolutional_autoencoder(np.zeros(shape), WEIGHTS, activation="relu")


@pytest.mark.parametrize(
    "change",
    [{"encoder_kernel_2": np.zeros(1)}, {"encoder_kernel_0": WEIGHTS["encoder_kernel_0"][:3]},
     {"decoder_kernel_1": WEIGHTS["decoder_kernel_0"]}],
)  # fmt: skip
def test_other_tables_are_refused(change):
    with pytest.raises(ValueError, match=r"names|window|not undone"):
        oracle.convolutional_autoencoder(X, WEIGHTS | change, activation="relu")


# ---- what half precision may be off by

RIGHT = oracle.kernel_slopes


def added_in_the_dtype(dtype):
    """The gradient of a kernel as a loop over places has it, which keeps its sum in half precision."""

    def slopes(x, cotangents, rounded=None):
        padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        _, rows, columns, filters = cotangents.shape
        g, found = cotangents.reshape(-1, filters), np.zeros((4, 4, x.shape[-1], filters))
        for a, c in np.ndindex(4, 4):
            read = padded[:, a : a + 2 * rows : 2, c : c + 2 * columns : 2].reshape(len(g), -1)
            total = np.zeros(found.shape[2:], dtype)
            for one, other in zip(read, g, strict=True):
                total = (total.astype(float) + np.outer(one, other)).astype(dtype)
            found[a, c] = total.astype(float)
        return found

    return slopes


def without_a_tap(x, cotangents, rounded=None):
    found = RIGHT(x, cotangents)
    return found * (np.arange(16) != 9).reshape(4, 4, 1, 1)


def without_the_last_image(x, cotangents, rounded=None):
    return RIGHT(x[:-1], cotangents[:-1])


def with_what_the_tap_before_left(x, cotangents, rounded=None):
    """An accumulator that is not set to zero at the last tap of a row of the window."""
    found = RIGHT(x, cotangents)
    found[:, 3] += found[:, 2]
    return found


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("operation", [suite.NAME, suite.TIED])
def test_half_precision_may_add_in_a_loop_and_lose_nothing(operation, dtype, monkeypatch):
    g = normal_draws(484, (2, 2, 3, 2), dtype), normal_draws(485, (2, 8, 12, 3), dtype)
    given = suite.images(dtype), suite.told(operation, suite.table(dtype)), g
    (of_x, of_weights) = suite.GRADIENTS[operation](*given, **suite.SMOOTH)

    def off(slopes):
        """The worst error in tolerances where the gradients of kernels are those of a function."""
        with monkeypatch.context() as patch:
            patch.setattr(oracle, "kernel_slopes", slopes)
            dx, found = getattr(oracle, f"{operation}_vjp")(*wide(given), **suite.SMOOTH)
        pairs = [(dx, of_x), *((found[name], want) for name, want in of_weights.items())]
        return max(float(np.max(np.abs(got - want.value) / want.allowed)) for got, want in pairs)

    assert 0.08 < off(added_in_the_dtype(DTYPES[dtype])) < 0.16  # eight times what such a loop is off by is allowed
    for slopes in (without_a_tap, without_the_last_image, with_what_the_tap_before_left):
        assert off(slopes) > 7, slopes.__name__
