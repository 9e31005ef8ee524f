"""What the results of a topic depend on, as one hash: its clauses, suite, oracle, mutants and adapter, and the core.

Python files count with everything that they import of this project, so that nothing has to be listed by hand. Of a page
counts what is asked, its clauses and operations; the lesson around them changes no result, nor does a docstring.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from nnspec_conformance.suite_loader import Suite

HERE = Path(__file__).resolve().parent
PROJECT = ("nnspec_conformance", "nnspec")
CORE = ("alone.py", "engine.py", "loading.py")
ASKED = ("clause", "operation")  # blocks of a page
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
INNER = ("body", "handlers", "orelse", "finalbody", "cases")  # fields of a statement that hold statements


def topic_hash(suite: Suite, page: str, adapter: Any = None) -> str:
    """The hash of all that a subject's results on one page depend on.

    Args:
        suite: tests and specification.
        page: for instance ``components/layers``.
        adapter: the subject's; a built-in one counts with what it has for this page, another with its own file.
    """
    sources = [HERE / name for name in CORE] + _test_files(suite, page) + _adapter_files(adapter, page)
    return _hash(closure(sources), _asked(suite, page))


def kills_hash(suite: Suite, page: str) -> str:
    """The hash of all that the kill table of one page depends on."""
    from nnspec_conformance.mutant import ORACLE

    instances = {name for name in suite.instances if suite.page_of(name) == page}
    catching = [m for m in suite.mutant_modules if any(instances & {*mutant.catches} for mutant in m.MUTANTS)]
    sources = [HERE / "engine.py", HERE / "mutation.py", *(Path(m.__file__ or "") for m in catching)]
    sources += _test_files(suite, page) + _adapter_files(ORACLE, page)
    return _hash(closure(sources), _asked(suite, page))


def _test_files(suite: Suite, page: str) -> list[Path]:
    """The modules of the tests that prove the page's clauses and duties, and the page's oracle."""
    clauses = {clause.id for name, (clause, _) in suite.instances.items() if suite.page_of(name) == page}
    modules = {test.function.__module__ for clause in clauses for test in suite.tests.get(clause, [])}
    oracle = HERE / "oracles" / f"{page}.py"
    files = [oracle] if oracle.is_file() else sorted(oracle.with_suffix("").rglob("*.py"))
    return files + [Path(sys.modules[name].__file__ or "") for name in modules if name in sys.modules]


def _asked(suite: Suite, page: str) -> list[str]:
    """Clauses and operations of the page, of that of the duties, and of those whose clauses govern its operations."""
    asked = [suite.instances[name] for name in suite.instances if suite.page_of(name) == page]
    governing = {clause.page for _, operation in asked for clause in suite.spec.governing(operation)}
    pages = {suite.spec.pages[name].path for name in {page} | governing | {clause.page for clause, _ in asked}}
    blocks = [block for block in suite.spec.blocks if block.path in pages and block.name in ASKED]
    return [repr((block.name, block.argument, block.options, block.text)) for block in blocks]


def _adapter_files(adapter: Any, page: str) -> list[Path]:
    """A built-in adapter's modules without those of other pages, or the own file of another adapter."""
    own = getattr(adapter, "__file__", None)
    if own is None:
        return []
    path, built_in = Path(own).resolve(), HERE / "adapters"
    if built_in not in path.parents:
        return [path]
    found: list[Path] = []
    for folder in [path.parent, *(built_in / name for name in getattr(adapter, "TOPICS", ()))]:
        for file in folder.rglob("*.py"):
            topic = file.relative_to(folder).with_suffix("").as_posix()
            if "/" not in topic or topic == page or topic.startswith(f"{page}/") or topic.endswith("__init__"):
                found.append(file)
    return found


def _hash(files: Iterable[Path], texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: (path.name, str(path))):
        code = without_docstrings(path.read_bytes())
        if code.strip():  # a folder that becomes a package changes no result
            digest.update(path.name.encode() + b"\0" + code + b"\0")
    for text in sorted(texts):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


@cache  # a file counts for many topics
def without_docstrings(source: bytes) -> bytes:
    """What a Python file says to the interpreter; comments stay, since some of them are read by tools."""
    lines = source.splitlines(keepends=True)
    for node in _statements(source):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            first, last = text.lineno - 1, text.end_lineno or text.lineno
            before, behind = lines[first][: text.col_offset], lines[last - 1][text.end_col_offset :]
            lines[first:last] = [before + behind] + [b""] * (last - first - 1)
    return b"".join(lines)


def _statements(source: bytes) -> Iterator[ast.AST]:
    """A module and its statements, inner ones too: expressions, most of a tree, hold neither docstring nor import."""
    waiting: list[ast.AST] = [ast.parse(source)]
    for node in waiting:
        yield node
        for name in INNER:
            waiting += getattr(node, name, ())


def closure(sources: Iterable[Path]) -> set[Path]:
    """The files and all that they import of this project, directly or not."""
    found: set[Path] = set()
    waiting = [path.resolve() for path in sources]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path, path.stat().st_mtime_ns)
    return found


@cache
def _imported(path: Path, _: int) -> tuple[Path, ...]:
    """The project's files that a file imports, in whatever place."""
    names: set[str] = set()
    for node in _statements(path.read_bytes()):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return tuple(file for name in names if (file := _file(name)))


@cache
def _file(name: str) -> Path | None:
    """The file of a module of this project, or of the module that has this name in it."""
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top) if top in PROJECT else None
    if spec is None or not spec.origin:
        return None
    root = Path(spec.origin).resolve().parent
    for depth in range(len(rest), -1, -1):
        place = root.joinpath(*rest[:depth])
        if depth and place.with_suffix(".py").is_file():
            return place.with_suffix(".py")
        if (place / "__init__.py").is_file():
            return place / "__init__.py"
    return None
