"""A.9.2: two numbers far apart in a sequence, to be added: who learns it, and in how many steps."""

from __future__ import annotations

from nnspec_conformance.experiments.architectures.adding import Learner, compared
from nnspec_conformance.experiments.core import Outcome, experiment

LEARNERS = {
    "GRU": Learner("GRU", 0.003, 1000),
    "Elman": Learner("Elman", 0.001, 3000),
}


@experiment(
    "adding-problem", short={"seeds": 1, "steps": 6, "units": 8, "batch": 32, "share": 0.1, "shown": ("Elman",)}
)
def adding_problem(
    *,
    seeds: int = 3,
    steps: int = 100,
    units: int = 64,
    batch: int = 64,
    share: float = 1.0,
    shown: tuple[str, ...] = tuple(LEARNERS),
) -> Outcome:
    """So many layers of each kind learn on fresh batches until they are done, or their updates are used up."""
    return compared({name: LEARNERS[name] for name in shown}, seeds, steps, units, batch, share)
