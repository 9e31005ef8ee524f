r"""Functions with a point at which no derivative is agreed on, each with the one that the specification takes.

JAX differentiates them; where its own choice is another one, the formula is written so that the right one comes out.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from nnspec.checking import Finite, checked

__all__ = [
    "absolute_value", "clamp", "embedding_lookup", "euclidean_norm", "gradient_of_squares", "masked_square_root",
    "maximum_reduction", "pairwise_maximum", "power", "product_reduction", "selection", "square_root",
    "stopped_gradient", "unused_parameter",
]  # fmt: skip


@checked
@jax.jit
def pairwise_maximum(x: Float[Array, "*shape"], y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Take the larger of two numbers; at a tie each gets half of the gradient.

    $\max(x, y)$   [maximum.tie][]

    Args:
        x: any float dtype.
        y: of the same shape.

    Returns:
        Same shape and dtype as ``x``.

    Source: the mean of both one-sided derivatives.
    """
    return jnp.maximum(x, y)


@checked
@jax.jit
def maximum_reduction(x: Float[Array, "*batch n"]) -> Float[Array, "*batch"]:
    r"""Take the largest number along the last axis; at a tie each of the largest gets an equal share of the gradient.

    $\max_i x_i$   [max.tie][]

    Args:
        x: any float dtype, at least one number along the last axis.

    Returns:
        ``x`` without its last axis.

    Source: the shortest of the subgradients; Rockafellar 1970, theorem 25.1.
    """
    return x.max(-1)


@checked
@jax.jit
def absolute_value(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Take the distance from 0; its slope at 0 is 0.

    $|x| = x \operatorname{sign}(x)$   [abs.at-zero][]

    Args:
        x: any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: the mean of both one-sided derivatives.
    """
    return x * jnp.sign(x)  # jnp.abs has the slope 1 at 0


@checked
@jax.jit
def euclidean_norm(x: Float[Array, "*batch n"]) -> Float[Array, "*batch"]:
    r"""Take the length of each vector along the last axis; its gradient at the zero vector is 0.

    $\sqrt{\sum_i x_i^2}$   [norm.at-zero][]

    Args:
        x: any float dtype; its squares must neither overflow nor underflow.

    Returns:
        ``x`` without its last axis.

    Source: the shortest of the subgradients; Rockafellar 1970, section 23.
    """
    square = (x * x).sum(-1)
    zero = square == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, square)))


@checked
@jax.jit
def square_root(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Take the square root; its slope at 0 is infinite.

    $\sqrt x$   [sqrt.at-zero][]

    Args:
        x: any float dtype, not negative.

    Returns:
        Same shape and dtype as ``x``; NaN where ``x`` is negative.

    Source: the derivative's limit.
    """
    return jnp.sqrt(x)


@checked
@jax.jit
def selection(
    condition: Bool[Array, "*shape"], x: Float[Array, "*shape"], y: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    r"""Take one of two numbers; the other gets the gradient 0.

    $x$ where the condition holds, else $y$   [where.untaken-value][]

    Args:
        condition: booleans.
        x: any float dtype.
        y: of the same shape.

    Returns:
        Same shape and dtype as ``x``.

    Source: the derivative of a function by cases.
    """
    return jnp.where(condition, x, y)


@checked
@jax.jit
def masked_square_root(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Take the square root of what is positive, and 0 of the rest, with the gradient 0 there.

    $\sqrt x$ if $x > 0$, else $0$   [where.untaken-branch][]

    Args:
        x: any float dtype.

    Returns:
        Same shape and dtype as ``x``.

    Source: the double selection, a remedy of the field without an author known to us.
    """
    taken = x > 0
    inside = jnp.where(taken, x, 1)  # the root of a number that is not used has a finite slope
    return jnp.where(taken, jnp.sqrt(inside), 0)


@checked
@jax.jit
def clamp(x: Float[Array, "*shape"], *, minimum: Finite, maximum: Finite) -> Float[Array, "*shape"]:
    r"""Take the nearest number of an interval; the slope at both bounds is one half.

    $\min(\max(x, \text{minimum}), \text{maximum})$   [clamp.at-bounds][]

    Args:
        x: any float dtype.
        minimum: in units of ``x``.
        maximum: in units of ``x``, above ``minimum``.

    Returns:
        Same shape and dtype as ``x``.

    Raises:
        ValueError: a bound is not finite.

    Source: the mean of both one-sided derivatives.
    """
    return jnp.minimum(jnp.maximum(x, minimum), maximum)


@checked
@jax.jit
def power(x: Float[Array, "*shape"], exponent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Raise one number to the power of another.

    $x^y$   [power.zero-exponent][], [power.zero-base][]

    Args:
        x: any float dtype, not negative.
        exponent: of the same shape.

    Returns:
        Same shape and dtype as ``x``.

    Source: IEEE 754-2019, section 9.2, for $x^0 = 1$.
    """
    constant = exponent == 0  # there x does not matter, though JAX multiplies 0 by the infinite x^-1 at 0
    return jnp.where(constant, jax.lax.stop_gradient(x), x) ** exponent


@checked
@jax.jit
def product_reduction(x: Float[Array, "*batch n"]) -> Float[Array, "*batch"]:
    r"""Multiply all numbers along the last axis; the gradient of each is the product of the others.

    $\prod_i x_i$   [product.zero-factor][]

    Args:
        x: any float dtype.

    Returns:
        ``x`` without its last axis.

    Source: the rule for products.
    """
    return x.prod(-1)


@checked
@jax.jit
def embedding_lookup(
    table: Float[Array, "rows features"], ids: Int[Array, "*batch"]
) -> Float[Array, "*batch features"]:
    r"""Take one row of the table for each id; what comes twice adds up in the gradient.

    $y_i = W_{k_i}$ with $k$ = ``ids``   [embedding-lookup.repeated-ids][]

    Args:
        table: any float dtype.
        ids: integers from 0 to the number of rows less one.

    Returns:
        A row for each id.

    Source: the rule for sums.
    """
    return table[ids]


@checked
@jax.jit
def stopped_gradient(x: Float[Array, "*shape"], y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Multiply by a factor that is taken for a constant in the backward pass.

    $x\,y$   [stopped-gradient.zero][]

    Args:
        x: any float dtype.
        y: of the same shape; it gets the gradient 0.

    Returns:
        Same shape and dtype as ``x``.

    Source: JAX's and TensorFlow's ``stop_gradient``, PyTorch's ``detach``.
    """
    return x * jax.lax.stop_gradient(y)


@checked
@jax.jit
def unused_parameter(x: Float[Array, "*shape"], unused: Float[Array, "*other"]) -> Float[Array, "*shape"]:
    r"""Square the first argument; the second is never read and has a gradient of zeros.

    $x^2$   [unused-parameter.zero][]

    Args:
        x: any float dtype.
        unused: any shape.

    Returns:
        Same shape and dtype as ``x``.

    Source: the derivative of a constant.
    """
    del unused
    return x * x


@checked
def gradient_of_squares(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    r"""Differentiate $x^2$ by the entry point of JAX, which takes a result of one number only.

    $2x$   [gradient-of-squares.nonscalar][]

    Args:
        x: one number.

    Returns:
        Its gradient.

    Raises:
        ValueError: ``x`` is not one number, so that there is not one result to differentiate.

    Source: JAX's ``grad``.
    """
    if x.ndim:
        raise ValueError(f"gradient_of_squares: x must be one number, got shape {x.shape}; add the results up first")
    return jax.grad(lambda x: x * x)(x)
