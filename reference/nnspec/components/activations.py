r"""Activation functions: the non-linearity between two affine layers.

Each is an elementary formula applied to every element (`softmax` and `log_softmax`: to every slice along an axis), kept
in the dtype it came in. Half-precision input is computed in float32 and rounded once. An eager call is one compiled
program; inside a larger one ``jax.jit`` adds nothing.

The helpers at the end exist where the formula read literally is wrong in floating point, or its derivative is: where
$e^{x}$ overflows though the result does not, where it is flushed to zero though $x\,e^{x}$ is not, where a difference
cancels. They bring their derivatives along, so that every gradient is as accurate as its function.
"""

import math
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec.checking import Finite, Positive, check_axis, checked

__all__ = [
    "elu",
    "gelu",
    "hard_sigmoid",
    "identity",
    "leaky_relu",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

SELU_ALPHA = 1.6732632423543772848170429916717  # solves selu's fixed point: mean 0 and variance 1 map to themselves
SELU_SCALE = 1.0507009873554804934193349852946
HARD_SIGMOID_KINK = {"sixth": 3.0, "fifth": 2.5, "half": 1.0}
FAR = 2000.0  # beyond it x times a sigmoid or normal distribution function is relu(x) in every dtype
SHIFT = 40.0  # e^-40 is less than half an ulp of 1 in every dtype, and a normal number in each that is computed in


@checked
def identity(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Return the input: the activation of a linear layer.

    $y = x$   [identity.value][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        ``x``.

    Source: Goodfellow, Bengio and Courville 2016, section 6.2.2.1, linear units.
    """
    return x


@checked
@jax.jit
def relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Keep what is positive, set the rest to zero.

    $y = \max(x, 0)$, with derivative $0$ at $0$   [relu.value][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``; NaN where ``x`` is NaN.

    Source: Glorot, Bordes and Bengio 2011, section 3.
    """
    return jnp.where(x <= 0, 0, x)  # this way round: NaN <= 0 is false, and 0 takes the derivative of the flat side


@checked
@jax.jit
def leaky_relu(x: Float[Array, "*shape"], *, negative_slope: Finite = 0.01) -> Float[Array, "*shape"]:
    r"""Keep what is positive, shrink the rest.

    With $a$ = ``negative_slope``: $y = x$ if $x > 0$, else $a\,x$   [leaky-relu.value][]

    Args:
        x: pre-activations, any float dtype.
        negative_slope: slope of the negative side and of the derivative at 0; any finite number.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``negative_slope`` is not finite.

    Source: Maas, Hannun and Ng 2013, equation 2.
    """
    a, u = negative_slope, _at_least_float32(x)
    return jnp.where(u > 0, u, a * jnp.where(u > 0, 0, u)).astype(x.dtype)  # inner where: a's gradient is not 0 * inf


@checked
@jax.jit
def elu(x: Float[Array, "*shape"], *, alpha: Positive = 1.0) -> Float[Array, "*shape"]:
    r"""Keep what is positive, let the rest saturate exponentially.

    With $\alpha$ = ``alpha``: $y = x$ if $x > 0$, else $\alpha\,(e^{x} - 1)$   [elu.value][]

    Args:
        x: pre-activations, any float dtype.
        alpha: minus the limit on the negative side, and the derivative at 0; must be positive.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``alpha`` is not positive and finite.

    Source: Clevert, Unterthiner and Hochreiter 2016, equation 15.
    """
    u = _at_least_float32(x)
    return jnp.where(u > 0, u, alpha * _expm1(jnp.where(u > 0, 0, u))).astype(x.dtype)


@checked
@jax.jit
def selu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Scale `elu` so that a standard normal variable keeps its mean and variance.

    $y = \lambda \operatorname{elu}(x; \alpha)$, $\lambda = 1.0507\ldots$, $\alpha = 1.6733\ldots$   [selu.constants][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter 2017, equation 2.
    """
    u = _at_least_float32(x)
    positive = SELU_SCALE * u
    negative = SELU_SCALE * SELU_ALPHA * _expm1(jnp.where(u > 0, 0, u))
    return jnp.where(u > 0, positive, negative).astype(x.dtype)


@checked
@partial(jax.jit, static_argnames="form")
def gelu(x: Float[Array, "*shape"], *, form: Literal["exact", "tanh", "sigmoid"] = "exact") -> Float[Array, "*shape"]:
    r"""Weight each input by the probability that a standard normal variable is below it.

    With the normal distribution function $\Phi$ and its density $\varphi$   [gelu.form][]:

    - ``exact``: $y = x\,\Phi(x)$
    - ``tanh``: $y = \frac{x}{2}\left(1 + \tanh\!\left(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\right)\right)$
    - ``sigmoid``: $y = x\,\sigma(1.702\,x)$

    Args:
        x: pre-activations, any float dtype.
        form: the definition, or one of the paper's two approximations of it.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``form`` is none of the three.

    Source: Hendrycks and Gimpel 2016, section 2.
    """
    u = _at_least_float32(x)
    far = jnp.abs(u) > FAR
    near = jnp.where(far, 0, u)  # keeps inf * 0 out of the formula and of its gradient
    if form == "exact":
        y = _gelu(near)
    elif form == "tanh":
        c = 2 * math.sqrt(2 / math.pi)  # (1 + tanh(z / 2)) / 2 is sigmoid(z)
        y = _gated(near, c, 0.044715 * c)
    else:
        y = _gated(near, 1.702, 0.0)
    return jnp.where(far, relu(u), y).astype(x.dtype)


@checked
@jax.jit
def sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Map the real line to (0, 1): the probability whose log-odds are the input.

    $\sigma(x) = \dfrac{1}{1 + e^{-x}}$   [activation.accuracy][]

    Args:
        x: logits, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: Goodfellow, Bengio and Courville 2016, equation 3.30.
    """
    return _sigmoid(_at_least_float32(x)).astype(x.dtype)


@checked
@jax.jit
def tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Map the real line to (-1, 1), odd and with slope 1 at 0.

    $\tanh(x) = \dfrac{e^{x} - e^{-x}}{e^{x} + e^{-x}}$   [activation.accuracy][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: LeCun, Bottou, Orr and Mueller 1998, section 4.4.
    """
    return _tanh(_at_least_float32(x)).astype(x.dtype)


@checked
@jax.jit
def softplus(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Smooth the kink of `relu`; the integral of `sigmoid`.

    $y = \log(1 + e^{x}) = \max(x, 0) + \log(1 + e^{-|x|})$   [softplus.large][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: Dugas, Bengio, Bélisle, Nadeau and Garcia 2001; Goodfellow, Bengio and Courville 2016, equation 3.31.
    """
    return _softplus(_at_least_float32(x)).astype(x.dtype)


@checked
@jax.jit
def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Gate each input by its own `sigmoid`; also named swish.

    $y = x\,\sigma(x)$   [activation.accuracy][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: Hendrycks and Gimpel 2016, section 2; Elfwing, Uchibe and Doya 2018.
    """
    u = _at_least_float32(x)
    far = jnp.abs(u) > FAR
    near = jnp.where(far, 0, u)  # keeps inf * 0 out of the formula and of its gradient
    return jnp.where(far, relu(u), _gated(near, 1.0, 0.0)).astype(x.dtype)


@checked
@partial(jax.jit, static_argnames="form")
def hard_sigmoid(
    x: Float[Array, "*shape"], *, form: Literal["sixth", "fifth", "half"] = "sixth"
) -> Float[Array, "*shape"]:
    r"""Replace `sigmoid` by three straight lines.

    With its kinks at $\pm w$, where the derivative is $0$: $y = \min(\max((x + w) / 2w, 0), 1)$   [hard-sigmoid.form][]

    Args:
        x: pre-activations, any float dtype.
        form: the slope $1/2w$: ``sixth`` ($w = 3$), ``fifth`` ($w = 2.5$) or ``half`` ($w = 1$).

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``form`` is none of the three.

    Source: Howard et al. 2019, section 5.2 (sixth); Courbariaux, Bengio and David 2015, equation 3 (half).
    """
    u, w = _at_least_float32(x), HARD_SIGMOID_KINK[form]
    return jnp.where(u <= -w, 0, jnp.where(u >= w, 1, (u + w) / (2 * w))).astype(x.dtype)


@checked
@partial(jax.jit, static_argnames="axis")
def softmax(x: Float[Array, "*shape"], *, axis: int = -1) -> Float[Array, "*shape"]:
    r"""Turn the scores along an axis into a probability distribution.

    With $m = \max_j x_j$: $y_i = \dfrac{e^{x_i - m}}{\sum_j e^{x_j - m}}$   [softmax.value][]

    Args:
        x: logits, any float dtype; $-\infty$ gets probability 0.
        axis: the axis that sums to 1.

    Returns:
        Same shape and dtype as ``x``. A slice of nothing but $-\infty$, or with a $+\infty$, is NaN: $\infty - \infty$.

    Raises:
        ValueError: ``x`` has no such axis.

    Source: Bridle 1990; Goodfellow, Bengio and Courville 2016, equation 4.1.
    """
    axis = check_axis("softmax", x, axis)
    return _softmax(_at_least_float32(x), axis).astype(x.dtype)


@checked
@partial(jax.jit, static_argnames="axis")
def log_softmax(x: Float[Array, "*shape"], *, axis: int = -1) -> Float[Array, "*shape"]:
    r"""Give the logarithm of `softmax`, also where the probability itself is rounded to 0 or 1.

    With $m = \max_j x_j$: $y_i = x_i - m - \log \sum_j e^{x_j - m}$   [softmax.value][]

    Args:
        x: logits, any float dtype; $-\infty$ gets $-\infty$.
        axis: the axis whose probabilities sum to 1.

    Returns:
        Same shape and dtype as ``x``. A slice of nothing but $-\infty$, or with a $+\infty$, is NaN: $\infty - \infty$.

    Raises:
        ValueError: ``x`` has no such axis.

    Source: Goodfellow, Bengio and Courville 2016, equation 6.30.
    """
    axis = check_axis("log_softmax", x, axis)
    return _log_softmax(_at_least_float32(x), axis).astype(x.dtype)


# The formulas with their derivatives. All are given float32 or float64.


def _at_least_float32(x: Array) -> Array:
    return x.astype(jnp.float32) if x.dtype.itemsize < 4 else x


@jax.custom_jvp
def _sigmoid(x: Array) -> Array:
    return 1 / (1 + jnp.exp(-x))


_sigmoid.defjvps(lambda t, y, x: t * _bell(x))  # the formula's own derivative squares e^-x and overflows


@jax.custom_jvp
def _bell(x: Array) -> Array:
    """The derivative of sigmoid, sigmoid(x) sigmoid(-x): accurate in both tails, where y (1 - y) is not."""
    e = jnp.exp(-jnp.abs(x))
    return e / ((1 + e) * (1 + e))


_bell.defjvps(lambda t, y, x: -t * y * _tanh(x / 2))  # abs has no derivative at 0, bell has


@jax.custom_jvp
def _tanh(x: Array) -> Array:
    """Two formulas: XLA's own tanh is off by up to 5 ulp on CPU."""
    small = jnp.abs(x) < 0.55  # where 1 - 2 / (1 + e^2x) begins to cancel
    u = jnp.where(small, x, 0)
    return jnp.where(small, u / _u_coth_u(u * u), jnp.sign(x) * (1 - 2 / (1 + jnp.exp(2 * jnp.abs(x)))))


_tanh.defjvps(lambda t, y, x: 4 * t * _bell(2 * x))  # 1 - y^2 loses every digit once |x| > 9


@jax.custom_jvp
def _expm1(x: Array) -> Array:
    """e^x - 1 for x <= 0, from tanh(x / 2) near 0: XLA's own expm1 is off by up to 5 ulp on CPU."""
    small = jnp.abs(x) < 1
    u = jnp.where(small, x, 0)
    return jnp.where(small, u / (_u_coth_u(u * u / 4) - u / 2), jnp.exp(x) - 1)


_expm1.defjvps(lambda t, y, x: t * jnp.exp(x))  # 1 + y loses every digit of e^x once x < -17


def _u_coth_u(square: Array) -> Array:
    """The function u coth u of u squared, by Lambert's continued fraction, for |u| < 0.6."""
    last = 11 if square.dtype == jnp.float32 else 17  # where one more level changes nothing
    fraction = jnp.full_like(square, last)
    for odd in range(last - 2, 0, -2):
        fraction = odd + square / fraction
    return fraction


@jax.custom_jvp
def _softplus(x: Array) -> Array:
    return jnp.where(x <= 0, 0, x) + jnp.log1p(jnp.exp(-jnp.abs(x)))


_softplus.defjvps(lambda t, y, x: t * _sigmoid(x))  # neither max nor abs has a derivative at 0, softplus has


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _gated(x: Array, a: float, b: float) -> Array:
    """The product x sigmoid(z) with z = x (a + b x^2)."""
    return _times_sigmoid(x, x * (a + b * x * x))


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _gated_slope(x: Array, a: float, b: float) -> Array:
    """Its derivative, sigmoid(z) + x dz/dx sigmoid(z) sigmoid(-z)."""
    z, dz = x * (a + b * x * x), a + 3 * b * x * x
    return _times_sigmoid(1 + x * dz * _sigmoid(-z), z)


def _gated_curvature(x: Array, a: float, b: float) -> Array:
    """Its second derivative."""
    x = -jnp.abs(x)  # it is even, and on this side sigmoid(-z) is not flushed to zero
    z, dz, ddz = x * (a + b * x * x), a + 3 * b * x * x, 6 * b * x
    return _times_sigmoid(2 * dz + x * ddz - x * dz * dz * _tanh(z / 2), z) * _sigmoid(-z)


# The slopes are computed as numbers and then multiplied: the transpose of a product would multiply the factors that are
# flushed to zero first.
_gated.defjvp(lambda a, b, x, t: (_gated(x[0], a, b), t[0] * _gated_slope(x[0], a, b)))
_gated_slope.defjvp(lambda a, b, x, t: (_gated_slope(x[0], a, b), t[0] * _gated_curvature(x[0], a, b)))


def _times_sigmoid(factor: Array, z: Array) -> Array:
    """The product factor sigmoid(z), also where sigmoid(z) alone is flushed to zero."""
    tail = z < -SHIFT  # here sigmoid(z) is e^z
    e = jnp.exp(jnp.where(tail, z + SHIFT, -z))
    return jnp.where(tail, factor * e * math.exp(-SHIFT), factor / (1 + e))


def _times_exp(factor: Array, z: Array) -> Array:
    """The product factor e^z for z <= 0, also where e^z alone is flushed to zero."""
    tail = z < -SHIFT
    return factor * jnp.exp(jnp.where(tail, z + SHIFT, z)) * jnp.where(tail, math.exp(-SHIFT), 1)


@jax.custom_jvp
def _gelu(x: Array) -> Array:
    """The product x Phi(x); for x > 0 as x - x Phi(-x)."""
    r, pole = _normal_tail(jnp.abs(x))
    tail = _times_exp(x * r, -x * x / 2) + x * pole  # x Phi(-|x|)
    return jnp.where(x > 0, x - tail, tail)


@jax.custom_jvp
def _gelu_slope(x: Array) -> Array:
    """Its derivative, Phi(x) + x phi(x)."""
    r, pole = _normal_tail(jnp.abs(x))
    tail = _times_exp(r - jnp.abs(x) * _DENSITY_AT_0, -x * x / 2) + pole  # the value at -|x|
    return jnp.where(x > 0, 1 - tail, tail)


def _gelu_curvature(x: Array) -> Array:
    """Its second derivative, (2 - x^2) phi(x)."""
    return _times_exp((2 - x * x) * _DENSITY_AT_0, -x * x / 2)


_DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)
# The barrier keeps value and slope two loops: where they share their tail, XLA hands eleven arrays through memory.
_gelu.defjvps(lambda t, y, x: t * _gelu_slope(jax.lax.optimization_barrier(x)))
_gelu_slope.defjvps(lambda t, y, x: t * _gelu_curvature(x))


def _normal_tail(x: Array) -> tuple[Array, Array]:
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


def _below_maximum(x: Array, axis: int) -> Array:
    """The scores less the largest of their slice: exactly 0 there, negative elsewhere."""
    d = x - jax.lax.stop_gradient(jnp.max(x, axis, keepdims=True, initial=-jnp.inf))  # any shift gives the same result
    # Twice. Where the scores are a product, XLA may fuse it with the subtraction: d is then the unrounded product less
    # the rounded maximum. Its largest entry is half an ulp off, 128 where scores are 2^31, and e^128 overflows.
    return d - jax.lax.stop_gradient(jnp.max(d, axis, keepdims=True, initial=-jnp.inf))


def _softmax(x: Array, axis: int) -> Array:
    e = jnp.exp(_below_maximum(x, axis))
    return e / jnp.sum(e, axis, keepdims=True)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _log_softmax(x: Array, axis: int) -> Array:
    d = _below_maximum(x, axis)
    peak = 1 + jnp.sign(d)  # 1 at the largest entries, 0 at the others
    rest = jnp.sum(jnp.exp(d) - peak, axis, keepdims=True) + (jnp.sum(peak, axis, keepdims=True) - 1)
    return d - jnp.log1p(rest)  # one peak's 1 is left to log1p: a near-certain class keeps its digits


@_log_softmax.defjvp
def _log_softmax_jvp(axis: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return _log_softmax(x, axis), t - jnp.sum(_softmax(x, axis) * t, axis, keepdims=True)
