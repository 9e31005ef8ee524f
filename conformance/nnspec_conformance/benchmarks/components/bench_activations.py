"""Activations under pytest-benchmark: ``pytest --benchmark-only`` with this file.

A slot of each peer is timed before each round of ours, so that all see the same state of the machine; the peers'
medians are in ``extra_info``.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pytest_benchmark")

from nnspec_conformance.benchmarks import core, machine
from nnspec_conformance.benchmarks.components.activations import workloads

WORKLOADS = list(workloads(quick=True))


@pytest.mark.parametrize("workload", WORKLOADS, ids=[f"{w.name}-{w.direction}-{w.size}" for w in WORKLOADS])
def test_activation(benchmark: Any, workload: core.Workload) -> None:
    """One operation, forward or with its gradient, beside its peers."""
    core.under_pytest(benchmark, workload, machine.find_device("cpu"))
