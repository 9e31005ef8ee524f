"""C.7.1: what does dropout do to the running statistics, before a batch norm and behind it?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.adam.sensitivity import digits
from nnspec_conformance.experiments.training.batch_normalization.networks import answer, loss_of, start, trained

EXAMPLES, BATCH, RATE, DROPPED = 200, 20, 0.1, 0.5
ORDERS = {"none": {}, "before": {"before": DROPPED}, "behind": {"behind": DROPPED}}


@experiment("batch-norm-dropout", short={"seeds": 2, "epochs": 2, "orders": ("before",)})
def batch_norm_dropout(*, seeds: int = 10, epochs: int = 100, orders: tuple[str, ...] = tuple(ORDERS)) -> Outcome:
    """Variance that comes to the norm in use over the running one, and losses in use, from the same starts."""
    found = {name: ends(seeds, epochs, ORDERS[name]) for name in orders}
    mean = {name: {what: float(x.mean()) for what, x in of.items()} for name, of in found.items()}
    ratio, low, high = mean_interval(found["before"]["variance"])
    came = {f"variance in use over the running one, {name}": of["variance"] for name, of in mean.items()}
    before = mean["before"]
    came["variance in use over the running one, before, formula"] = before["formula"]
    right = before["test loss, right variance"] / before["test loss"]
    came["test loss, before, with the right variance over the running one"] = right
    for one, other in itertools.combinations([name for name in ("none", "behind", "before") if name in mean], 2):
        came[f"test loss, {other} over {one}"] = mean[other]["test loss"] / mean[one]["test loss"]
    rows: list[dict[str, Any]] = [{"dropout": name, **of} for name, of in mean.items()]
    return Outcome(came, Effect("variance in use over the running one, dropout before", ratio, (low, high)), rows)


def ends(seeds: int, epochs: int, drop: dict[str, float]) -> dict[str, np.ndarray]:
    """What each run ends with, by name, [seeds]."""
    import jax
    import jax.numpy as jnp

    images, labels = map(jnp.asarray, digits())
    params, order, batches = jax.tree.map(
        lambda *x: jnp.stack(x), *(start(seed, EXAMPLES, BATCH, epochs) for seed in range(seeds))
    )

    def one(p: Any, order: Any, batches: Any, key: Any) -> dict[str, Any]:
        x, y = images[order], labels[order]
        mine, others = slice(EXAMPLES), slice(EXAMPLES, None)
        p, seen, _ = trained(p, x[mine], y[mine], batches, RATE, norm=True, key=key, **drop)
        z = answer(p, seen, x[mine], norm=True, train=False)[2]
        mean, variance = z.mean(0), z.var(0)
        noisy = variance + drop.get("before", 0.0) / (1 - drop.get("before", 0.0)) * (variance + mean**2)
        right = seen | {"mean_1": mean, "var_1": variance}
        test = {
            name: answer(p, at, x[others], norm=True, train=False)[0]
            for name, at in (("test loss", seen), ("test loss, right variance", right))
        }
        return {name: loss_of(logits, y[others]) for name, logits in test.items()} | {
            "variance": (variance / seen["var_1"]).mean(),
            "formula": (variance / noisy).mean(),
            "test accuracy": (test["test loss"].argmax(-1) == y[others]).mean(),
        }

    keys = jax.random.split(jax.random.key(0), seeds)
    found = jax.jit(jax.vmap(one))(params, order, batches, keys)
    return {name: np.asarray(x, np.float64) for name, x in found.items()}
