"""Group norm and instance norm of the reference: modules, transforms, errors of one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from nnspec.training.group_normalization import GroupNorm, InstanceNorm, group_norm, instance_norm

RNG = np.random.default_rng(5)
X = jnp.asarray(RNG.standard_normal((4, 3, 6)) + 0.5, jnp.float32)
SCALE, BIAS = (jnp.asarray(RNG.standard_normal(6), jnp.float32) for _ in range(2))


def test_a_module_computes_what_the_function_does_with_the_weights_that_it_holds():
    layer, other = GroupNorm(6, groups=3, epsilon=0.05), InstanceNorm(6, epsilon=0.05)
    for norm in (layer, other):
        norm.scale[...], norm.bias[...] = SCALE, BIAS

    np.testing.assert_array_equal(layer(X), group_norm(X, SCALE, BIAS, groups=3, epsilon=0.05))
    np.testing.assert_array_equal(other(X), instance_norm(X, SCALE, BIAS, epsilon=0.05))


@pytest.mark.parametrize("used", [(True, True), (True, False), (False, True), (False, False)])
def test_a_module_has_the_weights_that_were_asked_for(used):
    for layer in (
        GroupNorm(6, groups=2, use_scale=used[0], use_bias=used[1]),
        InstanceNorm(6, use_scale=used[0], use_bias=used[1]),
    ):
        assert len(jax.tree.leaves(nnx.state(layer, nnx.Param))) == sum(used)
    np.testing.assert_array_equal(layer(X), instance_norm(X))


def test_a_module_learns_through_nnx_grad():
    gradients = nnx.grad(lambda layer: jnp.sum(layer(X) * SCALE))(GroupNorm(6, groups=2))

    np.testing.assert_allclose(gradients["bias"][...], SCALE * 12, rtol=1e-6)


def test_mapped_and_traced_calls_are_the_call():
    want = group_norm(X, SCALE, groups=2, epsilon=0.05)

    mapped = jax.vmap(lambda x: group_norm(x[None], SCALE, groups=2, epsilon=0.05)[0])(X)
    np.testing.assert_allclose(mapped, want, rtol=1e-5, atol=1e-6)
    traced = jax.jit(lambda x, epsilon: group_norm(x, SCALE, groups=2, epsilon=epsilon))
    np.testing.assert_allclose(traced(X, 0.05), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: group_norm(X, jnp.ones(5), groups=2), "group_norm: scale has features=5 but x has features=6"),
        (lambda: group_norm(X, groups=4), "group_norm: groups is 4, must divide the 6 features of x"),
        (lambda: group_norm(X, groups=0), "group_norm: groups is 0, must divide the 6 features of x"),
        (lambda: instance_norm(X, epsilon=-1.0), "instance_norm: epsilon must be zero or positive, got -1.0"),
        (lambda: GroupNorm(6, groups=4), "GroupNorm: groups is 4, must divide the 6 features of x"),
        (lambda: GroupNorm(0, groups=1), "GroupNorm: features is 0, must be at least 1"),
        (lambda: InstanceNorm(0), "InstanceNorm: features is 0, must be at least 1"),
    ],
)
def test_errors_are_one_line(call, message):
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z") as error:
        call()
    assert message in str(error.value)
