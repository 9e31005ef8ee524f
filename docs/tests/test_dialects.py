"""What one writes in a framework is the source of its adapter, read from a small tree of adapters."""

from __future__ import annotations

import pytest

from nnspec_site import dialects

STORE = """import functools
import os

import store

UNUSED = 1


@functools.cache
def _made(n):
    return store.make(n)


def relu(x):
    return _made(1)(x)


def other(x):
    return os.fspath(x)
"""


@pytest.fixture
def of(tmp_path):
    """The dialects of ``relu`` in a tree of adapters, by name."""

    def write(name: str, init: str, topic: str = "") -> None:
        (tmp_path / name / "components").mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text(init, encoding="utf-8")
        if topic:
            (tmp_path / name / "components" / "topic.py").write_text(topic, encoding="utf-8")

    write("store", "")
    (tmp_path / "store" / "components" / "topic.py").write_text(STORE, encoding="utf-8")
    write("reference", 'NAME = "reference"\n', "import nnspec\n\nrelu = nnspec.relu\n")
    write("on_a", 'NAME = "on_a"\nTOPICS = ("store",)\n')
    write("on_b", 'NAME = "on_b"\nTOPICS = ("store",)\n', "from b import jit, no\n\nrelu = jit(1)\n")
    write("without", 'NAME = "without"\n')
    write("numpy_oracle", 'NAME = "numpy_oracle"\n', "relu = 1\n")
    names = ["numpy_oracle", "on_a", "on_b", "reference", "without"]
    return {found.name: found for found in dialects.of("relu", "components/topic", tmp_path, names)}


def test_adapters_on_one_store_are_one_framework_and_the_reference_is_last(of):
    assert [(name, found.subjects) for name, found in of.items()] == [
        ("store", ("on_a", "on_b")),
        ("without", ("without",)),
        ("reference", ("reference",)),
    ]


def test_source_has_the_imports_and_helpers_that_the_operation_uses_and_no_others(of):
    assert of["store"].listings[0] == (
        "",
        "import functools\nimport store\n\n@functools.cache\ndef _made(n):\n    return store.make(n)\n\n"
        "def relu(x):\n    return _made(1)(x)",
    )


def test_an_adapter_that_differs_from_its_store_is_shown_apart(of):
    assert of["store"].listings[1:] == (("on_b", "from b import jit\n\nrelu = jit(1)"),)


def test_a_framework_without_the_operation_has_no_listing(of):
    assert of["without"].listings == ()
