"""The oracle of convolution: sums in fractions, its second form, SciPy, the complex step, and the page's numbers."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy import signal

from nnspec_conformance.derivatives import complex_step
from nnspec_conformance.inputs import normal_draws
from nnspec_conformance.oracles.architectures.convolutional import convolution as oracle
from nnspec_conformance.suite.architectures.convolutional import test_convolution as suite
from nnspec_conformance.suite.architectures.convolutional import test_convolution_relations as relations
from nnspec_conformance.windows import windows

SETTINGS = [
    (operation, *setting)
    for operation in ("convolution_1d", "convolution_2d")
    for setting in (
        suite.FULL[operation],
        suite.BARE[operation],
        suite.DILATED[operation],
        *((x, k, g | {"padding": p}) for x, k, g in suite.SAME_STRIDED[operation] for p in ("same", "same_lower")),
    )
]


def in_fractions(x, kernel, bias, given):
    """The sum of the page, place by place; what lies outside the input is zero."""
    axes = kernel.ndim - 2
    stride, dilation = given.get("stride", (1,) * axes), given.get("dilation", (1,) * axes)
    pads, groups = given.get("pads", (0,) * (2 * axes)), given.get("groups", 1)
    starts, counts = [], []
    for i in range(axes):
        length, taps = x.shape[i + 1], kernel.shape[i]
        reach, before, after = dilation[i] * (taps - 1) + 1, pads[2 * i], pads[2 * i + 1]
        if given.get("padding", "valid") != "valid":
            total = max((-(-length // stride[i]) - 1) * stride[i] + reach - length, 0)
            before = total // 2 if given["padding"] == "same" else total - total // 2
            after = total - before
        starts.append(before)
        counts.append((length + before + after - reach) // stride[i] + 1)
    channels, filters = kernel.shape[-2], kernel.shape[-1] // groups
    y = np.zeros((len(x), *counts, kernel.shape[-1]), object)
    for at in np.ndindex(y.shape):
        total = Fraction(float(bias[at[-1]]))
        for tap in np.ndindex(kernel.shape[:-1]):
            read = [p * s + a * d - b for p, s, a, d, b in zip(at[1:-1], stride, tap, dilation, starts, strict=False)]
            if all(0 <= i < n for i, n in zip(read, x.shape[1:-1], strict=True)):
                channel = at[-1] // filters * channels + tap[-1]
                total += Fraction(float(x[(at[0], *read, channel)])) * Fraction(float(kernel[(*tap, at[-1])]))
        y[at] = total
    return y


@pytest.mark.parametrize(("operation", "x", "kernel", "given"), SETTINGS)
def test_values_are_the_sum_in_fractions(operation, x, kernel, given):
    made = suite.arrays(x, kernel, "float64")
    exactly = in_fractions(*made, given).astype(np.float64)

    np.testing.assert_allclose(getattr(oracle, operation)(*made, **given), exactly, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("operation", "x", "kernel", "given"), SETTINGS)
def test_both_forms_are_one_map_and_its_transpose_is_the_gradient(operation, x, kernel, given):
    x, kernel = suite.arrays(x, kernel, "float64", bias=False)
    matrix = oracle.matrix_of(x, kernel, **given)
    y = getattr(oracle, operation)(x, kernel, **given)
    g = normal_draws(3, y.shape, "float64")
    dx, _ = getattr(oracle, f"{operation}_vjp")(x, kernel, g, **given)

    np.testing.assert_allclose(y.reshape(len(x), -1), x.reshape(len(x), -1) @ matrix, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(dx.reshape(len(x), -1), g.reshape(len(x), -1) @ matrix.T, rtol=1e-12, atol=1e-14)
    assert np.sum(y * g) == pytest.approx(np.sum(x * dx), rel=1e-12)  # the adjoint identity


@pytest.mark.parametrize(("operation", "x", "kernel", "given"), SETTINGS)
def test_gradients_are_those_of_the_complex_step(operation, x, kernel, given):
    made = suite.arrays((1, *x[1:]), kernel, "float64")
    g = normal_draws(4, getattr(oracle, operation)(*made, **given).shape, "float64")
    stepped = complex_step(lambda *arrays: getattr(oracle, operation)(*arrays, **given), made, g)

    for got, want in zip(getattr(oracle, f"{operation}_vjp")(*made, g, **given), stepped, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_it_is_the_correlation_of_scipy_and_not_the_convolution():
    x, kernel = normal_draws(5, (1, 7, 8, 1), "float64"), normal_draws(6, (3, 2, 1, 1), "float64")
    y = oracle.convolution_2d(x, kernel)[0, ..., 0]
    image, window = x[0, ..., 0], kernel[..., 0, 0]

    np.testing.assert_allclose(y, signal.correlate2d(image, window, mode="valid"), rtol=1e-12)
    assert np.abs(y - signal.convolve2d(image, window, mode="valid")).max() > 0.1


def test_the_gradient_is_the_transposed_convolution_with_what_is_left_over_as_output_padding():
    """Zeros between the cotangents, the kernel turned, and (L + pads - d(k - 1) - 1) mod s zeros at the end."""
    for length, taps, stride, dilation, pads in itertools.product(
        range(6, 10), (2, 3), (1, 2, 3), (1, 2), ((0, 0), (1, 2))
    ):
        x = normal_draws(7, (1, length, 2), "float64")
        kernel = normal_draws(8, (taps, 2, 3), "float64")
        given = {"stride": (stride,), "dilation": (dilation,), "pads": pads}
        g = normal_draws(9, oracle.convolution_1d(x, kernel, **given).shape, "float64")
        reach = dilation * (taps - 1)
        left_over = (length + sum(pads) - reach - 1) % stride
        spread = np.zeros((1, (g.shape[1] - 1) * stride + 1 + left_over, 3))
        spread[:, : (g.shape[1] - 1) * stride + 1 : stride] = g
        turned = kernel[::-1].swapaxes(1, 2)
        full = oracle.convolution_1d(spread, turned, dilation=(dilation,), pads=(reach, reach))
        dx = full[:, pads[0] : pads[0] + length]

        np.testing.assert_allclose(oracle.convolution_1d_vjp(x, kernel, g, **given)[0], dx, rtol=1e-11, atol=1e-13)


def test_the_grid_of_lengths_is_as_the_page_counts_it():
    settings = [*itertools.product(
        relations.LENGTHS, relations.TAPS, relations.STRIDES, relations.DILATIONS, relations.PADDINGS
    )]  # fmt: skip

    assert (len(settings), len(settings) - len(relations.grid())) == (2880, 352)
    sample = relations.sampled(relations.grid(), relations.SAMPLE)
    assert len(set(sample)) == relations.SAMPLE
    for place, numbers in enumerate(([*relations.LENGTHS], [*relations.TAPS], [*relations.STRIDES], [1, 2, 3])):
        assert {s[place] for s in sample} == set(numbers)


def test_lengths_are_those_of_a_sum_over_windows():
    """Counted by laying one window after the other, for the whole grid."""
    for length, taps, stride, dilation, (padding, pads) in relations.grid():
        before, after = pads
        if padding != "valid":
            total = max((-(-length // stride) - 1) * stride + dilation * (taps - 1) + 1 - length, 0)
            before, after = total // 2, total - total // 2
        last = length + before + after - dilation * (taps - 1) - 1  # where a window may start at most
        assert windows(length, taps, stride, dilation, padding, *pads) == len(range(0, last + 1, stride))


def test_the_numbers_of_the_page():
    x, kernel = np.array(suite.EXAMPLE_X, float)[None, :, None], np.array(suite.EXAMPLE_KERNEL, float)[:, None, None]
    for given, right in suite.EXAMPLE.values():
        np.testing.assert_array_equal(oracle.convolution_1d(x, kernel, **given)[0, :, 0], right)
    np.testing.assert_array_equal(oracle.convolution_1d(x, kernel[::-1])[0, :, 0], [3, -3, 1, 8])  # flipped
    dx, dkernel = oracle.convolution_1d_vjp(x, kernel, np.array([1.0, 10])[None, :, None], stride=(2,))
    np.testing.assert_array_equal(dx[0, :, 0], [1, 2, 9, 20, -10, 0])
    np.testing.assert_array_equal(dkernel[:, 0, 0], [1, -8, 30])
