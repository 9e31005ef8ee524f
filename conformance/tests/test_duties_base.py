"""What the duties start from says something: no array is without effect there.

A duty asks with the keywords of the home question, or with those of the first question of the operation's own clauses.
At a strength of 0, or where no unit passes its ReLU, an operation is blind to an array, and so is every duty.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from nnspec_conformance.answers import at, by_place, held, name_of, pairs, replaced
from nnspec_conformance.asked import cotangents_of, own_question
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.trees import leaves

OPERATIONS = {o.name: o for o in own_spec().operations.values() if o.form in ("map", "state map", "random map")}
OTHERS = 3  # draws in the place of an array, of which one has to move the answer

KNOWN = {  # an operation, and what has no effect: why
    ("unused_parameter", "no answer moves with unused"): "so its clause says",
    ("unused_parameter", "no gradient for unused"): "so its clause says",
    ("stopped_gradient", "no gradient for y"): "so its clause says",
    ("spectral_norm", "no gradient for u"): "both vectors are held",
    ("clip_by_value", "no gradient for gain"): "a single number, which each of the limits clips; the others flow",
    ("constant_rate", "all answers are alike"): "so its clause says",
    ("piecewise_constant", "no answer to the first question of its clauses"): (
        "a keyword tells the number of rates; it owes no duty that asks by its clauses"
    ),
    ("batch_norm_layer", "no answer moves with mean"): "in training; it owes no duty that would be blind, see its page",
    ("batch_norm_layer", "no answer moves with variance"): "likewise",
}


def readings_of(operation: str) -> dict[str, str]:
    """The definition's."""
    return {clause.keyword: clause.definition for clause in own_spec().governing(operation)}


def bases(operation: str, what: str) -> Iterator[tuple[str, Home]]:
    """The questions from which the duties of an operation start, in words."""
    home = Home(own_spec().operations[operation], readings_of(operation))
    yield "the home question", home
    if own := own_question(operation, what, dict(home.readings)):
        yield "the first question of its clauses", replace(home, keywords=own.attributes)


def without_effect(home: Home) -> Iterator[str]:
    """The arrays of numbers with which no answer moves."""
    arrays, f = home.arrays("float64"), getattr(ORACLE, home.operation.name)
    answer = f(*arrays, **home.attributes)
    if len(np.unique(np.concatenate([np.ravel(y) for y in leaves(answer)]))) < 2 and leaves(answer)[0].size > 1:
        yield "all answers are alike"
    for place, array in held(home, arrays).items():
        others = [at(home.arrays("float64", seed=seed), place) for seed in range(1, OTHERS + 1)]
        answers = (f(*replaced(arrays, {place: other}), **home.attributes) for other in others)
        if array.dtype == "float" and not any((a != b).any() for other in answers for a, b in pairs(answer, other)):
            yield f"no answer moves with {name_of(home, place)}"


def without_slope(home: Home) -> Iterator[str]:
    """The arrays whose gradient is zero in every entry."""
    vjp = getattr(ORACLE, f"{home.operation.name}_vjp", None)
    if vjp is None or not home.is_differentiable:
        return
    arrays = home.arrays("float64")
    found = vjp(*arrays, cotangents_of(home, arrays, "float64"), **home.attributes)
    without = [place for place, gradient in by_place(arrays, found).items() if not gradient.any()]
    yield from (f"no gradient for {name_of(home, place)}" for place in without)


def blind(operation: str) -> Iterator[tuple[str, str]]:
    """What has no effect, and in which question."""
    for what, looked in (("call", without_effect), ("gradient", without_slope)):
        for words, home in bases(operation, what):
            try:
                yield from ((problem, f"{words}, {home.attributes}") for problem in looked(home))
            except ValueError:
                yield f"no answer to {words}", f"{home.attributes}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_array_has_an_effect_where_the_duties_start(operation):
    found = [(problem, where) for problem, where in blind(operation) if (operation, problem) not in KNOWN]
    assert not found, f"{operation}: {found}; ask another question first, or declare another seed"


def test_what_is_known_is_still_so():
    found = {(operation, problem) for operation in {name for name, _ in KNOWN} for problem, _ in blind(operation)}
    assert found == KNOWN.keys()


PENALTY = OPERATIONS["l2_penalty"]


@pytest.mark.parametrize(("strength", "names"), [(0.0, True), (0.5, False)])
def test_a_strength_of_zero_is_seen(strength, names):
    home = Home(PENALTY, readings_of(PENALTY.name), keywords={"strength": strength})
    assert bool([*without_effect(home)]) == names
    assert bool([*without_slope(home)]) == names
