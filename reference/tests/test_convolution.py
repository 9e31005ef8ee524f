"""Convolution of the reference: two implementations, transforms, half precision, and errors of one line."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.architectures.convolutional.convolution import convolution_1d, convolution_2d

RNG = np.random.default_rng(7)
X = jnp.asarray(RNG.standard_normal((2, 9, 8, 4)), jnp.float32)
KERNEL = jnp.asarray(RNG.standard_normal((3, 2, 2, 6)), jnp.float32)
BIAS = jnp.asarray(RNG.standard_normal(6), jnp.float32)
FULL = {"padding": "valid", "pads": (1, 2, 0, 3), "stride": (2, 3), "dilation": (2, 3), "groups": 2}
SAME = {"padding": "same", "stride": (3, 2)}
WHOLE = {"padding": "valid", "pads": (1, 2, 0, 3), "stride": (2, 3)}  # of windows of 4 x 6 taps; a column is left over
BLOCKS = jnp.asarray(RNG.standard_normal((4, 6, 4, 5)), jnp.float32)
SETTINGS = {  # what it reads, and with which numbers
    "full": (X, KERNEL, FULL),
    "same": (X, KERNEL, SAME | {"groups": 2}),
    "depthwise": (X, KERNEL[:, :, :1].repeat(2, -1), SAME | {"groups": 4}),
    "one channel": (X[..., :1], KERNEL[:, :, :1], FULL | {"groups": 1}),
    "whole blocks": (X, BLOCKS, WHOLE),
    "whole blocks of one channel": (X[..., :1], BLOCKS[:, :, :1], WHOLE),
}


def value_and_gradients(given, implementation):
    def run(x, kernel, bias, g=None):
        f = functools.partial(convolution_2d, **given, implementation=implementation)
        y, pull = jax.vjp(f, x, kernel, bias)
        return y, *pull(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    return jax.jit(run)


@pytest.mark.parametrize(("x", "kernel", "given"), SETTINGS.values(), ids=SETTINGS)
def test_both_implementations_are_one_function(x, kernel, given):
    bias = jnp.arange(float(kernel.shape[-1]))
    plain, fused = (value_and_gradients(given, name)(x, kernel, bias) for name in ("plain", "fused"))

    for got, want in zip(plain, fused, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


def test_the_default_is_fused():
    programs = [
        str(jax.make_jaxpr(functools.partial(convolution_2d, **FULL, **how))(X, KERNEL))
        for how in ({}, {"implementation": "fused"}, {"implementation": "plain"})
    ]

    assert ["conv_general_dilated" in program for program in programs] == [True, True, False]


@pytest.mark.parametrize(("platform", "called"), [("cpu", False), ("tpu", True)])
def test_where_the_stride_divides_the_window_a_cpu_multiplies_whole_blocks(platform, called):
    def program(x, kernel, **given):
        f = jax.jit(functools.partial(convolution_2d, **given))
        return f.trace(x, kernel).lower(lowering_platforms=(platform,)).as_text()

    assert ("stablehlo.convolution" in program(X, BLOCKS, **WHOLE)) is called
    assert "stablehlo.convolution" in program(X, BLOCKS, **WHOLE | {"stride": (3, 3)})  # 4 rows are no whole blocks
    assert "stablehlo.convolution" in program(jnp.ones((1, 8, 8, 16)), jnp.ones((4, 6, 16, 1)), **WHOLE)


@pytest.mark.parametrize("name", ["depthwise", "one channel"])
def test_where_a_filter_reads_one_channel_no_convolution_is_called(name):
    x, kernel, given = SETTINGS[name]
    many = jnp.ones((9, 9, *kernel.shape[2:]))  # 81 taps

    assert "conv_general_dilated" not in str(jax.make_jaxpr(functools.partial(convolution_2d, **given))(x, kernel))
    assert "conv_general_dilated" in str(
        jax.make_jaxpr(functools.partial(convolution_2d, groups=given["groups"], padding="same"))(x, many)
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_forward_mode_and_second_order_are_those_of_the_plain_one(name):
    x, kernel, given = SETTINGS[name]

    def squared(implementation, x, kernel):
        return (convolution_2d(x, kernel, **given, implementation=implementation) ** 3).sum()

    def along(implementation):
        slope = jax.grad(functools.partial(squared, implementation), argnums=(0, 1))
        return jax.jit(lambda *at: jax.jvp(slope, at, at))(x, kernel)  # forward over reverse

    for got, want in zip(jax.tree.leaves(along("fused")), jax.tree.leaves(along("plain")), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4 * float(jnp.abs(want).max()))


@pytest.mark.parametrize("implementation", ["plain", "fused"])
def test_mapped_over_kernels_equals_a_loop_over_them(implementation):
    f = functools.partial(convolution_2d, **FULL, implementation=implementation)
    kernels = jnp.stack([KERNEL, 2 * KERNEL, KERNEL[::-1]])
    mapped = jax.vmap(f, in_axes=(None, 0))(X, kernels)

    for one, kernel in zip(mapped, kernels, strict=True):
        np.testing.assert_allclose(one, f(X, kernel), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("implementation", ["plain", "fused"])
def test_half_precision_is_rounded_once(dtype, implementation):
    x, kernel = jnp.ones((1, 1, 600), dtype), jnp.ones((1, 600, 1), dtype)
    y = convolution_1d(x, kernel, padding="valid", implementation=implementation)
    taps = convolution_1d(jnp.ones((1, 64, 1), dtype), jnp.full((64, 1, 1), 8, dtype), padding="valid")

    assert y.dtype == taps.dtype == dtype
    assert float(y[0, 0, 0]) == 600  # summed in half precision it would stop at 256 in bfloat16
    assert float(taps[0, 0, 0]) == 512


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_of_whole_blocks_is_rounded_once(dtype):
    y = convolution_1d(jnp.ones((1, 600, 1), dtype), jnp.ones((600, 1, 1), dtype), padding="valid", stride=(2,))

    assert y.dtype == dtype
    assert float(y[0, 0, 0]) == 600


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("groups", [1, 2])
def test_the_gradient_of_a_bias_is_added_up_wide(dtype, groups):
    x, kernel = jnp.ones((4, 30, 20, 2), dtype), jnp.ones((1, 1, 2 // groups, 2), dtype)
    f = functools.partial(convolution_2d, x, kernel, padding="valid", groups=groups)
    _, pull = jax.vjp(f, jnp.ones(2, dtype))

    assert pull(jnp.ones((4, 30, 20, 2), dtype))[0].tolist() == [2400, 2400]  # a sum in bfloat16 stops at 256


GRAY, WINDOW = jnp.ones((5, 7, 6, 1)), jnp.ones((3, 3, 1, 4))


@pytest.mark.parametrize(
    ("arrays", "given", "message"),
    [
        ((GRAY[..., 0], WINDOW), {}, "convolution_2d: x has 3 axes, shape .*; add an axis"),
        ((GRAY, jnp.ones((3, 3, 2, 4))), {}, "convolution_2d: kernel has 2 channels but x has 1"),
        ((jnp.ones((1, 7, 7, 4)), jnp.ones((3, 3, 1, 4))), {}, r"kernel has 1 channels but x has 4; is it \[window"),
        ((GRAY, WINDOW, jnp.ones(1)), {}, "convolution_2d: bias has filters=1 but kernel has filters=4"),
        ((GRAY, WINDOW), {"groups": 2}, "does not divide 1 channels of x and 4 filters; use a divisor"),
        ((GRAY, WINDOW), {"groups": 0}, "groups=0 does not divide 1 channels"),
        ((GRAY, WINDOW), {"stride": (0, 1)}, r"stride=\(0, 1\) has 0, expected integers of at least 1"),
        ((GRAY, WINDOW), {"stride": (2,)}, r"stride=\(2,\) has 1 numbers, expected 2"),
        ((GRAY, WINDOW), {"dilation": (1, -1)}, r"dilation=\(1, -1\) has -1, expected integers of at least 1"),
        ((GRAY, WINDOW), {"pads": (1, 1, 1)}, r"pads=\(1, 1, 1\) has 3 numbers, expected 4"),
        ((GRAY, WINDOW), {"pads": (0, 0, -1, 0)}, r"pads=\(0, 0, -1, 0\) has -1, expected integers of at least 0"),
        ((GRAY, WINDOW), {"padding": "same", "pads": (1, 1, 1, 1)}, "stand beside padding='same'; use"),
        ((GRAY, WINDOW), {"padding": "SAME"}, "padding must be one of 'valid', 'same', 'same_lower', got 'SAME'"),
        ((GRAY, jnp.ones((3, 7, 1, 4))), {}, "a window of 7 taps does not fit into axis 2 of x, 6 long, 0 padded"),
        ((GRAY, WINDOW), {"dilation": (4, 1)}, "4, 9 places, does not fit into axis 1 of x, 7 .*; pad it, or"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(arrays, given, message):
    with pytest.raises(ValueError, match=message) as caught:
        convolution_2d(*arrays, **{"padding": "valid"} | given)

    assert "\n" not in str(caught.value)


def test_padding_has_no_default():
    with pytest.raises(TypeError, match="padding"):
        convolution_2d(GRAY, WINDOW)  # pyright: ignore[reportCallIssue]
