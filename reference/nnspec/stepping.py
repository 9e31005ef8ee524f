"""What optimizers share: a rate that may be a schedule, checks of parameters and gradients, a rule for each array."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from nnspec.checking import Requirement

__all__ = ["MomentsState", "Rate", "check_gradients", "check_parameters", "is_zero", "leafwise", "rate_at"]

Rate = Annotated[float | optax.Schedule, Requirement("zero or positive", lambda rate: 0 <= rate < float("inf"))]


def rate_at(learning_rate: Any, count: Any) -> Any:
    """The rate of the update after ``count`` others: a schedule's value there, or the number itself."""
    return learning_rate(count) if callable(learning_rate) else learning_rate


def check_parameters(operation: str, params: Any) -> None:
    """Refuse a tree without arrays, and one with integers.

    Args:
        operation: the name errors begin with.
        params: any tree.

    Raises:
        ValueError: there is no array in it.
        TypeError: an array is of no float dtype.
    """
    leaves = jax.tree.leaves(params)
    if not leaves:
        raise ValueError(f"{operation}: the tree of parameters is empty; hand over at least one array")
    for leaf in leaves:
        if not jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating):
            raise TypeError(f"{operation}: parameters of dtype {jnp.asarray(leaf).dtype}, expected a float dtype")


def check_gradients(operation: str, grads: Any, params: Any) -> None:
    """Refuse gradients of another tree or of other shapes than the parameters; nothing is broadcast.

    Args:
        operation: the name errors begin with.
        grads: the gradients.
        params: what they belong to, or None where the caller has not handed it over.

    Raises:
        ValueError: names or shapes differ.
    """
    if params is None:
        return
    expected, came = (jax.tree.map(jnp.shape, tree) for tree in (params, grads))
    if expected != came:
        raise ValueError(f"{operation}: gradients {came} do not fit parameters {expected}; one array for each")


def is_zero(amount: Any) -> bool:
    """Whether a hyper-parameter is the plain number 0; one in a state or a compiled program is not."""
    return isinstance(amount, int | float) and amount == 0


class MomentsState(NamedTuple):
    """The number of updates so far, and what is kept for every parameter, each a tree of its own."""

    count: Array
    moments: tuple


def leafwise(
    name: str, learning_rate: Rate, starts: Sequence[Any], at: Callable, *, needs_parameters: bool = False
) -> optax.GradientTransformation:
    """Make a transformation of a rule for one array; what is kept is of the array's dtype, at least float32.

    Args:
        name: of the optimizer; errors begin with it.
        learning_rate: a number or a schedule.
        starts: of each array that is kept for a parameter, the number that it is filled with.
        at: ``at(t)(g, p, *kept) -> (direction, *new)``; the rate times the direction is subtracted.
        needs_parameters: whether ``p`` is used.

    Returns:
        A gradient transformation of Optax.
    """

    def init(params: optax.Params) -> MomentsState:
        check_parameters(name, params)
        kept = [
            jax.tree.map(lambda p, start=start: jnp.full(jnp.shape(p), start, _wide(p)), params) for start in starts
        ]
        return MomentsState(jnp.zeros([], jnp.int32), tuple(kept))

    def update(updates: optax.Updates, state: Any, params: optax.Params | None = None) -> tuple:
        if params is None and needs_parameters:
            raise ValueError(f"{name}: the decay needs the parameters; call update(gradients, state, parameters)")
        check_gradients(name, updates, state.moments[0])
        t, eta = state.count + 1, rate_at(learning_rate, state.count)
        direction = at(t)

        def step(g: Array, p: Array, *kept: Array) -> tuple:
            d, *new = direction(g.astype(kept[0].dtype), p.astype(kept[0].dtype), *kept)
            return (-eta * d).astype(g.dtype), *(x.astype(old.dtype) for x, old in zip(new, kept, strict=True))

        stepped = jax.tree.map(step, updates, updates if params is None else params, *state.moments)
        parts = jax.tree.transpose(jax.tree.structure(updates), jax.tree.structure((0,) * (len(starts) + 1)), stepped)
        return parts[0], MomentsState(t, tuple(parts[1:]))

    return optax.GradientTransformation(init, update)


def _wide(p: Array) -> Any:
    """The dtype of what is kept: that of the parameter, at least float32."""
    return jnp.promote_types(jnp.asarray(p).dtype, jnp.float32)
