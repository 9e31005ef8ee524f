"""Layer norm and RMS norm of the reference: modules, transforms, errors of one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.architectures.transformer.normalization import LayerNorm, RMSNorm, layer_norm, rms_norm

RNG = np.random.default_rng(5)
X = jnp.asarray(RNG.standard_normal((3, 4, 6)) + 0.5, jnp.float32)
SCALE, BIAS = (jnp.asarray(RNG.standard_normal(6), jnp.float32) for _ in range(2))


def test_a_module_computes_what_the_function_does_with_the_weights_that_it_holds():
    layer = LayerNorm(6, epsilon=0.05)
    layer.scale[...], layer.bias[...] = SCALE, BIAS
    np.testing.assert_array_equal(layer(X), layer_norm(X, SCALE, BIAS, epsilon=0.05))

    norm = RMSNorm(6, epsilon=0.05)
    norm.scale[...] = SCALE
    np.testing.assert_array_equal(norm(X), rms_norm(X, SCALE, epsilon=0.05))


@pytest.mark.parametrize("used", [(True, True), (True, False), (False, True), (False, False)])
def test_a_module_has_the_weights_that_were_asked_for(used):
    layer = LayerNorm(6, use_scale=used[0], use_bias=used[1])

    assert len(jax.tree.leaves(nnx.state(layer, nnx.Param))) == sum(used)
    np.testing.assert_array_equal(layer(X), layer_norm(X))
    assert len(jax.tree.leaves(nnx.state(RMSNorm(6, use_scale=used[0]), nnx.Param))) == used[0]


def test_a_shift_without_a_scale_is_added():
    layer = LayerNorm(6, use_scale=False)
    layer.bias[...] = BIAS

    np.testing.assert_allclose(layer(X), layer_norm(X, jnp.ones(6), BIAS), rtol=1e-5)


def test_a_module_learns_through_nnx_grad():
    layer = LayerNorm(6)
    gradients = nnx.grad(lambda layer: jnp.sum(layer(X) * SCALE))(layer)

    np.testing.assert_allclose(gradients["bias"][...], SCALE * X.shape[0] * X.shape[1], rtol=1e-6)


def test_a_gradient_of_layer_norm_stays_below_the_size_at_which_new_pages_are_asked_for():
    """Of the formula's steps XLA of JAX 0.10.2 holds 32.05 MiB; above 32 glibc asks the system each time."""
    x, weight = jax.ShapeDtypeStruct((4096, 512), jnp.float32), jax.ShapeDtypeStruct((512,), jnp.float32)

    def both(x, scale, bias, g):
        y, pull = jax.vjp(layer_norm, x, scale, bias)
        return y, *pull(g)

    analysis = jax.jit(both).lower(x, weight, weight, x).compile().memory_analysis()
    if analysis is None:
        pytest.skip("this backend does not say what a program stores")
    assert analysis.temp_size_in_bytes < 2**25


@pytest.mark.parametrize("f", [layer_norm, rms_norm])
def test_a_derivative_by_epsilon_is_the_difference(f):
    with jax.enable_x64(True):
        x = jnp.asarray(X, jnp.float64)
        slope = jax.jvp(lambda e: f(x, epsilon=e), (0.3,), (1.0,))[1]
        near = (f(x, epsilon=0.3 + 1e-5) - f(x, epsilon=0.3 - 1e-5)) / 2e-5
    np.testing.assert_allclose(slope, near, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("f", [layer_norm, rms_norm])
def test_mapped_and_traced_calls_are_the_call(f):
    want = f(X, SCALE, epsilon=0.05)

    np.testing.assert_allclose(jax.vmap(lambda x: f(x, SCALE, epsilon=0.05))(X), want, rtol=1e-6)
    traced = jax.jit(lambda x, epsilon: f(x, SCALE, epsilon=epsilon))
    np.testing.assert_allclose(traced(X, 0.05), want, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layer_norm(X, jnp.ones(5)), "layer_norm: scale has features=5 but x has features=6"),
        (lambda: rms_norm(X, SCALE, epsilon=-1.0), "rms_norm: epsilon must be zero or positive, got -1.0"),
        (lambda: LayerNorm(0), "LayerNorm: features is 0, must be at least 1"),
        (lambda: RMSNorm(-2), "RMSNorm: features is -2, must be at least 1"),
        (lambda: RMSNorm(3, epsilon=-1.0), "RMSNorm: epsilon must be zero or positive, got -1.0"),
        (lambda: LayerNorm(5)(X), "features"),
    ],
)
def test_errors_are_one_line(call, message):
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z") as error:
        call()
    assert message in str(error.value)
