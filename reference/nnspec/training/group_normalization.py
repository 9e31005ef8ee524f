r"""Group norm and instance norm: groups of features of one example at one size, as functions and as Flax modules.

Statistics are taken in float32 or float64, of one example and in two passes: the mean first, then the mean square of
what is left. Nothing differs between training and use.
"""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from nnspec.checking import NonNegative, checked
from nnspec.training._moments import moments, weighted, wide

__all__ = ["GroupNorm", "InstanceNorm", "group_norm", "instance_norm"]


@checked
@jax.jit(static_argnames="groups")
def group_norm(
    x: Float[Array, "batch *places features"],
    scale: Float[Array, "features"] | None = None,
    bias: Float[Array, "features"] | None = None,
    *,
    groups: int,
    epsilon: NonNegative = 1e-5,
) -> Float[Array, "batch *places features"]:
    r"""Bring each group of features of an example to mean 0 and variance 1, then scale and shift.

    With $G$ = ``groups``, $\gamma$ = ``scale``, $\beta$ = ``bias``, $\varepsilon$ = ``epsilon``, and $\mu$ and $v$ the
    mean and the variance of a block of neighbouring features over all places of an example:
    $y = \gamma \odot (x - \mu) / \sqrt{v + \varepsilon} + \beta$   [group-norm.value][]

    Args:
        x: activations, any float dtype; the first axis is the batch, all between it and the last are places.
        scale: one factor for each feature; ones if it is left out.
        bias: one shift for each feature; zeros if it is left out.
        groups: how many blocks of features; divides their number.
        epsilon: added to the variance, in units of x squared; zero or positive.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: ``epsilon`` is negative; the groups do not divide the features; scale or bias have another number of
            features than ``x``.

    Source: Wu and He 2018, equations 1 to 3 and 7.
    """
    _check_groups("group_norm", groups, x.shape[-1])
    h = wide(x).reshape(len(x), math.prod(x.shape[1:-1]), groups, x.shape[-1] // groups)
    mean, variance = moments(h, (1, 3), keepdims=True)
    y = (h - mean) / jnp.sqrt(variance + epsilon)
    return weighted(y.reshape(x.shape), scale, bias).astype(x.dtype)


@checked
@jax.jit
def instance_norm(
    x: Float[Array, "batch *places features"],
    scale: Float[Array, "features"] | None = None,
    bias: Float[Array, "features"] | None = None,
    *,
    epsilon: NonNegative = 1e-5,
) -> Float[Array, "batch *places features"]:
    r"""Bring each feature of an example to mean 0 and variance 1 over its places, then scale and shift it.

    With $\gamma$ = ``scale``, $\beta$ = ``bias``, $\varepsilon$ = ``epsilon``, and $\mu$ and $v$ the mean and the
    variance of a feature over all places of an example: $y = \gamma \odot (x - \mu) / \sqrt{v + \varepsilon} + \beta$
    [instance-norm.value][]

    Args:
        x: activations, any float dtype; the first axis is the batch, all between it and the last are places.
        scale: one factor for each feature; ones if it is left out.
        bias: one shift for each feature; zeros if it is left out.
        epsilon: added to the variance, in units of x squared; zero or positive.

    Returns:
        Same shape and dtype as ``x``; of an example of one place the shift.

    Raises:
        ValueError: ``epsilon`` is negative; scale or bias have another number of features than ``x``.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, equation 3.
    """
    h = wide(x)
    mean, variance = moments(h, tuple(range(1, x.ndim - 1)), keepdims=True)
    return weighted((h - mean) / jnp.sqrt(variance + epsilon), scale, bias).astype(x.dtype)


class GroupNorm(nnx.Module):
    r"""A group norm that holds its scale and shift; they start with ones and zeros.

    Args:
        features: length of the last axis of the input.
        groups: how many blocks of features; divides their number.
        epsilon: added to the variance; zero or positive.
        use_scale: whether there is a scale.
        use_bias: whether there is a shift.

    Examples:
        >>> layer = GroupNorm(4, groups=2, epsilon=1.0)
        >>> print(layer(jnp.array([[[1.0, 1.0, 6.0, 6.0], [1.0, 5.0, 10.0, 6.0]]]))[0])
        [[-0.5 -0.5 -0.5 -0.5]
         [-0.5  1.5  1.5 -0.5]]
    """

    @checked
    def __init__(
        self,
        features: int,
        *,
        groups: int,
        epsilon: NonNegative = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
    ) -> None:
        _check_features("GroupNorm", features)
        _check_groups("GroupNorm", groups, features)
        self.groups, self.epsilon = groups, epsilon
        self.scale = nnx.Param(jnp.ones(features)) if use_scale else nnx.data(None)
        self.bias = nnx.Param(jnp.zeros(features)) if use_bias else nnx.data(None)

    @checked
    def __call__(self, x: Float[Array, "batch *places features"]) -> Float[Array, "batch *places features"]:
        """Apply `group_norm` to a batch."""
        scale = None if self.scale is None else self.scale[...]
        bias = None if self.bias is None else self.bias[...]
        return group_norm(x, scale, bias, groups=self.groups, epsilon=self.epsilon)


class InstanceNorm(nnx.Module):
    r"""An instance norm that holds its scale and shift; they start with ones and zeros.

    Args:
        features: length of the last axis of the input.
        epsilon: added to the variance; zero or positive.
        use_scale: whether there is a scale.
        use_bias: whether there is a shift.

    Examples:
        >>> layer = InstanceNorm(1, epsilon=1.0)
        >>> print(layer(jnp.array([[[1.0], [1.0], [1.0], [5.0]]]))[0, :, 0])
        [-0.5 -0.5 -0.5  1.5]
    """

    @checked
    def __init__(
        self, features: int, *, epsilon: NonNegative = 1e-5, use_scale: bool = True, use_bias: bool = True
    ) -> None:
        _check_features("InstanceNorm", features)
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(features)) if use_scale else nnx.data(None)
        self.bias = nnx.Param(jnp.zeros(features)) if use_bias else nnx.data(None)

    @checked
    def __call__(self, x: Float[Array, "batch *places features"]) -> Float[Array, "batch *places features"]:
        """Apply `instance_norm` to a batch."""
        scale = None if self.scale is None else self.scale[...]
        bias = None if self.bias is None else self.bias[...]
        return instance_norm(x, scale, bias, epsilon=self.epsilon)


def _check_groups(name: str, groups: int, features: int) -> None:
    if groups < 1 or features % groups:
        raise ValueError(f"{name}: groups is {groups}, must divide the {features} features of x")


def _check_features(name: str, features: int) -> None:
    if features < 1:
        raise ValueError(f"{name}: features is {features}, must be at least 1")
