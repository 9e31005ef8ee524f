"""Listings: the source of a function, laid out for a narrow column."""

from __future__ import annotations

import ast

import pytest

from nnspec_site import listing
from nnspec_site.errors import SiteError

SOURCE = '''"""Module."""

CONSTANT = 1


@decorated
def wide(x: Float[Array, "*batch features"], scale: Float[Array, "features"], *, form: Literal["a", "b"] = "a") -> F:
    """Docstring.

    More of it.
    """
    y = x * scale  # a comment that would stick out of the column beside the equation
    return y


class Layer:
    """A class."""

    def apply(self, x):
        """Docstring."""
        return x  # short
'''


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "mod.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_signature_gets_a_line_for_each_argument_and_comments_stand_above(sources):
    assert listing.find("pkg.mod.wide", sources).splitlines() == [
        "@decorated",
        "def wide(",
        '    x: Float[Array, "*batch features"],',
        '    scale: Float[Array, "features"],',
        "    *,",
        '    form: Literal["a", "b"] = "a",',
        ") -> F:",
        "    # a comment that would stick out of the column beside",
        "    # the equation",
        "    y = x * scale",
        "    return y",
    ]


def test_only_the_layout_changes(sources):
    shown = ast.parse(listing.find("pkg.mod.wide", sources)).body[0]
    original = ast.parse(SOURCE).body[2]
    assert isinstance(original, ast.FunctionDef)
    del original.body[0]
    assert ast.dump(shown) == ast.dump(original)


def test_a_method_is_dedented(sources):
    assert listing.find("pkg.mod.Layer.apply", sources) == "def apply(self, x):\n    return x  # short"


def test_private_functions_that_it_rests_on_are_found_through_each_other(tmp_path):
    functions = ["def f(x):\n    return _a(x)", "def _c(x):\n    return x", "def _b(x):\n    return x"]
    code = "\n\n\n".join([*functions, "def _a(x):\n    return _b(x)"])
    (tmp_path / "mod.py").write_text(code, encoding="utf-8")
    assert list(listing.helpers("mod.f", tmp_path)) == ["_b", "_a"]


def test_functions_of_a_private_module_that_it_rests_on_are_found(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/_shared.py").write_text("def near(x): ...\n\ndef mean(x): return near(x)\n\ndef other(x): ...\n")
    (tmp_path / "pkg/mod.py").write_text("from pkg._shared import mean, other\n\ndef f(x): return mean(x)\n")
    assert list(listing.helpers("pkg.mod.f", tmp_path)) == ["near", "mean"]


def test_elementary_functions_that_it_rests_on_are_found_through_their_import(tmp_path):
    formulas = ["def wide(f):\n    return f", "def near(x):\n    return x", "def sigmoid(x):\n    return near(x)"]
    topic = [
        "from pkg import elementary\nfrom pkg.elementary import wide",
        "@wide\ndef f(x):\n    return _a(x)",
        "def _a(x):\n    return elementary.sigmoid(x)",
        "def near(x):\n    return x",
        "def g(x):\n    return near(x)",
    ]
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "elementary.py").write_text("\n\n\n".join(formulas), encoding="utf-8")
    (tmp_path / "pkg" / "mod.py").write_text("\n\n\n".join(topic), encoding="utf-8")

    assert list(listing.helpers("pkg.mod.f", tmp_path)) == ["_a", "wide", "near", "sigmoid"]
    assert list(listing.helpers("pkg.mod.g", tmp_path)) == []  # its own near, not the elementary one


@pytest.mark.parametrize(
    ("name", "message"),
    [("pkg.mod.gone", r"mod\.py defines no 'gone'"), ("other.mod.f", "no module of that name")],
)
def test_a_name_that_is_not_there(sources, name, message):
    with pytest.raises(SiteError, match=message):
        listing.find(name, sources)


PROGRAMS = '''"""Module."""


def rate(steps, *, initial):
    """Docstring."""
    check(initial)
    return _rate(steps, initial)


@partial(jax.jit, static_argnames="initial")
def _rate(steps, initial):
    return _scaled(initial, steps)


@jax.jit
def _another(steps):
    return steps


def _scaled(x, y):
    return x * y
'''


def test_the_compiled_program_that_a_function_calls_is_told_from_what_it_rests_on(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "mod.py").write_text(PROGRAMS, encoding="utf-8")
    assert listing.compiled("pkg.mod.rate", tmp_path) == ["_rate"]
    assert list(listing.helpers("pkg.mod.rate", tmp_path)) == ["_rate", "_scaled"]
    assert listing.compiled("pkg.mod._rate", tmp_path) == []


def test_the_line_of_the_equation_of_a_rate_is_in_its_program():
    assert listing.compiled("nnspec.training.schedules.decay.exponential_decay") == ["_exponential"]
