"""C.7.2: do an L1 penalty and a bound on the norm reduce overfitting, too, and underfit where they are strong?"""

from __future__ import annotations

from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.regularization.runs import ends, means

STRENGTHS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
LIMITS = (100.0, 4.0, 2.0, 1.0, 0.5, 0.1)  # no column is ever as long as the first
TECHNIQUES = {"L1": STRENGTHS, "max norm": LIMITS}  # each from nothing to too much


@experiment("penalty-techniques", short={"seeds": 2, "epochs": 2})
def penalty_techniques(*, seeds: int = 10, epochs: int = 100) -> Outcome:
    """Losses at the end over the strengths of either technique, each from the same starts."""
    from nnspec.training.regularization import l1_penalty, max_norm

    acts: dict[str, Any] = {
        "L1": {"penalty": lambda kernel, strength: l1_penalty(kernel, strength=strength)},
        "max norm": {"bound": lambda kernel, limit: max_norm(kernel, limit=limit)},
    }
    came: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    intervals = {}
    for name, values in TECHNIQUES.items():
        found = ends(seeds, epochs, values, **acts[name])  # each [seeds, values]
        mean, best = means(found)
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
