"""Axes of declared arrays: names, lengths by arithmetic, ranges of numbers. Written as words, evaluated here.

An axis is a name (``in``), any number of axes (``*batch``), a length (``3``), arithmetic over names without blanks
(``height-window+1``; ``windows(...)`` counts the windows that fit), or, in a result only, ``?`` where no formula is
stated, or an axis that is there or not: ``*kept(time,outputs)`` is none if ``outputs`` is ``last``. A name may have an
index in braces: ``n{l+1}`` is ``n1`` for ``l = 0``.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nnspec_conformance.windows import pooled, spread, windows

NAME = r"(?:[A-Za-z_]\w*|\{[^{}]*\})+"
PLAIN = re.compile(NAME)
WORD = re.compile(rf"(?<![\w.]){NAME}(?![\w(])")  # neither the e of 1.0e-3 nor a function that is called
BRACES = re.compile(r"\{([^{}]*)\}")
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip


def kept(length: int, outputs: str) -> tuple[int, ...]:
    """The axis of the steps of a sequence, which an answer of the last step does not have."""
    return () if outputs == "last" else (length,)


FUNCTIONS: dict[str, Callable] = {
    "ceil": math.ceil, "max": max, "min": min, "windows": windows, "pooled": pooled, "spread": spread, "kept": kept,
}  # fmt: skip


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """The value of an arithmetic expression over named numbers.

    Raises:
        ValueError: it is no arithmetic, or a name has no value; says which.
    """
    return _value(_tree(text), text, values)


@functools.lru_cache(maxsize=4096)
def _tree(text: str) -> ast.expr:
    """An expression taken apart, kept: the axes of a declaration are evaluated for every question."""
    marked = WORD.sub(lambda word: f"_{word.group()}", text)  # ``in`` is a word of Python
    try:
        return ast.parse(marked, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"'{text}' is no arithmetic") from error


def _value(node: ast.expr, text: str, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            if name[1:] == "inf":
                return math.inf
            if name[1:] not in values:
                raise ValueError(f"'{name[1:]}' of '{text}' has no length")
            return values[name[1:]]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, text, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, text, values), _value(right, text, values))
        case ast.Subscript(value=of, slice=ast.Constant(value=int() as index)):
            return _value(of, text, values)[index]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(argument, text, values) for argument in arguments))
    raise ValueError(f"'{text}' is no arithmetic")


def names(text: str) -> set[str]:
    """The names in an expression; an index in braces is left as it stands, ``n{}``."""
    return {family(word.group()) for word in WORD.finditer(text)} - {"inf"}


def family(name: str) -> str:
    """A name without what its braces hold: ``n{}`` for ``n{l+1}``."""
    return BRACES.sub("{}", name)


def filled(text: str, indices: Mapping[str, Any]) -> str:
    """The text with its braces replaced by their values."""

    def value(braces: re.Match) -> str:
        inner = braces.group(1).strip()
        return str(indices[inner]) if inner in indices else str(evaluate(inner, indices))

    return BRACES.sub(value, text)


def is_star(axis: str) -> bool:
    """Whether an axis stands for any number of axes."""
    return axis.startswith("*")


def is_plain(axis: str) -> bool:
    """Whether an axis is a name, not a number or arithmetic."""
    return bool(PLAIN.fullmatch(axis.removeprefix("*")))


@dataclass(frozen=True)
class Interval:
    """A range of numbers; its ends are expressions, for instance ``[0, classes)``.

    Attributes:
        low: the lower end.
        high: the upper end.
        low_is_in: whether the lower end belongs to it.
        high_is_in: whether the upper end belongs to it.
    """

    low: str
    high: str
    low_is_in: bool
    high_is_in: bool

    @classmethod
    def parse(cls, text: object) -> Interval:
        """Read ``(0, inf)`` and its like.

        Raises:
            ValueError: it is not of that form.
        """
        found = re.fullmatch(r"([\[(])\s*([^,]+?)\s*,\s*([^,]+?)\s*([\])])", str(text))
        if not found:
            raise ValueError(f"'{text}' is no range; write for instance '(0, inf)' or '[0, 1)'")
        return cls(found[2], found[3], found[1] == "[", found[4] == "]")

    def names(self) -> set[str]:
        return names(self.low) | names(self.high)

    def ends(self, values: Mapping[str, Any] | None = None) -> tuple[float, float]:
        """Both ends as numbers."""
        return evaluate(self.low, values or {}), evaluate(self.high, values or {})

    def contains(self, value: float, values: Mapping[str, Any] | None = None) -> bool:
        low, high = self.ends(values)
        above = value >= low if self.low_is_in else value > low
        below = value <= high if self.high_is_in else value < high
        return above and below

    def integers(self, values: Mapping[str, Any], most: int) -> range:
        """The first whole numbers in it, upwards from the lower end, or from 0 if that is infinite."""
        low, _ = self.ends(values)
        first = 0 if math.isinf(low) else math.ceil(low)
        first += not self.contains(first, values)
        return range(first, first + next((n for n in range(most) if not self.contains(first + n, values)), most))

    def __str__(self) -> str:
        return f"{'[' if self.low_is_in else '('}{self.low}, {self.high}{']' if self.high_is_in else ')'}"
