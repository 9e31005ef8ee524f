"""C.7.2: does a penalty control the capacity, as weight norm, as rank of the features, and as what can be memorized?"""

from __future__ import annotations

from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.dropout.few_digits import ends

STRENGTHS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)


@experiment("penalty-capacity", short={"seeds": 2, "epochs": 2, "strengths": (0.0, 1e-2, 1e-1)})
def penalty_capacity(*, seeds: int = 10, epochs: int = 100, strengths: tuple[float, ...] = STRENGTHS) -> Outcome:
    """Norm and rank with the labels as they are, and how many of labels that were drawn are learned."""
    found = ends(seeds, epochs, strengths=strengths)
    mean = [{name: float(x[:, 0, i].mean()) for name, x in found.items()} for i in range(len(strengths))]
    drawn = found["training accuracy"][:, 1]
    learned = drawn.mean(0)
    none, some, most = (strengths.index(strength) for strength in (0.0, 1e-2, 1e-1))
    lost, low, high = mean_interval(drawn[:, none] - drawn[:, most])
    came = {f"drawn labels learned, {strengths[i]:g}": float(learned[i]) for i in (none, some, most)} | {
        "digits learned, 0.01": mean[some]["training accuracy"],
        "norm of the kernels, 0.1 over none": mean[most]["norm"] / mean[none]["norm"],
        "rank of the features, 0.1 over none": mean[most]["rank"] / mean[none]["rank"],
    }
    shown = ("training accuracy", "test accuracy", "norm", "rank")
    rows: list[dict[str, Any]] = [
        {"strength": strength, **{name: of[name] for name in shown}, "drawn labels learned": float(share)}
        for strength, of, share in zip(strengths, mean, learned, strict=True)
    ]
    return Outcome(came, Effect("drawn labels that 0.1 keeps from being learned", lost, (low, high)), rows)
