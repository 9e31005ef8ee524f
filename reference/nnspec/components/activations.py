r"""Activation functions: the non-linearity between two affine layers.

Each is an elementary formula applied to every element (`softmax` and `log_softmax`: to every slice along an axis), kept
in the dtype it came in. An eager call is one compiled program; inside a larger one ``jax.jit`` adds nothing. Where the
formula or its derivative is wrong in floating point, a function of `nnspec.elementary` takes its place.
"""

import math
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec import elementary
from nnspec.checking import Finite, Positive, check_axis, checked
from nnspec.elementary import widened

__all__ = [
    "ActivationName", "ElementwiseName", "elu", "gelu", "hard_sigmoid", "identity", "leaky_relu", "log_softmax", "relu",
    "selu", "sigmoid", "silu", "softmax", "softplus", "tanh",
]  # fmt: skip

ElementwiseName = Literal[
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "hard_sigmoid"
]
ActivationName = Literal[ElementwiseName, "softmax", "log_softmax"]

SELU_ALPHA = 1.6732632423543772848170429916717  # solves selu's fixed point: mean 0 and variance 1 map to themselves
SELU_SCALE = 1.0507009873554804934193349852946
HARD_SIGMOID_KINK = {"sixth": 3.0, "fifth": 2.5, "half": 1.0}


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
@widened
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
    a = negative_slope
    return jnp.where(x > 0, x, a * jnp.where(x > 0, 0, x))  # inner where: a's gradient is not 0 * inf


@checked
@jax.jit
@widened
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
    return jnp.where(x > 0, x, alpha * elementary.expm1(jnp.where(x > 0, 0, x)))


@checked
@jax.jit
@widened
def selu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Scale `elu` so that a standard normal variable keeps its mean and variance.

    $y = \lambda \operatorname{elu}(x; \alpha)$, $\lambda = 1.0507\ldots$, $\alpha = 1.6733\ldots$   [selu.constants][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter 2017, equation 2.
    """
    positive = SELU_SCALE * x
    negative = SELU_SCALE * SELU_ALPHA * elementary.expm1(jnp.where(x > 0, 0, x))
    return jnp.where(x > 0, positive, negative)


@checked
@partial(jax.jit, static_argnames="form")
@widened
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
    if form == "exact":
        return elementary.x_normal_cdf(x)
    elif form == "tanh":
        c = 2 * math.sqrt(2 / math.pi)  # (1 + tanh(z / 2)) / 2 is sigmoid(z)
        return elementary.x_sigmoid(x, c, 0.044715 * c)
    else:
        return elementary.x_sigmoid(x, 1.702, 0.0)


@checked
@jax.jit
@widened
def sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Map the real line to (0, 1): the probability whose log-odds are the input.

    $\sigma(x) = \dfrac{1}{1 + e^{-x}}$   [activation.accuracy][]

    Args:
        x: logits, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: Goodfellow, Bengio and Courville 2016, equation 3.30.
    """
    return elementary.sigmoid(x)


@checked
@jax.jit
@widened
def tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Map the real line to (-1, 1), odd and with slope 1 at 0.

    $\tanh(x) = \dfrac{e^{x} - e^{-x}}{e^{x} + e^{-x}}$   [activation.accuracy][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: LeCun, Bottou, Orr and Mueller 1998, section 4.4.
    """
    return elementary.tanh(x)


@checked
@jax.jit
@widened
def softplus(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Smooth the kink of `relu`; the integral of `sigmoid`.

    $y = \log(1 + e^{x}) = \max(x, 0) + \log(1 + e^{-|x|})$   [softplus.large][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: Dugas, Bengio, Bélisle, Nadeau and Garcia 2001; Goodfellow, Bengio and Courville 2016, equation 3.31.
    """
    return elementary.softplus(x)


@checked
@jax.jit
@widened
def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Gate each input by its own `sigmoid`; also named swish.

    $y = x\,\sigma(x)$   [activation.accuracy][]

    Args:
        x: pre-activations, any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: Hendrycks and Gimpel 2016, section 2; Elfwing, Uchibe and Doya 2018.
    """
    return elementary.x_sigmoid(x, 1.0, 0.0)


@checked
@partial(jax.jit, static_argnames="form")
@widened
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
    w = HARD_SIGMOID_KINK[form]
    return jnp.where(x <= -w, 0, jnp.where(x >= w, 1, (x + w) / (2 * w)))


@checked
@partial(jax.jit, static_argnames="axis")
@widened
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
    return _softmax(x, check_axis("softmax", x, axis))


@checked
@partial(jax.jit, static_argnames="axis")
@widened
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
    return _log_softmax(x, check_axis("log_softmax", x, axis))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _below_maximum(x: Array, axis: int) -> Array:
    """The scores less the largest of their slice, which counts as constant: exactly 0 there, negative elsewhere."""
    m = jnp.max(x, axis, keepdims=True, initial=-jnp.inf)
    # The minimum changes no number. Where the scores are a product, XLA may fuse it with the subtraction: the unrounded
    # product less the rounded maximum is off by half an ulp, 128 where scores are 2^31, and e^128 overflows. It cannot
    # fuse it through a minimum, for which the product has to be rounded as the maximum's was.
    return jnp.minimum(x, m) - m


@_below_maximum.defjvp
def _below_maximum_jvp(axis: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return _below_maximum(x, axis), t  # any shift gives the same shares


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _softmax(x: Array, axis: int) -> Array:
    e = jnp.exp(_below_maximum(x, axis))
    return e / jnp.sum(e, axis, keepdims=True)


@_softmax.defjvp
def _softmax_jvp(axis: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    y = _softmax(x, axis)
    return y, y * _less_its_mean(t, y, axis)


def _less_its_mean(t: Array, y: Array, axis: int) -> Array:
    """Tangents less their mean under the shares; where one is above a half, by the others, as 1 - y would cancel."""
    top = y > 0.5
    t = jnp.where(top, 0, t - jnp.sum(jnp.where(top, t, 0), axis, keepdims=True))
    return t - jnp.sum(y * t, axis, keepdims=True)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _log_softmax(x: Array, axis: int) -> Array:
    d = _below_maximum(x, axis)
    peak = 1 + jnp.sign(d)  # 1 at the largest entries, 0 at the others
    rest = jnp.sum(jnp.exp(d) - peak, axis, keepdims=True) + (jnp.sum(peak, axis, keepdims=True) - 1)
    return d - jnp.log1p(rest)  # one peak's 1 is left to log1p: a near-certain class keeps its digits


@_log_softmax.defjvp
def _log_softmax_jvp(axis: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return _log_softmax(x, axis), _less_its_mean(t, _softmax(x, axis), axis)
