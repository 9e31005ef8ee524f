"""Questions about shapes and dtypes alone, which a subject that compiles may answer without compiling."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from nnspec_conformance.tolerance import Shape

if TYPE_CHECKING:
    from nnspec_conformance.subject import Subject


def is_form(want: Any) -> bool:
    """Whether an expected answer is of shapes and dtypes only, whatever its nesting."""
    if isinstance(want, dict):
        want = tuple(want.values())
    if isinstance(want, tuple | list):
        return bool(want) and all(map(is_form, want))
    return isinstance(want, Shape)


def called(f: Callable, *arrays: Any) -> Any:
    """What a function returns."""
    return f(*arrays)


def path_of(stepper: Callable, rates: list | None, hyper: dict) -> Callable:
    """A stepper's parameters after each step as a function of those at the start and of all gradients."""

    def path(params: Any, grads: tuple) -> tuple:
        step = stepper(params, **hyper)
        told = [{} if rate is None else {"learning_rate": rate} for rate in rates or [None] * len(grads)]
        return tuple(step(g, **rate) for g, rate in zip(grads, told, strict=True))

    return path


@contextlib.contextmanager
def values_do_not_matter(subject: Subject) -> Iterator[None]:
    """Ask for forms: the adapter's ``abstract`` answers if it has one and can, else the call is made as always."""
    abstract = getattr(subject.adapter, "abstract", None)

    def formed(f: Callable, *arrays: Any) -> Any:
        try:
            return abstract(f, *arrays)  # pyright: ignore[reportOptionalCall]
        except NotImplementedError:
            return f(*arrays)

    subject.applied = formed if abstract else called
    try:
        yield
    finally:
        subject.applied = called
