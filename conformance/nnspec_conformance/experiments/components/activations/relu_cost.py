"""A.4.1: is ReLU cheap? Read from the committed benchmark of a CPU, so that it says the same wherever it is run."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.errors import HarnessError
from nnspec_conformance.experiments.core import Effect, Finding, experiment
from nnspec_conformance.results import load_benchmarks

IN_CACHE, IN_MEMORY = 2**17, 2**24
COMPARED = ("sigmoid", "tanh")


@experiment("relu-cost", short_seeds=1)
def relu_cost(seeds: int) -> Finding:
    """Every function's time over that of ReLU, by size; nothing is timed here, so ``seeds`` has no use."""
    machine = committed_cpu(load_benchmarks())
    seconds = {
        (w["name"], w["size"]): w["nnspec"]["seconds"]
        for w in machine["workloads"]
        if w["set"] == "activations" and w["pass"] == "forward"
    }
    sizes = sorted({size for _, size in seconds})
    names = [name for name in dict.fromkeys(name for name, _ in seconds) if name not in ("identity", "relu")]
    ratios = {name: [seconds[name, size] / seconds["relu", size] for size in sizes] for name in names}
    rows: list[dict[str, Any]] = [
        {"function": name} | {f"2^{int(np.log2(size))}": r for size, r in zip(sizes, ratios[name], strict=True)}
        for name in names
    ]
    cached, streamed = ([ratios[name][sizes.index(size)] for name in COMPARED] for size in (IN_CACHE, IN_MEMORY))
    outcome, when = judge(cached, streamed)
    effect = Effect(
        "time of sigmoid and tanh / ReLU at 2^17 elements, geometric mean; the interval is the two",
        float(np.exp(np.mean(np.log(cached)))),
        (min(cached), max(cached)),
    )
    series = {"machine": machine["machine"]["name"], "sizes": sizes, "ratios": ratios}
    return Finding(outcome, effect, rows, when, series)


def judge(cached: list[float], streamed: list[float]) -> tuple[str, str | None]:
    """Cheaper: by at least a quarter, which is more than the noise of a shared machine."""
    if min(cached) < 1.25:
        return "does not hold", None
    if max(streamed) < 1.25:
        return "holds when", "the data fit the caches; from main memory the traffic decides and all cost the same"
    return "holds", None


def committed_cpu(machines: dict[str, dict]) -> dict:
    """The benchmark of a CPU with both sizes.

    Raises:
        HarnessError: there is none.
    """
    for data in machines.values():
        sizes = {w["size"] for w in data["workloads"]}
        if data["machine"]["device"] == "cpu" and {IN_CACHE, IN_MEMORY} <= sizes:
            return data
    raise HarnessError("relu-cost reads results/benchmarks/, which has no full CPU run; record one with: make bench")
