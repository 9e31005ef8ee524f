"""What the chains of a program must give: by an operation's own clauses, and by what the steps round.

What the operation is handed in a chain is rounded, or, where a compiler fuses the steps with it, is not, or not in the
same way everywhere. So there is, besides the tolerance of the operation's own clause, what such roundings move.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ml_dtypes import finfo

from nnspec_conformance.adapters import numpy_oracle
from nnspec_conformance.asked import cotangents_of, own_question
from nnspec_conformance.cases import Case
from nnspec_conformance.dtypes import DTYPES, is_float
from nnspec_conformance.flat import float_places
from nnspec_conformance.functions import fingerprint
from nnspec_conformance.home import Home
from nnspec_conformance.loading import joined
from nnspec_conformance.programs import (
    ALSO,
    CALL,
    STEPS,
    Chain,
    after,
    before,
    factor,
    flattened,
    operand,
    pulled_back,
    stored,
    sums,
)
from nnspec_conformance.rounded import at_most, most_runs
from nnspec_conformance.tolerance import Want, smallest_normal, unit
from nnspec_conformance.trees import leaves, mapped

RUNS, SAFETY = 4, 8.0  # of operands that are rounded otherwise, over the largest deviation
MOST = 200  # questions kept
_KEPT: dict[Any, Any] = {}
MARGIN = 8.0  # below the largest number, in which the steps between may overflow
STEP = 2.0  # units that an operand is off by: the product's, and the factor's


@functools.cache
def _oracle() -> Any:
    return joined(numpy_oracle)


@dataclass(frozen=True)
class Asked:
    """One chain with its arrays, and what is expected.

    Attributes:
        chain: the steps.
        case: the question to the operation alone, at what the steps before it make of the data.
        arrays: those of the chain.
        cotangents: of its answer, and of what is returned besides; empty for a value.
        wants: for each array of the chain's results, or the gradient for each of its arrays.
    """

    chain: Chain
    case: Case
    arrays: tuple
    cotangents: tuple
    wants: list[Any]


def asked(home: Home, what: str, chain: Chain, at: int, score: float, dtype: str, half: str) -> Asked | None:
    """``_asked``, made once for the same question: every wrong implementation is put it again."""
    with np.errstate(all="ignore"):  # exponentials of large numbers
        key = (what, chain, at, score, dtype, half)
        return _once(lambda: _asked(home, *key), home, *key)


def _once(make: Callable[[], Any], home: Home, *key: Any) -> Any:
    """What is made, kept for the next time; the oldest makes room."""
    about = (home.operation.name, home.readings, home.leading, home.sizes, home.keywords)
    found = fingerprint((*map(dict_of, about), *key, most_runs()))
    if found not in _KEPT:
        while len(_KEPT) > MOST:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[found] = make()
    return _KEPT[found]


def dict_of(value: Any) -> Any:
    """A mapping as a dict, of which the content counts."""
    return dict(value) if isinstance(value, Mapping) else value


def _asked(home: Home, what: str, chain: Chain, at: int, score: float, dtype: str, half: str) -> Asked | None:
    """One chain with its arrays and what is expected; None if no clause of the operation states that.

    Args:
        home: the operation, its readings and sizes.
        what: ``call`` or ``gradient``.
        chain: the steps.
        at: which argument the steps before the call act on.
        score: how many times as large as drawn its entries are.
        dtype: of what the operation is handed.
        half: that of the data, where the chain casts.
    """
    own = own_question(home.operation.name, what, dict(home.readings))
    if own is None:
        return None
    there = replace(home, keywords=own.attributes)
    arrays = _once(lambda: there.arrays(dtype), there, dtype)
    x = np.asarray(arrays[at].astype(np.float64) * score).astype(DTYPES[dtype])
    x = stored(chain, x, half)
    handed = (*arrays[:at], operand(chain, x), *arrays[at + 1 :])
    given = (*arrays[:at], x, *arrays[at + 1 :])
    if what == "call":
        case = own.on(*handed)
        return Asked(chain, case, given, (), _or_flushed(_values(case, chain, x, at, there, dtype)))
    g = _once(lambda: cotangents_of(there, arrays, dtype), there, dtype, what)
    if sums(after(chain)):
        g = mapped(_one_number, g)
    scaled = mapped(lambda c: np.asarray(c * c.dtype.type(factor(after(chain)))), g)
    case = own.on(*handed, cotangents=scaled)
    also = (_also(chain, x),) if ALSO in before(chain) else ()
    return Asked(chain, case, given, (g, *also), _or_flushed(_gradients(case, chain, x, at, there, dtype, also)))


def _one_number(cotangents: np.ndarray) -> np.ndarray:
    """One number for all entries, of so few digits that sums of it are exact.

    Equal terms are all rounded in one direction, which operands that are rounded at random do not show.
    """
    return np.full_like(cotangents, DTYPES["bfloat16"].type(cotangents.reshape(-1)[0]))


def _or_flushed(tree: Any) -> Any:
    """The expected arrays, where what underflows may be zero, and what is close to the largest number infinite."""
    if isinstance(tree, dict):
        return {name: _or_flushed(part) for name, part in tree.items()}
    if isinstance(tree, Want):
        most = float(finfo(DTYPES[tree.dtype]).max)
        over = np.where(np.abs(tree.value) > most / MARGIN, most, tree.flushed)
        over = np.where(np.isfinite(tree.value), over, 0.0)
        return tree.allowing(lambda allowed: np.maximum(allowed, over))
    return type(tree)(map(_or_flushed, tree))


def _also(chain: Chain, x: np.ndarray) -> np.ndarray:
    """A cotangent for what is returned besides."""
    y = operand((*chain[: chain.index(ALSO)], CALL), x)
    return np.random.default_rng(7).standard_normal(y.shape).astype(y.dtype)


def _values(case: Case, chain: Chain, x: np.ndarray, at: int, home: Home, dtype: str) -> list[Want]:
    wants = _with(flattened(case.want), _moved(case, chain, x, at, home, dtype))
    also = list[Want]()
    if ALSO in before(chain):
        y = operand((*chain[: chain.index(ALSO)], CALL), x)
        wide = y.astype(np.float64)
        allowed = STEP * unit(dtype) * _size(chain, x) if _rounds(chain) else np.zeros(y.shape)
        also.append(Want(wide, allowed, np.full(y.shape, smallest_normal(dtype)), dtype, "bound"))
    for step in after(chain):
        if step == ALSO:
            also += wants
        elif step.name == "scale":
            wants = [_scaled(w, step.argument, dtype) for w in wants]
        else:
            wants = [_sum(w, dtype) for w in wants]
    return [*wants, *also]


def _scaled(want: Want, factor: float, dtype: str) -> Want:
    """Expected numbers times a factor; the product is rounded."""
    by, rounding = abs(factor), 2 * unit(dtype) * abs(factor) * _finite(want.value)
    parts = {"value": want.value * factor, "flushed": by * want.flushed + smallest_normal(dtype)}
    return want.allowing(lambda allowed: by * allowed + rounding, **parts)


def _sum(want: Want, dtype: str) -> Want:
    """The sum of all entries, by the rounding bound of n terms in any order: n u / (1 - n u) of their sizes."""
    with np.errstate(invalid="ignore"):
        value = np.asarray(want.value.sum())
    rounding = min(want.value.size * unit(dtype), 0.5)

    def allowed(each: np.ndarray) -> np.ndarray:
        return np.asarray(each.sum() + rounding / (1 - rounding) * (_finite(want.value) + each).sum())

    return want.allowing(allowed, value=value, flushed=np.asarray(want.flushed.sum()))


def _gradients(
    case: Case, chain: Chain, x: np.ndarray, at: int, home: Home, dtype: str, also: tuple
) -> list[Want | dict[str, Want]]:
    """The gradients for all arrays that have one; that for the data goes back through the steps."""
    wants = rebuilt_wants(case.want, _with(flattened_in_place(case.want), _moved(case, chain, x, at, home, dtype)))
    place = [argument for argument, _ in dict.fromkeys(float_places(case.arrays))].index(at)
    w, h = wants[place], also[0] if also else None
    steps = 2 * unit(dtype) * (len(before(chain)) + 1) if len(before(chain)) else 0.0

    def back(g: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
        return pulled_back(chain, x, g, other)

    value = back(w.value, h)
    size = back(_finite(w.value), None if h is None else np.abs(h))
    last = unit(str(x.dtype)) * np.abs(value) if str(x.dtype) != dtype else 0.0
    tiny = smallest_normal(str(x.dtype))
    parts = {"value": value, "flushed": back(w.flushed) + tiny}
    wants[place] = w.allowing(lambda allowed: back(allowed) + steps * size + last, **parts)
    return wants


def _finite(x: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(x), np.abs(x), 0.0)


def flattened_in_place(tree: Any) -> list[Want]:
    """The expected arrays of nested tuples and dicts, in their order."""
    if isinstance(tree, Want):
        return [tree]
    return [w for part in (tree.values() if isinstance(tree, dict) else tree) for w in flattened_in_place(part)]


def rebuilt_wants(tree: Any, wants: list[Want]) -> list[Any]:
    """The same nesting with others."""
    remaining = iter(wants)

    def made(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: made(branch) for name, branch in part.items()}
        return next(remaining) if isinstance(part, Want) else type(part)(made(branch) for branch in part)

    return list(made(tree))


def _with(wants: list[Want], moved: list[np.ndarray]) -> list[Want]:
    if not moved:
        return wants

    def more(want: Want, by: np.ndarray) -> Want:
        finite = np.where(np.isfinite(want.value), by, 0.0)
        return want.allowing(lambda allowed: allowed + finite)

    return [more(w, m) for w, m in zip(wants, moved, strict=True)]


# ---- what other roundings of the operand move


def _rounds(chain: Chain) -> bool:
    """Whether the operand may be off."""
    return any(step.name in ("scale", "add") for step in before(chain))


def _size(chain: Chain, x: np.ndarray) -> np.ndarray:
    """What is rounded on the way to the operand."""
    y = np.abs(x.astype(np.float64))
    for step in before(chain):
        if step != ALSO and step.name != "cast":
            y = STEPS[step.name](y, abs(step.argument) if step.name in ("scale", "add") else step.argument)
    return y


def _moved(case: Case, chain: Chain, x: np.ndarray, at: int, home: Home, dtype: str) -> list[np.ndarray]:
    """How far the answer moves with an operand that is rounded otherwise; a gradient also with its cotangents."""
    turns = case.what == "gradient" and factor(after(chain)) != 1
    if not _rounds(chain) and not turns:
        return []
    wide, random = mapped(_wide, case.arrays), np.random.default_rng(3)
    size = STEP * unit(dtype) * _size(chain, x) if _rounds(chain) else np.zeros(case.arrays[at].shape)

    def answer(signed: bool) -> list[np.ndarray]:
        signs = random.choice([-1.0, 1.0], size.shape) if signed else 0.0
        arrays = (*wide[:at], np.asarray(wide[at] + signs * size), *wide[at + 1 :])
        if case.what == "call":
            return _asked_of_the_oracle(case, home, "", arrays)
        about = STEP * unit(dtype) if turns and signed else 0.0
        g = mapped(lambda c: _wide(c) * (1 + about * random.choice([-1.0, 1.0], c.shape)), case.cotangents)
        return _asked_of_the_oracle(case, home, "_vjp", (*arrays, mapped(np.asarray, g)))

    with np.errstate(all="ignore"):
        centre = answer(False)
        runs = [[np.abs(a - b) for a, b in zip(answer(True), centre, strict=True)] for _ in range(RUNS)]
        return [SAFETY * np.max(np.stack(found), axis=0) for found in zip(*runs, strict=True)]


def _wide(x: np.ndarray) -> np.ndarray:
    return np.asarray(x.astype(np.float64)) if is_float(x) else x


def _asked_of_the_oracle(case: Case, home: Home, part: str, arrays: tuple) -> list[np.ndarray]:
    """The oracle's answer in float64, in the order of the expected arrays."""
    known = {a.name for a in home.operation.attributes}
    if not home.readings.keys() <= known:  # a reading that the oracle cannot be told: its clause knows it
        *inputs, last = arrays
        with at_most(0):
            asked = case.on(*inputs, cotangents=last) if part else case.on(*arrays)
        return [w.value for w in _expected(asked)]
    told = {k: v for k, v in home.readings.items() if k in known}
    found = getattr(_oracle(), case.operation + part)(*arrays, **(case.attributes | told))
    if part:
        return leaves(_like(case.want, found))
    return [np.asarray(y, np.float64) for y in flattened(found)]


def _expected(case: Case) -> list[Want]:
    return flattened_in_place(case.want) if case.what == "gradient" else flattened(case.want)


def _like(wants: Any, found: Any) -> Any:
    """An answer with the tables in the order of the expected ones."""
    if isinstance(wants, dict):
        return {name: _like(part, found[name]) for name, part in wants.items()}
    if isinstance(wants, tuple | list):
        return tuple(_like(part, one) for part, one in zip(wants, found, strict=True))
    return np.asarray(found, np.float64)
