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
    means = {size: geometric_mean([ratios[name][sizes.index(size)] for name in COMPARED]) for size in sizes}
    outcome, when = judge(means[IN_CACHE], means[IN_MEMORY])
    between = [ratios[name][sizes.index(IN_CACHE)] for name in COMPARED]
    effect = Effect(
        "time of sigmoid and tanh / ReLU at 2^17 elements, geometric mean; the interval is from one to the other",
        means[IN_CACHE],
        (min(between), max(between)),
    )
    series = {"machine": machine["machine"]["name"], "sizes": sizes, "ratios": ratios, "means": list(means.values())}
    return Finding(outcome, effect, rows, when, series, note(means))


def judge(cached: float, streamed: float) -> tuple[str, str | None]:
    """Cheaper: by at least a quarter, which is more than the noise of a shared machine."""
    if cached < 1.25:
        return "does not hold", None
    if streamed < 1.25:
        return "holds when", "the data fit the caches; from main memory the traffic decides and little is left of it"
    return "holds", None


def note(means: dict[int, float]) -> str:
    """The mean at every size beside the prediction."""
    listed = ", ".join(f"{mean:.2f} at 2^{int(np.log2(size))}" for size, mean in means.items())
    return (
        f"Geometric means of sigmoid and tanh: {listed}. Where it is far from the prediction: XLA splits the work "
        "between threads from 2^16 elements on; ReLU pays for that as the others do, and at 2^17 it is most of its "
        "time. At 2^14, on one thread and from the nearest caches, the arithmetic shows in full; at 2^10 a call costs "
        "more than its work."
    )


def geometric_mean(values: list[float]) -> float:
    """The exponential of the mean logarithm."""
    return float(np.exp(np.mean(np.log(values))))


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
