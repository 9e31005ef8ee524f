"""What the conformance suite cannot see of schedules: how they go inside programs and optimizers."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnspec.training.schedules import decay, piecewise, plateau, warmup

STEPS = jnp.arange(9)
LINE = {"start": 0.1, "peak": 0.5, "warmup_steps": 3}
SCHEDULES = {
    "constant": partial(piecewise.constant_rate, rate=0.5),
    "pieces": partial(piecewise.piecewise_constant, rates=jnp.array([0.5, 0.75, 0.125]), boundaries=(2, 5)),
    "step": partial(decay.step_decay, boundaries=jnp.array([2, 5]), initial=0.5, factor=0.5),
    "exponential": partial(decay.exponential_decay, initial=0.5, decay_steps=3, decay_rate=0.5),
    "inverse time": partial(decay.inverse_time_decay, initial=0.5, decay_steps=3, decay_rate=1.0),
    "polynomial": partial(decay.polynomial_decay, initial=0.5, end=0.0, decay_steps=7, power=2.0),
    "cosine": partial(decay.cosine_decay, initial=0.5, decay_steps=7, floor=0.1),
    "warm-up and cosine": partial(warmup.warmup_cosine, **LINE, decay_steps=4, floor=0.1),
    "warm-up, constant, decay": partial(warmup.warmup_stable_decay, **LINE, stable_steps=2, decay_steps=3, end=0.1),
    "inverse root": partial(warmup.inverse_root_warmup, peak=0.5, warmup_steps=3),
    "restarts": partial(warmup.cosine_restarts, initial=0.5, period=2, multiplier=2, shrink=0.5, floor=0.1),
    "one cycle": partial(
        warmup.one_cycle, peak=0.5, rise_steps=3, length=8, start_divisor=4.0, end_divisor=2.0, phases="three"
    ),
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


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_compiled_step_holds_no_array_of_rates(name):
    """A schedule costs nothing: of the whole program of a step no array is larger than the cycles that int32 holds."""
    program = jax.make_jaxpr(SCHEDULES[name])(jnp.asarray(3))

    assert max((v.aval.size for eqn in program.eqns for v in eqn.outvars), default=0) <= 32


NUMBERS = {  # each with a number that a compiled program is told
    "constant": lambda r: piecewise.constant_rate(STEPS, rate=r),
    "pieces": lambda r: piecewise.piecewise_constant(STEPS, jnp.stack([r, 2 * r]), boundaries=(4,)),
    "step": lambda r: decay.step_decay(STEPS, jnp.array([2]), initial=1.0, factor=r),
    "exponential": lambda r: decay.exponential_decay(STEPS, initial=1.0, decay_steps=3, decay_rate=r),
    "inverse time": lambda r: decay.inverse_time_decay(STEPS, initial=1.0, decay_steps=3, decay_rate=r),
    "polynomial": lambda r: decay.polynomial_decay(STEPS, initial=1.0, end=r, decay_steps=7, power=2.0),
    "cosine": lambda r: decay.cosine_decay(STEPS, initial=1.0, decay_steps=7, floor=r),
    "warm-up and cosine": lambda r: warmup.warmup_cosine(
        STEPS, start=0.1, peak=r, warmup_steps=3, decay_steps=4, floor=0.1
    ),
    "warm-up, constant, decay": lambda r: warmup.warmup_stable_decay(
        STEPS, start=r, peak=1.0, warmup_steps=3, stable_steps=2, decay_steps=3, end=0.1
    ),
    "inverse root": lambda r: warmup.inverse_root_warmup(STEPS, peak=r, warmup_steps=3),
    "restarts": lambda r: warmup.cosine_restarts(STEPS, initial=r, period=2, multiplier=2, floor=0.1),
    "one cycle": lambda r: warmup.one_cycle(
        STEPS, peak=1.0, rise_steps=3, length=8, start_divisor=1 / r, end_divisor=2.0
    ),
    "plateau": lambda r: plateau.reduce_on_plateau(
        jnp.array([2.0, 2.0, 1.0, 1.0]), initial=r, factor=0.5, patience=1, min_delta=0.0, min_delta_is="absolute",
        floor=0.1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_a_traced_number_passes_through(name):
    np.testing.assert_allclose(jax.jit(NUMBERS[name])(0.5), NUMBERS[name](0.5), rtol=1e-6)


LENGTHS = {  # each with a length that a compiled program is told
    "exponential": lambda n: decay.exponential_decay(STEPS, initial=1.0, decay_steps=n, decay_rate=0.5),
    "staircase": lambda n: decay.exponential_decay(STEPS, initial=1.0, decay_steps=n, decay_rate=0.5, staircase=True),
    "inverse time": lambda n: decay.inverse_time_decay(STEPS, initial=1.0, decay_steps=n, decay_rate=0.5),
    "polynomial": lambda n: decay.polynomial_decay(STEPS, initial=1.0, end=0.1, decay_steps=n, power=2.0),
    "cosine": lambda n: decay.cosine_decay(STEPS, initial=1.0, decay_steps=n, floor=0.1),
    "warm-up and cosine": lambda n: warmup.warmup_cosine(
        STEPS, start=0.1, peak=1.0, warmup_steps=n - 3, decay_steps=n, floor=0.1
    ),
    "warm-up, constant, decay": lambda n: warmup.warmup_stable_decay(
        STEPS, start=0.1, peak=1.0, warmup_steps=n - 2, stable_steps=n, decay_steps=n, end=0.1
    ),
    "inverse root": lambda n: warmup.inverse_root_warmup(STEPS, peak=1.0, warmup_steps=n),
    "restarts": lambda n: warmup.cosine_restarts(STEPS, initial=1.0, period=n, multiplier=2, floor=0.1),
    "restarts of one length": lambda n: warmup.cosine_restarts(STEPS, initial=1.0, period=n, multiplier=1, floor=0.1),
    "one cycle": lambda n: warmup.one_cycle(
        STEPS, peak=1.0, rise_steps=n, length=3 * n, start_divisor=4.0, end_divisor=2.0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LENGTHS)
def test_a_traced_length_passes_through(name):
    np.testing.assert_allclose(jax.jit(LENGTHS[name])(3), LENGTHS[name](3), rtol=1e-6)
