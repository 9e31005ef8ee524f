"""Wrong in one way that a compiler can be: right for every step alone, and not for what it makes of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import is_float
from nnspec_conformance.fitting import data_of
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE, Mutant, Mutants
from nnspec_conformance.programs import ALSO, AROUND, CALL, Chain, Program, flattened
from nnspec_conformance.sizes import ROWS, Axes, is_possible
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()
DUTY = "duty.programs"
OWING = own_spec().clauses[DUTY].operations
SMOOTH = ("softmax", "log_softmax")


def each(story: str, operations: Iterable[str] = OWING) -> Callable[[Callable], Callable]:
    """Add the decorated compiler for each operation; it is handed a program and returns what is called instead."""

    def bind(compiler: Callable) -> Callable:
        name = compiler.__name__.replace("_", " ")
        for operation in operations:
            MUTANTS.append(Mutant(name, story, (f"{DUTY}[{operation}]",), {"compile": compiler}, base=ORACLE))
        return compiler

    return bind


def with_chains(program: Program, changed: Callable[[Chain], Chain]) -> Program:
    """The program with other chains."""
    return replace(program, chains=replace(program.chains, chains=tuple(map(changed, program.chains.chains))))


def without(name: str, *, before: bool = True) -> Callable[[Chain], Chain]:
    """A chain without the steps of a name before its call, or behind it."""

    def changed(chain: Chain) -> Chain:
        at = chain.index(CALL)
        return tuple(step for i, step in enumerate(chain) if step.name != name or (i < at) != before)

    return changed


def with_step(program: Program, name: str, step: Callable) -> Program:
    """The program in which one plain step is another."""
    return replace(program, steps={**program.steps, name: step})


def many_rows(name: str) -> bool:
    """Whether an operation is asked with a batch of any size."""
    home = Home(own_spec().operations[name], {})
    axes = Axes.of(home)
    return axes.separate and is_possible(home, axes.size((ROWS,), (2,)).lengths)


# Of a multiple of the data the answer is the same multiple.
HOMOGENEOUS = {
    "identity", "relu", "leaky_relu", "maximum_reduction", "absolute_value", "euclidean_norm", "embedding_lookup",
    "max_pool", "average_pool", "global_average_pool", "flatten_features", "stopped_gradient", "unused_parameter",
}  # fmt: skip
SAME_DIRECTION = {"cosine_loss"}  # a multiple of the data has the same answer
SPARSE = {"masked_square_root"}  # mostly zero, as the last row may be
ONE_CHANNEL = {"lenet"}  # beside an axis of one entry a transposition is a matter of the shape alone
SUM_0 = {"layer_norm"}  # the sum of its results is nothing but their rounding
SUM_1 = {"token_probabilities", "top_k_probabilities", "nucleus_probabilities", "min_p_probabilities"}  # of each row
MANY_TERMS = {"convolution_2d"}  # of whose sum a bound for any order tells half precision by less than ten times
NO_DIGITS = {  # no digit is lost in fewer digits, as none is made
    "identity", "relu", "maximum_reduction", "absolute_value", "pairwise_maximum", "selection", "clamp",
    "embedding_lookup", "max_pool", "flatten_features", "hinge", "leaky_relu", "power",
}  # fmt: skip


def those(*apart: set[str]) -> list[str]:
    """The operations that owe the duty, but for some."""
    return [name for name in OWING if not any(name in names for names in apart)]


@each("two passes over a graph, of which the second does not see the product", those(SAME_DIRECTION))
def leaves_the_product_out(program):
    return with_chains(program, without("scale"))


@each("what is between two operations is kept in half precision, to save memory", those(SAME_DIRECTION))
def rounds_the_product_to_half_precision(program):
    def rounded(x: Any, by: float) -> np.ndarray:
        return np.asarray((x * x.dtype.type(by)).astype(ml_dtypes.bfloat16).astype(x.dtype))

    return with_step(program, "scale", rounded)


@each("factors are taken together behind the operation, as behind a linear one", those(HOMOGENEOUS))
def takes_the_product_behind_the_operation(program):
    def changed(chain: Chain) -> Chain:
        at = chain.index(CALL)
        moved = [step for step in chain[:at] if step.name == "scale"]
        return (*(step for step in chain[:at] if step.name != "scale"), CALL, *moved, *chain[at + 1 :])

    return with_chains(program, changed)


@each("the factor behind the operation is taken for its own, which has none")
def leaves_out_the_product_behind(program):
    return with_chains(program, without("scale", before=False))


def loses_digits(name: str) -> bool:
    """Whether the answer to data of fewer digits is another one than to the same data cast to more."""
    home = Home(own_spec().operations[name], {})
    arrays, at = home.arrays("float32"), data_of(home.operation)
    x, f = arrays[at].astype(ml_dtypes.bfloat16), getattr(ORACLE, name)

    def answer(data: np.ndarray) -> list[np.ndarray]:
        return flattened(f(*arrays[:at], data, *arrays[at + 1 :], **home.attributes))

    pairs = zip(answer(x), answer(x.astype(np.float32)), strict=True)
    return any(not np.array_equal(a.astype(np.float64), b.astype(np.float64), equal_nan=True) for a, b in pairs)


@each("a cast to more digits is left out, as it changes no number", filter(loses_digits, those(NO_DIGITS)))
def leaves_the_cast_out(program):
    return with_step(program, "cast", lambda x, dtype: x)


@each("a transposition is a matter of the shape alone, and memory is read front to back", those(ONE_CHANNEL))
def transposes_the_shape_only(program):
    return with_step(program, "transpose", lambda x, _: x.reshape(*x.shape[:-2], x.shape[-1], x.shape[-2]))


@each("a slice has its length, and begins where the array begins")
def slices_from_the_beginning(program):
    return with_step(program, "slice", lambda x, ends: x[..., : x.shape[-1] - AROUND])


@each(
    "the sum is taken along the last axis, as that of a batch is, and the rest of the entries is left out", those(SUM_0)
)
def sums_the_first_row_only(program):
    def summed(x: np.ndarray, _: Any) -> np.ndarray:
        largest = np.asarray(np.where(np.abs(x) == np.abs(x).max(), 0, x)).astype(x.dtype)
        return np.asarray(x.reshape(-1, x.shape[-1])[0].sum() if x.ndim > 1 else largest.sum())

    return with_step(program, "reduce_sum", summed)


@each("a sum is accumulated in half precision, as its terms come from there", those(SUM_0, SUM_1, MANY_TERMS))
def sums_in_half_precision(program):
    def summed(x: np.ndarray, _: Any) -> np.ndarray:
        total = np.zeros((), ml_dtypes.bfloat16)
        for entry in x.reshape(-1):
            total = np.asarray(total + entry.astype(ml_dtypes.bfloat16))
        return total.astype(x.dtype)

    return with_step(program, "reduce_sum", summed)


@each("the answer is written over the data, which somebody else still needs", those({"identity"}))
def writes_over_what_is_needed(program):
    def changed(chain: Chain) -> Chain:
        return (*(step for step in chain if step != ALSO), ALSO) if ALSO in chain else chain

    return with_chains(program, changed)


@each(
    "one launch covers 65,536 rows, and the program makes one",
    [name for name in OWING if many_rows(name) and name not in SPARSE],
)
def launches_once(program):
    def cut(y: np.ndarray) -> np.ndarray:
        return np.concatenate([y[:65536], 0 * y[65536:]]) if y.ndim and is_float(y) else y

    call = program.call
    return replace(program, call=lambda *arrays: mapped(cut, call(*arrays)))


@each("the maximum is that of the rounded scores, and is subtracted from unrounded ones", SMOOTH)
def fuses_the_product_with_the_subtraction(program):
    def call(x: np.ndarray) -> np.ndarray:
        scores = x.astype(np.float32)
        d = (x.astype(np.float64) - scores.max(-1, keepdims=True)).astype(np.float32)
        with np.errstate(all="ignore"):
            e = np.exp(d)
            return e / e.sum(-1, keepdims=True) if is_share else d - np.log(e.sum(-1, keepdims=True))

    zeros = np.zeros((1, 2), np.float32)
    is_share = float(np.asarray(program.call(zeros)).flat[0]) > 0
    return replace(with_step(program, "scale", lambda x, by: np.asarray(x.astype(np.float64) * by)), call=call)
