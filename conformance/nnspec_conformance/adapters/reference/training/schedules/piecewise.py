"""The reference's constant rates, and its gradient descent with a schedule."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nnspec.components import optimization
from nnspec.training.schedules import piecewise

constant_rate = piecewise.constant_rate
piecewise_constant = piecewise.piecewise_constant


def scheduled_descent(gradients, rates, *, resume_at=None):
    def fresh():
        optimizer = optimization.gradient_descent(lambda count: rates[count])
        return optimizer, optimizer.init(w)

    w, found = jnp.zeros((), gradients.dtype), []
    optimizer, state = fresh()
    for k, g in enumerate(gradients):
        if k == resume_at:
            kept = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
            optimizer, state = fresh()
            state = jax.tree.unflatten(jax.tree.structure(state), [jnp.asarray(leaf) for leaf in kept])
        update, state = optimizer.update(g, state, w)
        w = optax.apply_updates(w, update)
        found.append(w)
    return jnp.stack(found)
