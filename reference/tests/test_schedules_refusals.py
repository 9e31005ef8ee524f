"""What schedules, initializers and early stopping refuse: one line names the function, the argument and its range."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.training import early_stopping as stopping
from nnspec.training import initialization, initialization_matrices
from nnspec.training.schedules import decay, piecewise, plateau, warmup

STEPS, KEY = jnp.arange(4), jax.random.key(0)
RISE = {"start": 0.1, "peak": 0.5}
RULE = {"patience": 1, "min_delta": 0.0, "min_delta_is": "absolute", "floor": 0.0}
PIECES = partial(piecewise.piecewise_constant, STEPS, jnp.array([0.5, 0.2, 0.1]))
EXPONENTIAL = partial(decay.exponential_decay, STEPS, initial=0.5)
COSINE = partial(decay.cosine_decay, STEPS, initial=0.5)
WARM = partial(warmup.warmup_cosine, STEPS, **RISE, floor=0.1)
STABLE = partial(warmup.warmup_stable_decay, STEPS, **RISE, end=0.1)
CYCLE = partial(warmup.one_cycle, STEPS, peak=0.5, start_divisor=4.0, end_divisor=2.0)
REDUCE = partial(plateau.reduce_on_plateau, jnp.ones(4), initial=1.0)
RESTARTS = partial(warmup.cosine_restarts, STEPS, initial=0.5, floor=0.1)

REFUSED = {
    "boundaries out of order": (partial(PIECES, boundaries=(3, 2)), "boundaries are [3, 2], expected each above"),
    "boundaries alike": (partial(PIECES, boundaries=(2, 2)), "boundaries are [2, 2], expected each above"),
    "a length of 0": (partial(EXPONENTIAL, decay_steps=0, decay_rate=0.5), "decay_steps is 0, expected at least 1"),
    "a negative length": (partial(COSINE, decay_steps=-3, floor=0.1), "decay_steps is -3, expected at least 1"),
    "a fall of 0 steps": (
        partial(decay.polynomial_decay, STEPS, initial=0.5, end=0.1, decay_steps=0, power=1.0),
        "decay_steps is 0, expected at least 1",
    ),
    "an inverse of 0 steps": (
        partial(decay.inverse_time_decay, STEPS, initial=0.5, decay_steps=0, decay_rate=1.0),
        "decay_steps is 0, expected at least 1",
    ),
    "a warm-up of -1 steps": (partial(WARM, warmup_steps=-1, decay_steps=3), "warmup_steps is -1, expected at least 0"),
    "a flat top of -1 steps": (
        partial(STABLE, warmup_steps=1, stable_steps=-1, decay_steps=3), "stable_steps is -1, expected at least 0",
    ),
    "a root's warm-up of 0 steps": (
        partial(warmup.inverse_root_warmup, STEPS, peak=0.5, warmup_steps=0), "warmup_steps is 0, expected at least 1",
    ),
    "a cycle of 0 steps": (partial(RESTARTS, period=0, multiplier=2), "period is 0, expected at least 1"),
    "cycles that vanish": (partial(RESTARTS, period=2, multiplier=0), "multiplier is 0, expected at least 1"),
    "a decay above 1": (partial(EXPONENTIAL, decay_steps=2, decay_rate=1.5), "decay_rate is 1.5, expected at most 1"),
    "a decay of 0": (partial(EXPONENTIAL, decay_steps=2, decay_rate=0.0), "decay_rate must be positive, got 0.0"),
    "a factor above 1": (
        partial(decay.step_decay, STEPS, jnp.array([1]), initial=0.5, factor=2.0), "factor is 2.0, expected at most 1",
    ),
    "a negative rate": (partial(piecewise.constant_rate, STEPS, rate=-0.1), "rate must be zero or positive, got -0.1"),
    "a floor above the start": (partial(COSINE, decay_steps=3, floor=0.6), "floor is 0.6, expected at most 0.5"),
    "a cycle's floor above it": (
        partial(warmup.cosine_restarts, STEPS, initial=0.5, period=2, multiplier=2, floor=0.6),
        "floor is 0.6, expected at most 0.5",
    ),
    "a plateau's floor above it": (
        partial(REDUCE, factor=0.5, **RULE | {"floor": 2.0}), "floor is 2.0, expected at most 1.0",
    ),
    "a start above the peak": (
        partial(warmup.warmup_cosine, STEPS, start=0.6, peak=0.5, warmup_steps=2, decay_steps=3, floor=0.1),
        "start is 0.6, expected at most 0.5, the peak",
    ),
    "a rise as long as the whole": (partial(CYCLE, rise_steps=8, length=8), "length is 8, expected at least 9"),
    "a cut by 1": (partial(REDUCE, factor=1.0, **RULE), "factor must be above 0 and below 1, got 1.0"),
    "a plateau's patience of 0": (
        partial(REDUCE, factor=0.5, **RULE | {"patience": 0}), "patience must be 1 or more, got 0",
    ),
    "a plateau's unknown mode": (
        partial(REDUCE, factor=0.5, mode="least", **RULE), "mode must be one of 'min', 'max', got 'least'",
    ),
    "a fan of 0": (partial(initialization.he_normal, KEY, (0, 3)), "shape (0, 3) has no fans; give it [*window, in,"),
    "the fan of a vector": (partial(initialization.glorot_uniform, KEY, (3,)), "shape (3,) has no fans; give it ["),
    "an orthogonal vector": (
        partial(initialization_matrices.orthogonal_init, KEY, (3,)), "shape (3,) has no matrix; give it two axes",
    ),
    "a negative deviation": (
        partial(initialization.normal_init, KEY, (3, 2), deviation=-1.0), "deviation must be zero or positive, got -1",
    ),
    "a patience of 0": (partial(stopping.early_stopping, jnp.ones(4), patience=0), "patience must be 1 or more, got 0"),
    "an unknown mode": (
        partial(stopping.early_stopping, jnp.ones(4), patience=1, mode="least"),
        "mode must be one of 'min', 'max', got 'least'",
    ),
    "a negative min_delta": (
        partial(stopping.early_stopping, jnp.ones(4), patience=1, min_delta=-0.1), "min_delta must be zero or positive",
    ),
    "metrics that are words": (
        partial(stopping.early_stopping, np.array(["good", "bad"]), patience=1), "metrics",
    ),
    "metrics that are truth values": (
        partial(stopping.early_stopping, jnp.array([True, False]), patience=1), "metrics has dtype bool",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_name_function_argument_and_range_in_one_line(what):
    call, words = REFUSED[what]
    with pytest.raises((ValueError, TypeError)) as refused:
        call()
    name, _, rest = str(refused.value).partition(": ")
    assert (name, rest[: len(words)]) == (call.func.__name__, words)
    assert "\n" not in rest
