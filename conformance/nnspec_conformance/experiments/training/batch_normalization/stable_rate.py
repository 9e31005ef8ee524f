"""C.7.2: does batch norm stabilize training: up to which learning rate does a network learn with it and without?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import geometric_interval
from nnspec_conformance.experiments.training.adam.sensitivity import digits
from nnspec_conformance.experiments.training.batch_normalization.networks import answer, start, trained

RATES = tuple(2.0**k for k in range(-6, 9))
EXAMPLES, BATCH, LEARNED = 1000, 50, 0.1


@experiment("batch-norm-rate", short={"seeds": 2, "epochs": 1, "rates": (0.5, 2.0)})
def batch_norm_rate(*, seeds: int = 10, epochs: int = 10, rates: tuple[float, ...] = RATES) -> Outcome:
    """The share of the training images that is wrong after the last step, in use, from the same starts."""
    found = {name: ends(seeds, epochs, rates, norm=norm) for name, norm in (("without", False), ("with", True))}
    largest = {name: np.array([last(of, rates) for of in wrong]) for name, wrong in found.items()}
    ratio, low, high = geometric_interval(largest["with"] / largest["without"])
    mean = {name: wrong.mean(0) for name, wrong in found.items()}
    best = {name: int(np.argmin(wrong)) for name, wrong in mean.items()}
    came = {f"largest rate that learns, {name}": float(np.exp(np.log(x).mean())) for name, x in largest.items()}
    came |= {
        "largest rate that learns, with over without": ratio,
    }
    came |= {f"wrong at the best rate, {name}": float(of[best[name]]) for name, of in mean.items()}
    rows: list[dict[str, Any]] = [
        {"rate": rate} | {f"wrong, {name} batch norm": float(of[i]) for name, of in mean.items()}
        for i, rate in enumerate(rates)
    ]
    return Outcome(came, Effect("largest rate that learns, with batch norm over without", ratio, (low, high)), rows)


def last(wrong: np.ndarray, rates: tuple[float, ...]) -> float:
    """The largest rate up to which every rate above 0.1 learns; the smallest one where none does."""
    largest = rates[0]
    for rate, share in zip(rates, wrong, strict=True):
        if share <= LEARNED:
            largest = rate
        elif rate > 0.1:
            break
    return largest


def ends(seeds: int, epochs: int, rates: tuple[float, ...], *, norm: bool) -> np.ndarray:
    """The share that is wrong, [seeds, rates]; an answer that is no number is the first class."""
    import jax
    import jax.numpy as jnp

    images, labels = map(jnp.asarray, digits())
    params, order, batches = jax.tree.map(
        lambda *x: jnp.stack(x), *(start(seed, EXAMPLES, BATCH, epochs) for seed in range(seeds))
    )

    def one(p: Any, order: Any, batches: Any, rate: Any) -> Any:
        x, y = images[order[:EXAMPLES]], labels[order[:EXAMPLES]]
        p, seen, _ = trained(p, x, y, batches, rate, norm=norm)
        return (answer(p, seen, x, norm=norm, train=False)[0].argmax(-1) != y).mean()

    run = jax.jit(jax.vmap(jax.vmap(one, (None, None, None, 0)), (0, 0, 0, None)))
    return np.asarray(run(params, order, batches, jnp.asarray(rates, jnp.float32)), np.float64)
