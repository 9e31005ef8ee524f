r"""Kernels that lengthen no vector: each is divided by the estimate of its largest singular value.

Half precision is computed in float32 and rounded once.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from nnspec.checking import checked

__all__ = ["SpectralNorm", "spectral_norm"]


@checked
def spectral_norm(
    kernel: Float[Array, "*lengths inputs outputs"],
    u: Float[Array, "outputs"],
    *,
    iterations: int = 1,
    training: bool,
) -> tuple[Float[Array, "*lengths inputs outputs"], Float[Array, "outputs"]]:
    r"""Divide a kernel by the estimate of its largest singular value.

    With $K$ = ``kernel`` as a matrix with a column for each output, an iteration is $v = K u / |K u|$, then
    $u' = K^\top v / |K^\top v|$; after the last one $W = K / (v \cdot K u')$   [spectral-norm.value][],
    [spectral-norm.matrix][]

    Both vectors are held where a gradient is taken   [spectral-norm.gradient][]. Out of training the estimate is
    $|K u|$, and ``u`` is kept   [spectral-norm.evaluation][], [spectral-vector.evaluation][]

    Args:
        kernel: weights, any float dtype, outputs last.
        u: the vector that the last step left, of length 1.
        iterations: how many in this step, at least 1.
        training: whether the vector goes on.

    Returns:
        The kernel over the estimate, and the vector for the next step   [spectral-vector.value][].

    Raises:
        ValueError: fewer than one iteration; ``u`` has not one entry for each output.

    Source: Miyato and others 2018, algorithm 1.
    """
    if iterations < 1:
        raise ValueError(f"spectral_norm: iterations is {iterations}, must be at least 1")
    return _normalized(kernel, u, iterations if training else 0)


class SpectralNorm(nnx.Module):
    r"""The vector that belongs to a kernel, and how often it is iterated   [spectral-norm.value][].

    Args:
        outputs: length of the last axis of the kernel.
        iterations: how many in each step of training, at least 1.
        rngs: where the first vector is drawn from, the stream ``params``.

    Examples:
        >>> norm = SpectralNorm(2, iterations=20, rngs=nnx.Rngs(0))
        >>> print(norm(jnp.array([[4.0, 0.0], [0.0, 1.0]]), train=True).round(4))
        [[1.   0.  ]
         [0.   0.25]]
    """

    @checked
    def __init__(self, outputs: int, *, iterations: int = 1, rngs: nnx.Rngs) -> None:
        if outputs < 1:
            raise ValueError(f"SpectralNorm: outputs is {outputs}, must be at least 1")
        if iterations < 1:
            raise ValueError(f"SpectralNorm: iterations is {iterations}, must be at least 1")
        self.iterations = iterations
        u = jax.random.normal(rngs.params(), (outputs,))
        self.u = nnx.BatchStat(_direction(u))

    @checked
    def __call__(
        self, kernel: Float[Array, "*lengths inputs outputs"], *, train: bool
    ) -> Float[Array, "*lengths inputs outputs"]:
        """Divide the kernel by the estimate; in training the vector goes on."""
        found, u = spectral_norm(kernel, self.u[...], iterations=self.iterations, training=train)
        if train:
            self.u[...] = u
        return found


@partial(jax.jit, static_argnames="steps")
def _normalized(kernel: Array, u: Array, steps: int) -> tuple[Array, Array]:
    wide = kernel.astype(jnp.promote_types(kernel.dtype, jnp.float32))
    matrix = wide.reshape(-1, kernel.shape[-1])
    held, start = jax.lax.stop_gradient((matrix, u.astype(wide.dtype)))

    def there(u: Array) -> Array:
        return _direction(_product(held, u))

    def iteration(_: int, vectors: tuple[Array, Array]) -> tuple[Array, Array]:
        v = there(vectors[0])
        return _direction(_product(held.T, v)), v

    first = start, there(start)
    last, v = jax.lax.fori_loop(0, steps, iteration, first) if steps else first
    sigma = _dot(v, _product(matrix, last))
    none = sigma == 0  # the kernel has no share of the vector, and is not divided
    normalized = wide / jnp.where(none, 1, sigma)
    return normalized.astype(kernel.dtype), jnp.where(none, start, last).astype(u.dtype)


def _direction(y: Array) -> Array:
    """The vector of length 1, or zeros; the largest entry is divided out first, so that no square is lost."""
    most = jnp.max(jnp.abs(y), initial=0)
    y = y / jnp.where(most == 0, 1, most)
    return y / jnp.where(most == 0, 1, jnp.sqrt(jnp.sum(y * y)))


def _product(matrix: Array, vector: Array) -> Array:
    return jnp.matmul(matrix, vector, precision="highest")


def _dot(a: Array, b: Array) -> Array:
    return jnp.sum(a * b)
