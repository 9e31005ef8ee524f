r"""RMSprop, which divides a gradient by the root of the mean of its last squares, and Adagrad, from which it comes.

Each is an ``optax.GradientTransformation``. On parameters of half precision the means and sums are kept and the step is
computed in float32: in float16 $10^{-8}$ is 0, and the square of 256 is infinite.
"""

import jax.numpy as jnp
import optax
from jaxtyping import Array

from nnspec.checking import Fraction, NonNegative, checked
from nnspec.stepping import Rate, is_zero, leafwise

__all__ = ["adagrad", "centred_rmsprop", "rmsprop"]


@checked
def rmsprop(
    learning_rate: Rate,
    *,
    decay_rate: Fraction = 0.9,
    epsilon: NonNegative = 1e-8,
    momentum: Fraction = 0.0,
    l2: NonNegative = 0.0,
    weight_decay: NonNegative = 0.0,
) -> optax.GradientTransformation:
    r"""Step by the gradient over the root of the mean of its last squares.

    With $\eta$ = ``learning_rate``, $\rho$ = ``decay_rate``, $\varepsilon$ = ``epsilon``, $\beta$ = ``momentum``, and
    $g + \lambda p$ in the place of $g$ where $\lambda$ = ``l2`` is not 0: $v \leftarrow \rho v + (1 - \rho)\,g^2$,
    $b \leftarrow \beta b + g / (\sqrt v + \varepsilon)$, $p \leftarrow p - \eta\,b$
    [rmsprop.epsilon-position][], [rmsprop.rate-position][], [rmsprop.l2][]. A ``weight_decay`` $\lambda$ takes
    $\eta\,\lambda\,p$ away beside it [rmsprop.weight-decay][].

    Args:
        learning_rate: at least 0, in units of the parameter: about what a step moves it; or a schedule, a function of
            the number of updates made before.
        decay_rate: from 0 to less than 1; how much of the mean square is kept at a step.
        epsilon: at least 0, in units of the gradient; with 0 a gradient that was always 0 gives NaN.
        momentum: from 0 to less than 1; how much of the velocity is kept at a step.
        l2: at least 0; what is added to the gradient for each unit of the parameter.
        weight_decay: at least 0; a step takes the share ``learning_rate`` times this of every parameter away.

    Returns:
        A gradient transformation of Optax; its ``update`` needs the parameters where ``l2`` or ``weight_decay`` is
        not 0. The velocity is kept where ``momentum`` is not 0.

    Raises:
        ValueError: an argument is out of range; there are no parameters; by ``update``, the gradients are not those
            of the parameters, or the parameters are missing.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Hinton 2012, lecture 6e; the velocity as in Graves 2013, with the rate outside.
    """
    rho, beta, rolls = decay_rate, momentum, not is_zero(momentum)

    def direction(g: Array, p: Array, v: Array, *b: Array) -> tuple:
        g = g if is_zero(l2) else g + l2 * p
        v = rho * v + (1 - rho) * g**2
        d = g / (jnp.sqrt(v) + epsilon)
        new = [beta * old + d for old in b]  # the velocity, where there is one
        decay = 0.0 if is_zero(weight_decay) else weight_decay * p
        return (new[0] if rolls else d) + decay, v, *new

    decays = not (is_zero(l2) and is_zero(weight_decay))
    return leafwise("rmsprop", learning_rate, [0.0] * (1 + rolls), lambda t: direction, needs_parameters=decays)


@checked
def centred_rmsprop(
    learning_rate: Rate, *, decay_rate: Fraction = 0.9, epsilon: NonNegative = 1e-8, momentum: Fraction = 0.0
) -> optax.GradientTransformation:
    r"""Step by the gradient over the root of the variance of the last gradients.

    With $\eta$ = ``learning_rate``, $\rho$ = ``decay_rate``, $\varepsilon$ = ``epsilon`` and $\beta$ = ``momentum``:
    $v \leftarrow \rho v + (1 - \rho)\,g^2$, $m \leftarrow \rho m + (1 - \rho)\,g$,
    $b \leftarrow \beta b + g / (\sqrt{v - m^2} + \varepsilon)$, $p \leftarrow p - \eta\,b$
    [rmsprop.epsilon-position][], [centred-rmsprop.rounding][]

    Args:
        learning_rate: at least 0, in units of the parameter; or a schedule.
        decay_rate: from 0 to less than 1; how much of the means is kept at a step.
        epsilon: at least 0, in units of the gradient; with 0 gradients that stay the same give ever longer steps.
        momentum: from 0 to less than 1; how much of the velocity is kept at a step.

    Returns:
        A gradient transformation of Optax. The velocity is kept where ``momentum`` is not 0.

    Raises:
        ValueError: as for ``rmsprop``.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Graves 2013, equations 38 to 41, with epsilon and the rate outside.
    """
    rho, beta, rolls = decay_rate, momentum, not is_zero(momentum)

    def direction(g: Array, p: Array, v: Array, m: Array, *b: Array) -> tuple:
        v = rho * v + (1 - rho) * g**2
        m = rho * m + (1 - rho) * g
        variance = jnp.maximum(v - m**2, 0)  # a difference of equals, which rounding makes negative
        d = g / (jnp.sqrt(variance) + epsilon)
        new = [beta * old + d for old in b]  # the velocity, where there is one
        return new[0] if rolls else d, v, m, *new

    return leafwise("centred_rmsprop", learning_rate, [0.0] * (2 + rolls), lambda t: direction)


@checked
def adagrad(
    learning_rate: Rate, *, epsilon: NonNegative = 1e-10, initial_accumulator: NonNegative = 0.0
) -> optax.GradientTransformation:
    r"""Step by the gradient over the root of the sum of all its squares.

    With $\eta$ = ``learning_rate``, $\varepsilon$ = ``epsilon``, and $s$ that starts at ``initial_accumulator``:
    $s \leftarrow s + g^2$, $p \leftarrow p - \eta\,g / (\sqrt s + \varepsilon)$   [adagrad.epsilon-position][]

    Args:
        learning_rate: at least 0, in units of the parameter: the length of the first step; or a schedule.
        epsilon: at least 0, in units of the gradient; with 0 a gradient that was always 0 gives NaN.
        initial_accumulator: at least 0, in units of the gradient squared; where the sum starts.

    Returns:
        A gradient transformation of Optax.

    Raises:
        ValueError: as for ``rmsprop``.
        TypeError: by ``init``, parameters are of no float dtype.

    Source: Duchi, Hazan and Singer 2011, figure 1, with diagonal matrices.
    """

    def direction(g: Array, p: Array, s: Array) -> tuple:
        s = s + g**2
        return g / (jnp.sqrt(s) + epsilon), s

    return leafwise("adagrad", learning_rate, [initial_accumulator], lambda t: direction)
