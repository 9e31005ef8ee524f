"""A model and its parts: what is trained, what else a call changes, and what stays."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

__all__: list[str] = []


def split(model: Any, *, train: bool) -> tuple[Any, Any, Any]:
    """What a module is but for its arrays, with its mode; its parameters; its other arrays. A tree has neither."""
    if not isinstance(model, nnx.Module):
        return None, jax.tree.map(jnp.asarray, model), ()
    copy = nnx.clone(model)
    copy.train() if train else copy.eval()
    graph, weights, rest = nnx.split(copy, nnx.Param, ...)
    return graph, weights, rest


def join(graph: Any, weights: Any, rest: Any) -> Any:
    """The model again; of a module with new variables, which may only be changed in the program that made them."""
    return weights if graph is None else nnx.merge(graph, *jax.tree.map(lambda x: x, (weights, rest)))


def rest_of(graph: Any, model: Any, rest: Any) -> Any:
    """The other arrays after a call, such as running statistics and the counts of keys."""
    return rest if graph is None else nnx.split(model, nnx.Param, ...)[2]


def merged(model: Any, weights: Any, rest: Any) -> Any:
    """A model like the one that was handed over, in its mode, with these arrays."""
    return weights if not isinstance(model, nnx.Module) else nnx.merge(nnx.split(model)[0], weights, rest)


def copied(tree: Any) -> Any:
    """The same arrays in memory of their own; nothing is compiled for it."""
    arrays = jax.tree.map(lambda x: x if isinstance(x, jax.Array) else jnp.asarray(x), tree)
    return jax.device_put(arrays, jax.tree.map(lambda x: x.sharding, arrays), may_alias=False)


def rate_of(state: Any) -> dict[str, float]:
    """The learning rate, where the optimizer's state holds it."""
    parts = jax.tree.leaves(state, is_leaf=lambda part: hasattr(part, "hyperparams"))
    rates = [part.hyperparams.get("learning_rate") for part in parts if hasattr(part, "hyperparams")]
    known = [float(rate) for rate in rates if rate is not None]
    return {"rate": known[0]} if known else {}
