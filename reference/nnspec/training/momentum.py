r"""Momentum: heavy ball and Nesterov's form.

Each is an ``optax.GradientTransformation``: it drops into ``optax.chain`` and ``optax.inject_hyperparams``.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from nnspec.checking import Fraction, NonNegative, checked
from nnspec.stepping import Rate, check_gradients, check_parameters, is_zero, rate_at

__all__ = ["momentum", "nesterov"]


class MomentumState(NamedTuple):
    """The number of updates so far, and the velocity of each parameter."""

    count: Array
    velocity: Any


@checked
def momentum(
    learning_rate: Rate,
    momentum: Fraction,
    *,
    dampening: Fraction = 0.0,
    weight_decay: NonNegative = 0.0,
    rate_position: Literal["outside", "inside"] = "outside",
    first_gradient: Literal["whole", "dampened"] = "whole",
    decay_position: Literal["gradient", "decoupled"] = "gradient",
) -> optax.GradientTransformation:
    r"""Step along the sum of the gradients so far, the older ones with less weight: heavy ball.

    With $\eta$ = ``learning_rate``, $\beta$ = ``momentum``, $\delta$ = ``dampening`` and $\lambda$ = ``weight_decay``:
    $v \leftarrow \beta v + (1 - \delta)(g + \lambda p)$ and $p \leftarrow p - \eta v$   [momentum.rate-position][],
    [momentum.dampening][], [momentum.weight-decay][]

    Args:
        learning_rate: at least 0, in units of parameter per gradient; or a schedule, a function of the number of
            updates made before.
        momentum: from 0 to less than 1; how much of the velocity is kept at a step.
        dampening: from 0 to less than 1; how much of each gradient is left out.
        weight_decay: at least 0; what is added to the gradient for each unit of the parameter.
        rate_position: the rate multiplies the velocity at the step, or each gradient as it enters the velocity.
        first_gradient: the first gradient is taken whole, or dampened as the others are.
        decay_position: the decay goes through the velocity with the gradient, or beside it.

    Returns:
        A gradient transformation of Optax; its ``update`` needs the parameters where ``weight_decay`` is not 0.

    Raises:
        ValueError: the rate or the decay is negative or not finite; the momentum or the dampening is out of range;
            there are no parameters; by ``update``, the gradients are not those of the parameters.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Polyak 1964; Sutskever et al. 2013, equations 1 and 2, for the rate inside.
    """
    beta, delta = momentum, dampening
    in_gradient, beside = (weight_decay, 0.0) if decay_position == "gradient" else (0.0, weight_decay)

    def init(params: optax.Params) -> MomentumState:
        check_parameters("momentum", params)
        return MomentumState(jnp.zeros([], jnp.int32), jax.tree.map(jnp.zeros_like, params))

    def update(updates: optax.Updates, state: Any, params: optax.Params | None = None) -> tuple:
        check_gradients("momentum", updates, params)
        eta = rate_at(learning_rate, state.count)
        inner, outer = (eta, 1.0) if rate_position == "inside" else (1.0, eta)
        share = jnp.where(state.count == 0, 1.0, 1 - delta) if first_gradient == "whole" else 1 - delta
        p = updates if params is None else params

        def accelerate(v: Array, g: Array, p: Array) -> Array:
            return (beta * v + inner * share * _plus(g, in_gradient, p)).astype(v.dtype)

        def step(v: Array, p: Array) -> Array:
            return (-_plus(outer * v, beside, eta * p)).astype(v.dtype)

        velocity = jax.tree.map(accelerate, state.velocity, updates, p)
        return jax.tree.map(step, velocity, p), MomentumState(state.count + 1, velocity)

    return optax.GradientTransformation(init, update)


@checked
def nesterov(
    learning_rate: Rate, momentum: Fraction, *, rate_position: Literal["outside", "inside"] = "outside"
) -> optax.GradientTransformation:
    r"""Step with the gradient at the point ahead, to which the velocity will carry the parameters.

    With $\eta$ = ``learning_rate`` and $\beta$ = ``momentum``: $v \leftarrow \beta v + g$ and
    $p \leftarrow p - \eta\,(g + \beta v)$   [momentum.rate-position][], [nesterov.lookahead][]

    Args:
        learning_rate: at least 0, in units of parameter per gradient; or a schedule, a function of the number of
            updates made before.
        momentum: from 0 to less than 1; how much of the velocity is kept at a step.
        rate_position: the rate multiplies the sum at the step, or each gradient as it enters the velocity.

    Returns:
        A gradient transformation of Optax. The parameters are the points ahead.

    Raises:
        ValueError: the rate is negative or not finite; the momentum is out of range; there are no parameters; by
            ``update``, the gradients are not those of the parameters.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Nesterov 1983; Sutskever et al. 2013, equations 3 and 4; Bengio et al. 2013, for the points ahead.
    """
    beta = momentum

    def init(params: optax.Params) -> MomentumState:
        check_parameters("nesterov", params)
        return MomentumState(jnp.zeros([], jnp.int32), jax.tree.map(jnp.zeros_like, params))

    def update(updates: optax.Updates, state: Any, params: optax.Params | None = None) -> tuple:
        check_gradients("nesterov", updates, params)
        eta = rate_at(learning_rate, state.count)
        inner, outer = (eta, 1.0) if rate_position == "inside" else (1.0, eta)

        def accelerate(v: Array, g: Array) -> Array:
            return (beta * v + inner * g).astype(v.dtype)

        def step(v: Array, g: Array) -> Array:
            return (-(outer * (inner * g + beta * v))).astype(v.dtype)

        velocity = jax.tree.map(accelerate, state.velocity, updates)
        return jax.tree.map(step, velocity, updates), MomentumState(state.count + 1, velocity)

    return optax.GradientTransformation(init, update)


def _plus(x: Any, share: Any, p: Any) -> Any:
    """``x + share p``, and ``x`` where the share is the number 0: of an infinite p that would be no number."""
    return x if is_zero(share) else x + share * p
