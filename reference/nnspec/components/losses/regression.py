r"""The losses of regression: of the error, and minus the logarithm of a likelihood.

Each gives one number for every element unless ``reduction`` says otherwise. Half precision is computed in float32 and
rounded once. Entries are checked where they are known: a compiled program cannot raise for a number.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec.checking import NonNegative, Positive, checked
from nnspec.components.losses._reduction import Reduction, reduced, weighted, wide
from nnspec.entries import held, not_negative, positive

__all__ = [
    "absolute_error", "gaussian_nll", "huber", "poisson_nll", "poisson_nll_from_rate", "smooth_l1", "squared_error",
]  # fmt: skip


@checked
@partial(jax.jit, static_argnames="reduction")
def squared_error(
    prediction: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    sample_weights: Float[Array, "*batch"] | None = None,
    *,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give the square of the error, which is least on average at the mean of the targets.

    With $x$ = ``prediction``, $y$ = ``target``: $\ell = (x - y)^2$   [regression.value][], [squared-error.factor][]

    Args:
        prediction: any float dtype.
        target: the same shape.
        sample_weights: a factor for each loss; a loss with the factor 0 counts for nothing, whatever it is.
        reduction: ``mean`` divides by the number of elements, or by the sum of their weights.

    Returns:
        One loss for each element, in the square of the target's unit, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ.

    Source: Goodfellow, Bengio and Courville 2016, section 5.5.1.
    """
    d = wide(prediction) - wide(target)
    loss, count = weighted(d * d, sample_weights)
    return reduced(loss, reduction, prediction.dtype, count)


@checked
@partial(jax.jit, static_argnames="reduction")
def absolute_error(
    prediction: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    sample_weights: Float[Array, "*batch"] | None = None,
    *,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give the size of the error, which is least on average at the median of the targets.

    With $x$ = ``prediction``, $y$ = ``target``: $\ell = |x - y|$, whose slope at 0 is 0   [regression.value][],
    [absolute-error.kink][]

    Args:
        prediction: any float dtype.
        target: the same shape.
        sample_weights: a factor for each loss; a loss with the factor 0 counts for nothing, whatever it is.
        reduction: ``mean`` divides by the number of elements, or by the sum of their weights.

    Returns:
        One loss for each element, in the target's unit, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ.

    Source: Huber 1964, section 1.
    """
    loss, count = weighted(_size(wide(prediction) - wide(target)), sample_weights)
    return reduced(loss, reduction, prediction.dtype, count)


@checked
@partial(jax.jit, static_argnames="reduction")
def huber(
    prediction: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    sample_weights: Float[Array, "*batch"] | None = None,
    *,
    delta: Positive = 1.0,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give half the square of a small error, and a straight line beyond ``delta``.

    With $d$ = ``prediction`` - ``target``, $\delta$ = ``delta`` and $c = \min(\max(d, -\delta), \delta)$, its gradient:
    $\ell = c\,(d - c/2)$   [regression.value][], [huber.edge][], [huber.far][]

    Args:
        prediction: any float dtype.
        target: the same shape.
        sample_weights: a factor for each loss; a loss with the factor 0 counts for nothing, whatever it is.
        delta: the error at which the parabola becomes a line, in the target's unit; positive.
        reduction: ``mean`` divides by the number of elements, or by the sum of their weights.

    Returns:
        One loss for each element, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ; ``delta`` is not positive and finite.

    Source: Huber 1964, section 4.
    """
    d = wide(prediction) - wide(target)
    c = _within(d, _like(delta, d))
    loss, count = weighted(c * (d - c / 2), sample_weights)
    return reduced(loss, reduction, prediction.dtype, count)


@checked
@partial(jax.jit, static_argnames="reduction")
def smooth_l1(
    prediction: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    *,
    beta: NonNegative = 1.0,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give the absolute error with its corner rounded within ``beta``: the Huber loss divided by its delta.

    With $d$ = ``prediction`` - ``target``, $\beta$ = ``beta`` and $c = \min(\max(d, -\beta), \beta)$:
    $\ell = c\,(d - c/2) / \beta$, and $|d|$ for $\beta = 0$   [regression.value][], [smooth-l1.beta-zero][]

    Args:
        prediction: any float dtype.
        target: the same shape.
        beta: the error up to which it is a parabola, in the target's unit; not negative.
        reduction: ``mean`` divides by the number of elements.

    Returns:
        One loss for each element, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ; ``beta`` is negative or not finite.

    Source: Girshick 2015, section 2.3, with beta = 1.
    """
    d = wide(prediction) - wide(target)
    b = jnp.where(beta == 0, 1, _like(beta, d))
    c = _within(d, b)
    return reduced(jnp.where(beta == 0, _size(d), c * (d - c / 2) / b), reduction, prediction.dtype)


@checked
@held(variance=positive)
@partial(jax.jit, static_argnames=("full", "reduction"))
def gaussian_nll(
    prediction: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    variance: Float[Array, "*batch"],
    *,
    full: bool = False,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give minus the logarithm of the normal density with the predicted mean and variance.

    With $d$ = ``prediction`` - ``target``, $v$ = ``variance``: $\ell = \frac12 (\log v + d^2 / v)$, and
    $\frac12 \log 2\pi$ more if ``full``   [regression.value][], [gaussian-nll.full][]

    Args:
        prediction: the mean, any float dtype.
        target: the same shape.
        variance: positive, the same shape, in the square of the target's unit.
        full: add the constant, which has no gradient.
        reduction: ``mean`` divides by the number of elements.

    Returns:
        One loss for each element, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ; a variance is not positive.

    Source: Goodfellow, Bengio and Courville 2016, section 6.2.2.1.
    """
    d, v = wide(prediction) - wide(target), wide(variance)
    loss = (jnp.log(v) + d * (d / v)) / 2
    constant = math.log(2 * math.pi) / 2 if full else 0.0
    return reduced(loss + constant, reduction, prediction.dtype)


@checked
@held(target=not_negative)
@partial(jax.jit, static_argnames=("full", "reduction"))
def poisson_nll(
    prediction: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    *,
    full: bool = False,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give minus the logarithm of the probability of a count, from the logarithm of its rate.

    With $x$ = ``prediction``, $y$ = ``target``: $\ell = e^x - y x$, and $\log y!$ more if ``full``
    [regression.value][], [poisson-nll.log-factorial][], [poisson-nll.zero-rate][]

    Args:
        prediction: the log-rate, any float dtype; minus infinity is a rate of 0.
        target: the count, not negative, the same shape.
        full: add the constant, which has no gradient for the prediction.
        reduction: ``mean`` divides by the number of elements.

    Returns:
        One loss for each element, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ; a target is negative.

    Source: the Poisson distribution; Gneiting and Raftery 2007, section 4, for the logarithmic score.
    """
    x, y = wide(prediction), wide(target)
    nothing = (y == 0) & (x == -jnp.inf)  # no event was expected and none came: 0 * inf is 0
    loss = jnp.exp(x) - y * jnp.where(nothing, 0, x)
    return reduced(loss + _log_factorial(y, full), reduction, prediction.dtype)


@checked
@held(prediction=not_negative, target=not_negative)
@partial(jax.jit, static_argnames=("full", "reduction"))
def poisson_nll_from_rate(
    prediction: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    *,
    full: bool = False,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give minus the logarithm of the probability of a count, from its rate.

    With $x$ = ``prediction``, $y$ = ``target``: $\ell = x - y \log x$ with $0 \log 0 = 0$, and $\log y!$ more if
    ``full``   [regression.value][], [poisson-nll-from-rate.epsilon][], [poisson-nll.zero-rate][]

    Args:
        prediction: the rate, not negative, any float dtype.
        target: the count, not negative, the same shape.
        full: add the constant, which has no gradient for the prediction.
        reduction: ``mean`` divides by the number of elements.

    Returns:
        One loss for each element, infinite where the rate is 0 and the count is not, or a single number.

    Raises:
        ValueError: the shapes differ; a rate or a target is negative.

    Source: the Poisson distribution; Gneiting and Raftery 2007, section 4, for the logarithmic score.
    """
    x, y = wide(prediction), wide(target)
    nothing = (y == 0) & (x == 0)
    loss = x - y * jnp.log(jnp.where(nothing, 1, x))
    return reduced(loss + _log_factorial(y, full), reduction, prediction.dtype)


def _like(width: float, d: Array) -> Array:
    """A width in the dtype of the error."""
    return jnp.asarray(width, d.dtype)


def _within(d: Array, width: Array) -> Array:
    """The error, cut off on both sides; its slope is chosen and not multiplied, so that there is no 0 * inf."""
    return jnp.where(d > width, width, jnp.where(d < -width, -width, d))


def _size(d: Array) -> Array:
    """The absolute value, whose slope at 0 is 0: that of `jax.numpy.abs` is 1."""
    return d * jnp.sign(d)


def _log_factorial(y: Array, full: bool) -> Array | float:
    """The logarithm of y!, or nothing."""
    return jax.lax.lgamma(y + 1) if full else 0.0
