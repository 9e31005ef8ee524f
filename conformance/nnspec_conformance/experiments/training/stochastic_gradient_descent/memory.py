"""C.2.2: the memory of a gradient, of one example, of all at once, and of all added up one by one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

SIZES = (64, 256, 256, 10)
NOTE = (
    "Added up came lower than predicted, below the gradient of one example alone. The loop adds into the array of its "
    "result, so that no second one is needed: 340,008 bytes are the result, 4,340 all the rest. The program for one "
    "example has a temporary array of 262,144 bytes more, the size of the kernel of 256 by 256."
)


@experiment("sgd-memory", short={"examples": 1000})
def memory(*, examples: int = 10_000) -> Outcome:
    """Bytes of temporary arrays and results, as the compiler plans them."""
    needed = {name: bytes_of(name, examples) for name in ("one example", "all at once", "all added up")}
    rows: list[dict[str, Any]] = [{"gradient": name, "bytes": count} for name, count in needed.items()]
    one = needed["one example"]
    ratio = needed["all at once"] / one
    came = {"at once over one example": ratio, "added up over one example": needed["all added up"] / one}
    return Outcome(came, Effect("bytes, all at once over one example", ratio, (ratio, ratio)), rows, note=NOTE)


def bytes_of(name: str, examples: int) -> int:
    """One of the three gradients, compiled for its shapes and not run."""
    import jax
    import jax.numpy as jnp

    from nnspec.components.layers import mlp

    shapes = {f"kernel_{i}": pair for i, pair in enumerate(pairwise(SIZES))}
    shapes |= {f"bias_{i}": (n,) for i, n in enumerate(SIZES[1:])}
    weights = {key: jax.ShapeDtypeStruct(shape, jnp.float32) for key, shape in shapes.items()}
    count = 1 if name == "one example" else examples
    x, y = (jax.ShapeDtypeStruct((count, n), jnp.float32) for n in (SIZES[0], SIZES[-1]))

    def loss(weights: Any, x: Any, y: Any) -> Any:
        return ((mlp(x, weights, activation="relu") - y) ** 2).sum() / (2 * count)

    def added_up(weights: Any, x: Any, y: Any) -> Any:
        def add(total: Any, example: tuple) -> tuple:
            found = jax.grad(loss)(weights, *(part[None] for part in example))
            return jax.tree.map(jnp.add, total, found), None

        return jax.lax.scan(add, jax.tree.map(jnp.zeros_like, weights), (x, y))[0]

    gradient = added_up if name == "all added up" else jax.grad(loss)
    plan: Any = jax.jit(gradient).lower(weights, x, y).compile().memory_analysis()
    return int(plan.temp_size_in_bytes + plan.output_size_in_bytes)
