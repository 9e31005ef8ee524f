"""A.8: does Adam converge on a convex problem? The example of Reddi, Kale and Kumar, projected to an interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.training.adam.runs import along

STEEP, RATE = 3.0, 0.5
FORGETFUL = {"beta1": 0.0, "beta2": 1 / (1 + STEEP**2)}
LAST = 30  # places at the end that are averaged


@experiment("adam-reddi", short={"steps": 300})
def reddi(*, steps: int = 3000) -> Outcome:
    """Where each optimizer is at the end; the best place is -1."""
    import jax.numpy as jnp

    from nnspec.training.adam import adam, amsgrad

    def rate(count: Any) -> Any:
        return RATE / jnp.sqrt(count + 1.0)

    runs = {
        "Adam": adam(rate, **FORGETFUL),
        "AMSGrad": amsgrad(rate, **FORGETFUL),
        "Adam, default decay rates": adam(rate),
    }
    gradients = np.where(np.arange(steps) % 3 == 0, STEEP, -1.0)
    ends = {}
    for name, optimizer in runs.items():
        path = along(optimizer, gradients, 0.0, lambda x: jnp.clip(x, -1.0, 1.0))
        ends[name] = float(path[-LAST:].mean())
    rows = [{"optimizer": name, "mean of the last places": end, "best": -1.0} for name, end in ends.items()]
    came = {f"end of {name}": end for name, end in ends.items()}
    return Outcome(came, Effect("where Adam ends", ends["Adam"], (ends["Adam"], ends["Adam"])), rows)
