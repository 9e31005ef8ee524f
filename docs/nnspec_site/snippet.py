"""The fewest lines that show a finding with the framework and NumPy alone: what the finding's page has.

They are made of the question that the report states and of the adapter's source, which is read and never imported: the
site is built without the frameworks. ``nnspec reproduce`` writes the long form, which asks what the lines only state.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case
from nnspec_conformance.compare import Finding
from nnspec_conformance.dtypes import is_float, name_of
from nnspec_conformance.errors import HarnessError, one_line
from nnspec_conformance.inlining import Inliner
from nnspec_conformance.pages import SECTIONS
from nnspec_conformance.reproduce_script import OWN_NAMES, Body, Failing, _home, _no_bfloat16, _tool, arrays_in
from nnspec_conformance.setting import Setting
from nnspec_site.asked_case import AT
from nnspec_site.data import Report
from nnspec_site.dialects import ADAPTERS, topics

MOST = 6_000  # letters: what is longer is no snippet
PACKAGE = "nnspec_conformance.adapters"
STRIDES = ".strides"
FEW = 8  # equal numbers that are written one by one
HANDS_OVER, TAKES_BACK = "given", "numbers"  # what a script calls before and behind the operation


@dataclass(frozen=True)
class Source:
    """What is known of an adapter by its files.

    Attributes:
        adapter: its name and the files of its topics, as a script reads them.
    """

    adapter: SimpleNamespace

    @classmethod
    def of(cls, name: str, adapters: Path = ADAPTERS) -> Source:
        """The adapter of a subject: its own topics first, then those that it shares."""
        folders = [adapters / name, *(adapters / shared for shared in topics(adapters / name / "__init__.py"))]
        files = [str(path) for folder in folders for part in SECTIONS for path in sorted((folder / part).rglob("*.py"))]
        return cls(SimpleNamespace(__name__=f"{PACKAGE}.{name}", TOPIC_FILES=files))


def text(source: Source, case: Case, told: dict[str, str], entry: Report) -> str:
    """Imports, the adapter's functions, arrays, the call, and in a comment what came and what is right.

    Args:
        source: of the adapter.
        case: the question.
        told: the readings that are said beside its keywords.
        entry: of the report: message, and at its worst what came and what is right.

    Raises:
        HarnessError: it has no form outside the suite, or a long one.
    """
    if case.layout or callable(case.grads):
        raise HarnessError(f"{case.operation}: it is about memory, or its gradients follow the steps")
    half = any(name_of(x.dtype) == "bfloat16" for x in arrays_in((case.arrays, case.cotangents, case.grads)))
    half = half or "bfloat16" in (entry.get("dtype"), *map(str, case.attributes.values()))
    inliner = Inliner(_where, lambda node: None if half else _no_bfloat16(node), OWN_NAMES)
    package: Any = source  # of a subject only its adapter is asked for
    operation = inliner.add(_home(package, case.operation), case.operation)
    tools = ["asarray", "context", *([] if _prints_as_it_is(case) else ["to_numpy"])]
    tools += [] if case.what in ("call", "trajectory") else ["vjp"]
    own = {"vjp": None, "to_numpy": None} | {tool: _tool(inliner, source.adapter.__name__, tool) for tool in tools}
    body = _Lines(case, Failing(case, Setting({}, told), Finding(1.0)), operation, own)
    asks = body.lines()
    imports = sorted({"import numpy as np", *body.imports} - set(inliner.lines()))
    tree = _Bare(own["asarray"]).visit(ast.parse("\n".join([*imports, inliner.text(), *asks])))
    made = f"{_spaced(_without_unused_imports(ast.fix_missing_locations(tree)))}\n# {_stated(entry)}\n"
    if len(made) > MOST:
        raise HarnessError(f"{case.operation}: its lines have {len(made):,} letters")
    compile(made, "snippet", "exec")
    return made


def _where(dotted: str) -> Path | None:
    """The file of a module of the adapters, by its name alone: to look for it would import its package."""
    if not dotted.startswith(PACKAGE):
        return None
    place = ADAPTERS.joinpath(*dotted.removeprefix(PACKAGE).strip(".").split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _without_unused_imports(tree: ast.Module) -> ast.Module:
    """The module without what its folded branches alone had needed."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in list(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [one for one in node.names if (one.asname or one.name.split(".")[0]) in used]
            if not node.names:
                tree.body.remove(node)
    return tree


def _prints_as_it_is(case: Case) -> bool:
    """Whether nothing is known of the answer, as where a refusal is right."""
    return case.what == "call" and case.want is None


def _stated(entry: Report) -> str:
    """What came and what is right, or why there is no answer."""
    worst, message = entry.get("worst", {}), str(entry.get("message", ""))
    if worst.get("expected") == "an exception":
        return one_line(f"It prints a result, right is an exception: the subject {message}", 300)
    if "got" in worst:
        at = f"At input {worst['input'].partition(AT)[0]}: " if worst.get("input") else ""
        return one_line(f"{at}{worst['got']}, right is {worst['expected']}", 300)
    return one_line(message, 300)


def _spaced(tree: ast.Module) -> str:
    """The statements with an empty line round each function."""
    parts, last = [], None
    for node in tree.body:
        kind = type(node) if isinstance(node, ast.FunctionDef | ast.ClassDef) else None
        imports = isinstance(node, ast.Import | ast.ImportFrom)
        if parts and (kind or last in (ast.FunctionDef, ast.ClassDef) or (last == "imports" and not imports)):
            parts.append("")
        parts.append(ast.unparse(node))
        last = "imports" if imports else kind
    return "\n".join(parts)


class _Lines(Body):
    """The lines that ask and print, as a script has them, without what it compares."""

    def lines(self) -> list[str]:
        if self.case.what not in ("call", "trajectory") and not self.own["vjp"]:
            raise HarnessError(f"{self.operation}: the adapter has no vjp of its own")
        lines = {
            "call": self._called,
            "gradient": self._gradients,
            "second derivative": self._second,
            "gradient of the gradient": self._gradients_again,
            "trajectory": self._stepped,
        }[self.case.what]()
        if self.own["context"]:
            return [f"with {self.own['context']}({self.case.dtype or 'float32'!r}):", *(f"    {one}" for one in lines)]
        return lines

    def literal(self, value: Any) -> str:
        """An array of one number in few letters."""
        if isinstance(value, np.ndarray) and value.size > FEW and len({x.tobytes() for x in value.ravel()}) == 1:
            one = value.ravel()[0].item() if not is_float(value) else float(value.ravel()[0])
            return f"np.full({value.shape!r}, {self._plain(one)}, {self._dtype(value)})"
        return super().literal(value)

    def _shown(self, array: str) -> str:
        """All digits of an array, which frameworks cut off when they print."""
        return f"{self.own['to_numpy'] or 'np.asarray'}({array}).tolist()"

    def _called(self) -> list[str]:
        want = self.case.want
        if isinstance(want, tuple | list):
            return [*self._call(), "for one in answer:", f"    print({self._shown('one')})"]
        if isinstance(want, dict):
            return [*self._call(), "for name, one in answer.items():", f"    print(name, {self._shown('one')})"]
        return [*self._call(), f"print({'answer' if _prints_as_it_is(self.case) else self._shown('answer')})"]

    def _gradients(self) -> list[str]:
        return [*self._gradient()[:-1], "for one in found:", f"    print({self._shown('one')})"]

    def _gradients_again(self) -> list[str]:
        return [*self._gradient_of_the_gradient()[:-1], "for one in found:", f"    print({self._shown('one')})"]

    def _second(self) -> list[str]:
        return [*self._second_derivative(), f"print({self._shown('answer')})"]

    def _stepped(self) -> list[str]:
        rates, grads = self.case.rates, self.case.grads or []
        asked = [f"given({self.literal(one)})" for one in grads]
        if rates is not None:
            asked = [f"{one}, {rate!r}" if rate is not None else one for one, rate in zip(asked, rates, strict=True)]
        shown = "{name: " + self._shown("one") + " for name, one in answer.items()}"
        lines = [f"step = {self.operation}({self._given(f'given({self.literal(self.case.arrays[0])})')})"]
        return lines + [line for one in asked for line in (f"answer = step({one})", f"print({shown})")]


class _Bare(ast.NodeTransformer):
    """A script without the functions that carry nested arrays to and fro: each array is handed over where it stands."""

    def __init__(self, asarray: str | None):
        self.asarray = asarray

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
            if node.func.id == HANDS_OVER:
                return self._handed(node.args[0])
            if node.func.id == TAKES_BACK:
                return self.visit(node.args[0])
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        return None if ast.unparse(node.targets[0]) == ast.unparse(node.value) else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return node.orelse if STRIDES in ast.unparse(node.test) else node  # an array of a snippet lies as it is written

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        return node.orelse or None if isinstance(node.test, ast.Constant) and node.test.value is False else node

    def _handed(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Dict):
            node.values = [self._handed(value) for value in node.values]
        elif isinstance(node, ast.Tuple):
            node.elts = [self._handed(value) for value in node.elts]
        elif isinstance(node, ast.Call) and self.asarray:
            return ast.Call(ast.Name(self.asarray, ast.Load()), [node], [])
        return node
