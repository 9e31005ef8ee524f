r"""Optimization: gradient descent, gradients of several micro-batches, and averaged parameters.

Each is an ``optax.GradientTransformation``: it drops into ``optax.chain`` and ``optax.inject_hyperparams``.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from nnspec.checking import Fraction, NonNegative, checked
from nnspec.stepping import Rate, check_gradients, check_parameters, rate_at

__all__ = ["exponential_average", "gradient_accumulation", "gradient_descent"]


class GradientDescentState(NamedTuple):
    """The number of updates so far."""

    count: Array


@checked
def gradient_descent(
    learning_rate: Rate, *, weight_decay: NonNegative = 0.0, decayed: Literal["all", "matrices"] = "all"
) -> optax.GradientTransformation:
    r"""Step against the gradient.

    With $\eta$ = ``learning_rate`` and $\lambda$ = ``weight_decay``:
    $p \leftarrow p - \eta\,(g + \lambda p)$   [gradient-descent.trajectory][], [gradient-descent.weight-decay][]

    Args:
        learning_rate: at least 0, in units of parameter per gradient; or a schedule, a function of the number of
            updates made before.
        weight_decay: at least 0; what is added to the gradient for each unit of the parameter.
        decayed: which arrays decay, all or those of two axes or more.

    Returns:
        A gradient transformation of Optax; its ``update`` needs the parameters where ``weight_decay`` is not 0.

    Raises:
        ValueError: the rate or the decay is negative or not finite; there are no parameters; by ``update``,
            the gradients are not those of the parameters.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Cauchy 1847; Goodfellow et al. 2016, sections 4.3 and 7.1.1.
    """

    def init(params: optax.Params) -> GradientDescentState:
        check_parameters("gradient_descent", params)
        return GradientDescentState(jnp.zeros([], jnp.int32))

    def update(updates: optax.Updates, state: Any, params: optax.Params | None = None) -> tuple:
        check_gradients("gradient_descent", updates, params)
        eta = rate_at(learning_rate, state.count)

        def step(g: Array, p: Array) -> Array:
            lam = weight_decay if decayed == "all" or p.ndim > 1 else 0.0
            return (-eta * (g + lam * p)).astype(g.dtype)

        return jax.tree.map(step, updates, updates if params is None else params), GradientDescentState(state.count + 1)

    return optax.GradientTransformation(init, update)


class AccumulationState(NamedTuple):
    """The inner state, the sum of the gradients so far, and their number."""

    inner: Any
    total: Any
    count: Array


@checked
def gradient_accumulation(
    optimizer: optax.GradientTransformation, every: int, *, combine: Literal["mean", "sum"] = "mean"
) -> optax.GradientTransformation:
    r"""Take the gradients of several micro-batches together for one step.

    With $k$ = ``every``: $p \leftarrow p - \eta\,\frac1k \sum_{i=1}^{k} g_i$ where the optimizer is gradient descent
    [gradient-accumulation.combine][]

    Args:
        optimizer: what makes the step.
        every: how many gradients a step takes, at least 1.
        combine: their mean or their sum.

    Returns:
        A gradient transformation whose updates are zero until ``every`` gradients have come.

    Raises:
        ValueError: ``every`` is less than 1.

    Source: the gradient of a mean over equal parts is the mean of the parts' gradients.
    """
    if every < 1:
        raise ValueError(f"gradient_accumulation: every must be at least 1, got {every}")

    def init(params: optax.Params) -> AccumulationState:
        return AccumulationState(optimizer.init(params), jax.tree.map(jnp.zeros_like, params), jnp.zeros([], jnp.int32))

    def update(updates: optax.Updates, state: Any, params: optax.Params | None = None) -> tuple:
        check_gradients("gradient_accumulation", updates, params)
        total, count = jax.tree.map(jnp.add, state.total, updates), state.count + 1

        def step(_: None) -> tuple:
            part = every if combine == "mean" else 1
            moved, inner = optimizer.update(jax.tree.map(lambda s: s / part, total), state.inner, params)
            return moved, AccumulationState(inner, jax.tree.map(jnp.zeros_like, total), jnp.zeros_like(count))

        def wait(_: None) -> tuple:
            return jax.tree.map(jnp.zeros_like, total), AccumulationState(state.inner, total, count)

        return jax.lax.cond(count == every, step, wait, None)

    return optax.GradientTransformation(init, update)


class AverageState(NamedTuple):
    """The average before its correction, and the number of steps."""

    average: Any
    count: Array


@checked
def exponential_average(
    decay_rate: Fraction = 0.999, *, start_rule: Literal["debiased", "zero", "copied", "initial"] = "debiased"
) -> optax.GradientTransformation:
    r"""Average the parameters over the last steps, the older ones with less weight.

    With $d$ = ``decay_rate``: $a \leftarrow d\,a + (1 - d)\,p$, and the average is $a / (1 - d^t)$
    [exponential-average.start][]

    Args:
        decay_rate: from 0 to less than 1; how much of the average is kept at a step.
        start_rule: zero, with or without the correction by $1 - d^t$; a copy of the first new parameters; or of those
            at ``init``.

    Returns:
        A gradient transformation that takes the new parameters in the place of gradients and returns their average.

    Raises:
        ValueError: ``decay_rate`` is out of range, or ``start_rule`` is none of the four.

    Source: Kingma and Ba 2015, section 3; Polyak and Juditsky 1992.
    """
    d = decay_rate

    def init(params: optax.Params) -> AverageState:
        check_parameters("exponential_average", params)
        start = params if start_rule == "initial" else jax.tree.map(jnp.zeros_like, params)
        return AverageState(start, jnp.zeros([], jnp.int32))

    def update(updates: optax.Params, state: Any, params: optax.Params | None = None) -> tuple:
        check_gradients("exponential_average", updates, state.average)
        t = state.count + 1

        def step(p: Array, a: Array) -> Array:
            before = jnp.where(t == 1, p, a) if start_rule == "copied" else a
            return (d * before + (1 - d) * p).astype(p.dtype)

        a = jax.tree.map(step, updates, state.average)
        # 1 - d^t, whose digits the difference would lose where d is near 1
        weights = -jnp.expm1(t * jnp.log1p(-(1 - d))) if start_rule == "debiased" else 1
        return jax.tree.map(lambda x: (x / weights).astype(x.dtype), a), AverageState(a, t)

    return optax.GradientTransformation(init, update)
