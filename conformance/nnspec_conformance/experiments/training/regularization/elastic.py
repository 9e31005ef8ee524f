"""C.7.2: does the elastic net reduce overfitting, too, and underfit where it is strong?"""

from __future__ import annotations

from typing import Any

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.statistics import mean_interval
from nnspec_conformance.experiments.training.regularization.runs import ends, means

L1, L2 = 1e-4, 1e-3  # the best of each alone, in penalty-techniques and penalty-strength
STRENGTHS = (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0)


@experiment("penalty-elastic", short={"seeds": 2, "epochs": 2})
def penalty_elastic(*, seeds: int = 10, epochs: int = 100) -> Outcome:
    """Losses at the end over the strengths of both penalties together, each from the same starts."""
    from nnspec.training.regularization import elastic_net_penalty

    def penalty(kernel: Any, strength: Any) -> Any:
        return elastic_net_penalty(kernel, l1=L1 * strength, l2=L2 * strength)

    found = ends(seeds, epochs, STRENGTHS, penalty=penalty)  # each [seeds, strengths]
    mean, best = means(found)
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
