"""What a subject holds after a call: the arrays that it was handed, and its result, to be looked at once more."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.errors import NotAsked
from nnspec_conformance.subject import Subject
from nnspec_conformance.trees import leaves


def arrays(subject: Subject, operation: str) -> list[np.ndarray]:
    """The arrays that the last call was handed, cotangents last, as it left them."""
    return list(_read(subject, operation, tuple(subject.kept.handed)))


def result(subject: Subject, operation: str) -> Callable[[], Any]:
    """The last call's result, as the subject holds it whenever it is looked at."""
    held = subject._given
    return lambda: _read(subject, operation, held)


@contextlib.contextmanager
def watched(subject: Subject, operation: str) -> Iterator[None]:
    """Compare after every call and step of the operation, also of a mutant, and of who is known not to keep arrays."""
    subject.kept.watched = operation
    try:
        yield
    finally:
        subject.kept.watched = ""


def _read(subject: Subject, operation: str, held: Any) -> Any:
    asked, given = subject.asked, subject.given
    try:
        return subject._guard(operation, (), lambda _: held, "arrays")
    finally:
        subject.asked, subject.given = asked, given


@contextlib.contextmanager
def rewritten(subject: Subject, arrays: tuple) -> Iterator[None]:
    """Write other numbers into the arrays of the last call; the next one is handed these very arrays.

    Raises:
        NotAsked: they cannot be written to, or ``to_numpy`` copies them.
    """
    held = list(subject.kept.handed)
    if not all(_overwritten(subject, old, new) for old, new in zip(held, leaves(arrays), strict=True)):
        raise NotAsked("arrays that are changed in place")
    subject.kept.forget()  # what the last call returned may be these arrays
    again = iter(held)
    subject._asarray = lambda x: next(again)  # hides the method for as long
    try:
        yield
    finally:
        del subject._asarray


def _overwritten(subject: Subject, held: Any, x: np.ndarray) -> bool:
    """Whether an array of the subject has these numbers after they were written into it."""
    seen = subject._to_numpy(held)
    if seen.flags.writeable:
        seen[...] = x
    return subject._to_numpy(held).tobytes() == x.tobytes()
