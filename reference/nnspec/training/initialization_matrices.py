r"""Initialization by matrices that keep lengths: orthogonal ones, the identity, and a convolution's delta.

Each function is an initializer as JAX and Flax take them, of a key, a shape and a dtype.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array

from nnspec.checking import Finite, checked
from nnspec.training.initialization import Dtype, _wide

__all__ = ["delta_init", "identity_init", "orthogonal_init"]


@checked
def orthogonal_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, gain: Finite = 1.0) -> Array:
    r"""Draw an orthogonal matrix, each as likely as any other.

    Of normal draws $A = Q R$, with $g$ = ``gain``: $w = g\, Q\, \mathrm{sign}(\mathrm{diag}\, R)$
    [orthogonal-init.orthonormal][]

    Args:
        key: of JAX's generator.
        shape: two axes or more; all but the last are the rows.
        dtype: a float dtype.
        gain: what every length is multiplied by.

    Returns:
        An array of this shape and dtype: orthogonal columns, or rows where there are more columns than rows.

    Raises:
        ValueError: the shape has less than two axes; ``gain`` is not finite.

    Source: Saxe, McClelland and Ganguli 2014; Mezzadri 2007 for the signs.
    """
    if len(shape) < 2:
        raise ValueError(f"orthogonal_init: shape {shape} has no matrix; give it two axes or more")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    a = jax.random.normal(key, (max(rows, columns), min(rows, columns)), _wide(dtype))
    q, r = jnp.linalg.qr(a)
    q = q * jnp.where(jnp.diagonal(r) < 0, -1, 1)
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)


@checked
def identity_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32, *, gain: Finite = 1.0) -> Array:
    """Make a matrix with the gain on its diagonal.

    [identity-init.value][]

    Args:
        key: not used; every initializer takes one.
        shape: two axes.
        dtype: a float dtype.
        gain: the number on the diagonal.

    Returns:
        A matrix of this shape and dtype.

    Raises:
        ValueError: the shape has not two axes; ``gain`` is not finite.

    Source: Le, Jaitly and Hinton 2015, for recurrent kernels.
    """
    if len(shape) != 2:
        raise ValueError(f"identity_init: shape {shape} is no matrix; give it two axes")
    return (gain * jnp.eye(*shape)).astype(dtype)


@checked
def delta_init(key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32) -> Array:
    """Make a convolution's kernel that hands its input on.

    [delta-init.value][]

    Args:
        key: not used; every initializer takes one.
        shape: [*window, in, out], with one axis of the window or more.
        dtype: a float dtype.

    Returns:
        An array of this shape and dtype: the identity of channels in the middle, zeros elsewhere.

    Raises:
        ValueError: the shape has less than three axes.

    Source: PyTorch, ``dirac_``.
    """
    if len(shape) < 3:
        raise ValueError(f"delta_init: shape {shape} has no window; give it three axes or more")
    middle = tuple(n // 2 for n in shape[:-2])
    return jnp.zeros(shape, dtype).at[middle].set(jnp.eye(*shape[-2:], dtype=dtype))
