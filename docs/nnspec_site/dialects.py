"""What one writes in each framework for an operation: the source of the suite's own adapters, which the suite runs.

The files are read, never imported: the site is built without the frameworks.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from nnspec_conformance.loading import ROLES, built_in
from nnspec_site.assets import ROOT
from nnspec_site.listing import tree

ADAPTERS = ROOT / "conformance" / "nnspec_conformance" / "adapters"


@dataclass(frozen=True)
class Dialect:
    """What one framework writes.

    Attributes:
        name: the framework, or what several adapters of it share: ``torch``, ``keras``.
        subjects: the adapters, as results name them.
        listings: who writes so, empty for all of them, and the source.
    """

    name: str
    subjects: tuple[str, ...]
    listings: tuple[tuple[str, str], ...]


def of(operation: str, page: str, adapters: Path = ADAPTERS, names: list[str] | None = None) -> list[Dialect]:
    """Every framework, with its source of an operation that ``page`` declares; without listings where it has none.

    Adapters that take the operation from one store are one framework. The reference comes last; the oracle, which is
    nobody's framework, is left out.
    """
    stores: dict[str, str] = {}
    for name in built_in() if names is None else names:
        if ROLES.get(name, "framework") != "oracle":
            shared = [
                store for store in topics(adapters / name / "__init__.py") if _has(adapters, store, page, operation)
            ]
            stores[name] = shared[0] if shared else name
    dialects = []
    for store in sorted(dict.fromkeys(stores.values()), key=lambda store: store == "reference"):
        subjects = tuple(name for name in stores if stores[name] == store)
        own = [name for name in subjects if name != store]
        listings = [("", source(adapters / f"{store}/{page}.py", operation))]
        listings += [(name, source(adapters / f"{name}/{page}.py", operation)) for name in own]
        dialects.append(Dialect(store, subjects, tuple((who, text) for who, text in listings if text)))
    return dialects


def _has(adapters: Path, name: str, page: str, operation: str) -> bool:
    return bool(source(adapters / name / f"{page}.py", operation))


def source(path: Path, operation: str) -> str:
    """The operation's definition with the imports and private helpers it uses; empty where there is none."""
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8")
    body = tree(text).body
    defined = {name: node for node in body for name in _defines(node)}
    if operation not in defined:
        return ""
    reached: set[str] = set()
    queue = {operation}
    while queue:
        name = queue.pop()
        reached.add(name)
        queue |= _names(defined[name]) & defined.keys() - reached
    used = set().union(*(_names(defined[name]) for name in reached))
    imports = [kept for node in body if (kept := _import(node, used))]
    parts = [_text(text, node) for node in body if reached & _defines(node)]
    return "\n".join([*imports, *([""] if imports else []), "\n\n".join(parts)]).strip("\n")


def _text(text: str, node: ast.stmt) -> str:
    """The lines of a definition, its decorators included."""
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    lines = text.splitlines()[first - 1 : node.end_lineno]
    return "\n".join(line.removesuffix("  # fmt: skip") for line in lines)  # a word to the formatter, not to a reader


def topics(init: Path) -> tuple[str, ...]:
    """The packages whose topics an adapter takes."""
    for node in tree(init.read_text(encoding="utf-8")).body:
        if "TOPICS" in _defines(node) and isinstance(node, ast.Assign):
            return tuple(ast.literal_eval(node.value))
    return ()


def _defines(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _import(node: ast.stmt, used: set[str]) -> str:
    """The import with only the names that are used; empty where none is."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return ""
    kept = [alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) in used]
    if not kept:
        return ""
    if isinstance(node, ast.ImportFrom):
        return ast.unparse(ast.ImportFrom(node.module, kept, node.level))
    return ast.unparse(ast.Import(kept))
