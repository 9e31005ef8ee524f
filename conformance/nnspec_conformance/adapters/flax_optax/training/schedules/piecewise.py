"""The constant schedules of Optax, and ``optax.sgd`` with a schedule."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

SOURCE = "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/schedules/_schedule.py"
KNOWN_FAILURES = {
    "piecewise-constant.order": (
        "boundaries that fall are taken, right is to refuse them: they are sorted, each with its factor; searched "
        f"2026-11-29, not found; {SOURCE}"
    ),
    "piecewise.negative[constant_rate]": (
        f"a rate of -0.75 is taken, right is to refuse it: no rate is checked; searched 2026-11-29, not found; {SOURCE}"
    ),
}


def constant_rate(steps, *, rate):
    return jnp.vectorize(optax.constant_schedule(rate))(steps)


def piecewise_constant(steps, rates, *, boundaries):
    if np.any(np.asarray(rates[:-1]) == 0):
        raise NotImplementedError("it takes a factor for each boundary, and no factor leads away from 0")
    factors = (rates[1:] / rates[:-1]).tolist()
    schedule = optax.piecewise_constant_schedule(rates[0], dict(zip(boundaries, factors, strict=True)))
    return jnp.vectorize(schedule)(steps)


def scheduled_descent(gradients, rates, *, resume_at=None):
    optimizer = optax.sgd(lambda count: rates[count])
    w, found = jnp.zeros((), gradients.dtype), []
    state = optimizer.init(w)
    for k, g in enumerate(gradients):
        if k == resume_at:
            kept = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
            optimizer = optax.sgd(lambda count: rates[count])
            empty = optimizer.init(w)
            state = jax.tree.unflatten(jax.tree.structure(empty), [jnp.asarray(leaf) for leaf in kept])
        update, state = optimizer.update(g, state, w)
        w = optax.apply_updates(w, update)
        found.append(w)
    return jnp.stack(found)
