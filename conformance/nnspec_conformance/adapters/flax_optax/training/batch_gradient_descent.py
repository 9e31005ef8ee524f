"""``jax.grad`` of ``optax.l2_loss``, the pieces added up."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import optax

from nnspec_conformance.adapters.flax_optax import network

KNOWN_FAILURES = {
    "duty.broadcasting[batch_gradient]": network.BROADCAST,
    "duty.names[batch_gradient]": network.ORDER,
    "batch-gradient.no-examples": (
        "no examples give NaN, right is to refuse them: 0/0 is NaN as in NumPy; searched 2026-11-27, not found; "
        "https://github.com/jax-ml/jax/issues"
    ),
}


@functools.partial(jax.jit, static_argnames="chunk")
def batch_gradient(x, labels, weights, *, chunk):
    def total(weights, x, labels):
        return optax.l2_loss(network.linear(weights)(x), labels).sum()

    found = jax.tree.map(jnp.zeros_like, weights)
    pieces = ([a[i : i + chunk] for i in range(0, len(a), chunk)] for a in (x, labels))
    for part, wanted in zip(*pieces, strict=True):
        found = jax.tree.map(jnp.add, found, jax.grad(total)(weights, part, wanted))
    return jax.tree.map(lambda g: g / len(x), found)
