"""Layers under pytest-benchmark: ``pytest --benchmark-only`` with this file."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pytest_benchmark")

from nnspec_conformance.benchmarks import core, machine
from nnspec_conformance.benchmarks.components.layers import workloads

WORKLOADS = list(workloads(quick=True))


@pytest.mark.parametrize("workload", WORKLOADS, ids=[f"{w.name}-{w.direction}-{w.size}" for w in WORKLOADS])
def test_layer(benchmark: Any, workload: core.Workload) -> None:
    """A dense layer or a training step, beside its peers."""
    core.under_pytest(benchmark, workload, machine.find_device("cpu"))
