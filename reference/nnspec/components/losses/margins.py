r"""The losses of margins and of directions.

Each gives one number for every example unless ``reduction`` says otherwise. Half precision is computed in float32 and
rounded once. Labels are checked where they are known: a compiled program cannot raise for a number.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nnspec.checking import NonNegative, checked
from nnspec.components.losses._reduction import Reduction, reduced, wide
from nnspec.entries import classes_of, held

__all__ = ["cosine_loss", "hinge", "multiclass_hinge", "squared_hinge", "triplet"]


def _minus_1_or_1(labels: np.ndarray, given: Mapping[str, Any]) -> str:
    wrong = (labels != 1) & (labels != -1)
    return f"has the label {int(labels[wrong][0])}, expected -1 or 1" if wrong.any() else ""


@checked
@held(labels=_minus_1_or_1)
@partial(jax.jit, static_argnames="reduction")
def hinge(
    scores: Float[Array, "*batch"], labels: Int[Array, "*batch"], *, reduction: Reduction = "none"
) -> Float[Array, "..."]:
    r"""Give what a score lacks of the margin 1, on its label's side of 0.

    With $s$ = ``scores``, $y$ = ``labels``: $\ell = \max(0, 1 - y s)$   [hinge.value][], [margins.subgradient][]

    Args:
        scores: any float dtype; its sign is the decision.
        labels: -1 or 1, the same shape.
        reduction: ``mean`` divides by the number of examples.

    Returns:
        One loss for each example, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ; a label is neither -1 nor 1.

    Source: Cortes and Vapnik 1995.
    """
    return reduced(_above_0(1 - labels * wide(scores)), reduction, scores.dtype)


@checked
@held(labels=_minus_1_or_1)
@partial(jax.jit, static_argnames="reduction")
def squared_hinge(
    scores: Float[Array, "*batch"], labels: Int[Array, "*batch"], *, reduction: Reduction = "none"
) -> Float[Array, "..."]:
    r"""Give the square of the hinge loss, which has no corner.

    With $s$ = ``scores``, $y$ = ``labels``: $\ell = \max(0, 1 - y s)^2$   [squared-hinge.value][]

    Args:
        scores: any float dtype; its sign is the decision.
        labels: -1 or 1, the same shape.
        reduction: ``mean`` divides by the number of examples.

    Returns:
        One loss for each example, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ; a label is neither -1 nor 1.

    Source: Cortes and Vapnik 1995, with the exponent 2.
    """
    h = _above_0(1 - labels * wide(scores))
    return reduced(h * h, reduction, scores.dtype)


@checked
@held(labels=classes_of("scores"))
@partial(jax.jit, static_argnames="reduction")
def multiclass_hinge(
    scores: Float[Array, "*batch classes"], labels: Int[Array, "*batch"], *, reduction: Reduction = "none"
) -> Float[Array, "..."]:
    r"""Give what the label's score lacks of a lead of 1 over its strongest rival.

    With $s$ = ``scores``, $y$ = ``labels``: $\ell = \max(0, 1 + \max_{k \ne y} s_k - s_y)$   [multiclass-hinge.form][],
    [multiclass-hinge.negative-scores][], [multiclass-hinge.masked-rival][]

    Args:
        scores: any float dtype; the largest is the decision.
        labels: the index of the right class, from 0.
        reduction: ``mean`` divides by the number of examples.

    Returns:
        One loss for each example, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes do not fit; a label is no class.

    Source: Crammer and Singer 2001.
    """
    s = wide(scores)
    right = jnp.arange(s.shape[-1]) == labels[..., None]
    own = jnp.sum(jnp.where(right, s, 0), -1)
    rival = jnp.max(jnp.where(right, -jnp.inf, s), -1, initial=-jnp.inf)
    return reduced(_above_0(1 + rival - own), reduction, scores.dtype)


@checked
@partial(jax.jit, static_argnames="reduction")
def cosine_loss(
    prediction: Float[Array, "*batch features"],
    target: Float[Array, "*batch features"],
    *,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give 1 minus the cosine of the angle between prediction and target.

    With $a$ = ``prediction``, $b$ = ``target``: $\ell = 1 - \frac{a}{|a|} \cdot \frac{b}{|b|}$   [cosine-loss.sign][],
    [cosine-loss.zero-vector][], [cosine-loss.extremes][]

    Args:
        prediction: any float dtype, of any length.
        target: the same shape.
        reduction: ``mean`` divides by the number of examples.

    Returns:
        One loss from 0 to 2 for each example, 1 where a vector is 0, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ.

    Source: the cosine of the angle between two vectors, from their inner product.
    """
    a, b = _direction(wide(prediction)), _direction(wide(target))
    return reduced(1 - jnp.sum(a * b, -1), reduction, prediction.dtype)


@checked
@partial(jax.jit, static_argnames="reduction")
def triplet(
    anchor: Float[Array, "*batch features"],
    positive: Float[Array, "*batch features"],
    negative: Float[Array, "*batch features"],
    *,
    margin: NonNegative = 1.0,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give what the negative lacks of being farther from the anchor than the positive, by the margin.

    With $a$ = ``anchor``, $p$ = ``positive``, $n$ = ``negative``, $\alpha$ = ``margin``:
    $\ell = \max(0, |a - p|^2 - |a - n|^2 + \alpha)$   [triplet.distance][], [triplet.default-margin][]

    Args:
        anchor: any float dtype.
        positive: of the anchor's class, the same shape.
        negative: of another class, the same shape.
        margin: in the unit of a squared distance; not negative.
        reduction: ``mean`` divides by the number of examples.

    Returns:
        One loss for each example, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: the shapes differ; ``margin`` is negative.

    Source: Schroff, Kalenichenko and Philbin 2015, equation 1.
    """
    a = wide(anchor)
    near, far = a - wide(positive), a - wide(negative)
    lacks = jnp.sum(near * near, -1) - jnp.sum(far * far, -1) + jnp.asarray(margin, a.dtype)
    return reduced(_above_0(lacks), reduction, anchor.dtype)


def _above_0(x: Array) -> Array:
    """The maximum with 0, whose slope at 0 is 0."""
    return jnp.where(x <= 0, 0, x)


def _direction(x: Array) -> Array:
    """The vector at length 1, or 0: divided by its largest entry first, so that no square over- or underflows."""
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(x), -1, keepdims=True, initial=0))
    zero = largest == 0
    scaled = x / jnp.where(zero, 1, largest)
    square = jnp.sum(scaled * scaled, -1, keepdims=True)
    return jnp.where(zero, 0, scaled / jnp.sqrt(jnp.where(zero, 1, square)))
