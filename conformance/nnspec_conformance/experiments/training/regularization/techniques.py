"""C.7.2: do an L1 penalty and a bound on the norm reduce overfitting, too, and underfit where they are strong?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.adam.sensitivity import digits
from nnspec_conformance.experiments.training.early_stopping.digits import FEW, RATE, drawing

STRENGTHS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
LIMITS = (100.0, 4.0, 2.0, 1.0, 0.5, 0.1)  # no column is ever as long as the first
SMALL = 0.01  # weights below it count as small
TECHNIQUES = {"L1": STRENGTHS, "max norm": LIMITS}  # each from nothing to too much


@experiment("penalty-techniques", short={"seeds": 2, "epochs": 2})
def penalty_techniques(*, seeds: int = 10, epochs: int = 100) -> Outcome:
    """Losses at the end over the strengths of either technique, each from the same starts."""
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    intervals = {}
    for name, values in TECHNIQUES.items():
        found = ends(name, seeds, epochs)  # each [seeds, strengths]
        mean = {what: x.mean(0) for what, x in found.items()}
        best = int(np.argmin(mean["test loss"]))
        intervals[name] = mean_interval(found["test loss"][:, best] / found["test loss"][:, 0])
        came |= {
            f"test loss, {name}, best over none": float(mean["test loss"][best] / mean["test loss"][0]),
            f"test loss, {name}, most over best": float(mean["test loss"][-1] / mean["test loss"][best]),
            f"training loss, {name}, most": float(mean["training loss"][-1]),
            f"small weights, {name}, best": float(mean["small weights"][best]),
        }
        rows += [
            {"technique": name, "strength or limit": value, **{what: float(x[i]) for what, x in mean.items()}}
            for i, value in enumerate(values)
        ]
    ratio, low, high = intervals["L1"]
    return Outcome(came, Effect("test loss, L1, best over none", ratio, (low, high)), rows)


def ends(technique: str, seeds: int, epochs: int) -> dict[str, np.ndarray]:
    """What each run ends with: [seeds, strengths]."""
    import jax
    import jax.numpy as jnp

    images, labels = map(jnp.asarray, digits())
    drawn = [drawing(seed, epochs, len(labels)) for seed in range(seeds)]
    params, order, batches = jax.tree.map(lambda *x: jnp.stack(x), *drawn)

    def one(p: Any, o: Any, b: Any, value: Any) -> dict[str, Any]:
        return trained(technique, p, images[o], labels[o], b.reshape(-1, b.shape[-1]), value)

    run = jax.jit(jax.vmap(jax.vmap(one, (None, None, None, 0)), (0, 0, 0, None)))
    found = run(params, order, batches, jnp.array(TECHNIQUES[technique]))
    return {name: np.asarray(x, np.float64) for name, x in found.items()}


def trained(technique: str, params: Any, x: Any, y: Any, batches: Any, value: Any) -> dict[str, Any]:
    """One run on the first hundred images, tested on those after the second hundred."""
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.components.losses.cross_entropy import softmax_cross_entropy_with_integer_labels
    from nnspec.training.adam import adam
    from nnspec.training.regularization import l1_penalty, max_norm, penalized

    method = adam(RATE)

    def logits(p: Any, x: Any) -> Any:
        return jnp.tanh(x @ p["kernel_0"] + p["bias_0"]) @ p["kernel_1"] + p["bias_1"]

    def loss(p: Any, x: Any, y: Any) -> Any:
        return softmax_cross_entropy_with_integer_labels(logits(p, x), y).mean()

    def objective(p: Any, batch: Any) -> Any:
        penalty = penalized(p, lambda kernel: l1_penalty(kernel, strength=value)) if technique == "L1" else 0.0
        return loss(p, x[batch], y[batch]) + penalty

    def step(carry: tuple, batch: Any) -> tuple:
        p, state = carry
        updates, state = method.update(jax.grad(objective)(p, batch), state, p)
        new: Any = optax.apply_updates(p, updates)
        if technique == "max norm":
            new = {name: max_norm(w, limit=value) if w.ndim == 2 else w for name, w in new.items()}
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
