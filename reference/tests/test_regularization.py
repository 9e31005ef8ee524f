"""Penalties of the reference: which arrays count, compiled programs, closed forms that training reaches, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.training.regularization import (
    elastic_net_penalty,
    l1_penalty,
    l2_penalty,
    max_norm,
    penalized,
    soft_threshold,
)

PARAMS = {"kernel": jnp.array([[3.0, 0.0], [-4.0, 1.0]]), "bias": jnp.array([9.0]), "scale": jnp.float32(5.0)}


def l2(x):
    return l2_penalty(x, strength=0.5)


def over_everything(params, penalty, mask=None):
    """Biases and scales are held back too."""
    return sum(penalty(x) for x in jax.tree.leaves(params))


def mask_turned_round(params, penalty, mask=None):
    """What is marked is left out."""
    return penalized(params, penalty, mask=mask and jax.tree.map(lambda m: not m, mask))


@pytest.mark.statement("penalty.mask", of=penalized, mutants=[over_everything, mask_turned_round])
def test_only_the_chosen_arrays_count(implementation):
    assert float(implementation(PARAMS, l2)) == 0.25 * 26
    chosen = {"kernel": False, "bias": True, "scale": False}
    assert float(implementation(PARAMS, l2, mask=chosen)) == 0.25 * 81


@pytest.mark.statement("penalty.mask", of=penalized, mutants=[over_everything])
def test_a_linear_model_whose_bias_is_left_out_ends_at_ridge_of_centred_data(implementation):
    """(X'X + n strength I)^-1 X'y of the centred data, and the bias makes the means fit, far from 0 as they are."""
    rng = np.random.default_rng(5)
    x, n = np.array([1.0, -2.0, 0.5]) + rng.normal(size=(24, 3)), 24
    y = x @ [1.0, -0.5, 0.25] + 4 + 0.1 * rng.normal(size=n)

    @jax.jit
    def slope(params):
        def objective(p):
            return jnp.mean((x @ p["kernel"] + p["bias"] - y[:, None]) ** 2) / 2 + implementation(p, l2)

        return jax.grad(objective)(params)

    params = {"kernel": jnp.zeros((3, 1)), "bias": jnp.zeros(1)}
    for _ in range(600):
        params = jax.tree.map(lambda p, g: p - 0.2 * g, params, slope(params))
    centred, goals = x - x.mean(0), y - y.mean()
    right = np.linalg.solve(centred.T @ centred + n * 0.5 * np.eye(3), centred.T @ goals)
    np.testing.assert_allclose(params["kernel"][:, 0], right, atol=1e-5)
    np.testing.assert_allclose(params["bias"], y.mean() - x.mean(0) @ right, atol=1e-4)


def test_a_mask_of_another_tree_is_refused_in_one_line():
    with pytest.raises(ValueError, match="^penalized: mask is another tree") as refused:
        penalized(PARAMS, l2, mask={"kernel": True})
    assert "\n" not in str(refused.value)


def test_ridge_reaches_its_closed_form():
    """(A + strength I)^-1 b, by gradient descent on loss and penalty."""
    rng = np.random.default_rng(4)
    root = rng.normal(size=(6, 4)) / 3
    a, b = jnp.asarray(root.T @ root), jnp.asarray(rng.normal(size=4))
    slope = jax.jit(jax.grad(lambda x: x @ a @ x / 2 - b @ x + l2_penalty(x, strength=0.5)))
    x = jnp.zeros(4)
    for _ in range(300):
        x = x - 0.3 * slope(x)
    np.testing.assert_allclose(x, np.linalg.solve(np.asarray(a) + 0.5 * np.eye(4), b), rtol=1e-4)


def test_the_soft_threshold_is_the_fixed_point_of_lasso():
    a, x = jnp.array([2.0, 0.3, -0.45, -1.5]), jnp.zeros(4)
    for _ in range(100):
        x = soft_threshold(x - 0.5 * (x - a), threshold=0.25)
    np.testing.assert_allclose(x, [1.5, 0, 0, -1.0], atol=1e-6)


def test_strengths_may_be_traced():
    for call in (l1_penalty, l2_penalty):
        traced = jax.jit(lambda s, call=call: call(PARAMS["kernel"], strength=s))(0.5)
        assert traced == call(PARAMS["kernel"], strength=0.5)


def test_a_norm_whose_squares_overflow():
    np.testing.assert_allclose(max_norm(jnp.array([[3e30], [4e30]]), limit=1.0), [[0.6], [0.8]], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: l1_penalty(PARAMS["bias"], strength=-1.0), "strength"),
        (lambda: l2_penalty(PARAMS["bias"], strength=-1.0), "strength"),
        (lambda: elastic_net_penalty(PARAMS["bias"], l1=0.5, l2=-1.0), "l2"),
        (lambda: soft_threshold(PARAMS["bias"], threshold=-1.0), "threshold"),
        (lambda: max_norm(PARAMS["kernel"], limit=-1.0), "limit"),
    ],
)
def test_refused_in_one_line(call, name):
    with pytest.raises(ValueError, match=f"{name} must be zero or positive, got -1.0") as refused:
        call()
    assert "\n" not in str(refused.value)
