"""Every workload under pytest-benchmark: ``pytest --benchmark-only``; one operation: ``-k relu``.

A slot of each peer is timed before each round of ours, so that all see the same state of the machine; the peers'
medians are in ``extra_info``.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pytest_benchmark")

from nnspec_conformance.benchmarks import core, machine, sets

WORKLOADS = sets.select(None, quick=True)


@pytest.mark.parametrize("workload", WORKLOADS, ids=[f"{w.set}-{w.name}-{w.direction}-{w.size}" for w in WORKLOADS])
def test_workload(benchmark: Any, workload: core.Workload) -> None:
    """One operation beside its peers."""
    core.under_pytest(benchmark, workload, machine.find_device("cpu"))
