"""``jax.grad`` of ``optax.l2_loss``, the pieces added up."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import optax

KNOWN_FAILURES = {
    "batch-gradient.no-examples": (
        "no examples give NaN, right is to refuse them: 0/0 is NaN as in NumPy; searched 2026-11-27, not found; "
        "https://github.com/jax-ml/jax/issues"
    ),
}


@functools.partial(jax.jit, static_argnames="chunk")
def batch_gradient(x, labels, weights, *, chunk):
    def total(weights, x, labels):
        return optax.l2_loss(x @ weights["kernel"] + weights["bias"], labels).sum()

    found = jax.tree.map(jnp.zeros_like, weights)
    for i in range(0, len(x), chunk):
        found = jax.tree.map(jnp.add, found, jax.grad(total)(weights, x[i : i + chunk], labels[i : i + chunk]))
    return jax.tree.map(lambda g: g / len(x), found)
