"""C.0: training is iterative minimization, and what it is for is unseen data."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.classifier import CLASSES, UPDATES, drawing, stacked, trained

HIDDEN, RATE = 128, 1 / 512
LABELS = ("true", "random")


@experiment("training-generalizes", short={"seeds": 2, "epochs": 3})
def training_generalizes(*, seeds: int = 10, epochs: int = 200) -> Outcome:
    """The same network learns the images' labels, and labels that were drawn."""
    found = curves(seeds, epochs)
    true = found["true"]
    guessing = np.log(CLASSES)
    last = {labels: {name: x[:, -1] for name, x in of.items()} for labels, of in found.items()}
    gain, low, high = mean_interval(last["true"]["test accuracy"] - last["random"]["test accuracy"])
    came = {
        "training loss, last over first epoch": float(
            (true["training loss"][:, -1] / true["training loss"][:, 0]).mean()
        ),
        "training accuracy, random labels": float(last["random"]["training accuracy"].mean()),
        "test accuracy, true labels": float(last["true"]["test accuracy"].mean()),
        "test accuracy, random labels": float(last["random"]["test accuracy"].mean()),
        "test loss over guessing, random labels": float(last["random"]["test loss"].mean() / guessing),
        "test loss, last over lowest, true labels": float((true["test loss"][:, -1] / true["test loss"].min(1)).mean()),
    }
    rows: list[dict[str, Any]] = [
        {
            "labels": labels,
            "training loss": float(last[labels]["training loss"].mean()),
            "test loss": float(last[labels]["test loss"].mean()),
            "training accuracy": float(last[labels]["training accuracy"].mean()),
            "test accuracy": float(last[labels]["test accuracy"].mean()),
            "epoch of the lowest test loss": float(found[labels]["test loss"].argmin(1).mean() + 1),
        }
        for labels in LABELS
    ]
    series = {
        "epochs": np.arange(1, epochs + 1),
        "guessing": guessing,
        **{labels: {name: of[name].mean(0) for name in ("training loss", "test loss")} for labels, of in found.items()},
    }
    return Outcome(came, Effect("test accuracy, true less random labels", gain, (low, high)), rows, series)


def curves(seeds: int, epochs: int) -> dict[str, dict[str, np.ndarray]]:
    """Losses and accuracies after each epoch, with true and with random labels: [seeds, epochs] each."""
    import jax
    import jax.numpy as jnp

    from nnspec.training.adam import adam

    drawn = stacked([drawing(seed, epochs, HIDDEN, labels=labels) for labels in LABELS for seed in range(seeds)])
    how = {"rates": jnp.full(epochs * UPDATES, RATE), "strength": 0.0, "drops": False, "which": 0}
    run = jax.jit(jax.vmap(partial(trained, **how, rules=[adam])))
    measured = {name: np.asarray(x, np.float64) for name, x in run(drawn).items()}
    parts = (slice(None, seeds), slice(seeds, None))
    return {labels: {name: x[part] for name, x in measured.items()} for labels, part in zip(LABELS, parts, strict=True)}
