"""``optax.contrib.reduce_on_plateau``: what it multiplies an update by, times the initial rate."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from optax.contrib import reduce_on_plateau as transform

VARIANTS = {"reduce-on-plateau.relative-to": "value"}
NOT_FOUND = (
    "no range is checked; searched 2026-11-28, not found; "
    "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/contrib/_reduce_on_plateau.py"
)
KNOWN_FAILURES = {
    "reduce-on-plateau.no-number": (
        "metrics of True and False are taken for 1 and 0, right is to refuse them: no dtype is checked; searched "
        "2026-11-29, not found; "
        "https://github.com/google-deepmind/optax/blob/v0.2.8/optax/contrib/_reduce_on_plateau.py"
    ),
    "reduce-on-plateau.patience-range": f"a patience of 0 and of -1 is taken, right is to refuse it: {NOT_FOUND}",
    "reduce-on-plateau.cooldown-range": f"a cooldown of -1 is taken, right is to refuse it: {NOT_FOUND}",
    "reduce-on-plateau.floor-range": (
        f"a min_scale above 1 is taken, and the rate goes up to it, right is to refuse it: {NOT_FOUND}"
    ),
}


def reduce_on_plateau(metrics, *, initial, factor, patience, min_delta, min_delta_is, floor, mode=None, **given):
    if mode not in (None, "min"):
        raise NotImplementedError("it minimizes")
    if min_delta == 0:
        raise NotImplementedError("one of rtol and atol has to be positive")
    tolerance = {"rtol": 0.0, "atol": 0.0} | {"rtol" if min_delta_is == "relative" else "atol": min_delta}
    reduces = transform(factor, patience, **tolerance, min_scale=floor / initial, **given)
    one = jnp.ones(())

    def step(state, metric):
        scale, state = reduces.update(one, state, value=metric)
        return state, scale

    def rates(series):
        return initial * jax.lax.scan(step, reduces.init(one), series)[1]

    rows = metrics if metrics.dtype.kind in "bc" else jnp.asarray(metrics, jnp.float32)
    return jax.jit(jax.vmap(rates))(rows.reshape(-1, rows.shape[-1])).reshape(rows.shape)
