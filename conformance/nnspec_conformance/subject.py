"""What a test sees of an implementation: NumPy in, NumPy out, and every way of failing told apart.

The adapter contract is told in full in the guide "Write an adapter"; ``nnspec new-adapter`` writes one to start from.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nnspec_conformance.clauses import Clause, Spec
from nnspec_conformance.dtypes import DTYPES, float_dtype
from nnspec_conformance.errors import (
    ClauseFailed,
    HarnessError,
    NotImplementedBySubject,
    Refused,
    did_you_mean,
    one_line,
)  # fmt: skip
from nnspec_conformance.flat import as_gradients, float_places, of_floats, regrouped
from nnspec_conformance.functions import Function
from nnspec_conformance.layouts import LAYOUTS, copied, laid_out
from nnspec_conformance.limits import CallTimeout, limit
from nnspec_conformance.open_stepper import OpenStepper
from nnspec_conformance.setting import Setting, combinations
from nnspec_conformance.signals import from_outside, leave

SCALARS = (bool, int, float, str, type(None))
SLIPS = (TypeError, NameError, AttributeError)  # of who wrote a mutant: it does not do what its name says


class Subject:
    """An implementation under test, behind its adapter.

    Args:
        adapter: a module or namespace that keeps the adapter contract.
        call_limit: seconds that one call may take.
        role: reference, oracle, framework, user or mutant.
        slow: whether duties ask it everything, whatever it takes.

    Raises:
        HarnessError: the adapter lacks NAME, declares something of a wrong type, or its transport loses values.
    """

    def __init__(self, adapter: Any, *, call_limit: float = 30.0, role: str = "user", slow: bool = False):
        self.adapter, self.call_limit, self.role, self.slow = adapter, call_limit, role, slow
        self.name = one_line(self._declared("NAME", str, None))
        self.version, self.device = self._text("VERSION", "unknown"), self._text("DEVICE", "cpu")
        self._dtypes = self._dtypes_by_operation()
        self.dtypes = tuple(dict.fromkeys(name for names in self._dtypes.values() for name in names))
        self.variants = self._declared("VARIANTS", dict, {})
        self.defaults = self._declared("DEFAULTS", dict, {})
        self.known_failures = self._declared("KNOWN_FAILURES", dict, {})
        self.compiles = self._declared("COMPILES", bool, False)
        self.layouts = self._layouts()
        self.hung: set[str] = set()
        self.process = os.getpid()
        self.printed: list[str] = []
        self._handed: list[Any] = []
        self._probed: dict[Callable, bool] = {}
        self.asked: str | None = None  # dtype of the arrays of the last call
        self.calls = self.returned = 0
        self._check_transport()

    # ---- declarations
    def _declared(self, name: str, kind: type, default: Any) -> Any:
        value = getattr(self.adapter, name, default)
        if kind is tuple and isinstance(value, list):
            value = tuple(value)
        if not isinstance(value, kind):
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
        except Exception as error:
            text = f"{type(error).__name__}: {one_line(error, 200)}"
            raise HarnessError(f"{self.place(name)}: {name} raised {text}; it must give a text") from error

    def _dtypes_by_operation(self) -> dict[str, tuple]:
        """``DTYPES``, under ``*`` for every operation that it does not name."""
        declared = getattr(self.adapter, "DTYPES", ("float32",))
        if not isinstance(declared, dict):
            declared = {"*": self._declared("DTYPES", tuple, ("float32",))}
            if not declared["*"]:
                raise HarnessError(f"{self.place('DTYPES')}: DTYPES is empty; use some of {', '.join(DTYPES)}")
        for operation, names in declared.items():
            if not isinstance(names, tuple | list) or not names:
                raise HarnessError(
                    f"{self.place('DTYPES')}: DTYPES[{operation!r}] is {one_line(repr(names), 100)}, expected a tuple; "
                    f"use some of {', '.join(DTYPES)}"
                )
            for name in names:
                if not isinstance(name, str) or name not in DTYPES:
                    raise HarnessError(
                        f"{self.place('DTYPES')}: DTYPES holds {one_line(repr(name), 100)}; use some of "
                        f"{', '.join(DTYPES)}"
                    )
        return {"*": ("float32",)} | {operation: tuple(names) for operation, names in declared.items()}

    def _layouts(self) -> tuple[str, ...]:
        """``LAYOUTS``; where it is absent all without ``asarray``, and none with it."""
        named = self._declared("LAYOUTS", tuple, () if hasattr(self.adapter, "asarray") else tuple(LAYOUTS))
        for name in named:
            if not isinstance(name, str) or name not in LAYOUTS:
                near = did_you_mean(str(name), LAYOUTS)
                raise HarnessError(f"{self.place('LAYOUTS')}: LAYOUTS holds {one_line(repr(name), 100)}{near}")
        return named

    def dtypes_of(self, operation: str) -> tuple[str, ...]:
        """The dtypes that one operation is tested in."""
        return self._dtypes.get(operation, self._dtypes["*"])

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

    def _check_transport(self) -> None:
        """Hand over and take back in every dtype: a vector, a single number, no numbers, and each layout it keeps."""
        table = np.array([[0.5, -2.0, np.inf], [1.0, 8.0, -0.25]])
        for name in self.dtypes:
            for usual in (table[0], table[0, 0], table[:0]):
                self._carried(np.asarray(usual, DTYPES[name]), name)
            for layout in self.layouts:
                laid = laid_out(table.astype(DTYPES[name]), layout)
                if laid is not None and self._carried(laid, name).strides != laid.strides:
                    raise HarnessError(
                        f"{self.place('LAYOUTS', 'def asarray')}: asarray does not keep '{layout}' for {name}, "
                        "to_numpy finds other strides; take it out of LAYOUTS"
                    )

    def _carried(self, x: np.ndarray, name: str) -> np.ndarray:
        """An array that went over and came back.

        Raises:
            HarnessError: it did not, or with other numbers.
        """
        try:
            with warnings.catch_warnings(), self._context(name):
                warnings.simplefilter("ignore")
                back = self._to_numpy(self._asarray(copied(x)))
        except Exception as error:
            text = f"{type(error).__name__}: {one_line(error, 200)}"
            raise HarnessError(
                f"{self.place('def asarray')}: asarray, to_numpy or context raised for {name}{list(x.shape)} ({text}); "
                f"mend it or take {name!r} out of DTYPES"
            ) from error
        if not isinstance(back, np.ndarray | np.generic) or back.dtype != x.dtype or not np.array_equal(back, x):
            raise HarnessError(
                f"{self.place('def to_numpy')}: to_numpy(asarray(x)) gave {one_line(repr(back))} for {name}, "
                f"expected {x!r}; mend it or take {name!r} out of DTYPES"
            )
        return np.asarray(back)

    def probe(self, function: Callable, where: str) -> bool:
        """What a known failure's probe says of this machine; each is asked once.

        Raises:
            HarnessError: it raises, or does not return in time.
        """
        if function not in self._probed:
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"), limit(self.call_limit, "probe"):
                    warnings.simplefilter("ignore")
                    self._probed[function] = bool(function())
            except (Exception, CallTimeout) as error:
                text = f"{type(error).__name__}: {one_line(error, 200)}"
                raise HarnessError(
                    f"{where}: its probe raised {text}; it must say True where the failure occurs, else False"
                ) from error
        return self._probed[function]

    def settings(self, spec: Spec, clause: Clause, operation: str) -> list[Setting]:
        """What one clause is put to the subject in: the combinations of its readings that the clause can tell apart.

        Args:
            spec: says which clauses with variants govern the operation.
            clause: one of kind default leaves its own keyword out, whatever the subject can be told.
            operation: its name.
        """
        declared = {c.keyword: self.reading(c, operation) for c in spec.governing(operation)}
        choices = {keyword: value if isinstance(value, tuple) else (value,) for keyword, value in declared.items()}
        made = []
        for readings in combinations(choices, clause.keyword):
            told = {k: r for k, r in readings.items() if isinstance(declared[k], tuple)}
            default = None
            if clause.kind == "default":
                fixed = (
                    clause.keyword in readings and clause.keyword not in told and not self._declares(clause, operation)
                )
                default = readings[clause.keyword] if fixed else self.default(clause, operation)
                told.pop(clause.keyword, None)
            made.append(Setting(readings, told, default))
        return made

    def _declares(self, clause: Clause, operation: str) -> bool:
        """Whether the subject says what an omitted keyword stands for; else a sole reading can only mean itself."""
        return clause.instance(operation) in self.defaults or clause.id in self.defaults

    def reading(self, clause: Clause, operation: str) -> str | tuple[str, ...]:
        """What the subject declares for a clause with variants; absent means the definition's."""
        value = self.variants.get(clause.instance(operation), self.variants.get(clause.id, clause.definition))
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
            self._handed.append(self._asarray(copied(x)))
            return self._handed[-1]
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
        try:
            result = self._to_numpy(y)
        except Exception as error:
            if type(y).__module__ != "builtins" and hasattr(self.adapter, "to_numpy"):
                raise  # a lazy library computes here, and here it refuses
            kind = type(y).__name__
            text = f" (to_numpy: {one_line(error, 200)})" if hasattr(self.adapter, "to_numpy") else ""
            raise ClauseFailed(f"{operation} returned {kind}, expected an array{text}") from error
        if not isinstance(result, np.ndarray | np.generic):
            raise ClauseFailed(f"{operation} returned {type(y).__name__}, which to_numpy made {type(result).__name__}")
        return np.array(result)  # a copy: a framework may update in place

    # ---- calls
    def has(self, operation: str) -> bool:
        return callable(getattr(self.adapter, operation, None))

    def _guard(self, operation: str, values: Any, body: Callable[[Callable], Any]) -> Any:
        self.asked = float_dtype(values)
        if not self.has(operation):
            raise NotImplementedBySubject(operation)
        if operation in self.hung:
            raise ClauseFailed(f"{operation} did not return within {self.call_limit:g} s in an earlier call")
        dtype = self.asked or self.dtypes_of(operation)[0]
        self.calls += 1
        self._handed = []
        printed = io.StringIO()
        try:
            with (
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
                limit(self.call_limit, operation),
                self._context(dtype),
            ):
                warnings.simplefilter("ignore")
                answer = self._out(operation, body(getattr(self.adapter, operation)))
                self.returned += 1
                return answer
        except (ClauseFailed, HarnessError):
            raise
        except CallTimeout as error:
            self.hung.add(operation)
            raise ClauseFailed(f"{operation} did not return within {self.call_limit:g} s") from error
        except NotImplementedError as error:
            raise NotImplementedBySubject(f"{operation}: {one_line(error)}" if str(error) else operation) from error
        except BaseException as error:  # SystemExit and the panics of extension modules are no Exceptions
            if from_outside(error):
                raise
            refused = Refused(operation, error)
            if self.role == "mutant" and isinstance(error, SLIPS):
                raise HarnessError(str(refused)) from error
            raise refused from error
        finally:
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
        return self._guard(operation, arrays, lambda f: f(*map(self._in, arrays), **attributes))

    def handed_last(self, operation: str) -> list[np.ndarray]:
        """The arrays that the last call was handed, as it left them."""
        handed = self._handed
        return list(self._guard(operation, handed, lambda _: tuple(handed)))

    def vjp(self, operation: str, arrays: tuple, cotangents: Any, **attributes: Any) -> tuple:
        """Gradients of ``sum(cotangents * f(*arrays))`` for the floating-point arrays, in their order.

        The adapter's ``vjp`` is handed a flat tuple of arrays, never a dict; the gradient of a dict is a dict.
        """
        self.asked = float_dtype(arrays)
        own = getattr(self.adapter, f"{operation}_vjp", None)
        if own is None and not hasattr(self.adapter, "vjp"):
            raise NotImplementedBySubject(f"{operation}_vjp (and no vjp)")

        def body(f: Callable) -> tuple:
            inputs = [self._in(x) for x in arrays]
            if own is not None:
                return as_gradients(f"{operation}_vjp", own(*inputs, self._in(cotangents), **attributes))
            g, primals = of_floats(operation, f, arrays, inputs, attributes)
            gradients = self.adapter.vjp(g, primals, self._in(cotangents))
            return regrouped(float_places(arrays), as_gradients("vjp", gradients))

        return self._guard(operation, arrays, body)

    def second_derivative(self, operation: str, x: Any, *fixed: Any, along: Any = None, **attributes: Any) -> Any:
        """The second derivative by the first array, of any but an elementwise operation along a direction.

        It is the adapter's own, else its vjp applied to its vjp, of the sum of the results.
        """
        self.asked = float_dtype((x, *fixed))
        own = getattr(self.adapter, f"{operation}_second_derivative", None)
        if own is None and not hasattr(self.adapter, "vjp"):
            raise NotImplementedBySubject(f"{operation}_second_derivative (and no vjp)")

        def body(f: Callable) -> Any:
            primal, *held = map(self._in, (x, *fixed))
            if own is not None:
                return own(primal, *held, *([] if along is None else [self._in(along)]), **attributes)
            y = primal if along is None else f(primal, *held, **attributes)
            vjp, ones = self.adapter.vjp, self._in(np.ones(tuple(y.shape), x.dtype))
            g = Function(lambda first: f(first, *held, **attributes), operation, f, attributes, fixed)
            slope = Function(lambda first: vjp(g, (first,), ones)[0], operation, vjp, g, x.shape, str(x.dtype))
            return vjp(slope, (primal,), ones if along is None else self._in(along))[0]

        return self._guard(operation, (x, *fixed), body)

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

        def play(start: Callable) -> tuple:
            stepper, now, path = start(params, **hyper), params, []
            for t in range(steps):
                now = stepper.step(grads(now) if callable(grads) else grads[t], None if rates is None else rates[t])
                path.append(now)
            return tuple(path)

        return list(self.steppers(operation, params, play))

    def steppers(self, operation: str, like: dict, play: Callable[[Callable[..., OpenStepper]], Any]) -> Any:
        """What ``play`` makes of steppers, one or several.

        Args:
            operation: name of the stepper.
            like: arrays of the dtype in which it is asked.
            play: is handed a function that starts a stepper, ``start(params, **hyper)``, and returns NumPy arrays.
        """

        def out(params: Any) -> dict:
            return self._out(operation, params)

        def body(f: Callable) -> Any:
            return play(lambda params, **hyper: OpenStepper(f(self._in(params), **hyper), self._in, out))

        return self._guard(operation, like, body)
