"""What the reference is built from: operations are spelled out, and the library's own version is not used.

That version is a subject and a peer. What is banned follows from where a library defines it and from what the reference
itself defines; a new topic adds nothing here.
"""

import ast
import importlib
import pkgutil
import types
from pathlib import Path

import pytest

import nnspec

PACKAGE = Path(nnspec.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

# Whole libraries of operations.
BANNED = ("jax.nn", "jax.scipy", "jax.example_libraries", "jax.lax.logistic", "flax.linen", "scipy", "torch", "keras")
# Where Flax NNX defines, or hands on, operations; the rest of it holds parameters and transforms programs.
OPERATIONS_OF_NNX = ("jax", "flax.linen", "flax.nnx.nn", "flax.nnx.training.ema", "flax.nnx.training.metrics")
# Where Optax defines its types and what joins transformations; the rest of it is operations.
JOINTS_OF_OPTAX = ("typing", "collections", "optax._src.base", "optax.transforms._combining", "optax.schedules._inject")

TOPICS = [module.name for module in pkgutil.walk_packages(nnspec.__path__, "nnspec.") if module.name.count(".") > 1]
EXPORTED = {name for topic in TOPICS for name in getattr(importlib.import_module(topic), "__all__", ())}
OPERATIONS = {name for name in EXPORTED if name.islower()}


def paths(source: str) -> set[str]:
    """Every dotted name in a source, with what its first part was imported as."""
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
    return used | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def below(name: str, *modules: str) -> bool:
    return f"{name}.".startswith(tuple(f"{module}." for module in modules))


def origin(package: str, name: str) -> str:
    """The module that defines what a package offers under a name."""
    found = getattr(importlib.import_module(package), name, None)
    return found.__name__ if isinstance(found, types.ModuleType) else getattr(found, "__module__", "")


def is_borrowed(path: str) -> bool:
    if below(path, *BANNED) or (below(path, "jax", "flax", "optax") and path.rpartition(".")[2] in OPERATIONS):
        return True
    if path.startswith("flax.nnx."):
        return below(origin("flax.nnx", path.split(".")[2]), *OPERATIONS_OF_NNX)
    if path.startswith("optax.") and path != "optax.apply_updates":
        return not below(origin("optax", path.split(".")[1]), *JOINTS_OF_OPTAX)
    return False


def borrowed(source: str) -> list[str]:
    """Every use of an operation the reference has to spell out."""
    return sorted(path for path in paths(source) if is_borrowed(path))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_operations_are_spelled_out(path):
    assert borrowed(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import jax\njax.nn.relu(x)", "jax.nn.relu"),
        ("from jax import nn as layers\nlayers.gelu(x)", "jax.nn.gelu"),
        ("from jax.nn import silu", "jax.nn.silu"),
        ("import jax.nn as n", "jax.nn"),
        ("from flax import nnx\nnnx.softmax(x)", "flax.nnx.softmax"),
        ("from flax import nnx\nclass Layer(nnx.Linear): pass", "flax.nnx.Linear"),
        ("from flax import nnx\nnnx.max_pool(x)", "flax.nnx.max_pool"),
        ("from flax import nnx\nnnx.initializers.he_normal()", "flax.nnx.initializers.he_normal"),
        ("import flax.linen as nn\nnn.gelu(x)", "flax.linen.gelu"),
        ("import optax\noptax.adam(1e-3)", "optax.adam"),
        ("import optax\noptax.losses.squared_error(a, b)", "optax.losses.squared_error"),
        ("import optax\noptax.clip_by_global_norm(1.0)", "optax.clip_by_global_norm"),
        ("import jax\njax.scipy.special.expit(x)", "jax.scipy.special.expit"),
        ("from jax import lax\nlax.logistic(x)", "jax.lax.logistic"),
        ("import jax.numpy as jnp\njnp.tanh(x)", "jax.numpy.tanh"),
        ("from jax import lax\nlax.tanh(x)", "jax.lax.tanh"),
    ],
)
def test_a_borrowed_operation_is_found(source, found):
    assert found in borrowed(source)


@pytest.mark.parametrize(
    "source",
    [
        "from flax import nnx\nclass A(nnx.Module): w: nnx.Param\nnnx.jit(nnx.grad(f))\nnnx.Optimizer(a, b)",
        "import optax\noptax.chain(optax.Schedule)\noptax.GradientTransformation(optax.EmptyState())",
        "import optax\noptax.inject_hyperparams(f)\noptax.apply_updates(p, u)",
        "import jax.numpy as jnp\njnp.exp(x) @ jnp.ones(3)",
    ],
)
def test_what_holds_parameters_or_joins_transformations_is_not_borrowed(source):
    assert borrowed(source) == []
