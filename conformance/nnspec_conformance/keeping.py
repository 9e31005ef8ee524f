"""Whether a call leaves as they were the arrays that it was handed and what the call before returned.

``duty.kept`` asks this with questions of its own. Here it is seen after every call, whatever the clause: in all sizes,
dtypes, layouts and keywords that the suite has, after a call that is refused, and after every step of a stepper.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.errors import ClauseFailed, HarnessError
from nnspec_conformance.layouts import copied
from nnspec_conformance.limits import CallTimeout
from nnspec_conformance.signals import from_outside

DUTY = "duty.kept"
AT_ONCE = 2**16  # bytes that are compared as one word; of a larger array no copy is made
WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}

NO_REFUSAL = (ClauseFailed, HarnessError, NotImplementedError, CallTimeout)  # of a call that did not return

Given = tuple[np.ndarray, np.ndarray, Any]  # one of the suite's arrays, its copy, and what the subject holds of that
Answer = tuple[Any, np.ndarray, np.ndarray]  # as the subject holds it, as it was seen, and as the suite was told


class Kept:
    """What the last call was handed, and what it and the one before returned, as the subject holds it.

    Args:
        to_numpy: of an array of the subject's.
        asarray: the other way round, of a copy.
        known: the known failures; operations that are known to fail the duty are not looked at. None of a mutant: it
            would be caught by a slip in the place of what it is about.
    """

    def __init__(
        self,
        to_numpy: Callable[[Any], np.ndarray],
        asarray: Callable[[np.ndarray], Any],
        known: Iterable[Any] | None,
    ):
        self._to_numpy, self._asarray, self._known = to_numpy, asarray, known
        self.watched = ""  # an operation that is looked at whatever is known of it
        self.handed: list[Any] = []
        self._given: list[Given] = []
        self._answers: list[Answer] = []
        self._before: list[Answer] = []
        self._whose = self._before_whose = ""
        self._fixed: set[type] = set()  # kinds of arrays that cannot be written to
        self._shares: dict[tuple, bool] = {}  # kinds of arrays that lie in the same memory as NumPy's

    @contextlib.contextmanager
    def call(self, operation: str, arrays: Any) -> Iterator[None]:
        """Compare byte by byte after the call inside, returned or refused, if the operation owes it.

        Args:
            operation: that is called.
            arrays: its arguments, which have the names.

        Raises:
            ClauseFailed: something is no longer what it was.
        """
        self._before, self._answers, self._before_whose, self._whose = self._answers, [], self._whose, operation
        self.handed, self._given = [], []
        steps, owes = is_stepper(operation), operation in self._owing or operation == self.watched
        try:
            with compared(lambda then: self._look(operation, arrays, then)) if owes else contextlib.nullcontext():
                yield
        except BaseException:  # nothing was returned: what was before is that of the call before the next one
            self._answers, self._whose = self._before, self._before_whose
            raise
        finally:
            if steps or not owes:
                self.forget()  # a stepper may have handed out the parameters that it steps in place

    def own(self, held: Any) -> Any:
        """What a stepper is started with: its own from now on, to be stepped in place."""
        self._given = []
        return held

    def steps(self, operation: str) -> Callable[[dict], contextlib.AbstractContextManager[None]]:
        """Begin a stepper: ``with step(grads)`` compares what this step and the one before it were handed.

        A first moment that is the first gradient itself is written to by the second step.
        """
        last: list[tuple[str, Given]] = []

        def look(grads: dict, then: str) -> None:
            names = list(grads) if isinstance(grads, dict) else []
            now = [(names[i] if i < len(names) else "", given) for i, given in enumerate(self._given)]
            self._given = []
            for when, handed in (("it", now), ("the step before", last)):
                for name, given in handed:
                    if self._is_changed(given):
                        what = f"{name!r}, which {when} was handed,"
                        raise ClauseFailed(f"a step of {operation} changes {what} in place{then} ({DUTY})")
            last[:] = now

        if operation in self._owing or operation == self.watched:
            return lambda grads: compared(lambda then: look(grads, then))
        return lambda grads: contextlib.nullcontext()

    @functools.cached_property
    def _owing(self) -> set[str]:
        """The operations that have to keep what they are handed and returned."""
        return owing(DUTY, self._known)

    def forget(self) -> None:
        """Somebody else writes into these arrays, or may do so."""
        self._before, self._answers = [], []

    def hand(self, x: np.ndarray, asarray: Callable[[np.ndarray], Any]) -> Any:
        """Make what the subject is handed of a copy of one of the suite's arrays, and remember all three."""
        copy = copied(x)
        held = asarray(copy)
        self._given.append((x, copy, held))
        self.handed.append(held)
        return held

    def take(self, held: Any, seen: np.ndarray) -> np.ndarray:
        """Remember an array of the subject, and as what it was seen, of which a copy is returned."""
        answer = np.array(seen)
        self._answers.append((held, seen, answer))
        return answer

    def _look(self, operation: str, arrays: Any, then: str) -> None:
        for number, given in enumerate(self._given):
            if self._is_changed(given):
                raise ClauseFailed(f"{operation} changes {named(operation, arrays, number)} in place{then} ({DUTY})")
        for held, seen, answer in self._before:
            now = self._seen(held, seen, "returned")
            if now is None or alike(now, answer):
                continue
            again = self._seen(held, seen, "returned")
            if again is not None and alike(again, now):  # else every look computes it anew
                whose = "an earlier call" if self._before_whose == operation else f"a call of {self._before_whose}"
                raise ClauseFailed(f"{operation} changes what {whose} returned{then} ({DUTY})")

    def _is_changed(self, given: Given) -> bool:
        """Whether what the subject was handed has other bytes now."""
        x, copy, held = given
        now = self._seen(held, copy, "handed over")
        if x.flags.writeable and isinstance(now, np.ndarray) and not now.flags.writeable:
            self._fixed.add(type(held))
        return now is not None and not alike(now, x) and not self._arrives_as(now, x)

    def _seen(self, held: Any, place: np.ndarray, which: str) -> np.ndarray | None:
        """An array of the subject as it is now; None where it cannot be written to, or cannot be looked at again.

        Args:
            held: the array.
            place: one of NumPy's that may lie in the same memory, which is tried once for each kind.
            which: of the two ways it went.
        """
        kind = type(held), place.dtype, which
        if type(held) in self._fixed or isinstance(held, np.generic):
            return None
        if place.flags.c_contiguous and self._shares.get(kind):
            return place
        try:
            now = self._to_numpy(held)
        except Exception:
            return None
        if kind not in self._shares and place.size and place.flags.c_contiguous:
            self._shares[kind] = np.may_share_memory(now, place)
        return now

    def _arrives_as(self, now: np.ndarray, x: np.ndarray) -> bool:
        """Whether the way there and back alone makes this of an array: other integers, other bits of a NaN."""
        with contextlib.suppress(Exception):
            return alike(now, self._to_numpy(self._asarray(x)))
        return False


def owing(duty: str, known: Iterable[Any] | None) -> set[str]:
    """The operations that owe a duty and are not known to fail it; none where nothing is to be looked at."""
    if known is None:
        return set()
    failing = {str(key).partition(";")[0].strip() for key in known}
    return {name for name in own_spec().clauses[duty].operations if f"{duty}[{name}]" not in failing}


@contextlib.contextmanager
def compared(look: Callable[[str], None]) -> Iterator[None]:
    """Look after what is inside returned, or was refused: ``look(then)`` is told which, as words that follow."""
    try:
        yield
    except NO_REFUSAL:
        raise
    except BaseException as error:
        if not from_outside(error):
            look(f", then raises {type(error).__name__}")
        raise
    look("")


def is_stepper(operation: str) -> bool:
    """Whether an operation is declared as one that steps parameters."""
    declared = own_spec().operations.get(operation)
    return declared is not None and declared.form == "stepper"


def alike(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two arrays have the same bytes, however they lie in memory."""
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    word = WORDS.get(x.itemsize)
    if x.nbytes <= AT_ONCE or word is None:
        return x.tobytes() == y.tobytes()
    return bool((x.view(word) == y.view(word)).all())


def named(operation: str, arrays: tuple, number: int) -> str:
    """An array by its place among all that were handed over, in words; behind the arguments come the cotangents."""
    if is_stepper(operation):
        return "what its steps were handed"
    declared = own_spec().operations.get(operation)
    names = [array.name for array in declared.arguments] if declared else []
    found = []
    for i, x in enumerate(arrays):
        name = names[i] if i < len(names) else f"argument {i}"
        if isinstance(x, dict):
            found += [f"{name}[{key!r}]" for key in x]
        elif isinstance(x, tuple | list):
            found += [name for y in x if isinstance(y, np.ndarray)]
        elif isinstance(x, np.ndarray):
            found.append(name)
    return found[number] if number < len(found) else "the cotangents"
