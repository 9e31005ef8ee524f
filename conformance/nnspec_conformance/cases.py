"""How tests are written: a generator of cases, or a trial, each bound to its clause by ``@clause``.

A case is made by a verb: ``call``, ``gradient`` (and ``second_derivative``), ``steps`` or ``refusal``.

A test asks for what it needs by parameter name:

    operation   the operation's name (a family's test runs once for each)
    readings    the subject's readings by keyword, for instance {"form": "tanh"}
    default     for a clause of kind default, the value that the subject declares
    lean        whether a few shapes and dtypes will do: the subject compiles, or this is not its first reading
    slow        whether the run asks everything, whatever it takes
    layouts     the layouts in memory that reach the subject
    trial       the subject itself, for relations that no table of expected values can state
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnspec_conformance.compare import NOTHING, Finding, compare, together
from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.errors import ClauseFailed, NotAsked, NotImplementedBySubject, Refused
from nnspec_conformance.forms import is_form, values_do_not_matter
from nnspec_conformance.layouts import name_of
from nnspec_conformance.subject import Subject
from nnspec_conformance.tolerance import Shape
from nnspec_conformance.trees import mapped

PARAMETERS = {"operation", "readings", "default", "lean", "slow", "layouts", "subnormals", "trial"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question to a subject and the answer expected; a test makes it with one of the verbs below.

    Attributes:
        operation: name of the operation.
        arrays: positional arguments.
        attributes: keywords; readings are added by the driver where the subject can be told.
        want: a ``Want`` or ``Shape``, or a tuple, list or dict of them, as the operation returns.
        rule: the function of arrays and attributes that ``want`` came from, if it did.
        what: call, gradient, second derivative, gradient of the gradient or trajectory.
        cotangents: for a gradient; for a second derivative that is no elementwise one, the direction.
        directions: for a gradient of the gradient, what the gradient is multiplied with, nested as it is.
        grads: for a trajectory, the gradients of each step, or a function from parameters to gradients.
        rates: for a trajectory, the learning rate of each step, or None where the last one stays in force.
        note: which bug it catches, in a few words.
        may_refuse: what makes a refusal other clauses' business: here the question then counts as not asked.
        layout: in which one of the arrays lies, of ``nnspec_conformance.layouts``; the usual one if empty.
    """

    operation: str
    arrays: tuple = ()
    attributes: dict = field(default_factory=dict)
    want: Any = None
    rule: Callable | None = None
    what: str = "call"
    cotangents: Any = None
    directions: Any = None
    grads: Any = None
    rates: list | None = None
    note: str = ""
    may_refuse: str = ""
    layout: str = ""

    @property
    def dtype(self) -> str | None:
        return float_dtype(self.arrays)

    def on(self, *arrays: Any, cotangents: Any = None) -> Case:
        """The same question about other arrays.

        Raises:
            ValueError: the expected values are stated for these arrays only.
        """
        if self.rule is None:
            raise ValueError(
                f"{self.operation}: what is expected is stated for its own arrays only; hand over a function"
            )
        asked = arrays if cotangents is None else (*arrays, cotangents)
        return replace(self, arrays=arrays, cotangents=cotangents, want=self.rule(*asked, **self.attributes))

    def ask(self, subject: Subject, told: dict) -> Any:
        """The subject's answer, as NumPy; an error on the way carries the question."""
        if self.layout and self.layout not in subject.layouts:
            raise NotAsked(f"{self.layout} arrays, which asarray does not keep")
        form = values_do_not_matter(subject) if is_form(self.want) else contextlib.nullcontext()
        try:
            with form:
                return self._ask(subject, self.attributes | told)
        except (ClauseFailed, Refused) as error:
            if self.may_refuse and isinstance(error, Refused):
                raise NotImplementedBySubject(f"{self.may_refuse}, which it refuses") from error
            error.call = self.describe(told) + (f" in {self.dtype}" if self.dtype else "")
            raise

    def _ask(self, subject: Subject, attributes: dict) -> Any:
        if self.what == "gradient":
            return subject.vjp(self.operation, self.arrays, self.cotangents, **attributes)
        if self.what == "second derivative":
            return subject.second_derivative(self.operation, *self.arrays, along=self.cotangents, **attributes)
        if self.what == "gradient of the gradient":
            return subject.vjp_vjp(self.operation, self.arrays, self.cotangents, self.directions, **attributes)
        if self.what == "trajectory":
            count = len(self.rates or []) if callable(self.grads) else len(self.grads or [])
            return subject.trajectory(
                self.operation, self.arrays[0], self.grads, steps=count, rates=self.rates, **attributes
            )
        return subject.call(self.operation, *self.arrays, **attributes)

    def judge(
        self, got: Any, told: dict, *, subnormals: Mapping[str, str] = NOTHING, known: float = -1.0
    ) -> Finding:  # fmt: skip
        """How far the answer is off at its worst, with the question; of a trajectory the step and what it was given.

        Args:
            got: the answer.
            told: the readings that the subject was told.
            subnormals: the dtypes in which the subject may lose numbers below the smallest normal one.
            known: as ``compare`` has it.
        """
        if self.what == "trajectory" and isinstance(self.want, list | tuple):
            return self._judge_steps(got, told, subnormals, known)
        finding = compare(got, self.want, subnormals=subnormals, arrays=self.arrays, known=known)
        if finding.message is None and finding.ratio <= min(known, 1.0):  # nobody will ask which one it was
            return finding
        finding.call = self.describe(told) + (f" {finding.call}" if finding.call else "")
        return finding

    def _judge_steps(self, got: list[dict], told: dict, subnormals: Mapping[str, str], known: float) -> Finding:
        findings = [
            compare(one, want, subnormals=subnormals, path=f"step {t}", known=known)
            for t, (one, want) in enumerate(zip(got, self.want, strict=True), 1)
        ]
        if not findings:
            return Finding(0.0, call=self.describe(told))
        finding = together(findings)
        t = findings.index(finding) + 1
        first = next((n for n, f in enumerate(findings, 1) if f.ratio > 1), t)
        rate = "" if self.rates is None or self.rates[t - 1] is None else f"rate {self.rates[t - 1]!r}, "
        given = "" if callable(self.grads) else f"{rate}gradients {short(self.grads[t - 1])}"
        since = f"; wrong from step {first} on" if first < t else ""
        finding.call = f"{self.describe(told)}, {finding.call or f'step {t}'} of {len(findings)} steps: {given}{since}"
        return finding

    def describe(self, told: dict) -> str:
        """The question as a line of code."""
        shown = [short(a) for a in self.arrays] + [f"{k}={v!r}" for k, v in (self.attributes | told).items()]
        prefix = "" if self.what == "call" else f"{self.what} of "
        return f"{prefix}{self.operation}({', '.join(shown)})"

    def in_a_dtype_of(self, subject: Subject) -> Case:
        """The same question, floating-point arrays in the subject's first dtype if theirs is none of its own."""
        dtypes = subject.dtypes_of(self.operation)

        def offered(x: np.ndarray) -> np.ndarray:
            return x.astype(DTYPES[dtypes[0]]) if is_float(x) and str(x.dtype) not in dtypes else x

        grads = self.grads if callable(self.grads) else mapped(offered, self.grads)
        return replace(self, arrays=mapped(offered, self.arrays), grads=grads)


@dataclass(frozen=True)
class ErrorCase:
    """A question that must be refused, and the nearest valid one, which must not be.

    Attributes:
        bad: what must be refused.
        valid: the nearest valid question.
        note: what is wrong, in a few words.
        may_lack: whether it is a refusal, too, to say that what is asked for is not implemented.
    """

    bad: Case
    valid: Case
    note: str = ""
    may_lack: bool = False

    @property
    def operation(self) -> str:
        return self.bad.operation

    def run(self, subject: Subject, told: dict) -> Finding:
        valid, bad = self.valid.in_a_dtype_of(subject), self.bad.in_a_dtype_of(subject)
        valid = replace(valid, want=Shape(None))  # that it is answered counts, and not with which numbers
        try:
            valid.ask(subject, told)
        except Refused as error:
            refused = ClauseFailed(f"refuses valid input too: {error}")
            refused.call = error.call
            raise refused from error
        try:
            got = bad.ask(subject, told)
        except Refused:
            return Finding(0.0)
        except NotImplementedBySubject:
            if self.may_lack:
                return Finding(0.0)
            raise
        return Finding(
            float("inf"),
            message=f"accepted what it must refuse ({self.note})",
            call=bad.describe(told),
            got=short(got),
            expected="an exception",
        )


# ---- the verbs: how a test asks

OWN_WORDS = frozenset(
    {"want", "note", "along", "cotangents", "grads", "rates", "valid"}
)  # keywords of the verbs themselves


def _attributes(operation: str, given: dict) -> dict:
    taken = sorted(OWN_WORDS & given.keys())
    if taken:
        raise TypeError(
            f"{operation}: attribute {taken[0]!r} is a keyword of the verb; give the attribute another name"
        )
    return given


def _case(
    operation: str, arrays: tuple, want: Any, note: str, attributes: dict, asked: tuple = (), **form: Any
) -> Case:
    if not isinstance(note, str):
        raise TypeError(f"{operation}: note is {note!r}, expected a text; an attribute needs another name")
    rule = want if callable(want) else None
    wanted = want if rule is None else rule(*arrays, *asked, **attributes)
    return Case(
        operation=operation, arrays=arrays, attributes=_attributes(operation, attributes), want=wanted, rule=rule,
        note=note, **form,
    )  # fmt: skip


def call(operation: str, /, *arrays: Any, want: Any, note: Any = "", **attributes: Any) -> Case:
    """Ask for a result.

    Args:
        operation: its name.
        arrays: as it takes them.
        want: a ``Want`` or ``Shape``, or tuples and dicts of them; or a function of arrays and attributes that makes
            it, so that the clause can be asked about other arrays, too.
        note: which bug the question catches, in a few words.
        attributes: keywords of the operation.
    """
    return _case(operation, arrays, want, note, attributes)


def gradient(operation: str, /, *arrays: Any, cotangents: Any, want: Any, note: Any = "", **attributes: Any) -> Case:
    """Ask for the gradients of ``sum(cotangents * operation(*arrays))``; a ``want`` that is a function gets both."""
    return _case(operation, arrays, want, note, attributes, (cotangents,), what="gradient", cotangents=cotangents)


def second_derivative(
    operation: str, x: np.ndarray, /, *fixed: Any, along: Any = None, want: Any, note: Any = "", **attributes: Any
) -> Case:
    """Ask for the second derivative of an elementwise operation by its first array; the others are held.

    With ``along`` it is that of the sum of the results along this direction; a ``want`` that is a function gets both.
    """
    asked = () if along is None else (along,)
    return _case(operation, (x, *fixed), want, note, attributes, asked, what="second derivative", cotangents=along)


def steps(
    operation: str, params: dict, /, *, grads: Any, want: Any, rates: Any = None, note: Any = "",
    **attributes: Any,
) -> Case:  # fmt: skip
    """Ask a stepper for its parameters after each of several gradients, with a learning rate for each if given.

    ``grads`` may be a function from parameters to gradients; then there are as many steps as ``rates``.
    """
    return _case(operation, (params,), want, note, attributes, what="trajectory", grads=grads, rates=rates)


def refusal(
    operation: str, /, *arrays: Any, valid: tuple | list | dict, note: Any, grads: Any = None, **attributes: Any
) -> ErrorCase:
    """Ask for a refusal.

    Args:
        operation: its name.
        arrays: as it takes them.
        valid: what makes the call valid: a tuple of arrays, a dict of keywords, or a list of gradients in their place.
        note: what is wrong, in a few words.
        grads: for a stepper, the gradients of each step.
        attributes: keywords of the operation.
    """
    form: dict[str, Any] = {} if grads is None else {"what": "trajectory", "grads": grads}
    bad = _case(operation, arrays, None, note, attributes, **form)
    if isinstance(valid, dict):
        return ErrorCase(bad, replace(bad, attributes=attributes | valid), note)
    instead = {"arrays": valid} if isinstance(valid, tuple) else {"grads": valid}
    return ErrorCase(bad, replace(bad, **instead), note)


def short(x: Any) -> str:
    """An argument in a line of code; a large array by its dtype and shape."""
    if isinstance(x, np.ndarray):
        if x.size <= 8:
            return np.array2string(x, separator=", ", precision=9, floatmode="unique").replace("\n", "")
        layout = name_of(x)
        return f"{x.dtype}{list(x.shape)}" + (f" {layout}" if layout else "")
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k}: {short(v)}" for k, v in x.items()) + "}"
    if isinstance(x, tuple | list) and any(isinstance(v, np.ndarray | dict) for v in x):
        return "(" + ", ".join(map(short, x)) + ")"
    return repr(x)


@dataclass(frozen=True)
class Test:
    """A test function bound to a clause."""

    clause: str
    function: Callable
    wants: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.function.__module__.rsplit('.', 1)[-1]}.py::{self.function.__name__}"


def clause(clause_id: str) -> Callable[[Callable], Callable]:
    """Bind a test to the clause it proves; several tests may prove one clause."""

    def bind(function: Callable) -> Callable:
        wants = frozenset(inspect.signature(function).parameters)
        if wants - PARAMETERS:
            raise TypeError(f"{function.__name__} asks for {sorted(wants - PARAMETERS)}; known: {sorted(PARAMETERS)}")
        function.__nnspec__ = Test(clause_id, function, wants)
        return function

    return bind
