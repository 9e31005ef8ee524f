"""C.4.1: how long can a step of Adam be? Gradients that grow, and gradients that are alike."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.experiments.training.adam.runs import along

BETA1, BETA2 = 0.9, 0.999


@experiment("adam-step-bound", short={"zeros": 50, "growing": 10, "normal": 100})
def step_bound(*, zeros: int = 5000, growing: int = 100, normal: int = 10_000) -> Outcome:
    """The longest step, in units of the rate, on both sequences of gradients."""
    from nnspec.training.adam import adam

    optimizer = adam(1.0, beta1=BETA1, beta2=BETA2, epsilon=1e-30)
    sequences = {
        "growing gradients": np.concatenate([np.zeros(zeros), (BETA2 / BETA1) ** np.arange(growing)]),
        "normal gradients": np.random.default_rng(0).standard_normal(normal),
    }
    longest = {}
    for name, gradients in sequences.items():
        path = along(optimizer, gradients, 0.0)
        longest[name] = float(np.abs(np.diff(path, prepend=0.0)).max())
    paper = max(1.0, (1 - BETA1) / np.sqrt(1 - BETA2))
    proven = (1 - BETA1) / np.sqrt((1 - BETA2) * (1 - BETA1**2 / BETA2))
    rows = [
        {"gradients": name, "longest step": value, "the paper's bound": paper, "the bound proven here": proven}
        for name, value in longest.items()
    ]
    came = {f"longest step, {name}": value for name, value in longest.items()}
    growing_step = longest["growing gradients"]
    return Outcome(came, Effect("longest step, in learning rates", growing_step, (growing_step, growing_step)), rows)
