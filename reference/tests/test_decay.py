"""What the conformance suite cannot see of learning rates that decay: inside programs and optimizers."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnspec.training.schedules import decay

SCHEDULES = {
    "step": partial(decay.step_decay, boundaries=jnp.array([2, 5]), initial=0.5, factor=0.5),
    "exponential": partial(decay.exponential_decay, initial=0.5, decay_steps=3, decay_rate=0.5),
    "inverse time": partial(decay.inverse_time_decay, initial=0.5, decay_steps=3, decay_rate=1.0),
    "polynomial": partial(decay.polynomial_decay, initial=0.5, end=0.0, decay_steps=7, power=2.0),
    "cosine": partial(decay.cosine_decay, initial=0.5, decay_steps=7, floor=0.1),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_update_k_has_the_rate_of_step_k_counted_from_0_also_after_a_resume(name):
    schedule = SCHEDULES[name]
    optimizer = optax.sgd(schedule)
    w, g = jnp.zeros(()), jnp.ones(())
    state, moved = optimizer.init(w), []
    for k in range(9):
        if k == 4:  # written and read back
            state = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), state)
        change, state = optimizer.update(g, state, w)
        moved.append(float(-change))

    np.testing.assert_allclose(moved, schedule(jnp.arange(9)), rtol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_integers_traced_steps_and_arrays_agree(name):
    schedule = SCHEDULES[name]
    many = np.asarray(schedule(jnp.arange(9)))
    traced = jax.jit(jax.vmap(schedule))(jnp.arange(9))
    one = [float(schedule(jnp.asarray(k))) for k in range(9)]

    np.testing.assert_allclose(traced, many, rtol=1e-6)
    np.testing.assert_allclose(one, many, rtol=1e-6)


def test_factors_above_1_are_refused():
    with pytest.raises(ValueError, match="factor is 2"):
        decay.step_decay(jnp.arange(3), jnp.array([1]), initial=1.0, factor=2.0)
    with pytest.raises(ValueError, match="decay_rate is 1.5, expected at most 1; the rate would grow"):
        decay.exponential_decay(jnp.arange(3), initial=1.0, decay_steps=1, decay_rate=1.5)
