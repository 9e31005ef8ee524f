"""What the turn of a player is, in every game of two networks."""

from collections.abc import Callable
from typing import Any

import jax
import optax
from jaxtyping import Array


def stepped(
    optimizer: optax.GradientTransformation, loss: Callable[[Any], Array], weights: Any, state: Any
) -> tuple[Any, Any, Array]:
    """One step of one player: its weights and the state of its optimizer afterwards, and its loss before."""
    value, g = jax.value_and_grad(loss)(weights)
    change, state = optimizer.update(g, state, weights)
    return optax.apply_updates(weights, change), state, value


def check_made(name: str, made: Array, real: Array) -> None:
    """Refuse made samples of another shape than the real ones."""
    if made.shape != real.shape:
        raise ValueError(f"{name}: made samples have shape {made.shape}, real ones {real.shape}; they must agree")
