"""What the conformance suite cannot see of a reduction on a plateau: in a loop, compiled, and its refusals."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnspec.training.schedules.plateau import plateau_start, plateau_update, reduce_on_plateau

RULE = {"factor": 0.5, "patience": 2, "min_delta": 0.25, "min_delta_is": "relative", "floor": 0.0625}


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("cooldown", [0, 2])
def test_a_loop_is_the_whole_series_also_compiled_and_after_a_resume(mode, cooldown):
    given = RULE | {"mode": mode, "cooldown": cooldown}
    update = jax.jit(partial(plateau_update, **given))
    for metrics in np.random.default_rng(2).integers(-2, 4, (6, 12)).astype(np.float32):
        state, rates = plateau_start(1.0), []
        for k, metric in enumerate(metrics):
            if k == 5:  # written and read back
                state = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), state)
            state = update(state, jnp.asarray(metric))
            rates.append(float(state.rate))
        np.testing.assert_array_equal(reduce_on_plateau(jnp.asarray(metrics), initial=1.0, **given), rates)


def test_an_infinite_loss_is_left_behind_by_the_next_number():
    metrics = jnp.array([jnp.inf, 3.0, 3.0, 3.0])
    got = reduce_on_plateau(metrics, initial=1.0, **RULE | {"patience": 1})
    np.testing.assert_array_equal(got, [1, 1, 0.5, 0.25])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"factor": 1.0}, "factor must be above 0 and below 1, got 1.0"),
        ({"patience": 0}, "patience must be 1 or more, got 0"),
        ({"floor": 2.0}, "floor is 2.0, expected at most 1.0, the initial rate"),
    ],
)
def test_refusals_name_the_argument_and_its_range(wrong, message):
    with pytest.raises(ValueError, match=message) as refused:
        reduce_on_plateau(jnp.ones(4), initial=1.0, **RULE | wrong)
    assert "\n" not in str(refused.value)
