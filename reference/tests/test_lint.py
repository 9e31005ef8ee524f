"""The reference's own lint: what it is built from, and how it is documented.

Each rule is seen failing on a bad source.
"""

import ast
import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import nnspec

PACKAGE = Path(nnspec.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = ["nnspec", *(module.name for module in pkgutil.walk_packages(nnspec.__path__, "nnspec."))]
SPEC = PACKAGE.parents[1] / "spec"

# The library's own version of an operation is a subject and a peer, not a building block.
BANNED = ("jax.nn", "jax.scipy", "jax.example_libraries", "jax.lax.logistic", "flax.linen", "scipy", "torch", "keras")
# What holds parameters or joins transformations is not an operation.
ALLOWED = {
    "flax.nnx": {
        "List",
        "Module",
        "Param",
        "Variable",
        "BatchStat",
        "RngKey",
        "Rngs",
        "data",
        "jit",
        "split",
        "merge",
        "state",
    },
    "optax": {"GradientTransformation", "GradientTransformationExtraArgs", "Schedule", "ScalarOrSchedule", "Params"}
    | {"Updates", "OptState", "EmptyState", "chain", "apply_updates"},
}
RAISING_TYPES = {"Finite", "Fraction", "Literal", "NonNegative", "Positive", "Requirement"}
RAISING_TYPES |= {"ActivationName", "ElementwiseName"}  # these stand for a Literal
RAISING_CALLS = {"check_axis", "check_names", "check_table", "fitting"}


def borrowed(source: str) -> list[str]:
    """Every use of an operation the reference has to spell out."""
    tree = ast.parse(source)
    names = {}  # local name: what it stands for
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                names[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def path(node: ast.AST) -> str:
        if isinstance(node, ast.Attribute):
            return f"{path(node.value)}.{node.attr}"
        return names.get(node.id, "") if isinstance(node, ast.Name) else ""

    used = {path(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)} | set(names.values())
    used |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    bad = {name for name in used for ban in BANNED if f"{name}.".startswith(f"{ban}.")}
    for package, allowed in ALLOWED.items():
        inside = {name for name in used if name.startswith(f"{package}.")}
        bad |= {name for name in inside if name.removeprefix(f"{package}.").partition(".")[0] not in allowed}
    return sorted(bad)


def public_functions(source: str) -> Iterator[ast.FunctionDef]:
    """Functions of the module and of its public classes whose names have no underscore."""
    for node in ast.parse(source).body:
        members = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        yield from (one for one in members if isinstance(one, ast.FunctionDef) and not one.name.startswith("_"))


def undocumented(source: str) -> list[str]:
    """Every part of the docstring of a public function that is missing or out of order."""
    problems = []
    for function in public_functions(source):
        text = ast.get_docstring(function) or ""
        parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        parameters = [parameter for parameter in parameters if parameter.arg not in ("self", "cls")]
        words = {node.id for one in parameters for node in ast.walk(one) if isinstance(node, ast.Name)}
        body = [node for statement in function.body for node in ast.walk(statement)]
        called = {node.func.id for node in body if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        raises = words & RAISING_TYPES or called & RAISING_CALLS or any(isinstance(node, ast.Raise) for node in body)
        wanted = ["Args:"] * bool(parameters) + ["Returns:"] + ["Raises:"] * bool(raises) + ["Source:"]
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
    """Every public function of a topic without a link to a clause, and every link to a clause that does not exist."""
    problems = []
    for function in public_functions(source):
        links = re.findall(r"\[([\w.-]+)\]\[\]", ast.get_docstring(function) or "")
        problems += [f"{function.name}: no clause {link}" for link in links if link not in clauses]
        problems += [f"{function.name}: no link to a clause"] * (not links)
    return problems


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_operations_are_spelled_out(path):
    assert borrowed(path.read_text()) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_functions_are_documented(path):
    assert undocumented(path.read_text()) == []


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/**/[!_]*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_functions_of_a_topic_link_to_their_clauses(path):
    pages = "".join(page.read_text() for page in SPEC.rglob("*.md"))
    assert unlinked(path.read_text(), set(re.findall(r"^/// clause \| (\S+)", pages, re.MULTILINE))) == []


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_what_is_exported_exists(name):
    module = importlib.import_module(name)
    assert [export for export in getattr(module, "__all__", []) if not hasattr(module, export)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import jax\njax.nn.relu(x)", "jax.nn.relu"),
        ("from jax import nn as layers\nlayers.gelu(x)", "jax.nn.gelu"),
        ("from jax.nn import silu", "jax.nn.silu"),
        ("import jax.nn as n", "jax.nn"),
        ("from flax import nnx\nnnx.softmax(x)", "flax.nnx.softmax"),
        ("from flax import nnx\nclass Layer(nnx.Linear): pass", "flax.nnx.Linear"),
        ("import flax.linen as nn\nnn.gelu(x)", "flax.linen.gelu"),
        ("import optax\noptax.adam(1e-3)", "optax.adam"),
        ("import optax\noptax.losses.squared_error(a, b)", "optax.losses.squared_error"),
        ("import jax\njax.scipy.special.expit(x)", "jax.scipy.special.expit"),
        ("from jax import lax\nlax.logistic(x)", "jax.lax.logistic"),
    ],
)
def test_a_borrowed_operation_is_found(source, found):
    assert found in borrowed(source)


def test_parameters_and_transformations_are_not_borrowed():
    source = "import optax\nfrom flax import nnx\nclass A(nnx.Module): w: nnx.Param\noptax.chain(optax.Schedule)"

    assert borrowed(source) == []


GOOD = '''
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
        "class A:\n    def g(self): raise ValueError",
        "def f(x): raise ValueError",
    ],
)
def test_an_undocumented_function_is_found(source):
    assert undocumented(source) != []


def test_a_missing_or_dead_link_is_found():
    assert unlinked("def f(x):\n    '''No link.'''", {"f.value"}) == ["f: no link to a clause"]
    assert unlinked("def f(x):\n    '''See [f.old][].'''", {"f.value"}) == ["f: no clause f.old"]
