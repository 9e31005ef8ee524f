r"""Adam, which divides an average of the gradients by the root of an average of their squares, and its relatives.

Each is an ``optax.GradientTransformation``. On parameters of half precision the moments are kept and the step is
computed in float32: in bfloat16 0.999 is 1, in float16 $10^{-8}$ is 0.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array

from nnspec.checking import Fraction, NonNegative, checked
from nnspec.stepping import Rate, is_zero, leafwise

__all__ = ["adam", "adamax", "adamw", "amsgrad", "nadam"]


@checked
def adam(
    learning_rate: Rate,
    *,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.999,
    epsilon: NonNegative = 1e-8,
    l2: NonNegative = 0.0,
) -> optax.GradientTransformation:
    r"""Step by the mean gradient over the root of the mean squared gradient, both over the last steps.

    With $\eta$ = ``learning_rate``, $\beta_1$ = ``beta1``, $\beta_2$ = ``beta2``, $\varepsilon$ = ``epsilon``, and
    $g + \lambda p$ in the place of $g$ where $\lambda$ = ``l2`` is not 0:
    $m \leftarrow \beta_1 m + (1 - \beta_1)\,g$, $v \leftarrow \beta_2 v + (1 - \beta_2)\,g^2$,
    $p \leftarrow p - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon}$
    [adam.epsilon-position][], [adam.l2][]

    Args:
        learning_rate: at least 0, in units of the parameter: about what a step moves it; or a schedule, a function of
            the number of updates made before.
        beta1: from 0 to less than 1; how much of the mean gradient is kept at a step.
        beta2: from 0 to less than 1; how much of the mean squared gradient is kept.
        epsilon: at least 0, in units of the gradient; with 0 a gradient that was always 0 gives NaN.
        l2: at least 0; what is added to the gradient for each unit of the parameter.

    Returns:
        A gradient transformation of Optax; its ``update`` needs the parameters where ``l2`` is not 0.

    Raises:
        ValueError: the rate, a decay rate, ``epsilon`` or ``l2`` is out of range; there are no parameters; by
            ``update``, the gradients are not those of the parameters, or the parameters are missing.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Kingma and Ba 2015, algorithm 1.
    """

    def at(t: Array) -> Callable:
        c1, c2 = _weight_so_far(beta1, t), _weight_so_far(beta2, t)

        def direction(g: Array, p: Array, m: Array, v: Array) -> tuple:
            g = g if is_zero(l2) else g + l2 * p
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            return (m / c1) / (jnp.sqrt(v / c2) + epsilon), m, v

        return direction

    return leafwise("adam", learning_rate, [0.0] * 2, at, needs_parameters=not is_zero(l2))


@checked
def amsgrad(
    learning_rate: Rate, *, beta1: Fraction = 0.9, beta2: Fraction = 0.999, epsilon: NonNegative = 1e-8
) -> optax.GradientTransformation:
    r"""Step like Adam, but divide by the largest of the second moments so far.

    With the moments of Adam, corrected, $\hat m$ and $\hat v$:
    $\hat v_{\max} \leftarrow \max(\hat v_{\max}, \hat v)$,
    $p \leftarrow p - \eta\,\hat m / (\sqrt{\hat v_{\max}} + \varepsilon)$   [amsgrad.maximum][]

    Args:
        learning_rate: at least 0, in units of the parameter; or a schedule.
        beta1: from 0 to less than 1; how much of the mean gradient is kept at a step.
        beta2: from 0 to less than 1; how much of the mean squared gradient is kept.
        epsilon: at least 0, in units of the gradient.

    Returns:
        A gradient transformation of Optax.

    Raises:
        ValueError: as for ``adam``.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Reddi, Kale and Kumar 2018, algorithm 2, with the corrections of Adam, which it leaves out.
    """

    def at(t: Array) -> Callable:
        c1, c2 = _weight_so_far(beta1, t), _weight_so_far(beta2, t)

        def direction(g: Array, p: Array, m: Array, v: Array, v_max: Array) -> tuple:
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            v_max = jnp.maximum(v_max, v / c2)
            return (m / c1) / (jnp.sqrt(v_max) + epsilon), m, v, v_max

        return direction

    return leafwise("amsgrad", learning_rate, [0.0] * 3, at)


@checked
def adamw(
    learning_rate: Rate,
    *,
    beta1: Fraction = 0.9,
    beta2: Fraction = 0.999,
    epsilon: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.01,
) -> optax.GradientTransformation:
    r"""Step like Adam, and let the parameters decay beside the moments.

    With the corrected moments of Adam, $\hat m$ and $\hat v$, and $\lambda$ = ``weight_decay``:
    $p \leftarrow p - \eta\,\bigl(\hat m / (\sqrt{\hat v} + \varepsilon) + \lambda p\bigr)$   [adamw.coupling][]

    Args:
        learning_rate: at least 0, in units of the parameter; or a schedule.
        beta1: from 0 to less than 1; how much of the mean gradient is kept at a step.
        beta2: from 0 to less than 1; how much of the mean squared gradient is kept.
        epsilon: at least 0, in units of the gradient.
        weight_decay: at least 0; a step takes the share ``learning_rate`` times this of every parameter away.

    Returns:
        A gradient transformation of Optax; its ``update`` needs the parameters.

    Raises:
        ValueError: as for ``adam``; ``weight_decay`` is negative.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Loshchilov and Hutter 2019, algorithm 2, with the learning rate in the place of its schedule multiplier.
    """

    def at(t: Array) -> Callable:
        c1, c2 = _weight_so_far(beta1, t), _weight_so_far(beta2, t)

        def direction(g: Array, p: Array, m: Array, v: Array) -> tuple:
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            return (m / c1) / (jnp.sqrt(v / c2) + epsilon) + weight_decay * p, m, v

        return direction

    return leafwise("adamw", learning_rate, [0.0] * 2, at, needs_parameters=True)


@checked
def nadam(
    learning_rate: Rate, *, beta1: Fraction = 0.9, beta2: Fraction = 0.999, epsilon: NonNegative = 1e-8
) -> optax.GradientTransformation:
    r"""Step like Adam, with the first moment as it will be one step ahead, after Nesterov.

    With the moments of Adam: $\bar m = \frac{\beta_1 m}{1 - \beta_1^{t+1}} + \frac{(1 - \beta_1)\,g}{1 - \beta_1^t}$,
    $p \leftarrow p - \eta\,\bar m / (\sqrt{\hat v} + \varepsilon)$   [nadam.momentum-schedule][]

    Args:
        learning_rate: at least 0, in units of the parameter; or a schedule.
        beta1: from 0 to less than 1; how much of the mean gradient is kept at a step.
        beta2: from 0 to less than 1; how much of the mean squared gradient is kept.
        epsilon: at least 0, in units of the gradient.

    Returns:
        A gradient transformation of Optax.

    Raises:
        ValueError: as for ``adam``.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Dozat 2016, with a momentum that stays the same.
    """

    def at(t: Array) -> Callable:
        c1, c1_ahead, c2 = _weight_so_far(beta1, t), _weight_so_far(beta1, t + 1), _weight_so_far(beta2, t)

        def direction(g: Array, p: Array, m: Array, v: Array) -> tuple:
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            m_bar = beta1 * m / c1_ahead + (1 - beta1) * g / c1
            return m_bar / (jnp.sqrt(v / c2) + epsilon), m, v

        return direction

    return leafwise("nadam", learning_rate, [0.0] * 2, at)


@checked
def adamax(
    learning_rate: Rate, *, beta1: Fraction = 0.9, beta2: Fraction = 0.999, epsilon: NonNegative = 1e-8
) -> optax.GradientTransformation:
    r"""Step by the mean gradient over the largest recent gradient.

    With the first moment $m$ of Adam: $u \leftarrow \max(\beta_2 u, |g| + \varepsilon)$,
    $p \leftarrow p - \eta\,\frac{m}{(1 - \beta_1^t)\,u}$   [adamax.epsilon-position][]

    Args:
        learning_rate: at least 0, in units of the parameter; or a schedule.
        beta1: from 0 to less than 1; how much of the mean gradient is kept at a step.
        beta2: from 0 to less than 1; how much of the largest gradient is kept.
        epsilon: at least 0, in units of the gradient.

    Returns:
        A gradient transformation of Optax.

    Raises:
        ValueError: as for ``adam``.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Kingma and Ba 2015, algorithm 2, which has no epsilon.
    """

    def at(t: Array) -> Callable:
        c1 = _weight_so_far(beta1, t)

        def direction(g: Array, p: Array, m: Array, u: Array) -> tuple:
            m = beta1 * m + (1 - beta1) * g
            u = jnp.maximum(beta2 * u, jnp.abs(g) + epsilon)
            return m / (c1 * u), m, u

        return direction

    return leafwise("adamax", learning_rate, [0.0] * 2, at)


def _weight_so_far(decay_rate: Any, t: Array) -> Array:
    """What the weights of an average that started at zero add up to: 1 - d^t, with all its digits where d is near 1."""
    return -jnp.expm1(t * jnp.log1p(-(1 - decay_rate)))
