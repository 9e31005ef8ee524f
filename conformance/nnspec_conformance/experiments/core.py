"""What an experiment is: a function from a number of seeds to a finding, registered under the id of its block.

Hypothesis, measure and prediction stand in the block on the spec page, and are written before the first run.
"""

from __future__ import annotations

import datetime
import importlib
import math
import pkgutil
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from nnspec_conformance.clauses import Experiment, Spec
from nnspec_conformance.errors import HarnessError

OUTCOMES = ("holds", "does not hold", "holds when")
SCHEMA = "nnspec-experiment/1"


@dataclass(frozen=True)
class Effect:
    """The one number an experiment is about, with its interval over the seeds."""

    name: str
    value: float
    interval: tuple[float, float]
    unit: str = ""


@dataclass(frozen=True)
class Finding:
    """What came.

    Attributes:
        outcome: one of ``OUTCOMES``.
        effect: the effect size.
        rows: a small table for the page; every row has the same keys.
        when: for ``holds when``, the condition in a few words.
        series: numbers that figures draw.
        note: why it came otherwise than predicted, where it did, and what else a reader must know.
    """

    outcome: str
    effect: Effect
    rows: list[dict[str, Any]]
    when: str | None = None
    series: dict[str, Any] = field(default_factory=dict)
    note: str | None = None

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome '{self.outcome}' is none of {OUTCOMES}")
        if (self.outcome == "holds when") != (self.when is not None):
            raise ValueError(f"outcome '{self.outcome}' with when={self.when!r}; only 'holds when' has a condition")


@dataclass(frozen=True)
class Registered:
    """An experiment's function and how many seeds its short form has."""

    id: str
    run: Callable[[int], Finding]
    short_seeds: int


EXPERIMENTS: dict[str, Registered] = {}


def experiment(id: str, *, short_seeds: int) -> Callable[[Callable[[int], Finding]], Callable[[int], Finding]]:
    """Register ``function(seeds) -> Finding`` as the experiment ``id``.

    Args:
        id: that of its block on the spec page, which also says how many seeds the full form has.
        short_seeds: how many the short form has, which CI runs.
    """

    def register(function: Callable[[int], Finding]) -> Callable[[int], Finding]:
        if id in EXPERIMENTS and EXPERIMENTS[id].run.__module__ != function.__module__:
            raise ValueError(f"experiment {id} is registered twice; ids are unique")
        EXPERIMENTS[id] = Registered(id, function, short_seeds)
        return function

    return register


def discover() -> dict[str, Registered]:
    """Import every module of this package, so that each registers its experiments. JAX is not imported by that."""
    from nnspec_conformance import experiments

    for module in pkgutil.walk_packages(experiments.__path__, experiments.__name__ + "."):
        importlib.import_module(module.name)
    return EXPERIMENTS


def block(spec: Spec, id: str) -> Experiment:
    """The experiment's block on its page.

    Raises:
        HarnessError: no page has one.
    """
    if id not in spec.experiments:
        raise HarnessError(f"experiment {id} has no '/// experiment | {id}' block below {spec.root}; write one first")
    return spec.experiments[id]


def run(registered: Registered, text: Experiment, *, slow: bool) -> dict[str, Any]:
    """Run one experiment and return its result as JSON-ready data.

    Args:
        registered: the experiment.
        text: its block.
        slow: the full form, with the seeds of the block; else the short form.
    """
    seeds = text.seeds if slow and text.seeds else registered.short_seeds
    start = time.perf_counter()
    finding = registered.run(seeds)
    result = {
        "schema": SCHEMA,
        "id": text.id,
        "page": text.page,
        "kind": text.kind,
        "form": "full" if slow else "short",
        "text_hash": text.text_hash,
        "hypothesis": text.text,
        "predicted": text.predicted,
        "measure": text.measure,
        "outcome": finding.outcome,
        "when": finding.when,
        "note": finding.note,
        "effect": {
            "name": finding.effect.name,
            "value": finding.effect.value,
            "interval": list(finding.effect.interval),
            "unit": finding.effect.unit,
        },
        "seeds": seeds if text.seeds else None,
        "rows": finding.rows,
        "series": finding.series,
        "seconds": round(time.perf_counter() - start, 2),
        "versions": versions(),
        "date": datetime.date.today().isoformat(),
    }
    return plain(result)


def versions() -> dict[str, str]:
    """Python's and those of the packages that took part."""
    found = {"python": platform.python_version()}
    for name in ("nnspec", "numpy", "scipy", "jax", "optax"):
        if name in sys.modules or name == "nnspec":
            found[name] = metadata.version(name)
    if "sklearn" in sys.modules:
        found["scikit-learn"] = metadata.version("scikit-learn")
    return found


def plain(value: Any) -> Any:
    """As JSON can hold it: built-in types, six significant digits, numbers that are not finite as strings."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else str(value)
    return value
