"""How the reference is documented and exported.

Each rule is seen failing on a bad source.
"""

import ast
import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_origin

import pytest

import nnspec

PACKAGE = Path(nnspec.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = ["nnspec", *(module.name for module in pkgutil.walk_packages(nnspec.__path__, "nnspec."))]
TOPICS = [name for name in MODULES if name.count(".") > 1 and not name.rsplit(".", 1)[1].startswith("_")]
ALL = {name: getattr(importlib.import_module(name), "__all__", []) for name in TOPICS}
SPEC = PACKAGE.parents[1] / "spec"

# A name that stands for choices or a range: what takes one of them raises.
RAISING_TYPES = {"Literal"} | {
    name
    for module in MODULES
    for name, value in vars(importlib.import_module(module)).items()
    if get_origin(value) in (Literal, Annotated)
}


def calls(node: ast.AST) -> set[str]:
    """The last part of every name that is called in a piece of code."""
    called = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    return {ast.unparse(function).rpartition(".")[2] for function in called}


def raising(sources: list[str]) -> set[str]:
    """The functions that raise, or call one that does."""
    functions = [
        node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)
    ]
    found = {one.name for one in functions if any(isinstance(node, ast.Raise) for node in ast.walk(one))}
    while new := {one.name for one in functions if calls(one) & found} - found:
        found |= new
    return found


RAISING_CALLS = raising([path.read_text() for path in SOURCES])


def exported(source: str) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """The functions that a module exports, and the public methods of its classes; whether it is a method."""
    body = ast.parse(source).body
    lists = [node.value for node in body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    names = {name for value in lists for name in ast.literal_eval(value)}
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            yield node, False
        elif isinstance(node, ast.ClassDef) and node.name in names:
            methods = [member for member in node.body if isinstance(member, ast.FunctionDef)]
            yield from ((method, True) for method in methods if not method.name.startswith("_"))


def undocumented(source: str) -> list[str]:
    """Every part of the docstring of an exported function that is missing or out of order."""
    problems = []
    for function, is_method in exported(source):
        text = ast.get_docstring(function) or ""
        parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        parameters = [parameter for parameter in parameters if parameter.arg not in ("self", "cls")]
        words = {node.id for one in parameters for node in ast.walk(one) if isinstance(node, ast.Name)}
        body = [node for statement in function.body for node in ast.walk(statement)]
        called = set().union(*map(calls, function.body))
        raises = words & RAISING_TYPES or called & RAISING_CALLS or any(isinstance(node, ast.Raise) for node in body)
        returns = function.returns is None or ast.unparse(function.returns) != "None"
        wanted = {"Args:": parameters, "Returns:": returns, "Raises:": raises, "Source:": not is_method}
        wanted = [section for section, holds in wanted.items() if holds]
        found = re.findall(r"^(Args:|Returns:|Raises:|Source:)", text, re.MULTILINE)
        if found != wanted:
            problems.append(f"{function.name}: sections are {found}, expected {wanted}")
        problems += [
            f"{function.name}: {parameter.arg} is not under Args"
            for parameter in parameters
            if not re.search(rf"^    {parameter.arg}: \S", text, re.MULTILINE)
        ]
    return problems


def unlinked(source: str, clauses: set[str]) -> list[str]:
    """Every exported function without a link to a clause, and every link to a clause that does not exist."""
    problems = []
    for function, is_method in exported(source):
        links = re.findall(r"\[([\w.-]+)\]\[\]", ast.get_docstring(function) or "")
        problems += [f"{function.name}: no clause {link}" for link in links if link not in clauses]
        problems += [f"{function.name}: no link to a clause"] * (not links and not is_method)
    return problems


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/**/[!_]*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_exported_functions_of_a_topic_are_documented(path):
    assert undocumented(path.read_text()) == []


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/**/[!_]*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_functions_of_a_topic_link_to_their_clauses(path):
    pages = "".join(page.read_text() for page in SPEC.rglob("*.md"))
    assert unlinked(path.read_text(), set(re.findall(r"^/// (?:clause|statement) \| (\S+)", pages, re.MULTILINE))) == []


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_exports_every_public_function(name):
    module = importlib.import_module(name)
    functions = {
        key for key, value in vars(module).items() if key.islower() and getattr(value, "__module__", "") == name
    }
    assert {function for function in functions if not function.startswith("_")} <= set(ALL[name])


def test_the_package_exports_what_every_topic_exports():
    exports = [(export, getattr(importlib.import_module(name), export)) for name in TOPICS for export in ALL[name]]
    assert [name for name, value in exports if getattr(nnspec, name, None) is not value] == []
    assert len(exports) == len(dict(exports)), "two topics export one name"


GOOD = '''
__all__ = ["f"]

def f(x, *, a: Positive):
    """Do.

    Args:
        x: input.
        a: scale.

    Returns:
        Output.

    Raises:
        ValueError: a is not positive.

    Source: here.
    """
'''


def test_a_documented_function_passes():
    assert undocumented(GOOD) == []


@pytest.mark.parametrize(
    ("removed", "problem"),
    [
        ("    Source: here.\n", "expected ['Args:', 'Returns:', 'Raises:', 'Source:']"),
        ("    Returns:\n        Output.\n", "expected ['Args:', 'Returns:', 'Raises:', 'Source:']"),
        (
            "    Raises:\n        ValueError: a is not positive.\n",
            "expected ['Args:', 'Returns:', 'Raises:', 'Source:']",
        ),
        ("        a: scale.\n", "f: a is not under Args"),
    ],
)
def test_a_missing_part_of_a_docstring_is_found(removed, problem):
    assert problem in " ".join(undocumented(GOOD.replace(removed, "")))


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    '''Do.'''",
        "def f(x): ...",
        "def f(): raise ValueError",
        "class f:\n    def g(self): raise ValueError",
        "class f:\n    def g(self) -> None: tables.check(self)",
    ],
)
def test_an_undocumented_function_is_found(source):
    assert undocumented(f"__all__ = ['f']\n{source}") != []


@pytest.mark.parametrize("source", ["def g(x): raise ValueError", "class f:\n    def g(self) -> None: self.x = 1"])
def test_a_helper_and_a_plain_method_need_no_sections(source):
    assert undocumented(f"__all__ = ['f']\n{source}") == []


def test_a_missing_or_dead_link_is_found():
    f = "__all__ = ['f']\ndef f(x):"
    assert unlinked(f"{f}\n    '''No link.'''", {"f.value"}) == ["f: no link to a clause"]
    assert unlinked(f"{f}\n    '''See [f.old][].'''", {"f.value"}) == ["f: no clause f.old"]
