"""Programs: an operation between plain steps, as a compiler sees it, and not alone.

A ``Program`` runs some chains side by side. A chain is a tuple of steps, one of which is ``call``, the operation. Those
before it act on the operation's data, those after it on its answer. An adapter's ``compile`` is handed a program and
returns what is called in its place; without one, the steps are taken one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from nnspec_conformance import nested
from nnspec_conformance.answers import scaled
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import did_you_mean, one_line
from nnspec_conformance.flat import as_gradients, float_places, of_floats, regrouped
from nnspec_conformance.subject import Subject
from nnspec_conformance.trees import mapped


class Step(NamedTuple):
    """One step of a chain.

    Attributes:
        name: one of ``STEPS``; ``also_return``, which puts what there is among the results; or ``call``, the operation.
        argument: a factor, a term, a dtype, or where a slice of the last axis begins and ends.
    """

    name: str
    argument: Any = None


Chain = tuple[Step, ...]
CALL = Step("call")
ALSO = Step("also_return")


def _number(x: Any, number: float) -> Any:
    """A factor or a term beside an array: beside NumPy's of its dtype, as numbers of Python promote half precision."""
    return x.dtype.type(number) if isinstance(x, np.ndarray | np.generic) else number


STEPS: dict[str, Callable] = {  # as arrays of NumPy, JAX and others have them; an adapter's STEPS go before them
    "scale": lambda x, by: x * _number(x, by),
    "add": lambda x, by: x + _number(x, by),
    "cast": lambda x, dtype: x.astype(dtype),
    "transpose": lambda x, _: x.swapaxes(-1, -2),
    "slice": lambda x, ends: x[..., ends[0] : ends[1]],
    "reduce_sum": lambda x, _: x.sum(),
}
AROUND = 3  # entries that a slice leaves out
UNKNOWN = (AttributeError, KeyError, NotImplementedError, TypeError)  # what a step raises that an array does not have


def misdeclared(steps: Any) -> str:
    """What is wrong with an adapter's ``STEPS``, in a line; empty if nothing is."""
    if not isinstance(steps, dict):
        return f"STEPS is {one_line(repr(steps), 100)}, expected a dict"
    for name, step in steps.items():
        if name not in STEPS:
            known = f"; known: {', '.join(STEPS)}"
            return f"STEPS names no step: {name!r}{did_you_mean(str(name), STEPS, known)}"
        if not callable(step):
            return f"STEPS[{name!r}] is {one_line(repr(step), 100)}, expected a function"
    return ""


@dataclass(frozen=True)
class Chains:
    """What is done side by side.

    Attributes:
        chains: one after the other.
        count: how many arrays the operation takes.
        data: which of them the steps before it act on.
    """

    chains: tuple[Chain, ...]
    count: int
    data: int = 0

    def parts(self, arrays: tuple) -> list[tuple]:
        """The arrays of each chain."""
        return [arrays[i : i + self.count] for i in range(0, len(arrays), self.count)]


@dataclass(frozen=True, eq=False)
class Program:
    """A function of the arrays of all chains, one chain's after the other's; it returns a flat tuple of arrays.

    Attributes:
        call: the operation with its keywords.
        chains: what is done side by side.
        steps: what each plain step does.
        mend: what makes an array of what a step gives.
    """

    call: Callable
    chains: Chains
    steps: Mapping[str, Callable]
    mend: Callable

    def __call__(self, *arrays: Any) -> tuple:
        """The results of each chain in turn: what it ends with, then what it also returns."""
        found: list[Any] = []
        for chain, own in zip(self.chains.chains, self.chains.parts(arrays), strict=True):
            found += self._chain(chain, own)
        return tuple(found)

    def _chain(self, chain: Chain, arrays: tuple) -> list[Any]:
        now, also = arrays[self.chains.data], list[Any]()
        for step in chain:
            if step.name == "call":
                now = self.call(*arrays[: self.chains.data], now, *arrays[self.chains.data + 1 :])
            elif step.name == "also_return":
                also += flattened(now)
            elif step.name == "reduce_sum":
                parts = [self._taken(step, part) for part in flattened(now)]
                now = parts[0] if len(parts) == 1 else tuple(parts)
            else:
                now = _each(now, lambda x, step=step: self._taken(step, x))
        return [*flattened(now), *also]

    def _taken(self, step: Step, x: Any) -> Any:
        try:
            return self.mend(self.steps[step.name](x, step.argument))
        except UNKNOWN as error:
            words = f"a program with the step '{step.name}', which its arrays do not have and STEPS does not say"
            raise NotImplementedError(words) from error


def flattened(tree: Any) -> list[Any]:
    """The arrays of an answer, those of a table in the order of their names."""
    if isinstance(tree, dict):
        return [x for name in sorted(tree, key=str) for x in flattened(tree[name])]
    return [x for part in tree for x in flattened(part)] if isinstance(tree, tuple | list) else [tree]


def _each(tree: Any, function: Callable) -> Any:
    if isinstance(tree, dict):
        return {name: _each(part, function) for name, part in tree.items()}
    return type(tree)(_each(part, function) for part in tree) if isinstance(tree, tuple | list) else function(tree)


# ---- the steps and their gradients, as NumPy takes them


def before(chain: Chain) -> Chain:
    """The steps that act on the data."""
    return chain[: chain.index(CALL)]


def after(chain: Chain) -> Chain:
    """The steps that act on the answer."""
    return chain[chain.index(CALL) + 1 :]


def operand(chain: Chain, x: np.ndarray) -> np.ndarray:
    """What the operation is handed in the place of the data."""
    for step in before(chain):
        x = x if step == ALSO else np.asarray(STEPS[step.name](x, step.argument))
    return x


def stored(chain: Chain, x: np.ndarray, dtype: str) -> np.ndarray:
    """The data of which the steps before the call make ``x``; where they cast, it is of ``dtype``."""
    for step in reversed(before(chain)):
        if step.name == "cast":
            x = x.astype(DTYPES[dtype])
        elif step.name == "transpose":
            x = np.ascontiguousarray(x.swapaxes(-1, -2))
        elif step.name == "slice":
            first, last = step.argument[0], AROUND - step.argument[0]
            around = float(2 * np.abs(x.astype(np.float64)).max(initial=1.0))
            x = np.pad(x, [*[(0, 0)] * (x.ndim - 1), (first, last)], constant_values=around)
    return x


def sums(steps: Chain) -> bool:
    """Whether some steps end in the sum of all entries: the cotangents of these are one number then."""
    return any(step.name == "reduce_sum" for step in steps)


def at_the_end(chain: Chain, cotangents: tuple) -> tuple:
    """The cotangents of what a chain ends with, and of what it also returns, from those of the answer."""
    g, *also = cotangents
    return (mapped(lambda c: np.asarray(c.reshape(-1)[0]), g) if sums(after(chain)) else g, *also)


def factor(steps: Chain) -> float:
    """What all of some steps multiply with."""
    return math.prod(step.argument for step in steps if step.name == "scale")


def pulled_back(chain: Chain, x: np.ndarray, g: np.ndarray, also: np.ndarray | None = None) -> np.ndarray:
    """The gradient for the data, in float64.

    Args:
        chain: the steps before its call are gone back.
        x: the data.
        g: the gradient for what the operation is handed.
        also: the cotangent of what is returned besides.
    """
    g = g.astype(np.float64)
    for number, step in reversed([*enumerate(before(chain))]):
        if step == ALSO and also is not None:
            g = g + also.astype(np.float64)
        elif step.name == "scale":
            g = g * step.argument
        elif step.name == "transpose":
            g = g.swapaxes(-1, -2)
        elif step.name == "slice":
            whole = np.zeros(operand((*chain[:number], CALL), x).shape)
            whole[..., step.argument[0] : step.argument[1]] = g
            g = whole
    return g


# ---- asking a subject


def values(subject: Subject, operation: str, program: Chains, inputs: list[tuple], attributes: dict) -> list[tuple]:
    """The results of the chains for each of several inputs, all arrays of all chains; compiled once for all of them."""

    def body(f: Callable) -> tuple:
        run = _compiled(subject, program, f, attributes)
        return tuple(run(*map(subject._in, arrays)) for arrays in inputs)

    return list(subject._guard(operation, inputs[0], body, "program", attributes))


def slopes(
    subject: Subject, operation: str, program: Chains, inputs: list[tuple], cotangents: list[tuple], attributes: dict
) -> list[tuple]:
    """The gradients of ``sum(cotangents * results)`` for the arrays of all chains, for each of several inputs.

    The cotangents are for each chain those of its answer and of what is returned besides, if anything is; where the
    chain ends in a sum, the same number everywhere.
    """
    own = nested.own_part(subject.adapter, operation, "_vjp")

    def body(f: Callable) -> list[tuple]:
        if own is not None:
            return [_by_hand(subject, own, program, arrays, cotangents, attributes) for arrays in inputs]
        told = [at_the_end(chain, own) for chain, own in zip(program.chains, cotangents, strict=True)]
        run, given, found = _compiled(subject, program, f, attributes), subject._in(flattened(told)), []
        for arrays in inputs:
            g, primals = of_floats(operation, run, arrays, [subject._in(x) for x in arrays], {})
            gradients = as_gradients("vjp", subject.adapter.vjp(g, primals, given))
            found.append(regrouped(float_places(arrays), subject._out(operation, gradients)))
        return found

    # as NumPy's: what the operation's own gradient gives is taken further there
    return subject._guard(operation, inputs[0], body, "gradient of a program", attributes, carried=True)


def _compiled(subject: Subject, program: Chains, f: Callable, attributes: dict) -> Callable:
    """What the subject's ``compile`` makes of a program; the program itself where it has none."""
    adapter = subject.adapter
    known = STEPS | getattr(adapter, "STEPS", {})
    mend = np.asarray if not hasattr(adapter, "asarray") else lambda x: x  # of rank 0 NumPy makes a number
    made = Program(lambda *arrays: f(*arrays, **attributes), program, known, mend)
    if not hasattr(adapter, "compile"):
        return made
    try:
        return adapter.compile(made)
    except UNKNOWN as error:
        words = f"a program that its compile does not take ({type(error).__name__}: {one_line(error, 100)})"
        raise NotImplementedError(words) from error


def _by_hand(
    subject: Subject, own: Callable, program: Chains, arrays: tuple, cotangents: list[tuple], attributes: dict
) -> tuple:
    """The gradients of a program from the operation's own, with the steps and their gradients taken in NumPy."""
    found, at = list[Any](), program.data
    for chain, (g, *also), inputs in zip(program.chains, cotangents, program.parts(arrays), strict=True):
        x, handed = inputs[at], list(inputs)
        handed[at] = operand(chain, x)
        given = scaled(g, factor(after(chain)))
        answer = as_gradients("vjp", own(*map(subject._in, handed), subject._in(given), **attributes))
        gradients = list(subject._out("vjp", answer))
        place = [argument for argument, _ in dict.fromkeys(float_places(tuple(handed)))].index(at)
        gradients[place] = pulled_back(chain, x, gradients[place], *also).astype(x.dtype)
        found += gradients
    return tuple(found)
