"""What optimizers share: a learning rate that may be a schedule, and the checks of parameters and gradients."""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax

from nnspec.checking import Requirement

__all__ = ["Rate", "check_gradients", "check_parameters", "rate_at"]

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
