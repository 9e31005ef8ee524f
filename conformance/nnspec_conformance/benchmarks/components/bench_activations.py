"""Activations under pytest-benchmark: ``pytest --benchmark-only`` with this file.

A slot of each peer is timed before each round of ours, so that all see the same state of the machine; the peers'
medians are in ``extra_info``.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

pytest.importorskip("pytest_benchmark")

from nnspec_conformance.benchmarks import core, machine
from nnspec_conformance.benchmarks.components.activations import workloads

WORKLOADS = list(workloads(quick=True))


@pytest.mark.parametrize("workload", WORKLOADS, ids=[f"{w.name}-{w.direction}-{w.size}" for w in WORKLOADS])
def test_activation(benchmark: Any, workload: core.Workload) -> None:
    """One operation, forward or with its gradient, beside its peers."""
    programs = workload.build(machine.find_device("cpu"))
    ours = programs.pop("nnspec")
    peers: dict[str, list[float]] = {name: [] for name in programs}

    def time_peers() -> None:
        for name, program in programs.items():
            time.sleep(core.GAP)
            program.call()
            start = time.perf_counter()
            program.call()
            peers[name].append(time.perf_counter() - start)
        time.sleep(core.GAP)
        ours.call()

    benchmark.pedantic(ours.call, setup=time_peers, rounds=7)
    benchmark.extra_info |= {
        "operations": workload.operations,
        "least_bytes": workload.least_bytes,
        "compile_seconds": ours.compile_seconds,
        "peak_bytes": ours.peak_bytes,
        "peers": {name: statistics.median(values) for name, values in peers.items()},
    }
