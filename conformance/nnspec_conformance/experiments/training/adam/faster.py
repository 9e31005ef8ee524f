"""C.4.2: does Adam converge faster? Logistic regression, with features of different scales and standardized."""

from __future__ import annotations

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.training.adam.breast_cancer import at_the_best_rate, data, standardized


@experiment("adam-faster", short={"steps": 20, "every": 7})
def faster(*, steps: int = 300, every: int = 1) -> Outcome:
    """The final loss of gradient descent over that of Adam."""
    x, y = data()
    ratios, rows = {}, []
    for features, values in {"features as they are": x, "standardized": standardized(x)}.items():
        found = at_the_best_rate(values, y, steps, every)
        ratios[features] = found["gradient descent"]["loss"] / found["Adam"]["loss"]
        rows += [
            {"features": features, "optimizer": name, "best rate": one["rate"], "final loss": one["loss"]}
            for name, one in found.items()
        ]
    came = {f"loss over Adam's, {features}": ratio for features, ratio in ratios.items()}
    ratio = ratios["features as they are"]
    return Outcome(came, Effect("loss of gradient descent over Adam's", ratio, (ratio, ratio)), rows)
