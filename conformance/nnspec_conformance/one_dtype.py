"""Whether every floating-point array of an answer has the dtype of what was handed over.

``duty.dtype`` asks this with questions of its own, of few and small arrays. The duties that go to all sizes, layouts
and keywords have it looked at after every call, gradient and step of theirs. No other clause fails by it: what else
is wrong with an implementation that promotes must still be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.dtypes import NAMES, is_float
from nnspec_conformance.errors import ClauseFailed
from nnspec_conformance.flat import float_places
from nnspec_conformance.keeping import owing
from nnspec_conformance.trees import leaves

DUTY = "duty.dtype"
LOOKING = (DUTY, "duty.attributes", "duty.layouts", "duty.sizes")


class OneDtype:
    """Looks at the answers of the operations that owe the duty.

    Args:
        known: the known failures; operations that are known to fail the duty are not looked at. None of a mutant: it
            would be caught by a slip in the place of what it is about.

    Attributes:
        looks: whether the clause that asks is one of those that look.
    """

    def __init__(self, known: Iterable[Any] | None):
        self._known = known
        self.looks = False

    def asked_by(self, clause: str) -> None:
        """A clause begins to ask."""
        self.looks = clause in LOOKING

    @cached_property
    def _owing(self) -> set[str]:
        return owing(DUTY, self._known)

    def of(self, operation: str, handed: tuple, answer: Any, kind: str = "answer") -> Any:
        """The answer, where it has the one dtype of what was handed over, or where that has several.

        Args:
            operation: that was called.
            handed: all arrays, nested in any way.
            answer: what came.
            kind: what it is, in words.

        Raises:
            ClauseFailed: a floating-point array of it has another dtype.
        """
        if (
            self.looks
            and operation in self._owing
            and len(given := {x.dtype for x in leaves(handed) if is_float(x)}) == 1
        ):
            (dtype,) = given
            other = next((y for y in leaves(answer) if is_float(y) and y.dtype != dtype), None)
            if other is not None:
                words = f"the {kind} of {operation} has an array in {NAMES[other.dtype]}, of shape {list(other.shape)}"
                raise ClauseFailed(f"{words}, where all that was handed over is {NAMES[dtype]} ({DUTY})")
        return answer

    def of_gradients(self, operation: str, arrays: tuple, cotangents: Any, gradients: tuple) -> tuple:
        """The gradients, where those that are owed have the one dtype of arrays and cotangents."""
        if self.looks and operation in self._owing:
            self.of(operation, (arrays, cotangents), tuple(flowing(operation, arrays, gradients)), "gradient")
        return gradients


def flowing(operation: str, arrays: tuple, gradients: tuple) -> Iterator[Any]:
    """The gradients of those arguments through which a gradient flows, as they are declared."""
    declared = own_spec().operations[operation].arguments
    held = dict.fromkeys(argument for argument, _ in float_places(arrays))
    for argument, gradient in zip(held, gradients, strict=False):
        if argument < len(declared) and all(row.gradient for row in rows_of(declared[argument])):
            yield gradient
