"""The network of early stopping with a penalty in its loss, or a bound on its weights, from nothing to too much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnspec_conformance.experiments.training.adam.sensitivity import digits
from nnspec_conformance.experiments.training.early_stopping.digits import FEW, RATE, drawing

SMALL = 0.01  # weights below it count as small


def ends(
    seeds: int,
    epochs: int,
    values: Sequence[float],
    *,
    penalty: Callable[[Any, Any], Any] | None = None,
    bound: Callable[[Any, Any], Any] | None = None,
) -> dict[str, np.ndarray]:
    """What each run ends with, by name, [seeds, values]; for all values from the same starts.

    Args:
        seeds: number of runs of each value.
        epochs: of each run.
        values: strengths or limits.
        penalty: of a kernel and a value, added to the loss of each batch.
        bound: what becomes of a kernel, by the value, after each step.
    """
    import jax
    import jax.numpy as jnp

    images, labels = map(jnp.asarray, digits())
    drawn = [drawing(seed, epochs, len(labels)) for seed in range(seeds)]
    params, order, batches = jax.tree.map(lambda *x: jnp.stack(x), *drawn)

    def one(p: Any, o: Any, b: Any, value: Any) -> dict[str, Any]:
        return trained(p, images[o], labels[o], b.reshape(-1, b.shape[-1]), value, penalty, bound)

    run = jax.jit(jax.vmap(jax.vmap(one, (None, None, None, 0)), (0, 0, 0, None)))
    found = run(params, order, batches, jnp.array(values))
    return {name: np.asarray(x, np.float64) for name, x in found.items()}


def trained(
    params: Any, x: Any, y: Any, batches: Any, value: Any, penalty: Callable | None, bound: Callable | None
) -> dict[str, Any]:
    """One run on the first hundred images, tested on those after the second hundred."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam
    from nnspec.training.regularization import penalized

    method = adam(RATE)

    def logits(p: Any, x: Any) -> Any:
        return jnp.tanh(x @ p["kernel_0"] + p["bias_0"]) @ p["kernel_1"] + p["bias_1"]

    def loss(p: Any, x: Any, y: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(p, x), y).mean()

    def objective(p: Any, batch: Any) -> Any:
        given = loss(p, x[batch], y[batch])
        if penalty is None:
            return given
        weighed = penalty
        return given + penalized(p, lambda kernel: weighed(kernel, value))

    def step(carry: tuple, batch: Any) -> tuple:
        p, state = carry
        updates, state = method.update(jax.grad(objective)(p, batch), state, p)
        new: Any = optax.apply_updates(p, updates)
        if bound:
            new = {name: bound(w, value) if w.ndim == 2 else w for name, w in new.items()}
        return (new, state), None

    (p, _), _ = jax.lax.scan(step, (params, method.init(params)), batches)
    others, weights = slice(2 * FEW, None), jnp.concatenate([p["kernel_0"].ravel(), p["kernel_1"].ravel()])
    return {
        "training loss": loss(p, x[:FEW], y[:FEW]),
        "test loss": loss(p, x[others], y[others]),
        "accuracy": (logits(p, x[others]).argmax(-1) == y[others]).mean(),
        "norm": jnp.sqrt(jnp.sum(weights**2)),
        "small weights": (jnp.abs(weights) < SMALL).mean(),
    }


def means(found: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], int]:
    """The means over the seeds, and the place of the value with the least mean test loss."""
    mean = {name: x.mean(0) for name, x in found.items()}
    return mean, int(np.argmin(mean["test loss"]))
