"""Transposed convolution of the reference: two implementations, the gradient of the convolution, errors of one line."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.architectures.convolutional.convolution import convolution_2d
from nnspec.architectures.convolutional.transposed_convolution import (
    transposed_convolution_1d,
    transposed_convolution_2d,
)

RNG = np.random.default_rng(8)
X = jnp.asarray(RNG.standard_normal((2, 4, 5, 3)), jnp.float32)
KERNEL = jnp.asarray(RNG.standard_normal((3, 2, 3, 4)), jnp.float32)
BIAS = jnp.asarray(RNG.standard_normal(4), jnp.float32)
FULL = {"padding": "valid", "pads": (2, 1, 1, 0), "stride": (2, 3), "dilation": (2, 3), "output_padding": (1, 2)}
WHOLE = {"padding": "valid", "pads": (2, 0, 1, 5), "stride": (2, 3), "output_padding": (1, 2)}
BLOCKS = jnp.asarray(RNG.standard_normal((4, 6, 3, 4)), jnp.float32)
SETTINGS = {
    "full": (KERNEL, FULL),
    "same": (KERNEL, {"padding": "same", "stride": (2, 3)}),
    "whole blocks": (BLOCKS, WHOLE),
    "a block for each input": (BLOCKS, {"padding": "valid", "stride": (4, 6)}),
}


@pytest.mark.parametrize(("kernel", "given"), SETTINGS.values(), ids=SETTINGS)
def test_both_implementations_are_one_function(kernel, given):
    def with_gradients(implementation, x, kernel, bias):
        f = functools.partial(transposed_convolution_2d, **given, implementation=implementation)
        y, pull = jax.vjp(f, x, kernel, bias)
        return y, *pull(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    plain, fused = (jax.jit(functools.partial(with_gradients, i))(X, kernel, BIAS) for i in ("plain", "fused"))

    for got, want in zip(plain, fused, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(("platform", "called"), [("cpu", False), ("tpu", True)])
def test_where_the_stride_divides_the_window_a_cpu_multiplies_whole_blocks(platform, called):
    def learn(x, kernel, stride):
        def squared(x, kernel):
            return (transposed_convolution_2d(x, kernel, padding="valid", stride=stride) ** 2).sum()

        return jax.grad(squared, (0, 1))(x, kernel)

    def program(stride):
        f = jax.jit(functools.partial(learn, stride=stride))
        return f.trace(X, BLOCKS).lower(lowering_platforms=(platform,)).as_text()

    assert ("stablehlo.convolution" in program((2, 3))) is called
    assert "stablehlo.convolution" in program((3, 3))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_of_whole_blocks_is_rounded_once(dtype):
    x, kernel = jnp.ones((1, 8, 1), dtype), jnp.full((600, 1, 1), 75, dtype)
    y = transposed_convolution_1d(x, kernel, padding="valid", stride=(2,))

    assert y.dtype == dtype
    assert float(y[0, 300, 0]) == 600  # of eight inputs; rounded in between it would be another number in bfloat16


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_gradient_of_a_bias_is_added_up_wide(dtype):
    f = functools.partial(transposed_convolution_1d, jnp.ones((2, 1200, 3), dtype), jnp.ones((1, 3, 2), dtype))
    _, pull = jax.vjp(functools.partial(f, padding="valid"), jnp.ones(2, dtype))

    assert pull(jnp.ones((2, 1200, 2), dtype))[0].tolist() == [2400, 2400]  # a sum in bfloat16 stops at 256


def test_it_is_the_gradient_of_the_convolution():
    given = {"padding": "valid", "pads": (1, 1, 0, 2), "stride": (2, 3), "dilation": (2, 1)}
    image = jnp.asarray(RNG.standard_normal((2, 9, 8, 4)), jnp.float32)
    y, pull = jax.vjp(lambda z: convolution_2d(z, KERNEL.swapaxes(2, 3), **given), image)
    lengths = zip((9, 8), (2, 2), (3, 2), (2, 1), (2, 3), strict=True)
    more = tuple((n + p - d * (k - 1) - 1) % s for n, p, k, d, s in lengths)

    got = transposed_convolution_2d(y, KERNEL, **given, output_padding=more)

    np.testing.assert_allclose(got, pull(y)[0], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("arrays", "given", "message"),
    [
        ((X[..., 0], KERNEL), {}, "x has 3 axes, shape .*; add an axis"),
        ((X, KERNEL[:, :, :2]), {}, "kernel has in_channels=2 but x has in_channels=3"),
        ((X, KERNEL, BIAS[:1]), {}, "bias has filters=1 but kernel has filters=4"),
        ((X, KERNEL), {"stride": (0, 1)}, r"stride=\(0, 1\) has 0, expected integers of at least 1"),
        ((X, KERNEL), {"output_padding": (1, 0)}, r"output_padding=\(1, 0\) has 1, expected less than stride 1"),
        ((X, KERNEL), {"output_padding": (-1, 0)}, r"output_padding=\(-1, 0\) has -1, expected integers of at least 0"),
        ((X, KERNEL), {"pads": (3, 3, 0, 0)}, r"pads=\(3, 3, 0, 0\) crop all 6 places of axis 1"),
        ((X, KERNEL), {"pads": (1, 1)}, r"pads=\(1, 1\) has 2 numbers, expected 4"),
        ((X, KERNEL), {"padding": "same", "pads": (1, 1, 1, 1)}, "stand beside padding='same'; use"),
        ((X, KERNEL), {"padding": "full"}, "padding must be one of 'valid', 'same', got 'full'"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(arrays, given, message):
    with pytest.raises(ValueError, match=message) as caught:
        transposed_convolution_2d(*arrays, **{"padding": "valid"} | given)

    assert "\n" not in str(caught.value)
