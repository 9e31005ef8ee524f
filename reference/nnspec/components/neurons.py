r"""Neurons: one unit with its weights and bias, and the perceptron, the rule by which the first one learned."""

from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnspec.checking import Requirement, checked
from nnspec.components import activations
from nnspec.components.activations import ElementwiseName

__all__ = ["neuron", "perceptron_update"]

Label = Annotated[
    Float[Array, ""], Requirement("-1 or 1 (2 * label - 1 makes it from 0 and 1)", lambda label: label in (-1, 1))
]


@checked
@partial(jax.jit, static_argnames="activation")
def neuron(
    x: Float[Array, "*batch in_features"],
    weights: Float[Array, "in_features"],
    bias: Float[Array, ""],
    *,
    activation: ElementwiseName,
) -> Float[Array, "*batch"]:
    r"""Weigh the inputs, add the bias, and apply the activation to the sum.

    With $w$ = ``weights``, $b$ = ``bias``, $\phi$ = ``activation``: $y = \phi(w \cdot x + b)$   [neuron.value][]

    Args:
        x: outputs of the neurons before, any float dtype, any number of leading axes.
        weights: the strength of each connection.
        bias: shifts the sum; a number.
        activation: name of a function of `nnspec.components.activations` that acts on a single number.

    Returns:
        The leading axes of ``x``: one number an example.

    Raises:
        ValueError: ``activation`` is none of the eleven.

    Source: Rosenblatt 1958.
    """
    w, b, phi = weights, bias, getattr(activations, activation)
    z = x @ w
    wide = jnp.promote_types(z.dtype, jnp.float32)  # the gradient of b is a sum over the examples, and is added so
    return phi((z.astype(wide) + b.astype(wide)).astype(z.dtype))


@checked
@jax.jit
def perceptron_update(
    weights: Float[Array, "in_features"],
    bias: Float[Array, ""],
    x: Float[Array, "in_features"],
    label: Label,
) -> tuple[Float[Array, "in_features"], Float[Array, ""]]:
    r"""Learn one example: add it to the weights if it lies on the wrong side.

    With $y$ = ``label``: if $y\,(w \cdot x + b) \le 0$ then $w + y x$ and $b + y$, else $w$ and $b$
    [perceptron.update][]

    Args:
        weights: normal of the plane.
        bias: shift of the plane.
        x: the example.
        label: its side, -1 or 1; another number is refused where it is concrete.

    Returns:
        The new weights and the new bias.

    Raises:
        ValueError: ``label`` is neither -1 nor 1.

    Examples:
        >>> weights, bias = perceptron_update(jnp.zeros(2), 0.0, jnp.array([2.0, 1.0]), -1.0)
        >>> weights.tolist(), bias.item()
        ([-2.0, -1.0], -1.0)

    Source: Rosenblatt 1958; Novikoff 1962.
    """
    w, b, y = weights, bias, label
    mistake = y * (w @ x + b) <= 0  # a score of 0 is one: a start at zero must be left
    return jnp.where(mistake, w + y * x, w), jnp.where(mistake, b + y, b)
