"""C.7.2: what do small batches do to batch norm, in training and in use?"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.adam.sensitivity import digits
from nnspec_conformance.experiments.training.batch_normalization.networks import answer, loss_of, start, trained

EXAMPLES, RATE = 960, 0.2  # a multiple of all sizes of batches; the rate of the largest
SIZES = (2, 4, 8, 32)


@experiment("batch-norm-small", short={"seeds": 2, "epochs": 1, "sizes": (2, 32)})
def batch_norm_small(*, seeds: int = 10, epochs: int = 5, sizes: tuple[int, ...] = SIZES) -> Outcome:
    """Losses on the training images by the statistics of batches and by the running ones, and the test accuracy."""
    found = {(n, norm): ends(seeds, epochs, n, norm=norm) for n in sizes for norm in (True, False)}
    mean = {key: {name: float(x.mean()) for name, x in of.items()} for key, of in found.items()}
    least, most = sizes[0], sizes[-1]
    lost = found[most, True]["test accuracy"] - found[least, True]["test accuracy"]
    gone, low, high = mean_interval(lost)
    gap = {n: mean[n, True]["batch statistics"] / mean[n, True]["running statistics"] for n in sizes}
    came = {
        "test accuracy, batches of 32 less of 2": gone,
        "test accuracy, batches of 32 less of 2, without": mean[most, False]["test accuracy"]
        - mean[least, False]["test accuracy"],
        "loss by batches over loss in use, batches of 2": gap[least],
        "loss by batches over loss in use, batches of 32": gap[most],
        "disagreements of training and use, batches of 2": mean[least, True]["disagreements"],
        "disagreements of training and use, batches of 32": mean[most, True]["disagreements"],
    }
    rows: list[dict[str, Any]] = [
        {"batch": n, "batch norm": "with" if norm else "without", **of} for (n, norm), of in mean.items()
    ]
    return Outcome(came, Effect("test accuracy that batches of 2 lose", gone, (low, high)), rows)


def ends(seeds: int, epochs: int, size: int, *, norm: bool) -> dict[str, np.ndarray]:
    """What each run ends with, by name, [seeds]."""
    import jax
    import jax.numpy as jnp

    images, labels = map(jnp.asarray, digits())
    params, order, batches = jax.tree.map(
        lambda *x: jnp.stack(x), *(start(seed, EXAMPLES, size, epochs) for seed in range(seeds))
    )

    def one(p: Any, order: Any, batches: Any) -> dict[str, Any]:
        x, y = images[order], labels[order]
        mine, others = slice(EXAMPLES), slice(EXAMPLES, None)
        rate = RATE * size / SIZES[-1]  # as many examples weigh as much
        p, seen, _ = trained(p, x[mine], y[mine], batches, rate, norm=norm)
        parts = x[mine].reshape(-1, size, x.shape[-1])
        of_batches = jax.vmap(lambda part: answer(p, seen, part, norm=norm, train=True)[0])(parts)
        of_batches = of_batches.reshape(EXAMPLES, -1)
        in_use = answer(p, seen, x[mine], norm=norm, train=False)[0]
        of_others = answer(p, seen, x[others], norm=norm, train=False)[0]
        return {
            "batch statistics": loss_of(of_batches, y[mine]),
            "running statistics": loss_of(in_use, y[mine]),
            "disagreements": (of_batches.argmax(-1) != in_use.argmax(-1)).mean(),
            "test accuracy": (of_others.argmax(-1) == y[others]).mean(),
        }

    return {name: np.asarray(x, np.float64) for name, x in jax.jit(jax.vmap(one))(params, order, batches).items()}
