"""All tests of this repository: what stays is not looked through for garbage, and what XLA compiled is let go."""

import gc

import pytest

from nnspec_conformance.compiled import let_go

SELDOM = (20_000, 10, 10)  # 20,000 objects instead of 700 before the youngest are looked through


def pytest_collection_finish() -> None:
    """Leave tests and suite out of every later collection: they stay, and are most of what there is."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Let go of programs before the next file, where there are many of them."""
    if nextitem and nextitem.path != item.path:
        let_go()
