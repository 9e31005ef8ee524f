"""A test that asks for itself: the subject as relations and statistics see it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from nnspec_conformance import remains
from nnspec_conformance.cases import Case, short
from nnspec_conformance.compare import Finding, compare, holds_numbers
from nnspec_conformance.errors import ClauseFailed, NotImplementedBySubject, Refused
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.tolerance import Shape
from nnspec_conformance.trees import leaves


class Trial:
    """The subject as a relational or statistical test sees it; remembers every comparison."""

    def __init__(self, subject: Subject, operation: str, setting: Setting):
        self.subject, self.operation, self.setting = subject, operation, setting
        # What came, each with dtype and attributes of what was asked last, and the words of the part it belongs to.
        self.found: list[tuple[str | None, Mapping[str, Any], tuple[str, ...], Finding | Exception]] = []
        self._words: tuple[str, ...] = ()
        self._largest: dict[tuple, float] = {}  # ratio, by dtype and attributes of what was asked last

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
        self.found.append((self.subject.asked, self.subject.given, self._words, what))

    def ask(self, case: Case) -> Any:
        """The answer to any question, told the readings that it must be told."""
        return self._answer(case, self.setting.told)

    def _answer(self, case: Case, told: dict) -> Any:
        answer = case.ask(self.subject, told)
        for x in leaves(answer):  # what is related to others is calculated with
            if isinstance(x, np.ndarray) and not holds_numbers(x):
                error = ClauseFailed(f"result has dtype {x.dtype}, expected numbers")
                error.call = case.describe(told)
                raise error
        return answer

    def call(self, *arrays: Any, operation: str | None = None, **attributes: Any) -> Any:
        name = operation or self.operation
        case = Case(operation=name, arrays=arrays, attributes=attributes)
        return self._answer(case, self.setting.told if name == self.operation else {})

    def vjp(self, arrays: tuple, cotangents: Any, **attributes: Any) -> tuple:
        return self.ask(
            Case(operation=self.operation, what="gradient", arrays=arrays, cotangents=cotangents, attributes=attributes)
        )

    def draws(self, *arrays: Any, seeds: int, **attributes: Any) -> np.ndarray:
        """What a random operation gives for each of the first so many seeds, in float64; seeds along the first axis."""
        drawn = [self.call(*arrays, seed=seed, **attributes) for seed in range(seeds)]
        shapes = {np.shape(one) for one in drawn}
        if len(shapes) > 1:
            raise ClauseFailed(f"{self.operation} gives shapes {sorted(shapes)} for different seeds")
        return np.asarray(drawn, np.float64)

    def trajectory(self, params: dict, grads: Any, *, rates: Any = None, **hyper: Any) -> list[dict]:
        """The parameters after each step of the stepper, told the readings that it must be told."""
        given = {"arrays": (params,), "grads": grads, "rates": rates, "attributes": hyper}
        return self.ask(Case(operation=self.operation, what="trajectory", **given))

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
            raise ClauseFailed(f"{finding.message}, for {self.operation} of {short(x)}")
        return got

    def handed(self) -> list:
        """The arrays of the last call, cotangents last, as the subject left them."""
        return remains.arrays(self.subject, self.operation)

    def result(self) -> Callable[[], Any]:
        """The last answer as the subject holds it, whenever it is looked at."""
        return remains.result(self.subject, self.operation)

    def watched(self) -> contextlib.AbstractContextManager[None]:
        """Fail where a call or step in it changes what it was handed, or what the call before returned."""
        return remains.watched(self.subject, self.operation)

    def ask_in_place(self, case: Case) -> Any:
        """The answer to a question with the very arrays of the last one, into which its numbers are written.

        Raises:
            NotImplementedBySubject: the subject's arrays cannot be written to.
        """
        with remains.rewritten(self.subject, (case.arrays, case.cotangents)):
            return self.ask(case)

    def expect(self, got: Any, want: Any, about: str, arrays: tuple = ()) -> None:
        """Compare, remember, and go on; the verdict is made when the test ends. ``arrays`` show the worst input."""
        asked = self.subject.asked, repr(self.subject.given)
        known = self._largest.get(asked, 0.0)
        finding = compare(got, want, subnormals=self.setting.subnormals, arrays=arrays, known=known)
        self._largest[asked] = max(known, finding.ratio)
        finding.call = about + (f", {finding.call}" if finding.call else "")
        self._note(finding)

    def require(self, condition: bool, message: str) -> None:
        """Remember a failure unless the condition holds, and go on, so that the next dtype is asked too."""
        self._note(Finding(0.0) if condition else Finding(float("inf"), message))
