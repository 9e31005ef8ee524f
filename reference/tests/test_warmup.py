"""What the conformance suite cannot see of rates that rise first, or again: inside programs and optimizers."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnspec.training.schedules import warmup

LINE = {"start": 0.1, "peak": 0.5, "warmup_steps": 3}
SCHEDULES = {
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

    assert max(v.aval.size for eqn in program.eqns for v in eqn.outvars) <= 32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(warmup.warmup_cosine, **LINE, decay_steps=0, floor=0.1), "decay_steps is 0, expected at least 1"),
        (
            partial(warmup.warmup_cosine, **LINE, decay_steps=2, floor=0.6),
            "floor is 0.6, expected at most 0.5, the peak",
        ),
        (
            partial(warmup.warmup_stable_decay, **LINE, stable_steps=-1, decay_steps=2, end=0.0),
            "stable_steps is -1, expected at least 0",
        ),
        (
            partial(warmup.cosine_restarts, initial=0.5, period=2, multiplier=2, shrink=2.0, floor=0.1),
            "shrink is 2.0, expected at most 1, since each cycle would be higher",
        ),
        (
            partial(SCHEDULES["one cycle"], length=6),
            "length is 6, expected at least 7",
        ),
    ],
)
def test_refusals_name_the_argument_and_its_range(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call(jnp.arange(3))
    assert "\n" not in str(refused.value)
