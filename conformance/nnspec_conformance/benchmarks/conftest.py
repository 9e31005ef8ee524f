"""Benchmarks are collected only where they were asked for: ``pytest --benchmark-only``, or the file by its name."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave ``bench.py`` out of an ordinary run."""
    if collection_path.name != "bench.py":
        return None
    named = any(Path(argument.split("::")[0]).name == collection_path.name for argument in config.args)
    asked = config.getoption("benchmark_only", default=False)
    return None if asked or named else True
