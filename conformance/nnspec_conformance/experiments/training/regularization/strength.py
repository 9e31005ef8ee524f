"""C.7.2: does a penalty reduce overfitting and control capacity, and does too much of it underfit?"""

from __future__ import annotations

from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.regularization.runs import ends, means

STRENGTHS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SHOWN = ("training loss", "test loss", "accuracy", "norm")


@experiment("penalty-strength", short={"seeds": 2, "epochs": 3})
def penalty_strength(*, seeds: int = 10, epochs: int = 100) -> Outcome:
    """Losses and norms at the end over the strengths, each from the same starts."""
    from nnspec.training.regularization import l2_penalty

    def penalty(kernel: Any, strength: Any) -> Any:
        return l2_penalty(kernel, strength=strength)

    found = ends(seeds, epochs, STRENGTHS, penalty=penalty)  # each [seeds, strengths]
    mean, best = means(found)
    ratio, low, high = mean_interval(found["test loss"][:, best] / found["test loss"][:, 0])
    came = {
        "test loss, best strength over none": float(mean["test loss"][best] / mean["test loss"][0]),
        "test loss, largest strength over best": float(mean["test loss"][-1] / mean["test loss"][best]),
        "training loss, largest strength": float(mean["training loss"][-1]),
        "norm of the kernels, best strength over none": float(mean["norm"][best] / mean["norm"][0]),
        "accuracy, best strength less none": float(mean["accuracy"][best] - mean["accuracy"][0]),
    }
    rows: list[dict[str, Any]] = [
        {"strength": strength, **{name: float(mean[name][i]) for name in SHOWN}} for i, strength in enumerate(STRENGTHS)
    ]
    return Outcome(came, Effect("test loss, best strength over none", ratio, (low, high)), rows)
