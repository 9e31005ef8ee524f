"""A.4.1: is ReLU cheap? Read from the committed benchmark of a CPU, so that it says the same wherever it is run."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.processes import impossible
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.experiments.core import Effect, Outcome, experiment
from nnspec_conformance.results import load_benchmarks

IN_CACHE, IN_MEMORY = 2**17, 2**24
COMPARED = ("sigmoid", "tanh")


@experiment("relu-cost", short={})
def relu_cost() -> Outcome:
    """Every function's time over that of ReLU, by size and process; nothing is timed here."""
    machine = committed_cpu(load_benchmarks())
    seconds = {
        (w["name"], w["size"]): np.array(w["nnspec"].get("runs") or [w["nnspec"]["seconds"]])
        for w in machine["workloads"]
        if w["set"] == "activations" and w["pass"] == "forward" and w["operations"]
    }
    sizes = sorted({size for _, size in seconds})
    complete = [name for name in dict.fromkeys(name for name, _ in seconds) if all((name, s) in seconds for s in sizes)]
    if lacking := {"relu", *COMPARED} - set(complete):
        raise HarnessError(f"relu-cost: {machine['machine']['name']} lacks times of {', '.join(sorted(lacking))}")
    names = [name for name in complete if name != "relu"]
    ratios = {name: {size: seconds[name, size] / seconds["relu", size] for size in sizes} for name in names}
    rows: list[dict[str, Any]] = [
        {"function": name} | {power(size): shown(of[size]) for size in sizes} for name, of in ratios.items()
    ]
    means = {size: geometric_mean([ratios[name][size] for name in COMPARED]) for size in sizes}  # [processes]
    came = {f"sigmoid and tanh / ReLU at {power(size)}": float(np.median(of)) for size, of in means.items()}
    cached = means[IN_CACHE]
    effect = Effect(
        "time of sigmoid and tanh / ReLU at 2^17 elements, geometric mean, median and range over processes",
        float(np.median(cached)),
        (float(cached.min()), float(cached.max())),
    )
    series = {"machine": machine["machine"]["name"], "sizes": sizes, "ratios": ratios, "means": means}
    return Outcome(came, effect, rows, series, note(machine))


def power(size: int) -> str:
    """1024 as 2^10."""
    return f"2^{int(np.log2(size))}"


def shown(ratios: np.ndarray) -> str:
    """The median over processes, and the least and the largest where there are several."""
    between = f" ({ratios.min():.2f} to {ratios.max():.2f})" if len(ratios) > 1 else ""
    return f"{np.median(ratios):.2f}{between}"


def note(machine: dict) -> str:
    """Under which conditions the times were taken, and what else decides them."""
    about = machine["machine"]
    loads = " to ".join(f"{load}" for load in about.get("load_average") or ["unknown"])
    processes = max(len(w["nnspec"].get("runs") or [0]) for w in machine["workloads"])
    wrong = impossible(w for w in machine["workloads"] if w["set"] == "activations" and w["pass"] == "forward")
    words = (
        f" These times cannot be right, as a smaller size takes longer: {'; '.join(wrong.values())}." if wrong else ""
    )
    return (
        f"Times of {machine['date']} on {about['processor']}, {about['cores']} cores, {processes} processes, load "
        f"average {loads}, priority {about.get('priority', 'normal')}. XLA splits the work between threads from 2^16 "
        f"elements on; ReLU pays for that as the others do. At 2^10 a call costs more than its work.{words}"
    )


def geometric_mean(values: list[np.ndarray]) -> np.ndarray:
    """The exponential of the mean logarithm, process by process."""
    return np.exp(np.mean(np.log(values), axis=0))


def committed_cpu(machines: dict[str, dict]) -> dict:
    """The benchmark of a CPU that has times of activation functions at both sizes.

    Raises:
        HarnessError: there is none.
    """
    for data in machines.values():
        sizes = {w["size"] for w in data["workloads"] if w["set"] == "activations"}
        if data["machine"]["device"] == "cpu" and {IN_CACHE, IN_MEMORY} <= sizes:
            return data
    raise HarnessError("relu-cost reads results/benchmarks/, which has no full CPU run; record one with: make bench")
