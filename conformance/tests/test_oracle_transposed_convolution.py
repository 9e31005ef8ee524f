"""The oracle of transposed convolution: the transpose of the convolution's matrix, fractions, the page's numbers."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.architectures.convolutional import convolution
from nnspec_conformance.oracles.architectures.convolutional import transposed_convolution as oracle
from nnspec_conformance.suite.architectures.convolutional import test_transposed_convolution as suite
from nnspec_conformance.windows import spread, windows

SETTINGS = [
    (operation, *setting)
    for operation in ("transposed_convolution_1d", "transposed_convolution_2d")
    for setting in (
        suite.BARE[operation],
        suite.FULL[operation],
        *((x, kernel, given | {"padding": "same"}) for x, kernel, given in suite.SAME[operation]),
    )
]


def in_fractions(x, kernel, given):
    """The sum of the page along one axis, term by term."""
    (stride,), (dilation,) = given.get("stride", (1,)), given.get("dilation", (1,))
    (before, after), (more,) = given.get("pads", (0, 0)), given.get("output_padding", (0,))
    length, taps = x.shape[1], len(kernel)
    reach = dilation * (taps - 1) + 1
    count = (length - 1) * stride + reach - before - after + more
    if given.get("padding") == "same":
        before, count = max(reach - stride, 0) // 2, length * stride
    y = np.full((len(x), count, kernel.shape[-1]), Fraction(0), object)
    for n, p, a, i, o in np.ndindex(len(x), length, *kernel.shape):
        j = stride * p + dilation * a - before
        if 0 <= j < count:
            y[n, j, o] += Fraction(float(x[n, p, i])) * Fraction(float(kernel[a, i, o]))
    return y.astype(np.float64)


@pytest.mark.parametrize(("operation", "x", "kernel", "given"), [s for s in SETTINGS if s[0].endswith("1d")])
def test_values_are_the_sum_in_fractions(operation, x, kernel, given):
    x, kernel, _ = suite.arrays(x, kernel, "float64")

    got = getattr(oracle, operation)(x, kernel, **given)

    np.testing.assert_allclose(got, in_fractions(x, kernel, given), rtol=1e-12, atol=1e-14)


def test_it_is_the_transpose_of_the_convolution_with_every_output_padding():
    """The convolution that maps the output's length to the input's, its matrix transposed, for some 200 settings."""
    tried = 0
    for length, taps, stride, dilation, pads in itertools.product(
        (2, 3, 5), (1, 2, 3), (1, 2, 3), (1, 2), ((0, 0), (1, 0), (1, 1))
    ):
        for more in range(stride):
            reach = dilation * (taps - 1) + 1
            longer = (length - 1) * stride + reach - sum(pads) + more
            if longer < 1 or max(pads) >= reach:
                continue
            x = normal_draws(1, (1, length, 2), "float64")
            kernel = normal_draws(2, (taps, 2, 3), "float64")
            given = {"stride": (stride,), "dilation": (dilation,), "pads": pads}
            forward = np.zeros((1, longer, 3)), kernel.swapaxes(1, 2)
            assert windows(longer, taps, stride, dilation, "valid", *pads) == length
            matrix = convolution.matrix_of(*forward, **given)
            y = oracle.transposed_convolution_1d(x, kernel, **given, output_padding=(more,))
            np.testing.assert_allclose(y.ravel(), matrix @ x.ravel(), rtol=1e-12, atol=1e-13)
            assert spread(length, taps, stride, dilation, "valid", sum(pads) - more, "gaps") == longer
            tried += 1
    assert tried > 200


@pytest.mark.parametrize(("operation", "x", "kernel", "given"), SETTINGS)
def test_gradients_are_those_of_the_complex_step(operation, x, kernel, given):
    made = suite.arrays((1, *x[1:]), kernel, "float64")
    for order in ("adjoint", "flipped"):
        told = given | {"kernel_order": order}
        g = normal_draws(3, getattr(oracle, operation)(*made, **told).shape, "float64")
        stepped = complex_step(lambda *a, told=told: getattr(oracle, operation)(*a, **told), made, g)

        for got, want in zip(getattr(oracle, f"{operation}_vjp")(*made, g, **told), stepped, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("order", [0, 1], ids=["adjoint", "flipped"])
def test_the_numbers_of_the_page(order):
    x, kernel = (np.array(a, float)[None, :, None] for a in (suite.EXAMPLE_X, suite.EXAMPLE_KERNEL))
    for given, *right in suite.EXAMPLE.values():
        told = given | {"kernel_order": ("adjoint", "flipped")[order]}
        got = oracle.transposed_convolution_1d(x, kernel[0, :, :, None], **told)
        np.testing.assert_array_equal(got[0, :, 0], right[order])


GRID = list(itertools.product(range(1, 16), range(1, 9), range(1, 7), range(1, 5)))  # length, taps, stride, dilation


def test_places_are_reached_equally_often_exactly_as_the_theorem_says():
    asked = [setting for setting in GRID if len(oracle.inside(*setting)) >= setting[2]]

    assert len(asked) == 2057
    for setting in asked:
        assert oracle.is_even(*setting) == oracle.is_even_for_long(*setting[1:]), setting


def test_the_exceptions_of_the_page_are_all_that_there_are():
    """Fewer places than the stride lie between the ends: one alone, or several that are even by chance."""
    exceptions = [
        setting
        for setting in GRID
        if len(oracle.inside(*setting)) and oracle.is_even(*setting) != oracle.is_even_for_long(*setting[1:])
    ]
    several = [setting for setting in exceptions if len(oracle.inside(*setting)) > 1]

    assert all(oracle.is_even(*setting) for setting in exceptions)  # the theorem never promises too much
    assert all(len(oracle.inside(*setting)) < setting[2] for setting in exceptions)
    assert (len(exceptions), len(several)) == (92, 15)
    assert {setting[3] for setting in several} == {2, 3, 4}  # with gaps only
    assert suite.EVEN_BY_CHANCE in several
    assert oracle.overlaps(*suite.EVEN_BY_CHANCE).tolist() == [1, 0, 1, 1, 0, 1]
