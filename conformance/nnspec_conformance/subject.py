"""What a test sees of an implementation: NumPy in, NumPy out, and every way of failing told apart.

The adapter contract is told in full in the guide "Write an adapter"; ``nnspec new-adapter`` writes one to start from.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnspec_conformance import nested, subnormals, transport
from nnspec_conformance.clauses import Clause, Spec
from nnspec_conformance.dtypes import float_dtype, tested
from nnspec_conformance.errors import (
    ClauseFailed,
    HarnessError,
    NotAsked,
    NotImplementedBySubject,
    Refused,
    TookTooLong,
    is_slip,
    one_line,
)
from nnspec_conformance.flat import as_gradients, float_places, of_floats, regrouped
from nnspec_conformance.forms import called, path_of
from nnspec_conformance.functions import fingerprint
from nnspec_conformance.keeping import Kept
from nnspec_conformance.layouts import copied
from nnspec_conformance.limits import CallTimeout, Patience, limit
from nnspec_conformance.one_dtype import OneDtype
from nnspec_conformance.open_stepper import OpenStepper, played
from nnspec_conformance.output import Printed
from nnspec_conformance.results import versions
from nnspec_conformance.setting import Setting, combinations
from nnspec_conformance.signals import from_outside, leave
from nnspec_conformance.trees import claimed, leaves

TABLES = ("VARIANTS", "DEFAULTS", "KNOWN_FAILURES", "SUBNORMALS")
SCALARS = (bool, int, float, str, type(None))
FIRST = 4  # times as long may a call take that has to be compiled first
LARGEST = 2**27  # entries of an answer; no question has one of a hundredth of that


class Subject:
    """An implementation under test, behind its adapter.

    Args:
        adapter: a module or namespace that keeps the adapter contract.
        call_limit: seconds that one call may take.
        first_call_limit: seconds for the first call of each form where the subject compiles; four times as many if
            it is left out.
        role: reference, oracle, framework, user or mutant.
        slow: whether duties ask it everything, whatever it takes.

    Raises:
        HarnessError: the adapter lacks NAME, declares something of a wrong type, or its transport loses values.
    """

    def __init__(
        self, adapter: Any, *, call_limit: float = 30.0, first_call_limit: float | None = None, role: str = "user",
        slow: bool = False,
    ):  # fmt: skip
        self.adapter, self.call_limit, self.role, self.slow = adapter, call_limit, role, slow
        self.name = one_line(self._declared("NAME", str, None))
        self.version, self.device = self._text("VERSION", "unknown"), self._text("DEVICE", "cpu")
        self._dtypes = self._dtypes_by_operation()
        self.dtypes = tuple(dict.fromkeys(name for names in self._dtypes.values() for name in names))
        tables = (self._declared(name, dict, {}) for name in TABLES)
        self.variants, self.defaults, self.known_failures, self.subnormals = tables
        self.compiles = self._declared("COMPILES", bool, False)
        self.patience = Patience(call_limit, (first_call_limit or FIRST * call_limit) if self.compiles else None)
        self.layouts = transport.layouts(self._declared("LAYOUTS", tuple, transport.kept(adapter)), self.place)
        self._packages = transport.packages(adapter, self._declared("PACKAGES", tuple, ()), self.place)
        self.process, self.printed = os.getpid(), list[str]()
        known = None if role == "mutant" else self.known_failures
        self.kept, self.one_dtype = Kept(self._to_numpy, self._asarray, known), OneDtype(known)
        self._given: Any = None  # what the last call returned; see ``nnspec_conformance.remains``
        self.reloads = role == "user"  # whether its module may be loaded once more, to ask it without its past
        self.probed: dict[Callable, bool] = {}  # what probes of known failures said
        self.applied: Callable = called  # how a question is answered: by a call, or by its form alone
        self.asked: str | None = None  # dtype of the arrays of the last call
        self.given: Mapping[str, Any] = {}  # and its keywords
        self.calls = self.returned = 0
        transport.functions(adapter, self.place)
        transport.check(self.dtypes, self.layouts, self._there_and_back, self.place)

    # ---- declarations
    def _declared(self, name: str, kind: type, default: Any) -> Any:
        value = getattr(self.adapter, name, default)
        if kind is tuple and isinstance(value, list):
            value = tuple(value)
        if not isinstance(value, kind) or value == "":
            came = "missing" if value is None else one_line(repr(value), 100)
            raise HarnessError(
                f"{self.place(name)}: {name} is {came}, expected a {kind.__name__}; set it at the module's top"
            )
        return value

    def _text(self, name: str, default: str) -> str:
        """A declaration that is shown: a text, something that can be made one, or a function that gives it."""
        value = getattr(self.adapter, name, default)
        try:
            return one_line(value() if callable(value) else value)
        except BaseException as error:
            if from_outside(error) or isinstance(error, CallTimeout):
                raise
            text = f"{type(error).__name__}: {one_line(error, 200)}"
            raise HarnessError(f"{self.place(name)}: {name} raised {text}; it must give a text") from error

    def _dtypes_by_operation(self) -> dict[str, tuple[str, ...]]:
        """``DTYPES``, under ``*`` for every operation that it does not name."""
        declared = getattr(self.adapter, "DTYPES", ("float32",))
        if not isinstance(declared, dict):
            declared = {"*": self._declared("DTYPES", tuple, ("float32",))}
        try:
            return {"*": ("float32",)} | {operation: tested(names, operation) for operation, names in declared.items()}
        except ValueError as error:
            raise HarnessError(f"{self.place('DTYPES')}: {error}") from None

    def dtypes_of(self, operation: str) -> tuple[str, ...]:
        """The dtypes that one operation is tested in."""
        return self._dtypes.get(operation, self._dtypes["*"])

    @property
    def packages(self) -> dict[str, str]:
        """The versions of Python and of what the adapter says that it depends on, or else of what was imported."""
        return versions(self._packages)

    @property
    def operations_with_dtypes(self) -> list[str]:
        """The operations that ``DTYPES`` names."""
        return [operation for operation in self._dtypes if operation != "*"]

    def place(self, *words: str) -> str:
        """The adapter's file, with the first line that holds the first of the words found in it or in its topics."""
        path = getattr(self.adapter, "__file__", None)
        if path is None:
            return f"adapter {getattr(self, 'name', '')}".strip()
        files = [path, *getattr(self.adapter, "TOPIC_FILES", ())]
        texts = {p: Path(p).read_text(encoding="utf-8", errors="replace").splitlines() for p in files}
        lines = [(p, n, line) for p, text in texts.items() for n, line in enumerate(text, 1)]
        return next((f"{p}:{n}" for word in words for p, n, line in lines if word in line), str(path))

    def settings(self, spec: Spec, clause: Clause, operation: str) -> list[Setting]:
        """What one clause is put to the subject in: the combinations of its readings that the clause can tell apart.

        Args:
            spec: says which clauses with variants govern the operation.
            clause: one of kind default leaves its own keyword out, whatever the subject can be told.
            operation: its name.
        """
        declared = {c.keyword: self.reading(c, operation) for c in spec.governing(operation)}
        choices = {keyword: value if isinstance(value, tuple) else (value,) for keyword, value in declared.items()}
        if clause.is_duty:
            is_rare = spec.operations[operation].is_rare
            choices = {keyword: value[:1] if is_rare(keyword) else value for keyword, value in choices.items()}
        made = []
        for readings in combinations(choices, clause.keyword):
            told, default = {k: r for k, r in readings.items() if isinstance(declared[k], tuple)}, None
            if clause.kind == "default":
                said = {clause.instance(operation), clause.id} & self.defaults.keys()  # else it means the sole reading
                fixed = clause.keyword in readings and clause.keyword not in told and not said
                default = readings[clause.keyword] if fixed else self.default(clause, operation)
                told.pop(clause.keyword, None)
            small = subnormals.lost(self.subnormals, operation, readings, self.dtypes_of(operation))
            made.append(Setting(readings, told, default, small))
        return made

    def reading(self, clause: Clause, operation: str) -> str | tuple[str, ...]:
        """What the subject declares for a clause with variants; absent means the definition's."""
        absent = subnormals.absent(clause, self.subnormals, operation, self.dtypes_of(operation))
        value = self.variants.get(clause.instance(operation), self.variants.get(clause.id, absent))
        return tuple(value) if isinstance(value, list | tuple) else value

    def default(self, clause: Clause, operation: str) -> Any:
        """What the subject declares that an omitted keyword stands for."""
        return self.defaults.get(clause.instance(operation), self.defaults.get(clause.id, clause.default))

    # ---- transport
    def _asarray(self, x: np.ndarray) -> Any:
        return self.adapter.asarray(x) if hasattr(self.adapter, "asarray") else x

    def _to_numpy(self, y: Any) -> np.ndarray:
        if hasattr(self.adapter, "to_numpy"):
            return self.adapter.to_numpy(y)
        if not isinstance(y, np.ndarray | np.generic):
            raise TypeError(f"expected a NumPy array, got {type(y).__name__}")
        return np.asarray(y)

    def _there_and_back(self, x: np.ndarray, dtype: str) -> Any:
        with warnings.catch_warnings(), self._context(dtype):
            warnings.simplefilter("ignore")
            return self._to_numpy(self._asarray(copied(x)))

    def _context(self, dtype: str) -> contextlib.AbstractContextManager:
        return self.adapter.context(dtype) if hasattr(self.adapter, "context") else contextlib.nullcontext()

    def _in(self, x: Any) -> Any:
        if isinstance(x, dict):
            return {k: self._in(v) for k, v in x.items()}
        if isinstance(x, tuple | list):
            return tuple(map(self._in, x))
        if not isinstance(x, np.ndarray):
            return x
        try:
            return self.kept.hand(x, self._asarray)
        except NotImplementedError:
            raise
        except Exception as error:  # the adapter's transport, not the operation: nothing is said about a clause
            text = f"{type(error).__name__}: {one_line(error, 200)}"
            raise HarnessError(
                f"{self.place('def asarray')}: asarray raised for {x.dtype}{list(x.shape)} ({text}); mend it"
            ) from error

    def _out(self, operation: str, y: Any, inside: bool = False) -> Any:
        if isinstance(y, dict):
            return {k: self._out(operation, v, True) for k, v in y.items()}
        if isinstance(y, tuple) or (isinstance(y, list) and inside):
            return tuple(self._out(operation, v, True) for v in y)
        if isinstance(y, SCALARS) and (inside or type(y) is int):  # a count is a plain number
            return y
        if (size := claimed(y)) > LARGEST:
            shape = list(map(int, getattr(y, "shape", ())))
            raise ClauseFailed(f"{operation} returned an array of shape {shape}, {size:.3g} entries; nothing is copied")
        try:
            result = self._to_numpy(y)
        except Exception as error:
            if transport.package(y) in map(transport.package, self.kept.handed):
                raise  # an array of the library's own: a lazy one computes here, and here it refuses
            text = f" (to_numpy: {one_line(error, 200)})" if hasattr(self.adapter, "to_numpy") else ""
            raise ClauseFailed(f"{operation} returned {type(y).__name__}, expected an array{text}") from error
        if not isinstance(result, np.ndarray | np.generic):
            raise ClauseFailed(f"{operation} returned {type(y).__name__}, which to_numpy made {type(result).__name__}")
        return self.kept.take(y, result)  # a copy: a framework may update in place

    # ---- calls
    def has(self, operation: str) -> bool:
        return callable(getattr(self.adapter, operation, None))

    def _guard(
        self, operation: str, values: Any, body: Callable[[Callable], Any], kind: str = "call",
        given: Mapping | None = None, *, carried: bool = False,
    ) -> Any:  # fmt: skip
        self.asked, self.given = float_dtype(values), given or {}
        if not self.has(operation):
            raise NotImplementedBySubject(operation)
        what = operation if kind == "call" else f"the {kind} of {operation}"
        if self.patience.given_up(operation, kind):
            raise NotAsked(f"{what}, which did not return in time before, is not asked again")
        shapes = tuple((x.dtype, x.shape) for x in leaves(values)) if self.compiles else ()
        # a form alone compiles nothing
        form = (operation, kind, shapes, fingerprint(self.given), self.applied is called)
        seconds = self.patience.limit(form)
        dtype = self.asked or self.dtypes_of(operation)[0]
        self.calls += 1
        printed, late = Printed(), False
        try:
            with (
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
                limit(seconds, operation),
                self._context(dtype),
                self.kept.call(operation, values),
            ):
                warnings.simplefilter("ignore")
                self._given = body(getattr(self.adapter, operation))
                answer = self._given if carried else self._out(operation, self._given)
                self.returned += 1
                return answer
        except (ClauseFailed, HarnessError):
            raise
        except CallTimeout as error:
            self.patience.ran_out((operation, kind))
            late = True
            raise TookTooLong(f"{what} did not return within {seconds:g} s") from error
        except NotImplementedError as error:
            raise NotImplementedBySubject(f"{operation}: {one_line(error)}" if str(error) else operation) from error
        except BaseException as error:  # SystemExit and the panics of extension modules are no Exceptions
            if from_outside(error):
                raise
            refused = Refused(operation, error)
            if self.role == "mutant" and is_slip(error):
                raise HarnessError(str(refused)) from error
            raise refused from error
        finally:
            if not late:  # what it came to is another matter
                self.patience.answered((operation, kind), form)
            if os.getpid() != self.process:  # the operation forked, and this is the child: only one may go on
                leave(2)
            self.printed += [] if self.printed else printed.getvalue().splitlines()[:1]

    def call(self, operation: str, *arrays: Any, **attributes: Any) -> Any:
        """The operation's result as NumPy.

        Raises:
            NotImplementedBySubject: it has no such operation, or not with these attributes.
            Refused: it raised anything else.
            ClauseFailed: it did not return in time, or returned something that is no array.
        """

        def body(f: Callable) -> Any:
            return self.applied(lambda *inputs: f(*inputs, **attributes), *map(self._in, arrays))

        return self.one_dtype.of(operation, arrays, self._guard(operation, arrays, body, given=attributes))

    def vjp(self, operation: str, arrays: tuple, cotangents: Any, **attributes: Any) -> tuple:
        """Gradients of ``sum(cotangents * f(*arrays))`` for the floating-point arrays, in their order.

        The adapter's ``vjp`` is handed a flat tuple of arrays, never a dict; the gradient of a dict is a dict.
        """
        own, self.asked = nested.own_part(self.adapter, operation, "_vjp"), float_dtype(arrays)

        def body(f: Callable) -> tuple:
            inputs = list(map(self._in, arrays))
            if own is not None:
                return as_gradients(f"{operation}_vjp", own(*inputs, self._in(cotangents), **attributes))
            g, primals = of_floats(operation, f, arrays, inputs, attributes)
            gradients = self.applied(lambda *both: self.adapter.vjp(g, *both), primals, self._in(cotangents))
            return regrouped(float_places(arrays), as_gradients("vjp", gradients))

        gradients = self._guard(operation, arrays, body, "gradient", attributes)
        return self.one_dtype.of_gradients(operation, arrays, cotangents, gradients)

    def vjp_vjp(self, operation: str, arrays: tuple, cotangents: Any, directions: tuple, **attributes: Any) -> tuple:
        """Gradients of ``sum(directions * vjp)``: those for the floating-point arrays, and that for the cotangents.

        They are the adapter's own, else its vjp applied to its vjp.
        """
        self.asked = float_dtype(arrays)
        own = nested.own_part(self.adapter, operation, "_vjp_vjp", by_hand=True)

        def body(f: Callable) -> tuple:
            given = (arrays, cotangents, directions)
            return nested.vjp_vjp(self.adapter, own, operation, f, self._in, attributes, *given)

        return self._guard(operation, arrays, body, "gradient of the gradient", attributes)

    def second_derivative(self, operation: str, *arrays: Any, along: Any = None, **attributes: Any) -> Any:
        """The second derivative by the first array, of any but an elementwise operation along a direction.

        It is the adapter's own, else its vjp applied to its vjp, of the sum of the results.
        """
        self.asked = float_dtype(arrays)
        own = nested.own_part(self.adapter, operation, "_second_derivative")

        def body(f: Callable) -> Any:
            return nested.second_derivative(self.adapter, own, operation, f, self._in, attributes, arrays, along)

        return self._guard(operation, arrays, body, "second derivative", attributes)

    def trajectory(
        self, operation: str, params: dict, grads: Any, *, steps: int, rates: list | None = None, **hyper: Any
    ) -> list[dict]:
        """Parameters after each step of a stepper.

        Args:
            operation: name of the stepper.
            params: flat dict of arrays.
            grads: a list of dicts (open loop), or a function from parameters to gradients (closed loop).
            steps: how many.
            rates: learning rate of each step; None leaves the last one in force.
            hyper: keywords of the stepper.
        """
        if self.applied is called or callable(grads):
            return list(self.steppers(operation, params, played(params, grads, steps, rates, hyper)))

        def body(f: Callable) -> tuple:
            return self.applied(path_of(f, rates, hyper), self.kept.own(self._in(params)), self._in(tuple(grads)))

        return list(self._guard(operation, params, body, given=hyper))

    def steppers(self, operation: str, like: dict, play: Callable[[Callable[..., OpenStepper]], Any]) -> Any:
        """What ``play`` makes of steppers, one or several.

        Args:
            operation: name of the stepper.
            like: arrays of the dtype in which it is asked.
            play: is handed a function that starts a stepper, ``start(params, **hyper)``, and returns NumPy arrays.
        """

        def body(f: Callable) -> Any:
            def start(params: dict, **hyper: Any) -> OpenStepper:
                def out(now: Any, grads: dict) -> dict:
                    return self.one_dtype.of(operation, (params, grads), self._out(operation, now), "step")

                self.given = hyper
                step = f(self.kept.own(self._in(params)), **hyper)
                return OpenStepper(step, self._in, out, self.kept.steps(operation))

            return play(start)

        return self._guard(operation, like, body, carried=True)  # each step has taken its answer back
