"""What the conformance suite cannot see of spectral normalization: the module, and the whole under `jax.jit`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.spectral_normalization import SpectralNorm, spectral_norm


def kernel(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def largest(w):
    return np.linalg.svd(np.asarray(w).reshape(-1, w.shape[-1]), compute_uv=False)[0]


def test_module_follows_a_kernel_over_the_steps():
    norm, w = SpectralNorm(4, rngs=nnx.Rngs(0)), kernel(0, 3, 3, 2, 4)
    first = largest(norm(w, train=True))
    for _ in range(60):
        last = norm(w, train=True)
    assert first > largest(last) + 1e-3
    assert largest(last) == pytest.approx(1, abs=1e-5)


def test_module_keeps_its_vector_out_of_training():
    norm, w = SpectralNorm(4, rngs=nnx.Rngs(0)), kernel(1, 5, 4)
    norm(w, train=True)
    before = np.asarray(norm.u[...])
    norm(2 * w, train=False)
    np.testing.assert_array_equal(norm.u[...], before)


def test_vector_is_a_running_statistic_of_length_1_and_no_parameter():
    norm = SpectralNorm(6, rngs=nnx.Rngs(3))
    assert not jax.tree.leaves(nnx.state(norm, nnx.Param))
    assert jnp.linalg.norm(norm.u[...]) == pytest.approx(1, abs=1e-6)


def test_module_under_jit_is_the_function():
    w, norm = kernel(2, 5, 4), SpectralNorm(4, iterations=3, rngs=nnx.Rngs(0))
    wanted, u = spectral_norm(w, norm.u[...], iterations=3, training=True)
    found = nnx.jit(lambda norm, w: norm(w, train=True))(norm, w)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    np.testing.assert_allclose(norm.u[...], u, atol=1e-6)


def test_a_step_along_the_kernel_has_no_slope():
    w = kernel(4, 5, 4)
    u = spectral_norm(w, jnp.ones(4) / 2, iterations=50, training=True)[1]
    g = jax.grad(lambda w: (spectral_norm(w, u, training=True)[0] ** 3).sum())(w)
    assert float((g * w).sum()) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"outputs": 0}, "SpectralNorm: outputs is 0, must be at least 1"),
        ({"outputs": 2, "iterations": 0}, "SpectralNorm: iterations is 0, must be at least 1"),
    ],
)
def test_module_of_nothing_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        SpectralNorm(**given, rngs=nnx.Rngs(0))


def test_vector_of_another_length_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"spectral_norm: u has outputs=3 but kernel has outputs=4"):
        spectral_norm(kernel(0, 5, 4), jnp.ones(3), training=True)
