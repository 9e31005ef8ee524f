"""All tests of this repository: between two files, what XLA compiled is let go where there is much of it."""

import pytest

from nnspec_conformance.compiled import let_go


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Let go of programs before the next file."""
    if nextitem and nextitem.path != item.path:
        let_go()
