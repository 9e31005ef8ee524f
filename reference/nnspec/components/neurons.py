r"""Neurons: one unit with its weights and bias, and the perceptron, the rule by which the first one learned."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nnspec.checking import checked
from nnspec.components import activations

__all__ = ["ElementwiseName", "neuron", "perceptron", "perceptron_update"]

ElementwiseName = Literal[
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "hard_sigmoid"
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
    r"""Weigh the inputs, add the bias, and bend the sum.

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
    return phi(x @ w + b)


@checked
@jax.jit
def perceptron_update(
    weights: Float[Array, "in_features"],
    bias: Float[Array, ""],
    x: Float[Array, "in_features"],
    label: Float[Array, ""],
) -> tuple[Float[Array, "in_features"], Float[Array, ""]]:
    r"""Learn one example: add it to the weights if it lies on the wrong side.

    With $y$ = ``label``: if $y\,(w \cdot x + b) \le 0$ then $w + y x$ and $b + y$, else $w$ and $b$
    [perceptron.update][]

    Args:
        weights: normal of the plane.
        bias: shift of the plane.
        x: the example.
        label: its side, -1 or 1; other numbers are refused by `perceptron` only, where the label is concrete.

    Returns:
        The new weights and the new bias.

    Source: Rosenblatt 1958; Novikoff 1962.
    """
    w, b, y = weights, bias, label
    mistake = y * (w @ x + b) <= 0  # a score of 0 is one: a start at zero must be left
    return jnp.where(mistake, w + y * x, w), jnp.where(mistake, b + y, b)


@checked
def perceptron(params: dict) -> Callable:
    r"""Start a perceptron; each step learns one example   [perceptron.mistake-bound][].

    Args:
        params: ``weights`` [in] and ``bias`` [].

    Returns:
        ``step(example)``, which takes ``x`` [in] and ``label`` and gives the new parameters.

    Raises:
        ValueError: a name is missing or extra; the step: a label is neither -1 nor 1.

    Examples:
        >>> step = perceptron({"weights": np.zeros(2, np.float32), "bias": np.float32(0)})
        >>> params = step({"x": np.array([2.0, 1.0], np.float32), "label": -1.0})
        >>> params["weights"].tolist(), params["bias"].item()
        ([-2.0, -1.0], -1.0)

    Source: Rosenblatt 1958.
    """
    _check_names("params", params, ("weights", "bias"))

    def step(example: dict) -> dict[str, Array]:
        nonlocal params
        _check_names("example", example, ("x", "label"))
        if np.ndim(example["label"]) or float(example["label"]) not in (-1.0, 1.0):
            raise ValueError(f"perceptron: label is {example['label']}, must be -1 or 1; map 0 and 1 by 2 * label - 1")
        weights, bias = perceptron_update(params["weights"], params["bias"], example["x"], _number(example["label"]))
        params = {"weights": weights, "bias": bias}
        return params

    return step


def _number(label: float | Array) -> float | Array:
    """Integers -1 and 1 are labels too."""
    return float(label) if isinstance(label, int | np.integer) else label


def _check_names(parameter: str, given: dict, wanted: tuple[str, str]) -> None:
    if set(given) != set(wanted):
        raise ValueError(f"perceptron: {parameter} has {sorted(given)}, expected {' and '.join(wanted)}")
