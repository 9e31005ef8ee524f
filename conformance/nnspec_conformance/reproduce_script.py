"""A failing case as a script: the adapter's own source with all it rests on, the arrays, the call, what is right."""

from __future__ import annotations

import ast
import base64
import importlib.util
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance.cases import Case
from nnspec_conformance.compare import Finding
from nnspec_conformance.dtypes import DTYPES, is_float, name_of
from nnspec_conformance.errors import HarnessError, one_line
from nnspec_conformance.flat import float_places
from nnspec_conformance.inlining import Inliner, read
from nnspec_conformance.reproduce_text import DERIVED, HEADER, TOOLS
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.tolerance import Shape, Want
from nnspec_conformance.trees import mapped

SHORT = 64  # numbers that an array is written out with; of more, its bytes are
OWN_NAMES = {  # of a script, beside those of the adapter
    "numbers", "given", "leaves", "tell", "answer", "right", "allowed", "found", "cotangents", "along", "slope", "ones",
    "f", "params", "grads", "rates", "step", "one", "rate", "came", *(f"x{i}" for i in range(10)),
}  # fmt: skip
MOST = 400_000  # letters of a script


@dataclass
class Failing:
    """A question whose answer breaks a clause.

    Attributes:
        case: what was asked.
        setting: in which readings, and what the subject was told of them.
        finding: how far off the answer is.
        test: which test asked.
        refusal: whether it had to be refused.
        derived: whether the numbers of the finding are made of several answers, of which this question got the last.
    """

    case: Case
    setting: Setting
    finding: Finding
    test: str = ""
    refusal: bool = False
    derived: bool = False

    @property
    def dtype(self) -> str | None:
        return self.case.dtype


def script(suite: Suite, subject: Subject, name: str, instance: str, one: Failing) -> str:
    """The whole text.

    Raises:
        HarnessError: the case has no form of its own outside the suite; says why.
    """
    case, clause = one.case, suite.instances[instance][0]
    if case.layout:
        raise HarnessError(
            f"{instance}: it is about how arrays lie in memory; nnspec check {name} '{instance}' shows it"
        )
    if callable(case.grads):
        raise HarnessError(f"{instance}: its gradients follow the steps; nnspec check {name} '{instance}' shows it")
    half = any(name_of(x.dtype) == "bfloat16" for x in arrays_in((case.arrays, case.cotangents, case.grads)))
    inliner = Inliner(_where, lambda node: None if half else _no_bfloat16(node), OWN_NAMES)
    package = subject.adapter.__name__
    refuse_wrapped(subject, case.operation, name, instance)
    home = _home(subject, case.operation)
    operation = inliner.add(home, case.operation)
    own = {tool: _tool(inliner, package, tool) for tool in ("asarray", "to_numpy", "vjp", "context")}
    body = Body(case, one, operation, own)
    needs = f"{', '.join(k for k in subject.packages if k not in ('python', 'scipy', 'ml_dtypes'))}"
    if half:
        needs += " and ml_dtypes, since NumPy has no bfloat16"
    version = ", ".join(f"{k} {v}" for k, v in subject.packages.items() if k not in ("scipy", "ml_dtypes"))
    header = HEADER.format(
        title=f"{clause.id}: {one_line(one.finding.message or 'the answer is off', 200)}",
        statement=_wrapped(clause.text),
        spec=f"(nnspec, spec/{clause.page}.md)",
        needs=needs,
        subject=name,
        instance=instance,
        version=version,
    )
    asks = body.text()
    imports = sorted({"import numpy as np", *body.imports} - set(inliner.lines()))
    text = f"{header}\n{chr(10).join(imports)}\n{inliner.text()}{asks}\n"
    if len(text) > MOST:
        raise HarnessError(f"{instance}: its smallest failing case has {len(text):,} letters; nnspec check shows it")
    compile(text, "script", "exec")
    return text


def _wrapped(text: str) -> str:
    return one_line(text.replace('"""', "''").replace("\\", "\\\\"), 400)


def _tool(inliner: Inliner, package: str, tool: str) -> str | None:
    try:
        return inliner.add(package, tool)
    except KeyError:
        return None


def _where(dotted: str) -> Path | None:
    """The file of a module of the adapters."""
    if not dotted.startswith("nnspec_conformance.adapters"):
        return None
    try:
        spec = importlib.util.find_spec(dotted)
    except (ImportError, AttributeError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


def _home(subject: Subject, operation: str) -> str:
    """The module that defines an operation of an adapter."""
    for file in getattr(subject.adapter, "TOPIC_FILES", []):
        if operation in read(Path(file)).definitions:
            parts = Path(file).with_suffix("").parts
            return ".".join(parts[len(parts) - parts[::-1].index("nnspec_conformance") - 1 :])
    raise HarnessError(f"{operation}: no module of the adapter defines it by this name")


def refuse_wrapped(subject: Subject, operation: str, name: str, instance: str) -> None:
    """Refuse an operation that the adapter hands to a compiler as a whole: its source says other than what is asked.

    Raises:
        HarnessError: the adapter's function is not the one that its module defines.
    """
    try:
        home = sys.modules.get(_home(subject, operation))
    except HarnessError:
        return
    if home is not None and getattr(home, operation, None) is not getattr(subject.adapter, operation):
        words = "a script has the source of an operation, and not what a compiler makes of it"
        raise HarnessError(f"{instance}: {words}; nnspec check {name} '{instance}' shows it")


def _no_bfloat16(node: ast.expr) -> ast.expr | None:
    """A question whether something is bfloat16, where nothing is."""
    asks = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) and "bfloat16" in ast.unparse(node)
    return ast.Constant(False) if asks else None


def arrays_in(value: Any) -> list[np.ndarray]:
    """All arrays of a nested value."""
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in arrays_in(one)]
    if isinstance(value, tuple | list):
        return [leaf for one in value for leaf in arrays_in(one)]
    return [value] if isinstance(value, np.ndarray) else []


class Body:
    """The lines that ask: what is right, arrays, call, answer."""

    def __init__(self, case: Case, one: Failing, operation: str, own: dict[str, str | None]):
        self.case = replace(case, arrays=mapped(np.asarray, case.arrays))  # an integer of NumPy's is an array, too
        self.one, self.operation, self.own = one, operation, own
        self.imports: set[str] = set()

    def text(self) -> str:
        """Arrays first, then what asks, within the framework's context where it has one."""
        asked = {
            "call": self._call,
            "gradient": self._gradient,
            "second derivative": self._second_derivative,
            "gradient of the gradient": self._gradient_of_the_gradient,
            "trajectory": self._steps,
        }[self.case.what]
        if self.case.what != "call" and not self.own["vjp"] and self.case.what != "trajectory":
            raise HarnessError(f"{self.operation}: the adapter has no vjp of its own for a script")
        lines = ["try:", *(f"    {line}" for line in asked())]
        if self.one.refusal:
            lines += ["    print('accepted:', answer)", f"    print({one_line(self.one.finding.message or '', 200)!r})"]
            lines += ["except Exception as error:", "    print('refused, as it should be:', error)"]
        else:
            lines += ["    tell(answer, right, allowed)", "except Exception as error:"]
            lines += ["    print(f'raised {type(error).__name__}: {error}')"]
        if self.own["context"]:
            lines = [
                f"with {self.own['context']}({self.case.dtype or 'float32'!r}):",
                *(f"    {line}" for line in lines),
            ]
        tools = TOOLS.format(give=self.own["asarray"] or "np.asarray", take=self.own["to_numpy"] or "np.asarray")
        return "\n".join([tools, *self._right(), *lines])

    def _given(self, *arrays: str) -> str:
        """The arguments of a call: arrays, then keywords."""
        keywords = (self.case.attributes | self.one.setting.told).items()
        return ", ".join([*arrays, *(f"{name}={self._plain(value)}" for name, value in keywords)])

    def _plain(self, value: Any) -> str:
        if isinstance(value, np.ndarray | dict | tuple | list):
            return self.literal(value)
        if isinstance(value, np.generic):
            value = value.item()
        return f"float({str(value)!r})" if isinstance(value, float) and not np.isfinite(value) else repr(value)

    def _arrays(self) -> list[str]:
        return [f"x{i} = given({self.literal(x)})" for i, x in enumerate(self.case.arrays)]

    def _call(self) -> list[str]:
        names = [f"x{i}" for i in range(len(self.case.arrays))]
        return [*self._arrays(), f"answer = numbers({self.operation}({self._given(*names)}))"]

    def _function(self) -> tuple[list[str], str]:
        """The floating-point arrays, and the operation as a function of them alone."""
        places = float_places(self.case.arrays)
        arguments = []
        for i, x in enumerate(self.case.arrays):
            mine = {key: f"f{n}" for n, (at, key) in enumerate(places) if at == i}
            if isinstance(x, dict):
                inner = ", ".join(f"{key!r}: {mine[key]}" for key in x if key in mine)
                arguments.append("{" + f"**x{i}, {inner}" + "}")
            else:
                arguments.append(mine.get(None, f"x{i}"))
        taken = ", ".join(f"f{n}" for n in range(len(places)))
        floats = [f"x{i}" if key is None else f"x{i}[{key!r}]" for i, key in places]
        return floats, f"lambda {taken}: {self.operation}({self._given(*arguments)})"

    def _gradient(self) -> list[str]:
        floats, f = self._function()
        return [
            *self._arrays(),
            f"cotangents = given({self.literal(self.case.cotangents)})",
            f"found = numbers({self.own['vjp']}({f}, ({', '.join(floats)},), cotangents))",
            f"answer = {self._grouped()}",
        ]

    def _grouped(self) -> str:
        """The gradients that were found one behind the other as the clause has them: those of a table in a dict."""
        parts: dict[int, list[str]] = {}
        for n, (at, key) in enumerate(float_places(self.case.arrays)):
            parts.setdefault(at, []).append(f"found[{n}]" if key is None else f"{key!r}: found[{n}]")
        each = ["{" + ", ".join(one) + "}" if ": " in one[0] else one[0] for one in parts.values()]
        return "(" + "".join(f"{one}, " for one in each) + ")"

    def _second_derivative(self) -> list[str]:
        others = [f"x{i}" for i in range(1, len(self.case.arrays))]
        vjp, along = self.own["vjp"], self.case.cotangents
        x = self.case.arrays[0]
        return [
            *self._arrays(),
            f"f = lambda first: {self.operation}({self._given('first', *others)})",
            f"ones = given(np.ones(tuple({'x0' if along is None else 'f(x0)'}.shape), {self._dtype(x)}))",
            f"along = {'ones' if along is None else f'given({self.literal(along)})'}",
            f"answer = numbers({vjp}(lambda first: {vjp}(f, (first,), ones)[0], (x0,), along)[0])",
        ]

    def _gradient_of_the_gradient(self) -> list[str]:
        floats, f = self._function()
        count, vjp, cotangents = len(floats), self.own["vjp"], self.case.cotangents
        if isinstance(cotangents, dict) or any(isinstance(one, dict) for one in self.case.directions):
            raise HarnessError(f"{self.operation}: second order of a table has no script; nnspec check shows it")
        flat = cotangents if isinstance(cotangents, tuple) else (cotangents,)
        again = f"both[{count}:]" if isinstance(cotangents, tuple) else f"both[{count}]"
        return [
            *self._arrays(),
            f"f = {f}",
            f"cotangents = given({self.literal(tuple(flat))})",
            f"along = given({self.literal(tuple(self.case.directions))})",
            f"slope = lambda *both: {vjp}(f, both[:{count}], {again})",
            f"found = numbers({vjp}(slope, ({', '.join(floats)}, *cotangents), along))",
            f"answer = ({self._grouped()}, found[{count}:] if {isinstance(cotangents, tuple)} else found[{count}])",
        ]

    def _steps(self) -> list[str]:
        rates = self.case.rates or [None] * len(self.case.grads or [])
        return [
            f"params = {self.literal(self.case.arrays[0])}",
            f"grads = {self.literal(tuple(self.case.grads or ()))}",
            f"rates = {rates!r}",
            f"step = {self.operation}({self._given('given(params)')})",
            "answer = ()",
            "for one, rate in zip(grads, rates):",
            "    came = step(given(one)) if rate is None else step(given(one), rate)",
            "    answer += ({name: x.copy() for name, x in numbers(came).items()},)",
        ]

    # ---- what is right
    def _right(self) -> list[str]:
        if self.one.refusal:
            return []
        finding, want = self.one.finding, self.case.want
        lines = []
        if finding.got and "\n" not in finding.got:
            lines.append(f"# {finding.got}, right is {finding.expected}")
        if self.one.derived:
            lines.append(f"print({DERIVED!r})")
            if finding.got:
                lines.append(f"print({one_line(f'nnspec check: {finding.got}, right is {finding.expected}', 300)!r})")
        if finding.message:
            lines.append(f"print({one_line(finding.message, 300)!r})")
        within = mapped_wants(lambda one: _allowed(one, self.one.setting.subnormals), want)
        values = self.literal(mapped_wants(_value, want))
        return [*lines, f"right = {values}", f"allowed = {self.literal(within)}"]

    # ---- arrays as text
    def literal(self, value: Any) -> str:
        """An expression that makes a nested value anew."""
        if isinstance(value, dict):
            return "{" + ", ".join(f"{name!r}: {self.literal(one)}" for name, one in value.items()) + "}"
        if isinstance(value, tuple | list):
            return "(" + "".join(f"{self.literal(one)}, " for one in value) + ")"
        if not isinstance(value, np.ndarray):
            return self._plain(value)
        plain = value.astype(np.float64) if is_float(value) else value
        if value.size > SHORT and is_float(value) and value.dtype == np.float64 and len(np.unique(value)) == 1:
            return f"np.full({value.shape!r}, {self._plain(value.flat[0])})"
        if value.size <= SHORT:
            if is_float(value) and not np.isfinite(plain).all():
                self.imports.add("from numpy import inf, nan")
            return f"np.array({plain.tolist()!r}, {self._dtype(value)})" + (
                f".reshape({value.shape!r})" if not value.size else ""
            )
        self.imports |= {"import base64", "import zlib"}
        packed = base64.b85encode(zlib.compress(np.ascontiguousarray(value).tobytes(), 9)).decode()
        raw = f"zlib.decompress(base64.b85decode({packed!r}))"
        return f"np.frombuffer({raw}, {self._dtype(value)}).reshape({value.shape!r}).copy()"

    def _dtype(self, value: np.ndarray) -> str:
        dtype = name_of(value.dtype)
        if dtype == "bfloat16":
            self.imports.add("import ml_dtypes")
            return "ml_dtypes.bfloat16"
        return f"np.{'bool_' if dtype == 'bool' else dtype}"


def mapped_wants(part: Callable[[Want | Shape], Any], want: Any) -> Any:
    """A part of every expected array, nested as the answer is; None where none is expected."""
    if isinstance(want, Want | Shape):
        return part(want)
    if isinstance(want, dict):
        return {name: mapped_wants(part, one) for name, one in want.items()}
    if isinstance(want, tuple | list):
        return tuple(mapped_wants(part, one) for one in want)
    return None


def _value(want: Want | Shape) -> Any:
    """The numbers, or a form as text."""
    if isinstance(want, Shape):
        return f"{want.dtype or 'any'} {'any' if want.shape is None else tuple(map(int, want.shape))}"
    return np.asarray(want.value)


def _allowed(want: Want | Shape, subnormals: Mapping[str, str]) -> Any:
    """What an error may be; infinite where a result that rounds past the largest number may be infinite, too."""
    if isinstance(want, Shape):
        return None
    value, allowed = np.asarray(want.value, np.float64), np.asarray(want.allowed, np.float64)
    if want.dtype in subnormals:
        allowed = allowed + want.flushed
    with np.errstate(over="ignore", invalid="ignore"):
        rounds_away = np.isfinite(value) & (np.abs(value) + allowed >= float(finfo(DTYPES[want.dtype]).max))
    return np.where(rounds_away & (allowed > 0), np.inf, allowed)
