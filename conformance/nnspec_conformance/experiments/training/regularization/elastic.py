"""C.7.2: does the elastic net reduce overfitting, too, and underfit where it is strong?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.adam.sensitivity import digits
from nnspec_conformance.experiments.training.early_stopping.digits import FEW, RATE, drawing

L1, L2 = 1e-4, 1e-3  # the best of each alone, in penalty-techniques and penalty-strength
STRENGTHS = (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0)
SMALL = 0.01  # weights below it count as small


@experiment("penalty-elastic", short={"seeds": 2, "epochs": 2})
def penalty_elastic(*, seeds: int = 10, epochs: int = 100) -> Outcome:
    """Losses at the end over the strengths of both penalties together, each from the same starts."""
    found = ends(seeds, epochs)  # each [seeds, strengths]
    mean = {what: x.mean(0) for what, x in found.items()}
    best = int(np.argmin(mean["test loss"]))
    ratio, low, high = mean_interval(found["test loss"][:, best] / found["test loss"][:, 0])
    came = {
        "best strength": STRENGTHS[best],
        "test loss, best over none": float(mean["test loss"][best] / mean["test loss"][0]),
        "test loss, most over best": float(mean["test loss"][-1] / mean["test loss"][best]),
        "training loss, most": float(mean["training loss"][-1]),
        "small weights, best": float(mean["small weights"][best]),
    }
    rows: list[dict[str, Any]] = [
        {"strength": strength, **{what: float(x[i]) for what, x in mean.items()}}
        for i, strength in enumerate(STRENGTHS)
    ]
    return Outcome(came, Effect("test loss, best over none", ratio, (low, high)), rows)


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
    from nnspec.training.regularization import elastic_net_penalty, penalized

    method = adam(RATE)

    def logits(p: Any, x: Any) -> Any:
        return jnp.tanh(x @ p["kernel_0"] + p["bias_0"]) @ p["kernel_1"] + p["bias_1"]

    def loss(p: Any, x: Any, y: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(p, x), y).mean()

    def penalty(kernel: Any) -> Any:
        return elastic_net_penalty(kernel, l1=L1 * strength, l2=L2 * strength)

    def objective(p: Any, batch: Any) -> Any:
        return loss(p, x[batch], y[batch]) + penalized(p, penalty)

    def step(carry: tuple, batch: Any) -> tuple:
        p, state = carry
        updates, state = method.update(jax.grad(objective)(p, batch), state, p)
        return (optax.apply_updates(p, updates), state), None

    (p, _), _ = jax.lax.scan(step, (params, method.init(params)), batches)
    others, weights = slice(2 * FEW, None), jnp.concatenate([p["kernel_0"].ravel(), p["kernel_1"].ravel()])
    return {
        "training loss": loss(p, x[:FEW], y[:FEW]),
        "test loss": loss(p, x[others], y[others]),
        "accuracy": (logits(p, x[others]).argmax(-1) == y[others]).mean(),
        "norm": jnp.sqrt(jnp.sum(weights**2)),
        "small weights": (jnp.abs(weights) < SMALL).mean(),
    }
