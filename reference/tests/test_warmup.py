"""What learning rates that rise first, or again, refuse, in words."""

from functools import partial

import jax.numpy as jnp
import pytest

from nnspec.training.schedules import warmup

LINE = {"start": 0.1, "peak": 0.5, "warmup_steps": 3}


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
            partial(
                warmup.one_cycle, peak=0.5, rise_steps=3, length=6, start_divisor=4.0, end_divisor=2.0, phases="three"
            ),
            "length is 6, expected at least 7",
        ),
    ],
)
def test_refusals_name_the_argument_and_its_range(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call(jnp.arange(3))
    assert "\n" not in str(refused.value)
