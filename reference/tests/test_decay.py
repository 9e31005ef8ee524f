"""What learning rates that decay refuse, in words."""

import jax.numpy as jnp
import pytest

from nnspec.training.schedules import decay


def test_factors_above_1_are_refused():
    with pytest.raises(ValueError, match="factor is 2"):
        decay.step_decay(jnp.arange(3), jnp.array([1]), initial=1.0, factor=2.0)
    with pytest.raises(ValueError, match="decay_rate is 1.5, expected at most 1, since the rate would grow"):
        decay.exponential_decay(jnp.arange(3), initial=1.0, decay_steps=1, decay_rate=1.5)


def test_an_end_above_the_start_is_refused():
    with pytest.raises(ValueError, match="cosine_decay: floor is 0.5, expected at most 0.1, the initial rate"):
        decay.cosine_decay(jnp.arange(3), initial=0.1, decay_steps=2, floor=0.5)
