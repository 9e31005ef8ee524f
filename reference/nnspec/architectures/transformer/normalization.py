r"""Layer norm and RMS norm: every row of activations at one size, as functions and as Flax modules.

Statistics are taken in float32 or float64, of the row as it is and in two passes: the mean first, then the mean square
of what is left. The row that layer norm scales brings its derivative along.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from nnspec.checking import NonNegative, checked

__all__ = ["LayerNorm", "RMSNorm", "layer_norm", "rms_norm"]


@checked
@jax.jit
def layer_norm(
    x: Float[Array, "*batch features"],
    scale: Float[Array, "features"] | None = None,
    bias: Float[Array, "features"] | None = None,
    *,
    epsilon: NonNegative = 1e-6,
) -> Float[Array, "*batch features"]:
    r"""Bring each row to mean 0 and variance 1, then scale and shift it.

    With $\gamma$ = ``scale``, $\beta$ = ``bias``, $\varepsilon$ = ``epsilon``, and $\mu$ and $v$ the mean and the
    variance of the row: $y = \gamma \odot (x - \mu) / \sqrt{v + \varepsilon} + \beta$   [layer-norm.value][]

    Args:
        x: activations, any float dtype, any number of leading axes.
        scale: one factor for each feature; ones if it is left out.
        bias: one shift for each feature; zeros if it is left out.
        epsilon: added to the variance, in units of x squared; zero or positive.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``epsilon`` is negative; scale or bias have another number of features than ``x``.

    Source: Ba, Kiros and Hinton 2016, equations 3 and 4.
    """
    h = _wide(x)
    d = h - jnp.mean(h, -1, keepdims=True)
    return _weighted(_over_root(d, jnp.asarray(epsilon, h.dtype)), scale, bias).astype(x.dtype)


@checked
@jax.jit
def rms_norm(
    x: Float[Array, "*batch features"],
    scale: Float[Array, "features"] | None = None,
    *,
    epsilon: NonNegative = 1e-6,
) -> Float[Array, "*batch features"]:
    r"""Bring each row to mean square 1, then scale it.

    With $\gamma$ = ``scale``, $\varepsilon$ = ``epsilon``, and $v$ the mean square of the row:
    $y = \gamma \odot x / \sqrt{v + \varepsilon}$   [rms-norm.value][]

    Args:
        x: activations, any float dtype, any number of leading axes.
        scale: one factor for each feature; ones if it is left out.
        epsilon: added to the mean square, in units of x squared; zero or positive.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``epsilon`` is negative; scale has another number of features than ``x``.

    Source: Zhang and Sennrich 2019, equation 4.
    """
    h = _wide(x)
    return _weighted(h / _root(h, epsilon), scale, None).astype(x.dtype)


class LayerNorm(nnx.Module):
    r"""A layer norm that holds its scale and shift; they start with ones and zeros.

    Args:
        features: length of the last axis of the input.
        epsilon: added to the variance; zero or positive.
        use_scale: whether there is a scale.
        use_bias: whether there is a shift.

    Examples:
        >>> layer = LayerNorm(4, epsilon=1.0)
        >>> print(layer(jnp.array([1.0, 1.0, 1.0, 5.0])))
        [-0.5 -0.5 -0.5  1.5]
    """

    @checked
    def __init__(
        self, features: int, *, epsilon: NonNegative = 1e-6, use_scale: bool = True, use_bias: bool = True
    ) -> None:
        _check_features("LayerNorm", features)
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(features)) if use_scale else nnx.data(None)
        self.bias = nnx.Param(jnp.zeros(features)) if use_bias else nnx.data(None)

    @checked
    def __call__(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch features"]:
        """Apply `layer_norm` to a batch; a shift without a scale has a scale of ones."""
        scale = None if self.scale is None else self.scale[...]
        bias = None if self.bias is None else self.bias[...]
        return layer_norm(x, scale, bias, epsilon=self.epsilon)


class RMSNorm(nnx.Module):
    r"""An RMS norm that holds its scale, which starts with ones.

    Args:
        features: length of the last axis of the input.
        epsilon: added to the mean square; zero or positive.
        use_scale: whether there is a scale.

    Examples:
        >>> layer = RMSNorm(4, epsilon=9.0)
        >>> print(layer(jnp.array([1.0, 1.0, 1.0, 5.0])))
        [0.25 0.25 0.25 1.25]
    """

    @checked
    def __init__(self, features: int, *, epsilon: NonNegative = 1e-6, use_scale: bool = True) -> None:
        _check_features("RMSNorm", features)
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(features)) if use_scale else nnx.data(None)

    @checked
    def __call__(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch features"]:
        """Apply `rms_norm` to a batch."""
        return rms_norm(x, None if self.scale is None else self.scale[...], epsilon=self.epsilon)


def _root(h: Array, epsilon: float | Array) -> Array:
    return jnp.sqrt(jnp.mean(h * h, -1, keepdims=True) + epsilon)


@jax.custom_jvp
def _over_root(h: Array, epsilon: Array) -> Array:
    """Each row over the root of its mean square and epsilon."""
    return h / _root(h, epsilon)


@_over_root.defjvp
def _over_root_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    """The derivative, of which the result is a part: of the steps one by one XLA holds another array of rows."""
    (h, epsilon), (dh, de) = primals, tangents
    s = _root(h, epsilon)
    y = h / s
    return y, (dh - y * jnp.mean(y * dh, -1, keepdims=True)) / s - y * (de / (2 * s * s))


def _wide(x: Array) -> Array:
    """Take float32 at least, as squares of half precision overflow and its sums stop growing."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _weighted(y: Array, scale: Array | None, bias: Array | None) -> Array:
    y = y if scale is None else y * scale
    return y if bias is None else y + bias


def _check_features(name: str, features: int) -> None:
    if features < 1:
        raise ValueError(f"{name}: features is {features}, must be at least 1")
