"""B.2.1: the memory of a gradient through time over the number of steps, with all states stored or computed again."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

FEATURES, BATCH, ITEM = 4, 8, 4  # bytes of a float32
PLAIN, AGAIN = "all states stored", "states computed again"


@experiment("recurrent-growth", short={"units": 4, "lengths": (16, 64)})
def recurrent_growth(*, units: int = 32, lengths: tuple[int, ...] = (256, 1024, 4096)) -> Outcome:
    """Bytes that XLA allots for the gradient at each length, over those of one state of the batch."""
    state = ITEM * BATCH * units
    found = {
        kind: np.array([temporary(units, steps, chunk) / state for steps, chunk in chunks])
        for kind, chunks in {
            PLAIN: [(steps, steps) for steps in lengths],
            AGAIN: [(steps, round(steps**0.5)) for steps in lengths],
        }.items()
    }
    longer = np.log(lengths[-1] / lengths[0])
    powers = {kind: float(np.log(held[-1] / held[0]) / longer) for kind, held in found.items()}
    saved = float(found[PLAIN][-1] / found[AGAIN][-1])
    came = {f"power of T, {kind}": power for kind, power in powers.items()} | {"stored over again, longest": saved}
    rows: list[dict[str, Any]] = [
        {"steps": steps, "chunk": round(steps**0.5), PLAIN: float(plain), AGAIN: float(again)}
        for steps, plain, again in zip(lengths, found[PLAIN], found[AGAIN], strict=True)
    ]
    effect = Effect(f"power of T, {AGAIN}", powers[AGAIN], (powers[AGAIN], powers[AGAIN]))
    return Outcome(came, effect, rows, {"lengths": list(lengths), **{k: held.tolist() for k, held in found.items()}})


def temporary(units: int, steps: int, chunk: int) -> int:
    """The bytes of the compiled gradient for the weights beside its arguments and results.

    Args:
        units: of the layer.
        steps: of the sequence, a multiple of ``chunk``.
        chunk: steps between two states that are stored; those between are computed again in the backward pass.
    """
    import jax
    import jax.numpy as jnp

    from nnspec.architectures.recurrent import elman

    def read(h: Any, x: Any, weights: dict) -> Any:
        return elman(x, weights, h, activation="tanh", outputs="last")

    if chunk < steps:
        read = jax.checkpoint(read)

    def loss(weights: dict, x: Any) -> Any:
        h, _ = jax.lax.scan(lambda h, part: (read(h, part, weights), None), jnp.zeros((BATCH, units)), x)
        return (h**2).sum()

    def array(*shape: int) -> Any:
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    weights = {
        "kernel": array(FEATURES, units),
        "recurrent_kernel": array(units, units),
        "bias": array(units),
    }
    x = array(steps // chunk, BATCH, chunk, FEATURES)  # cut beforehand, so that no copy of it is counted
    memory: Any = jax.jit(jax.grad(loss)).lower(weights, x).compile().memory_analysis()
    return int(memory.temp_size_in_bytes)
