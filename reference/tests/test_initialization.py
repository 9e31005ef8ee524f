"""Initializers of the reference: under jit and vmap, in layers of Flax, in every dtype, and their refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.training import initialization
from nnspec.training.initialization import (
    he_normal,
    normal_init,
    truncated_normal_init,
    uniform_init,
    variance_scaling,
)
from nnspec.training.initialization_matrices import delta_init, identity_init, orthogonal_init

KEY = jax.random.key(3)
BY_FANS = ("lecun_uniform", "lecun_normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal")


def test_inside_a_compiled_program_the_key_and_the_size_may_be_traced():
    traced = jax.jit(lambda key, b: uniform_init(key, (5, 3), bound=b))(KEY, 0.5)
    np.testing.assert_array_equal(traced, uniform_init(KEY, (5, 3), bound=0.5))


def test_mapped_over_keys_equals_a_loop():
    keys = jax.random.split(KEY, 3)
    mapped = jax.vmap(lambda key: he_normal(key, (5, 3)))(keys)
    np.testing.assert_allclose(mapped, [he_normal(key, (5, 3)) for key in keys], rtol=1e-6)


def test_a_layer_of_flax_starts_with_it():
    layer = nnx.Linear(400, 300, kernel_init=he_normal, rngs=nnx.Rngs(0))
    assert float(jnp.mean(layer.kernel[...] ** 2) * 200) == pytest.approx(1, abs=0.03)


def test_float64_has_digits_that_float32_has_not():
    with jax.enable_x64(True):
        w = orthogonal_init(KEY, (30, 20), jnp.float64)
        np.testing.assert_allclose(w.T @ w, np.eye(20), atol=1e-14)


def test_half_precision_is_float32_rounded_once():
    wide, half = (
        truncated_normal_init(KEY, (40, 30), dtype, deviation=0.3, bound=0.6) for dtype in ("float32", "bfloat16")
    )
    np.testing.assert_array_equal(wide.astype(jnp.bfloat16), half)


def test_a_deviation_of_0_gives_zeros():
    np.testing.assert_array_equal(truncated_normal_init(KEY, (5, 3), deviation=0.0, bound=1.0), jnp.zeros((5, 3)))


def test_the_gains_default_to_1():
    np.testing.assert_array_equal(identity_init(KEY, (2, 3)), jnp.eye(2, 3))
    np.testing.assert_allclose(jnp.linalg.norm(orthogonal_init(KEY, (7, 2)), axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize("name", BY_FANS)
@pytest.mark.parametrize("shape", [(5,), (), (0, 3), (3, 0)])
def test_a_shape_without_fans_is_refused(name, shape):
    with pytest.raises(
        ValueError, match=rf"^{name}: shape .* has no fans; give it \[\*window, in, out\], no length 0$"
    ):
        getattr(initialization, name)(KEY, shape)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: orthogonal_init(KEY, (5,)), "orthogonal_init: shape .* has no matrix"),
        (lambda: identity_init(KEY, (5, 5, 5)), "identity_init: shape .* is no matrix"),
        (lambda: delta_init(KEY, (5, 5)), "delta_init: shape .* has no window"),
        (lambda: uniform_init(KEY, (5, 3), bound=-1.0), "uniform_init: bound must be zero or positive, got -1.0"),
        (lambda: normal_init(KEY, (5, 3), deviation=float("nan")), "normal_init: deviation must be zero or positive"),
        (lambda: truncated_normal_init(KEY, (5,), deviation=1.0, bound=0.0), "bound must be positive, got 0.0"),
        (lambda: he_normal(KEY, (5, 3), tails="fat"), "tails"),  # type: ignore[arg-type]
    ],
)
def test_refusals_name_argument_and_range(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(("fans", "n"), [("in", 400), ("out", 300), ("average", 350)])
@pytest.mark.parametrize("distribution", ["normal", "truncated", "uniform"])
def test_variance_scaling_has_the_variance_asked_for(fans, n, distribution):
    w = variance_scaling(KEY, (400, 300), scale=0.7, fans=fans, distribution=distribution)
    assert float(jnp.mean(w**2) * n / 0.7) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("scale", [0.0, -0.3])
def test_variance_scaling_refuses_a_scale_that_is_not_positive(scale):
    with pytest.raises(ValueError, match="variance_scaling: scale must be positive, got"):
        variance_scaling(KEY, (5, 3), scale=scale, fans="in", distribution="normal")
