"""C.4.4: what does Adam cost at size? The arrays of its state, and the operations and bytes of its compiled step."""

from __future__ import annotations

from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

SIZES = (1_000, 10_000, 100_000, 1_000_000)
NOTE = (
    "The bytes came higher than predicted. On a CPU the compiler makes three loops, one for each array that is "
    "written. They read gradient and first moment, gradient and second moment, and parameter and both moments; with "
    "the three arrays written these are ten times four bytes. The step of Optax, looked at beside it, has the same "
    "loops and bytes. A first run came to 48: the step then read the parameter twice more, for a penalty of 0."
)


@experiment("adam-memory", short={"sizes": (1_000, 4_000)})
def memory(*, sizes: tuple[int, ...] = SIZES) -> Outcome:
    """Bytes of the state over those of the parameters, and what the compiler counts in a step."""
    rows: list[dict[str, Any]] = [measured(size) for size in sizes]
    first, last = rows[0], rows[-1]
    arrays = max(row["arrays of state per parameter"] for row in rows)
    growth = 1000 * last["operations"] / first["operations"] / (last["parameters"] / first["parameters"])
    came = {
        "arrays of state per parameter": arrays,
        "operations for 1,000 times the parameters": growth,
        "bytes per parameter": last["bytes"] / last["parameters"],
    }
    return Outcome(came, Effect("arrays of state per parameter", arrays, (arrays, arrays)), rows, note=NOTE)


def measured(size: int) -> dict[str, Any]:
    """One size: the state, and the compiled update."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.training.adam import adam

    optimizer, params = adam(0.001), jnp.zeros(size)
    state: Any = optimizer.init(params)

    def step(params: Any, state: Any, g: Any) -> tuple:
        updates, state = optimizer.update(g, state, params)
        return optax.apply_updates(params, updates), state

    cost: Any = jax.jit(step, donate_argnums=(0, 1)).lower(params, state, params).compile().cost_analysis()
    counted = cost[0] if isinstance(cost, list) else cost
    kept = sum(leaf.nbytes for leaf in jax.tree.leaves(state.moments))
    return {
        "parameters": size,
        "arrays of state per parameter": kept / params.nbytes,
        "operations": float(counted["flops"]),
        "bytes": float(counted["bytes accessed"]),
    }
