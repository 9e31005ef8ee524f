"""The question that every duty of an operation starts from: one small shape, and the keywords of a plain call.

All duties share it, so that a subject which compiles does so once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from nnspec_conformance.axes import is_star
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.draws import draw, draw_cotangents, draw_steps
from nnspec_conformance.operations import Operation, Table
from nnspec_conformance.trees import leaves

LEADING = (5,)  # where any number of axes may stand
MORE = (7, 2, 3)
CHOICE = "tanh"  # of the choices that are functions: no kink, no large answers, no constants
SEEDED = ("random map", "random")
WINDOW, WIDTH = (3, 3), 8  # of an array that is drawn: a square, and heads and groups divide it


@dataclass(frozen=True)
class Home:
    """An operation with everything that a question to it needs.

    Attributes:
        operation: as its page declares it.
        readings: the subject's reading of each keyword that governs the operation.
        leading: the lengths of the axes of which there may be any number.
        complete: whether optional arrays are handed over, too.
        keywords: those of the call, where they are not the plainest.
        sizes: lengths by name that go before these, as ``Operation.lengths`` takes them.
    """

    operation: Operation
    readings: Mapping[str, str]
    leading: tuple[int, ...] = LEADING
    complete: bool = False
    keywords: Mapping[str, Any] | None = None
    sizes: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def lengths(self) -> dict[str, Any]:
        """A length for every axis."""
        return self.operation.lengths(**dict.fromkeys(self.stars, self.leading) | dict(self.sizes))

    @cached_property
    def stars(self) -> tuple[str, ...]:
        """The axes of which there may be any number."""
        rows = [row for source in (*self.operation.arguments, *self.operation.step) for row in rows_of(source)]
        return tuple(dict.fromkeys(axis[1:] for row in rows for axis in row.axes if is_star(axis)))

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """The required keywords, and those of which frameworks have several defaults; all others are left out."""
        if self.keywords is not None:
            return dict(self.keywords)
        clauses = own_spec().clauses.values()
        differing = {c.keyword for c in clauses if c.kind == "default" and self.operation.name in c.operations}
        found = next(self.operation.settings())
        for attribute in self.operation.attributes:
            if CHOICE in attribute.values and attribute.name in found:
                found[attribute.name] = CHOICE
            elif attribute.name in differing and not attribute.readings and attribute.default is not None:
                found[attribute.name] = attribute.values[0]
        return found | ({"seed": 0} if self.operation.form in SEEDED else {})

    @cached_property
    def given(self) -> dict[str, Any]:
        """The keywords with the readings among them, on which shapes and layouts may depend."""
        chosen = {a.name: self.readings[a.name] for a in self.operation.attributes if a.name in self.readings}
        return chosen | self.attributes

    # ---- arrays
    @cached_property
    def without(self) -> tuple[str, ...]:
        """What a call may leave out, and this one does."""
        return () if self.complete else self.optional

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """What a call may leave out."""
        rows = self.operation.places(self.lengths, self.given).values()
        return tuple(source.name for source in (*self.operation.arguments, *rows) if source.optional)

    def arrays(self, dtype: str, *, seed: int = 0, scale: float = 1.0) -> tuple:
        """The arguments of a call; see ``draw`` for seed and scale."""
        return draw(
            self.operation, self.lengths, dtype, given=self.given, seed=seed, scale=scale, without=self.without
        )  # fmt: skip

    def shape(self, window: tuple[int, ...] = WINDOW, width: int = WIDTH) -> tuple[int, ...]:
        """What a random operation is asked to fill: ``window`` where any number of axes may stand, else ``width``."""
        (row,) = rows_of(self.operation.result)
        return tuple(n for axis in row.axes for n in (window if is_star(axis) else (width,)))

    def cotangents(self, dtype: str, *, seed: int = 0) -> Any:
        """A cotangent for every array of the result."""
        return draw_cotangents(self.operation, self.lengths, dtype, given=self.given, seed=seed)

    def steps(self, dtype: str, count: int = 3, *, seed: int = 0) -> list[dict]:
        """What a stepper is handed at each step."""
        return draw_steps(self.operation, self.lengths, count, dtype, seed=seed)

    # ---- answers
    def answer(self, of: Any) -> Any:
        """The form of the answer to a call, with ``of(array)`` for each array that is declared."""
        operation = self.operation
        found = {name: of(a) for name, a in operation.expanded(operation.result, self.lengths, self.given).items()}
        if isinstance(operation.result, Table):
            return found
        if operation.state or isinstance(operation.result, tuple):
            return (*found.values(), *map(of, operation.state))
        return found[None]

    def shapes(self) -> list[tuple]:
        """The shape of each array of the answer."""
        operation, values = self.operation, {**self.operation.defaults(), **self.given, **self.lengths}
        found = operation.expanded(operation.result, self.lengths, self.given).values()
        return [array.shape(values) for array in (*found, *operation.state)]

    @property
    def has_floats(self) -> bool:
        """Whether anything that is handed over has a floating-point dtype."""
        return bool(self.operation.float_places(self.lengths, self.given))

    @property
    def is_differentiable(self) -> bool:
        """Whether a gradient flows through every floating-point array of the call, and from its answer."""
        names = [argument.name for argument in self.operation.arguments]
        places = self.operation.places(self.lengths, self.given).items()
        arrays = [a for p, a in places if not {names[p.argument], a.name} & {*self.without}]
        floats = [array for array in arrays if array.dtype == "float"]
        flows = any(array.dtype == "float" and array.gradient for array in rows_of(self.operation.result))
        return bool(floats) and flows and all(array.gradient for array in floats)

    @property
    def has_gradient(self) -> bool:
        """Whether a gradient flows through some floating-point array of the call, and from its answer."""
        flows = any(array.dtype == "float" and array.gradient for array in rows_of(self.operation.result))
        return flows and bool(self.operation.gradient_places(self.lengths, self.given))

    def with_each(self, names: Iterable[str]) -> Iterator[Home]:
        """The question with every tested value of each of these keywords in turn."""
        own = {a.name for a in self.operation.attributes if a.required or a.when}
        others = {name: value for name, value in self.attributes.items() if name not in own}
        rank = next((x.ndim for x in leaves(self.arrays("float32"))), 0)
        first, *settings = self.operation.settings(rank, names)
        for setting in settings:
            if others | setting not in (first, self.attributes):
                yield replace(self, keywords=others | setting)


def homes(operation: Operation, readings: Mapping[str, str]) -> dict[str, Home]:
    """The home question under an empty name, and others: with all arrays, with no, more or a single example.

    A place is left out where it is no other: of no optional arrays, of no axes along which there are any number.
    """
    home = Home(operation, readings)
    found = {"": home}
    if home.optional:
        found["all arrays"] = replace(home, complete=True)
    if home.stars:
        found["no examples"] = replace(home, leading=(0,))
        found["more examples"] = replace(home, leading=MORE)
    if home.stars and not any(a.kind == "axis" for a in operation.attributes):  # which a single number does not have
        found["a single example"] = replace(home, leading=())
    return found
