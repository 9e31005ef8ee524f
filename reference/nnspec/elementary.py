r"""Elementary functions that are accurate at every number, and so are their derivatives.

The formulas read literally are wrong in floating point where $e^{x}$ overflows though the result does not, where it is
flushed to zero though $x\,e^{x}$ is not, and where a difference cancels; so are the derivatives that automatic
differentiation makes of them. Each function here brings its derivative along. All compute in float32 or float64, and
`widened` brings half precision there.
"""

import functools
import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array

__all__ = ["expm1", "log_of_rest", "sigmoid", "softplus", "tanh", "widened", "x_normal_cdf", "x_sigmoid"]

FAR = 2000.0  # beyond it x times a sigmoid or normal distribution function is max(x, 0) in every dtype
SHIFT = 40.0  # e^-40 is less than half an ulp of 1 in every dtype, and a normal number in each that is computed in
DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)  # of the standard normal variable

F = TypeVar("F", bound=Callable[..., Array])


def widened(function: F) -> F:
    """Compute half precision in float32 and round once: the result has the dtype of the argument x."""

    @functools.wraps(function)
    def wrapper(x: Array, **attributes: Any) -> Array:
        wide = x.astype(jnp.float32) if x.dtype.itemsize < 4 else x
        return function(wide, **attributes).astype(x.dtype)

    return cast(F, wrapper)


@jax.custom_jvp
def sigmoid(x: Array) -> Array:
    """The logistic function, 1 / (1 + e^-x)."""
    return 1 / (1 + jnp.exp(-x))


sigmoid.defjvps(lambda t, y, x: t * sigmoid_slope(x))  # the formula's own derivative squares e^-x and overflows


@jax.custom_jvp
def sigmoid_slope(x: Array) -> Array:
    """The derivative of sigmoid, sigmoid(x) sigmoid(-x): accurate in both tails, where y (1 - y) is not."""
    e = jnp.exp(-jnp.abs(x))
    return e / ((1 + e) * (1 + e))


sigmoid_slope.defjvps(lambda t, y, x: -t * y * tanh(x / 2))  # abs has no derivative at 0, sigmoid_slope has


@jax.custom_jvp
def tanh(x: Array) -> Array:
    """The hyperbolic tangent, by two formulas: XLA's own is off by up to 5 ulp on CPU."""
    small = jnp.abs(x) < 0.55  # where 1 - 2 / (1 + e^2x) begins to cancel
    u = jnp.where(small, x, 0)
    return jnp.where(small, u / u_coth_u(u * u), jnp.sign(x) * (1 - 2 / (1 + jnp.exp(2 * jnp.abs(x)))))


tanh.defjvps(lambda t, y, x: t * (4 * sigmoid_slope(2 * x)))  # 1 - y^2 loses every digit once |x| > 9


@jax.custom_jvp
def expm1(x: Array) -> Array:
    """The difference e^x - 1, from tanh(x / 2) near 0: XLA's own is off by up to 5 ulp on CPU."""
    small = jnp.abs(x) < 1
    u = jnp.where(small, x, 0)
    return jnp.where(small, u / (u_coth_u(u * u / 4) - u / 2), jnp.exp(x) - 1)


expm1.defjvps(lambda t, y, x: t * jnp.exp(x))  # 1 + y loses every digit of e^x once x < -17


def u_coth_u(square: Array) -> Array:
    """The function u coth u of u squared, by Lambert's continued fraction, for |u| < 0.6."""
    last = 11 if square.dtype == jnp.float32 else 17  # where one more level changes nothing
    fraction = jnp.full_like(square, last)
    for odd in range(last - 2, 0, -2):
        fraction = odd + square / fraction
    return fraction


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """The logarithm of 1 + e^x, which is max(x, 0) + log(1 + e^-|x|)."""
    return jnp.where(x <= 0, 0, x) + jnp.log1p(jnp.exp(-jnp.abs(x)))


softplus.defjvps(lambda t, y, x: t * sigmoid(x))  # neither max nor abs has a derivative at 0, softplus has


def log_of_rest(p: Array) -> Array:
    """The logarithm of 1 - p: XLA's log1p is off by 50 ulp at -0.4 in float64 on CPU."""
    rest = 1 - p
    lost = (1 - rest) - p  # what the subtraction rounded off, exactly
    return jnp.log(rest) + jnp.where(rest == 0, 0, lost / jnp.where(rest == 0, 1, rest))


def times_sigmoid(factor: Array, z: Array) -> Array:
    """The product factor sigmoid(z), also where sigmoid(z) alone is flushed to zero."""
    tail = z < -SHIFT  # here sigmoid(z) is e^z
    e = jnp.exp(jnp.where(tail, z + SHIFT, -z))
    return jnp.where(tail, factor * e * math.exp(-SHIFT), factor / (1 + e))


def times_exp(factor: Array, z: Array) -> Array:
    """The product factor e^z for z <= 0, also where e^z alone is flushed to zero."""
    tail = z < -SHIFT
    return factor * jnp.exp(jnp.where(tail, z + SHIFT, z)) * jnp.where(tail, math.exp(-SHIFT), 1)


def far_is_relu(product: Callable[[Array], Array], x: Array) -> Array:
    """The product of x and a distribution function, without inf * 0 in it or in its gradient."""
    far = jnp.abs(x) > FAR
    return jnp.where(far, jnp.where(x <= 0, 0, x), product(jnp.where(far, 0, x)))


# A slope below is computed as a number and then multiplied: the transpose of a product would multiply the factors that
# are flushed to zero first.


def x_sigmoid(x: Array, a: float, b: float) -> Array:
    """The product x sigmoid(z) with z = x (a + b x^2)."""
    return far_is_relu(lambda x: x_sigmoid_near(x, a, b), x)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def x_sigmoid_near(x: Array, a: float, b: float) -> Array:
    """The product x sigmoid(z) where no x overflows in z."""
    return times_sigmoid(x, x * (a + b * x * x))


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def x_sigmoid_slope(x: Array, a: float, b: float) -> Array:
    """The derivative of x sigmoid(z), which is sigmoid(z) + x dz/dx sigmoid(z) sigmoid(-z)."""
    z, dz = x * (a + b * x * x), a + 3 * b * x * x
    return times_sigmoid(1 + x * dz * sigmoid(-z), z)


def x_sigmoid_curvature(x: Array, a: float, b: float) -> Array:
    """The second derivative of x sigmoid(z)."""
    x = -jnp.abs(x)  # it is even, and on this side sigmoid(-z) is not flushed to zero
    z, dz, ddz = x * (a + b * x * x), a + 3 * b * x * x, 6 * b * x
    return times_sigmoid(2 * dz + x * ddz - x * dz * dz * tanh(z / 2), z) * sigmoid(-z)


x_sigmoid_near.defjvp(lambda a, b, x, t: (x_sigmoid_near(x[0], a, b), t[0] * x_sigmoid_slope(x[0], a, b)))
x_sigmoid_slope.defjvp(lambda a, b, x, t: (x_sigmoid_slope(x[0], a, b), t[0] * x_sigmoid_curvature(x[0], a, b)))


def x_normal_cdf(x: Array) -> Array:
    """The product x Phi(x), Phi being the distribution function of a standard normal variable."""
    return far_is_relu(x_normal_cdf_near, x)


@jax.custom_jvp
def x_normal_cdf_near(x: Array) -> Array:
    """The product x Phi(x) where x^2 does not overflow; for x > 0 as x - x Phi(-x)."""
    r, pole = normal_tail(jnp.abs(x))
    tail = times_exp(x * r, -x * x / 2) + x * pole  # x Phi(-|x|)
    return jnp.where(x > 0, x - tail, tail)


@jax.custom_jvp
def x_normal_cdf_slope(x: Array) -> Array:
    """The derivative of x Phi(x), which is Phi(x) + x phi(x)."""
    r, pole = normal_tail(jnp.abs(x))
    tail = times_exp(r - jnp.abs(x) * DENSITY_AT_0, -x * x / 2) + pole  # the value at -|x|
    return jnp.where(x > 0, 1 - tail, tail)


def x_normal_cdf_curvature(x: Array) -> Array:
    """The second derivative of x Phi(x), which is (2 - x^2) phi(x)."""
    return times_exp((2 - x * x) * DENSITY_AT_0, -x * x / 2)


# The barrier keeps value and slope two loops: where they share their tail, XLA hands eleven arrays through memory.
x_normal_cdf_near.defjvps(lambda t, y, x: t * x_normal_cdf_slope(jax.lax.optimization_barrier(x)))
x_normal_cdf_slope.defjvps(lambda t, y, x: t * x_normal_cdf_curvature(x))


def normal_tail(x: Array) -> tuple[Array, Array]:
    """The two parts r and pole of 1 - Phi(x) = r e^(-x^2 / 2) + pole, for x >= 0.

    XLA's erfc is off by 12 ulp where gelu is least. Here the integral in

        1 - Phi(x) = sqrt(2) x / pi * e^(-x^2 / 2) * int_0^inf e^(-u^2) / (2 u^2 + x^2) du

    is taken by the midpoint rule with step h. Its error is the residue at the integrand's pole, which is added, and
    e^(-pi^2 / h^2), which is nothing. Every term is positive: no difference cancels.

    Source: Chiarella and Reichel 1968; Hunter and Regan 1972.
    """
    h = 0.5  # e^(-pi^2 / h^2) is below float64's precision
    nodes = 9 if x.dtype == jnp.float32 else 12  # and so is e^(-(nodes h)^2)
    total = jnp.zeros_like(x)
    for u in reversed([(k + 0.5) * h for k in range(nodes)]):
        total += math.sqrt(2) * h / math.pi * math.exp(-u * u) / (2 * u * u + x * x)
    edge = math.pi * math.sqrt(2) / h  # the residue counts for x below it, and is negligible before it is reached
    pole = jnp.where(x < edge, 1 / (1 + jnp.exp(2 * math.pi / h * math.sqrt(0.5) * jnp.minimum(x, edge))), 0)
    return x * total, pole
