"""``jax.grad`` of a stock network under a loss of Optax."""

from __future__ import annotations

import functools

import jax
import optax

from nnspec_conformance.adapters.flax_optax import network
from nnspec_conformance.adapters.flax_optax.components import forward_propagation

KNOWN_FAILURES = {
    "duty.broadcasting[backpropagation]": network.BROADCAST,
    "duty.names[backpropagation]": network.ORDER,
    "duty.choices[backpropagation]": network.NAMES,
}
LOSSES = {"softmax_cross_entropy": optax.softmax_cross_entropy, "half_squared_error": optax.l2_loss}


@functools.partial(jax.jit, static_argnames=("activation", "loss"))  # one program instead of one for each step
def backpropagation(x, labels, weights, *, activation, loss):
    def total(weights):
        values = forward_propagation.forward(x, weights, activation=activation)
        return LOSSES[loss](values[f"z_{len(values) // 2 - 1}"], labels).sum()

    return jax.grad(total)(weights)
