"""A.9.3: two numbers far apart in a sequence, to be added, by an LSTM and by Elman layers that start in two ways."""

from __future__ import annotations

from nnspec_conformance.experiments.architectures.adding import Learner, compared
from nnspec_conformance.experiments.core import Outcome, experiment

LEARNERS = {
    "LSTM": Learner("LSTM", 0.003, 2000),
    "Elman, identity": Learner("Elman", 0.0003, 4000, "relu", identity=True),
    "Elman": Learner("Elman", 0.001, 8000),
}


@experiment(
    "adding-problem-lstm", short={"seeds": 1, "steps": 6, "units": 8, "batch": 32, "share": 0.1, "shown": ("LSTM",)}
)
def adding_problem_lstm(
    *,
    seeds: int = 5,
    steps: int = 100,
    units: int = 64,
    batch: int = 64,
    share: float = 1.0,
    shown: tuple[str, ...] = tuple(LEARNERS),
) -> Outcome:
    """So many layers of each kind learn on fresh batches until they are done, or their updates are used up."""
    return compared({name: LEARNERS[name] for name in shown}, seeds, steps, units, batch, share)
