"""C.7.2: does a penalty reduce overfitting and control capacity, and does too much of it underfit?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.adam.sensitivity import digits
from nnspec_conformance.experiments.training.early_stopping.digits import FEW, RATE, drawing

STRENGTHS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


@experiment("penalty-strength", short={"seeds": 2, "epochs": 3})
def penalty_strength(*, seeds: int = 10, epochs: int = 100) -> Outcome:
    """Losses and norms at the end over the strengths, each from the same starts."""
    found = ends(seeds, epochs)  # each [seeds, strengths]
    mean = {name: x.mean(0) for name, x in found.items()}
    best = int(np.argmin(mean["test loss"]))
    ratio, low, high = mean_interval(found["test loss"][:, best] / found["test loss"][:, 0])
    came = {
        "test loss, best strength over none": float(mean["test loss"][best] / mean["test loss"][0]),
        "test loss, largest strength over best": float(mean["test loss"][-1] / mean["test loss"][best]),
        "training loss, largest strength": float(mean["training loss"][-1]),
        "norm of the kernels, best strength over none": float(mean["norm"][best] / mean["norm"][0]),
        "accuracy, best strength less none": float(mean["accuracy"][best] - mean["accuracy"][0]),
    }
    rows: list[dict[str, Any]] = [
        {"strength": strength, **{name: float(x[i]) for name, x in mean.items()}}
        for i, strength in enumerate(STRENGTHS)
    ]
    return Outcome(came, Effect("test loss, best strength over none", ratio, (low, high)), rows)


def ends(seeds: int, epochs: int) -> dict[str, np.ndarray]:
    """What each run ends with: [seeds, strengths]."""
    import jax
    import jax.numpy as jnp

    images, labels = map(jnp.asarray, digits())
    drawn = [drawing(seed, epochs, len(labels)) for seed in range(seeds)]
    params, order, batches = jax.tree.map(lambda *x: jnp.stack(x), *drawn)
    one = lambda p, o, b, strength: trained(p, images[o], labels[o], b.reshape(-1, b.shape[-1]), strength)  # noqa: E731
    run = jax.jit(jax.vmap(jax.vmap(one, (None, None, None, 0)), (0, 0, 0, None)))
    return {name: np.asarray(x, np.float64) for name, x in run(params, order, batches, jnp.array(STRENGTHS)).items()}


def trained(params: Any, x: Any, y: Any, batches: Any, strength: Any) -> dict[str, Any]:
    """One run on the first hundred images, tested on those after the second hundred."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam
    from nnspec.training.regularization import l2_penalty, penalized

    method = adam(RATE)

    def logits(p: Any, x: Any) -> Any:
        return jnp.tanh(x @ p["kernel_0"] + p["bias_0"]) @ p["kernel_1"] + p["bias_1"]

    def loss(p: Any, x: Any, y: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(p, x), y).mean()

    def objective(p: Any, batch: Any) -> Any:
        return loss(p, x[batch], y[batch]) + penalized(p, lambda kernel: l2_penalty(kernel, strength=strength))

    def step(carry: tuple, batch: Any) -> tuple:
        p, state = carry
        updates, state = method.update(jax.grad(objective)(p, batch), state, p)
        return (optax.apply_updates(p, updates), state), None

    (p, _), _ = jax.lax.scan(step, (params, method.init(params)), batches)
    others = slice(2 * FEW, None)
    return {
        "training loss": loss(p, x[:FEW], y[:FEW]),
        "test loss": loss(p, x[others], y[others]),
        "accuracy": (logits(p, x[others]).argmax(-1) == y[others]).mean(),
        "norm": jnp.sqrt(jnp.sum(p["kernel_0"] ** 2) + jnp.sum(p["kernel_1"] ** 2)),
    }
