"""What the suite cannot see of the losses of regression: compiled and mapped programs, one-line errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.components.losses import regression as losses

X = jnp.array([0.0, 1.5, -4.0])
Y = jnp.array([1.0, 0.0, 0.25])
V = jnp.array([0.5, 2.0, 1.0])


@pytest.mark.parametrize(
    ("f", "arrays"),
    [
        (losses.squared_error, (X, Y)),
        (losses.absolute_error, (X, Y)),
        (losses.huber, (X, Y)),
        (losses.smooth_l1, (X, Y)),
        (losses.gaussian_nll, (X, Y, V)),
        (losses.poisson_nll, (X, Y)),
        (losses.poisson_nll_from_rate, (V, Y)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_compiled_and_mapped_equal_eager(f, arrays):
    got = f(*arrays)

    np.testing.assert_allclose(jax.jit(f)(*arrays), got, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(f)(*arrays), got, rtol=1e-6)
    np.testing.assert_allclose(f(*arrays, reduction="mean"), jnp.mean(got), rtol=1e-6)


@pytest.mark.parametrize(("f", "name"), [(losses.huber, "delta"), (losses.smooth_l1, "beta")])
def test_a_traced_width_is_taken(f, name):
    got = jax.jit(lambda width: f(X, Y, **{name: width}))(0.5)

    np.testing.assert_allclose(got, f(X, Y, **{name: 0.5}), rtol=1e-6)


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_smooth_l1_of_any_beta_has_finite_derivatives_everywhere(beta):
    def loss(x):
        return losses.smooth_l1(x, jnp.float32(0), beta=beta)

    for x in (0.0, 0.5, -0.5, 3.0):
        assert np.isfinite([jax.grad(loss)(x), jax.grad(jax.grad(loss))(x)]).all()


@pytest.mark.parametrize("full", [False, True])
def test_zero_counts_at_the_rate_0_have_no_nan_in_any_gradient(full):
    def loss(rate, count):
        return losses.poisson_nll_from_rate(rate, count, full=full)

    zero = jnp.float32(0)

    assert abs(loss(zero, zero)) < 1e-6  # XLA's log-gamma of 1 is 5e-7 in float32
    assert np.isfinite(jax.grad(loss, (0, 1))(zero, zero)).all()
    assert jax.grad(lambda x: losses.poisson_nll(x, zero, full=full))(-jnp.inf) == 0


def test_logarithm_of_the_factorial_in_float64():
    counts = np.concatenate([np.arange(171.0), np.linspace(0, 5, 41)])
    with jax.enable_x64(True):
        got = losses.poisson_nll(jnp.zeros(counts.size), jnp.asarray(counts), full=True)
    from scipy.special import gammaln

    np.testing.assert_allclose(got, 1 + gammaln(counts + 1), rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.squared_error(X, Y[:, None]), r"target has batch=\(3, 1\) but prediction has batch=\(3,\)"),
        (lambda: losses.huber(X, Y, delta=0.0), "delta must be positive, got 0.0; the default is 1.0"),
        (lambda: losses.smooth_l1(X, Y, beta=-1.0), "beta must be zero or positive, got -1.0; the default is 1.0"),
        (lambda: losses.gaussian_nll(X, Y, V - 0.5), "variance has the entry 0, expected all above 0"),
        (lambda: losses.poisson_nll(X, -Y), "target has the entry -1, expected none below 0"),
        (lambda: losses.poisson_nll_from_rate(X, Y), "prediction has the entry -4, expected none below 0"),
        (lambda: losses.absolute_error(X, Y, reduction="average"), "reduction must be one of "),
    ],
)
def test_wrong_calls_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call()

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("f", [losses.squared_error, losses.absolute_error, losses.huber])
def test_weights_of_examples_compiled_and_mapped(f):
    x, y, w = jnp.array([1.0, 2.0, -3.0]), jnp.zeros(3), jnp.array([3.0, 0.0, 0.5])
    got = f(x, y, w)

    np.testing.assert_allclose(got, w * f(x, y), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(f)(x, y, w), got, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(f)(x, y, w), got, rtol=1e-6)
    np.testing.assert_allclose(f(x, y, w, reduction="mean"), jnp.sum(got) / 3.5, rtol=1e-6)


def test_a_loss_with_the_weight_0_counts_for_nothing_even_if_it_is_infinite():
    x, w = jnp.array([jnp.inf, 1.0]), jnp.array([0.0, 1.0])

    assert losses.squared_error(x, jnp.zeros(2), w, reduction="mean") == 1
