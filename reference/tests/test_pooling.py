"""Pooling of the reference: two implementations, transforms, half precision, and errors of one line."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.architectures.convolutional.pooling import (
    average_pool,
    global_average_pool,
    local_response_normalization,
    max_pool,
)

RNG = np.random.default_rng(7)
X = jnp.asarray(RNG.integers(-3, 4, (2, 9, 8, 3)), jnp.float32)  # with ties
LRN = {"size": 3, "alpha": 0.5, "beta": 0.75, "k": 2.0}


SETTINGS = {  # windows side by side, windows that overlap, and those of which the rows come first
    "2 x 2": {"window": (2, 2)},
    "3 x 2": {"window": (3, 2)},
    "1 x 4": {"window": (1, 4)},
    "overlapping": {"window": (3, 3), "stride": (2, 1)},
    "long": {"window": (4, 5), "stride": (1, 2)},
    "padded": {"window": (3, 2), "stride": (2, 1), "pads": (1, 2, 1, 0)},
    "long and padded": {"window": (5, 4), "stride": (3, 2), "pads": (4, 1, 0, 3), "ceil_mode": True},
    "same": {"window": (4, 3), "stride": (3, 2), "padding": "same"},
    "apart": {"window": (2, 1), "stride": (3, 4)},
}


@pytest.mark.parametrize("given", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("f", [max_pool, average_pool])
def test_both_implementations_are_one_function_ties_included(f, given):
    def run(implementation):
        y, pull = jax.vjp(functools.partial(f, **given, implementation=implementation), X)
        return y, *pull(jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    for got, want in zip(jax.jit(run, static_argnums=0)("fused"), jax.jit(run, static_argnums=0)("plain"), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("f", [max_pool, average_pool])
def test_forward_mode_and_second_order_are_there(f):
    g = functools.partial(f, window=(3, 3), stride=(2, 1))
    _, moved = jax.jvp(g, (X,), (jnp.ones_like(X),))
    twice = jax.jvp(jax.grad(lambda x: (g(x) ** 2).sum()), (X,), (jnp.ones_like(X),))[1]

    np.testing.assert_allclose(moved, jnp.ones_like(moved), rtol=1e-6)  # of a constant the maximum and the mean are it
    np.testing.assert_allclose(twice.sum(), 2 * moved.size, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "on_cpu", "elsewhere"),
    [
        ({}, False, False),
        ({"stride": (2, 2)}, False, False),
        ({"implementation": "plain"}, True, True),
        ({"stride": (1, 2)}, False, True),
        ({"stride": (1, 2), "implementation": "fused"}, False, False),
        ({"pads": (1, 0, 0, 0)}, False, True),
        ({"window": (16, 17), "pads": (15, 15, 16, 16), "stride": (3, 3)}, True, True),
    ],
)
@pytest.mark.parametrize("f", [max_pool, average_pool])
def test_the_default_is_fused_side_by_side_and_on_a_cpu(f, given, on_cpu, elsewhere):
    def reduces(platform):
        call = jax.jit(functools.partial(f, **{"window": (2, 2)} | given))
        return "reduce_window" in call.trace(X).lower(lowering_platforms=(platform,)).as_text()

    assert (reduces("cpu"), reduces("tpu")) == (on_cpu, elsewhere)


@pytest.mark.parametrize("implementation", ["plain", "fused"])
def test_padding_beside_minus_infinity_gets_no_cotangent(implementation):
    x = jnp.array([-jnp.inf, 2, 3, -jnp.inf])[None, None, :, None]
    given = {"window": (1, 2), "stride": (1, 2), "pads": (0, 0, 1, 1), "implementation": implementation}
    dx = jax.vjp(lambda x: max_pool(x, **given), x)[1](jnp.array([1.0, 10, 100])[None, None, :, None])[0]

    np.testing.assert_array_equal(dx.ravel(), [1, 0, 10, 100])


@pytest.mark.parametrize("implementation", ["plain", "fused"])
def test_the_cotangent_of_a_window_with_nan_goes_to_the_nan(implementation):
    x = jnp.array([1, jnp.nan, 2, 3])[None, None, :, None]
    _, pull = jax.vjp(lambda x: max_pool(x, window=(1, 2), stride=(1, 1), implementation=implementation), x)
    dx = pull(jnp.array([1.0, 10, 100])[None, None, :, None])[0]

    np.testing.assert_array_equal(dx.ravel(), [0, 11, 0, 100])


@pytest.mark.parametrize("implementation", ["plain", "fused"])
def test_nan_is_kept(implementation):
    x = X.at[0, 1, 0, 0].set(jnp.nan).at[1, 0, 3, 1].set(jnp.nan)
    y = max_pool(x, window=(2, 2), implementation=implementation)

    assert np.argwhere(np.isnan(y)).tolist() == [[0, 0, 0, 0], [1, 0, 1, 1]]


@pytest.mark.parametrize(
    "f",
    [
        functools.partial(max_pool, window=(2, 2)),
        functools.partial(max_pool, window=(3, 2), stride=(2, 1), pads=(1, 1, 1, 0)),
        functools.partial(average_pool, window=(3, 2), stride=(2, 1), pads=(1, 1, 1, 0), ceil_mode=True),
        global_average_pool,
        functools.partial(local_response_normalization, **LRN),
    ],
)
def test_mapped_over_images_equals_the_batch(f):
    mapped = jax.vmap(lambda x: f(x[None])[0])(X)

    np.testing.assert_allclose(mapped, f(X), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_rounded_once(dtype):
    ones = jnp.ones((1, 40, 20, 1), dtype)

    assert float(global_average_pool(ones)[0, 0]) == 1  # summed in bfloat16 it would stop at 256
    y = average_pool(ones, window=(40, 20))
    assert (y.dtype, float(y[0, 0, 0, 0])) == (dtype, 1)
    z = local_response_normalization(jnp.full((1, 1, 1, 1), 300, dtype), **LRN)
    assert float(z[0, 0, 0, 0]) == pytest.approx(300 / (2 + 0.5 * 300**2) ** 0.75, rel=2**-7)  # 300² is inf in float16


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window": (2,)}, r"max_pool: window=\(2,\) has 1 numbers, expected 2"),
        ({"window": (2, 0)}, r"window=\(2, 0\) has 0, expected integers of at least 1"),
        ({"window": (2, 2), "stride": (0, 1)}, r"stride=\(0, 1\) has 0, expected integers of at least 1"),
        ({"window": (2, 2), "pads": (1, 1)}, r"pads=\(1, 1\) has 2 numbers, expected 4"),
        ({"window": (2, 2), "pads": (0, 0, -1, 0)}, r"pads=\(0, 0, -1, 0\) has -1, expected integers of at least 0"),
        ({"window": (2, 2), "pads": (0, 0, 2, 0)}, "make windows of padding alone; expected less than the window's 2"),
        ({"window": (3, 3), "pads": (1, 1, 1, 1), "padding": "same"}, "stand beside padding='same'; use"),
        ({"window": (2, 2), "padding": "SAME"}, "padding must be one of 'valid', 'same', 'same_lower', got 'SAME'"),
        ({"window": (2, 9)}, "a window of 9 places does not fit into axis 2 of x, 8 long, 8 padded; use"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(given, message):
    with pytest.raises(ValueError, match=message) as caught:
        max_pool(X, **given)

    assert "\n" not in str(caught.value)


def test_an_image_without_channels_is_refused():
    for f in (functools.partial(max_pool, window=(2, 2)), global_average_pool):
        with pytest.raises(ValueError, match="x has 3 axes, shape .*; add an axis"):
            f(X[..., 0])


def test_an_even_size_has_no_middle():
    with pytest.raises(ValueError, match="size=4 has no middle channel; expected an odd number"):
        local_response_normalization(X, **LRN | {"size": 4})


def test_a_map_without_places_has_no_mean():
    with pytest.raises(ValueError, match="without a place to take the mean of"):
        global_average_pool(jnp.ones((1, 0, 3, 2)))
