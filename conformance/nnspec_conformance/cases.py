"""How tests are written: a generator of cases, or a trial, each bound to its clause by ``@clause``.

A case is made by a verb: ``call``, ``gradient`` (and ``second_derivative``), ``steps`` or ``refusal``.

A test asks for what it needs by parameter name:

    operation   the operation's name (a family's test runs once for each)
    readings    the subject's readings by keyword, for instance {"form": "tanh"}
    default     for a clause of kind default, the value that the subject declares
    lean        whether the subject compiles, so that every new shape and dtype is dear
    trial       the subject itself, for relations that no table of expected values can state
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnspec_conformance.compare import Finding, compare, worst
from nnspec_conformance.dtypes import DTYPES, float_dtype, is_float
from nnspec_conformance.errors import ClauseFailed, NotImplementedBySubject, Refused
from nnspec_conformance.subject import Setting, Subject
from nnspec_conformance.tolerance import Shape
from nnspec_conformance.trees import mapped

PARAMETERS = {"operation", "readings", "default", "lean", "trial"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question to a subject and the answer expected; a test makes it with one of the verbs below.

    Attributes:
        operation: name of the operation.
        arrays: positional arguments.
        attributes: keywords; readings are added by the driver where the subject can be told.
        want: a ``Want`` or ``Shape``, or a tuple, list or dict of them, as the operation returns.
        rule: the function of arrays and attributes that ``want`` came from, if it did.
        what: call, gradient, second derivative or trajectory.
        cotangents: for a gradient.
        grads: for a trajectory, the gradients of each step, or a function from parameters to gradients.
        rates: for a trajectory, the learning rate of each step, or None where the last one stays in force.
        note: which bug it catches, in a few words.
        may_refuse: what makes a refusal other clauses' business: here the question then counts as not asked.
    """

    operation: str
    arrays: tuple = ()
    attributes: dict = field(default_factory=dict)
    want: Any = None
    rule: Callable | None = None
    what: str = "call"
    cotangents: Any = None
    grads: Any = None
    rates: list | None = None
    note: str = ""
    may_refuse: str = ""

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
        try:
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
            return subject.second_derivative(self.operation, *self.arrays, **attributes)
        if self.what == "trajectory":
            count = len(self.rates or []) if callable(self.grads) else len(self.grads or [])
            return subject.trajectory(
                self.operation, self.arrays[0], self.grads, steps=count, rates=self.rates, **attributes
            )
        return subject.call(self.operation, *self.arrays, **attributes)

    def judge(self, got: Any, told: dict, *, flushes: bool = False) -> Finding:
        """How far the answer is off at its worst, with the question; of a trajectory the step and what it was given."""
        if self.what == "trajectory" and isinstance(self.want, list | tuple):
            return self._judge_steps(got, told, flushes)
        finding = compare(got, self.want, flushes=flushes, arrays=self.arrays)
        finding.call = self.describe(told) + (f" {finding.call}" if finding.call else "")
        return finding

    def _judge_steps(self, got: list[dict], told: dict, flushes: bool) -> Finding:
        findings = [
            compare(one, want, flushes=flushes, path=f"step {t}")
            for t, (one, want) in enumerate(zip(got, self.want, strict=True), 1)
        ]
        if not findings:
            return Finding(0.0, call=self.describe(told))
        finding = worst(findings)
        t = findings.index(finding) + 1
        first = next((n for n, f in enumerate(findings, 1) if f.ratio > 1), t)
        rate = "" if self.rates is None or self.rates[t - 1] is None else f"rate {self.rates[t - 1]!r}, "
        given = "" if callable(self.grads) else f"{rate}gradients {_short(self.grads[t - 1])}"
        since = f"; wrong from step {first} on" if first < t else ""
        finding.call = f"{self.describe(told)}, {finding.call or f'step {t}'} of {len(findings)} steps: {given}{since}"
        return finding

    def describe(self, told: dict) -> str:
        """The question as a line of code."""
        shown = [_short(a) for a in self.arrays] + [f"{k}={v!r}" for k, v in (self.attributes | told).items()]
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
    """A question that must be refused, and the nearest valid one, which must not be."""

    bad: Case
    valid: Case
    note: str = ""

    @property
    def operation(self) -> str:
        return self.bad.operation

    def run(self, subject: Subject, told: dict) -> Finding:
        valid, bad = self.valid.in_a_dtype_of(subject), self.bad.in_a_dtype_of(subject)
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
        return Finding(
            float("inf"),
            message=f"accepted what it must refuse ({self.note})",
            call=bad.describe(told),
            got=_short(got),
            expected="an exception",
        )


# ---- the verbs: how a test asks

OWN_WORDS = frozenset({"want", "note", "cotangents", "grads", "rates", "valid"})  # keywords of the verbs themselves


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
    operation: str, x: np.ndarray, /, *fixed: np.ndarray, want: Any, note: Any = "", **attributes: Any
) -> Case:
    """Ask for the second derivative of an elementwise operation by its first array; the others are held."""
    return _case(operation, (x, *fixed), want, note, attributes, what="second derivative")


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


def _short(x: Any) -> str:
    if isinstance(x, np.ndarray):
        if x.size <= 8:
            return np.array2string(x, separator=", ", precision=9, floatmode="unique").replace("\n", "")
        order = "" if x.flags.c_contiguous else " with other strides"
        return f"{x.dtype}{list(x.shape)}{order}"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k}: {_short(v)}" for k, v in x.items()) + "}"
    if isinstance(x, tuple | list) and any(isinstance(v, np.ndarray | dict) for v in x):
        return "(" + ", ".join(map(_short, x)) + ")"
    return repr(x)


class Trial:
    """The subject as a relational or statistical test sees it; remembers every comparison."""

    def __init__(self, subject: Subject, operation: str, setting: Setting):
        self.subject, self.operation, self.setting = subject, operation, setting
        # What came, each with the dtype that was asked last and the words of the part it belongs to.
        self.found: list[tuple[str | None, tuple[str, ...], Finding | Exception]] = []
        self._words: tuple[str, ...] = ()

    @property
    def readings(self) -> dict[str, str]:
        return self.setting.readings

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes that the subject is tested in."""
        return self.subject.dtypes_of(self.operation)

    @contextlib.contextmanager
    def part(self, **words: Any) -> Iterator[None]:
        """A part of the test, ``with trial.part(activation="selu")``: one that ends early does not end the others."""
        self._words = tuple(f"{name}={word}" for name, word in words.items())
        try:
            yield
        except (NotImplementedBySubject, ClauseFailed, Refused) as error:
            self._note(error)
        finally:
            self._words = ()

    def _note(self, what: Finding | Exception) -> None:
        self.found.append((self.subject.asked, self._words, what))

    def call(self, *arrays: Any, operation: str | None = None, **attributes: Any) -> Any:
        name = operation or self.operation
        case = Case(operation=name, arrays=arrays, attributes=attributes)
        return case.ask(self.subject, self.setting.told if name == self.operation else {})

    def vjp(self, arrays: tuple, cotangents: Any, **attributes: Any) -> tuple:
        case = Case(
            operation=self.operation, what="gradient", arrays=arrays, cotangents=cotangents, attributes=attributes
        )
        return case.ask(self.subject, self.setting.told)

    def draws(self, *arrays: Any, seeds: int, **attributes: Any) -> np.ndarray:
        """What a random operation gives for each of the first so many seeds, in float64; seeds along the first axis."""
        drawn = [self.call(*arrays, seed=seed, **attributes) for seed in range(seeds)]
        shapes = {np.shape(one) for one in drawn}
        if len(shapes) > 1:
            raise ClauseFailed(f"{self.operation} gives shapes {sorted(shapes)} for different seeds")
        return np.asarray(drawn, np.float64)

    def trajectory(self, params: dict, grads: Any, *, rates: Any = None, **hyper: Any) -> list[dict]:
        """The parameters after each step of the stepper, told the readings that it must be told."""
        case = Case(
            operation=self.operation, what="trajectory", arrays=(params,), grads=grads, rates=rates, attributes=hyper
        )
        return case.ask(self.subject, self.setting.told)

    def steppers(self, params: dict, play: Callable, **hyper: Any) -> Any:
        """What ``play(start)`` makes of steppers that ``start(params)`` starts, all with these hyper-parameters."""
        case = Case(operation=self.operation, arrays=(params,), attributes=hyper)
        try:
            return self.subject.steppers(
                self.operation, params, lambda start: play(lambda p: start(p, **hyper | self.setting.told))
            )
        except (ClauseFailed, Refused) as error:
            error.call = case.describe(self.setting.told)
            raise

    def array(self, x: np.ndarray, **attributes: Any) -> np.ndarray:
        """The answer to ``x`` where it must be one array of the same shape; anything else fails the clause."""
        return self._shaped(self.call(x, **attributes), x, "result")

    def gradient(self, x: np.ndarray, cotangents: np.ndarray, **attributes: Any) -> np.ndarray:
        """The gradient for ``x`` alone, an array of its shape; anything else fails the clause."""
        gradients = self.vjp((x,), cotangents, **attributes)
        return self._shaped(gradients[0] if len(gradients) == 1 else gradients, x, "gradient")

    def _shaped(self, got: Any, x: np.ndarray, what: str) -> np.ndarray:
        finding = compare(got, Shape(x.shape), path=what)
        if finding.message:
            raise ClauseFailed(f"{finding.message}, for {self.operation} of {_short(x)}")
        if str(got.dtype) not in DTYPES and got.dtype.kind not in "iufb":
            raise ClauseFailed(f"{what} has dtype {got.dtype}, expected numbers, for {self.operation} of {_short(x)}")
        return got

    def handed(self) -> list:
        """The arrays of the last call, cotangents last, as the subject left them."""
        return self.subject.handed_last(self.operation)

    def expect(self, got: Any, want: Any, about: str, arrays: tuple = ()) -> None:
        """Compare, remember, and go on; the verdict is made when the test ends. ``arrays`` show the worst input."""
        finding = compare(got, want, flushes=self.setting.flushes, arrays=arrays)
        finding.call = about + (f", {finding.call}" if finding.call else "")
        self._note(finding)

    def require(self, condition: bool, message: str) -> None:
        """Remember a failure unless the condition holds, and go on, so that the next dtype is asked too."""
        self._note(Finding(0.0) if condition else Finding(float("inf"), message))


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
