"""Does a network of thirty layers learn? From each start, at the best of four learning rates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.training.adam.sensitivity import digits
from nnspec_conformance.experiments.training.initialization.depth import STARTS, kernel

RATES = (0.003, 0.01, 0.03, 0.1)
CLASSES, BATCH, LAST = 10, 64, 20


@experiment("initialization-training", short={"seeds": 2, "steps": 30, "layers": 4})
def training(*, seeds: int, steps: int = 300, layers: int = 30, width: int = 32) -> Outcome:
    """Training loss over the last twenty minibatches of digits; a start gets the learning rate that serves it best."""
    learn = learner()
    losses = np.stack(
        [curves(learn, start, seeds, steps, layers, width) for start in STARTS]
    )  # [.., rates, seeds, steps]
    late = np.where(np.isfinite(losses), losses, np.inf)[..., -LAST:].mean(-1)
    mean = late.mean(-1)  # [starts, rates]
    best = mean.argmin(1)
    came = {f"loss, {start}": float(mean[i, best[i]]) for i, start in enumerate(STARTS)}
    came["LeCun less He"] = came["loss, LeCun normal"] - came["loss, He normal"]
    rows: list[dict[str, Any]] = [
        {
            "start": start,
            "best rate": RATES[best[i]],
            "loss": came[f"loss, {start}"],
            "lowest of a seed": float(late[i, best[i]].min()),
            "highest of a seed": float(late[i, best[i]].max()),
        }
        for i, start in enumerate(STARTS)
    ]
    between = late[STARTS.index("LeCun normal"), best[STARTS.index("LeCun normal")]] - late[0, best[0]]
    effect = Effect("loss of LeCun's start less He's", came["LeCun less He"], (between.min(), between.max()), "nats")
    blocks = losses[np.arange(len(STARTS)), best].mean(1).reshape(len(STARTS), -1, 10).mean(-1)
    series = {"step": np.arange(10, steps + 1, 10), **dict(zip(STARTS, blocks, strict=True))}
    return Outcome(came, effect, rows, series)


def learner() -> Callable[..., Any]:
    """One program for every start: parameters and minibatches in, losses out, for each rate and seed."""
    import jax
    import jax.numpy as jnp

    images, labels = (jnp.asarray(found) for found in digits())
    images = images / jnp.sqrt(jnp.mean(images**2))
    by_seed = jax.vmap(lambda rate, p, b: run(rate, p, images, labels, b), (None, 0, 0))
    return jax.jit(jax.vmap(by_seed, (0, None, None)))


def curves(learn: Callable[..., Any], start: str, seeds: int, steps: int, layers: int, width: int) -> np.ndarray:
    """The loss of each minibatch before its step, for each rate and seed: [rates, seeds, steps]."""
    import jax
    import jax.numpy as jnp

    drawn = [first_params(start, seed, layers, width) for seed in range(seeds)]
    params = jax.tree.map(lambda *x: jnp.stack(x), *drawn)
    images = len(digits()[1])
    batches = np.stack([np.random.default_rng(seed).integers(images, size=(steps, BATCH)) for seed in range(seeds)])
    return np.asarray(learn(jnp.asarray(RATES), params, jnp.asarray(batches)), np.float64)


def first_params(start: str, seed: int, layers: int, width: int) -> dict[str, Any]:
    """All kernels by the start, those between in one array; the biases are 0."""
    import jax
    import jax.numpy as jnp

    keys = jax.random.split(jax.random.key(seed), layers)
    return {
        "first": kernel(start, keys[0], (64, width)),
        "kernels": jnp.stack([kernel(start, key, (width, width)) for key in keys[1:-1]]),
        "last": kernel(start, keys[-1], (width, CLASSES)),
        "biases": jnp.zeros((layers - 1, width)),
        "bias": jnp.zeros(CLASSES),
    }


def run(rate: Any, params: dict, images: Any, labels: Any, batches: Any) -> Any:
    """Gradient descent on one minibatch after another, and the loss of each."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.components.optimization import gradient_descent

    method = gradient_descent(rate)

    def loss(p: dict, batch: Any) -> Any:
        h = jnp.maximum(images[batch] @ p["first"] + p["biases"][0], 0)

        def layer(h: Any, own: tuple) -> tuple:
            return jnp.maximum(h @ own[0] + own[1], 0), None

        h, _ = jax.lax.scan(layer, h, (p["kernels"], p["biases"][1:]))
        return softmax_cross_entropy_with_integer_labels(h @ p["last"] + p["bias"], labels[batch]).mean()

    def step(carry: tuple, batch: Any) -> tuple:
        p, state = carry
        value, gradients = jax.value_and_grad(loss)(p, batch)
        updates, state = method.update(gradients, state, p)
        return (optax.apply_updates(p, updates), state), value

    return jax.lax.scan(step, (params, method.init(params)), batches)[1]
