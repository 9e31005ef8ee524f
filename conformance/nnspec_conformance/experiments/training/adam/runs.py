"""What the experiments share: a run of an optimizer over given gradients, and one over a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def along(optimizer: Any, gradients: Any, start: Any, between: Callable = lambda x: x) -> Any:
    """The places after each step, for gradients that do not depend on the place.

    Args:
        optimizer: a gradient transformation of the reference.
        gradients: one for each step.
        start: where the run begins.
        between: what is done to the place after each step, for instance a projection.
    """
    import jax
    import jax.numpy as jnp
    import optax

    def step(carry: Any, g: Any) -> tuple:
        x, state = carry
        updates, state = optimizer.update(g, state, x)
        x = between(optax.apply_updates(x, updates))
        return (x, state), x

    x = jnp.asarray(start, jnp.float32)
    return np.asarray(jax.lax.scan(step, (x, optimizer.init(x)), jnp.asarray(gradients, jnp.float32))[1], np.float64)


def trained(optimizer: Any, loss: Callable, params: Any, steps: int, batches: Any = None) -> Any:
    """The parameters after so many steps on ``loss(params, batch)``; a function that can be mapped over.

    Args:
        optimizer: a gradient transformation of the reference.
        loss: of the parameters and a batch.
        params: at the start.
        steps: how many.
        batches: what ``loss`` gets at each step, along the first axis; None at each step if it is left out.
    """
    import jax
    import optax

    def step(carry: Any, batch: Any) -> tuple:
        now, state = carry
        updates, state = optimizer.update(jax.grad(loss)(now, batch), state, now)
        return (optax.apply_updates(now, updates), state), None

    return jax.lax.scan(step, (params, optimizer.init(params)), batches, steps)[0][0]
