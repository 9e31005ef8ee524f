"""C.1.3: does the gradient of all examples need memory that grows with their number? The compiler's own analysis."""

from __future__ import annotations

import itertools
from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

WIDTHS = (32, 64, 64, 1)
CHUNK = 256
SIZES = (1_024, 2_048, 4_096, 8_192, 16_384)

NOTE = (
    "At once came to five arrays of 64 numbers and the error of the output, not to three arrays. In a first run the "
    "accumulated form came to 1/64 byte for a further example: the reference then stored the place where each piece "
    "begins."
)


@experiment("batch-memory", short={"sizes": (512, 1_024)})
def batch_memory(*, sizes: tuple[int, ...] = SIZES) -> Outcome:
    """Temporary bytes by the number of examples, all at once and some at a time; nothing is drawn."""
    stored = {
        "at once": [temporary_bytes(size, size) for size in sizes],
        "accumulated": [temporary_bytes(size, CHUNK) for size in sizes],
    }
    growth = {form: (found[-1] - found[-2]) / (sizes[-1] - sizes[-2]) for form, found in stored.items()}
    came = {f"bytes for a further example, {form}": value for form, value in growth.items()}
    came["memory at once over accumulated"] = stored["at once"][-1] / stored["accumulated"][-1]
    rows: list[dict[str, Any]] = [
        {"examples": size, "bytes at once": once, "bytes accumulated": pieces}
        for size, once, pieces in zip(sizes, *stored.values(), strict=True)
    ]
    value = growth["accumulated"]
    effect = Effect("bytes for a further example, accumulated", value, (value, value))
    return Outcome(came, effect, rows, {"examples": sizes, "bytes": stored}, NOTE)


def temporary_bytes(examples: int, chunk: int) -> int:
    """The temporary bytes of the compiled mean gradient of a network's squared error."""
    import jax
    import jax.numpy as jnp

    from nnspec.components.layers import mlp
    from nnspec.training.batch_gradient_descent import mean_gradient

    def loss(weights: Any, x: Any, y: Any) -> Any:
        return jnp.square(mlp(x, weights, activation="relu") - y).sum(-1) / 2

    def gradient(weights: Any, x: Any, y: Any) -> Any:
        return mean_gradient(loss, weights, (x, y), chunk=chunk)

    pairs = list(itertools.pairwise(WIDTHS))
    shapes: dict[str, tuple[int, ...]] = {f"kernel_{i}": pair for i, pair in enumerate(pairs)}
    shapes |= {f"bias_{i}": (units,) for i, (_, units) in enumerate(pairs)}
    weights = {name: jax.ShapeDtypeStruct(shape, "float32") for name, shape in shapes.items()}
    arrays = [jax.ShapeDtypeStruct((examples, width), "float32") for width in (WIDTHS[0], WIDTHS[-1])]
    # Level 0 concerns the machine code, not what is stored: the same bytes in half the time.
    options: Any = {"xla_backend_optimization_level": 0}
    memory: Any = jax.jit(gradient).lower(weights, *arrays).compile(options).memory_analysis()
    return memory.temp_size_in_bytes
