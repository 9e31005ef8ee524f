"""The source of one function with all of this project that it rests on, as one text that imports others alone."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

PROJECT = "nnspec_conformance"
Key = tuple[str, str]  # dotted module and the name of a definition in it


@dataclass(frozen=True)
class Module:
    """A module of the project, read and not run.

    Attributes:
        definitions: the statements that bind a name, by name.
        names: what an import binds: the module and the name in it, empty for a module as a whole.
        others: the imports of other packages that bind a name, as statements of one alias; ``import a.b`` binds ``a``.
        first: what has to be done before anything else is imported: ``os.environ[...] = ...``.
    """

    definitions: dict[str, ast.stmt]
    names: dict[str, tuple[str, str]]
    others: dict[str, list[ast.stmt]]
    first: list[ast.stmt]


class Inliner:
    """Collects definitions from modules of the project.

    Args:
        where: a module's file by its dotted name, or None where there is no such module.
        fold: what is known of an expression beforehand, such as a comparison; None where nothing is.
        reserved: names that the text has for something else.
    """

    def __init__(
        self,
        where: Callable[[str], Path | None],
        fold: Callable[[ast.expr], ast.expr | None],
        reserved: Iterable[str] = (),
    ):
        self.where, self.fold, self.reserved = where, fold, frozenset(reserved)
        self.modules: dict[str, Module] = {}
        self.written: dict[Key, list[ast.stmt]] = {}
        self.called: dict[Key, str] = {}
        self.imports: dict[str, dict[str, None]] = {}  # by the name that they bind
        self.first: list[str] = []

    def add(self, module: str, name: str, hidden: Iterable[str] = ()) -> str:
        """Take a definition and what it rests on; returns what it is called in the text.

        Args:
            module: where the definition is, or is imported.
            name: its own.
            hidden: names that mean something else where this one is used, as the arguments of a function do.

        Raises:
            KeyError: there is no such definition.
        """
        module, name = self._home(module, name)
        key = (module, name)
        if key in self.called:
            return self._beside(key, {*hidden})
        taken = {*self.called.values(), *self.imports, *self.reserved, *hidden}
        self.called[key] = name if name not in taken else f"{module.rpartition('.')[2]}_{name}"
        read = self._module(module)
        statement = _Renamed(self, module, read).visit(_copied(read.definitions[name]))
        if self.called[key] != name:
            _rename(statement, name, self.called[key])
        self.written[key] = [statement]  # after all that it rests on
        return self.called[key]

    def _beside(self, key: Key, hidden: set[str]) -> str:
        """What a definition is called; a second name where its first one is hidden."""
        called = self.called[key]
        if called not in hidden:
            return called
        other = (key[0], f"{key[0].rpartition('.')[2]}_{key[1]}")
        self.called[other] = other[1]
        self.written[other] = [ast.parse(f"{other[1]} = {called}").body[0]]
        return other[1]

    def text(self) -> str:
        """Everything that was taken: what comes first, imports, definitions."""
        body = "\n\n\n".join(ast.unparse(_without_docstrings(s)) for group in self.written.values() for s in group)
        return "\n".join([*self.first, *self.lines()]) + "\n\n\n" + body + "\n"

    def lines(self) -> list[str]:
        """The imports, in order."""
        return sorted(line for lines in self.imports.values() for line in lines)

    def _home(self, module: str, name: str) -> Key:
        """Where a name is defined that a module may only import."""
        while name not in self._module(module).definitions:
            module, name = self._module(module).names[name]
        return module, name

    def _module(self, dotted: str) -> Module:
        if dotted not in self.modules:
            path = self.where(dotted)
            if path is None:
                raise KeyError(dotted)
            self.modules[dotted] = read(path)
            for statement in self.modules[dotted].first:
                line = ast.unparse(statement)
                if line not in self.first:
                    self.first += ["import os", line] if "import os" not in self.first else [line]
        return self.modules[dotted]


class _Renamed(ast.NodeTransformer):
    """Names of one module as they are called in the text; what is met is taken, too."""

    def __init__(self, inliner: Inliner, module: str, read: Module):
        self.inliner, self.module, self.read = inliner, module, read
        self.hidden: list[set[str]] = []

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and (known := self.inliner.fold(node)) is not None:
            return known
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            return self._function(node)
        return super().visit(node)

    def _function(self, node: ast.FunctionDef | ast.Lambda) -> ast.AST:
        arguments = node.args
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        own = {one.arg for one in given if one is not None}
        own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        own |= {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef) and n is not node}
        for one in given:
            if one is not None:
                one.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            node.decorator_list = [self.visit(one) for one in node.decorator_list]
        arguments.defaults = [self.visit(one) for one in arguments.defaults]
        arguments.kw_defaults = [one and self.visit(one) for one in arguments.kw_defaults]
        self.hidden.append(own)
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = [self.visit(one) for one in node.body]
        self.hidden.pop()
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Pass()
        return ast.copy_location(ast.Assign([self.visit(node.target)], self.visit(node.value), lineno=0), node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and not any(node.id in own for own in self.hidden):
            node.id = self._called(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        inner = node.value
        if isinstance(inner, ast.Name) and not any(inner.id in own for own in self.hidden):
            module = self._submodule(inner.id)
            if module is not None:
                return ast.Name(self.inliner.add(module, node.attr, set().union(*self.hidden)), node.ctx)
        node.value = self.visit(node.value)
        return node

    def _submodule(self, name: str) -> str | None:
        """The module of the project that a name stands for, if it stands for one."""
        if name not in self.read.names:
            return None
        module, inner = self.read.names[name]
        dotted = f"{module}.{inner}"
        return dotted if self.inliner.where(dotted) is not None else None

    def _called(self, name: str) -> str:
        if name in self.read.definitions or name in self.read.names:
            return self.inliner.add(self.module, name, set().union(*self.hidden))
        if name in self.read.others:
            lines = self.inliner.imports.setdefault(name, {})
            lines.update(dict.fromkeys(ast.unparse(one) for one in self.read.others[name]))
        return name


def read(path: Path) -> Module:
    """What a module of the project binds."""
    made = Module({}, {}, {}, [])
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PROJECT:
            made.names.update({alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                made.others[alias.asname or alias.name] = [ast.ImportFrom(node.module, [alias], 0)]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                made.others[name] = [*made.others.get(name, []), ast.Import([alias])]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.definitions[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(targets[0], ast.Subscript) and ast.unparse(targets[0]).startswith("os.environ"):
                made.first.append(node)
            names = [n.id for target in targets for n in ast.walk(target) if _is_bound(n)]
            made.definitions.update(dict.fromkeys(names, node))
    return made


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    """Whether a part of a target is a name that it binds: ``a`` of ``a = 1``, and none of ``a.b = 1``."""
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _copied(node: ast.stmt) -> ast.stmt:
    return ast.parse(ast.unparse(node)).body[0]


def _rename(node: ast.AST, old: str, new: str) -> None:
    """Give a definition another name; within itself it is called so already."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        node.name = new
    for target in node.targets if isinstance(node, ast.Assign) else []:
        for name in ast.walk(target):
            if isinstance(name, ast.Name) and name.id == old:
                name.id = new


def _without_docstrings(node: ast.stmt) -> ast.stmt:
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner) and len(inner.body) > 1:
            del inner.body[0]
    return node
