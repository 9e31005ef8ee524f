"""Wrong in one way that any operation with a choice can be: another word is taken."""

from __future__ import annotations

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()
DUTY = "duty.choices"
ALIASES = {"swish": "silu", "linear": "identity", "hard_swish": "silu", "relu6": "relu"}


def with_words(f, given, read):
    """The keywords of a call, every choice that is handed on as it is read."""
    names = [attribute.name for attribute in own_spec().operations[f.__name__].handed_on]
    return {name: read(value) if name in names else value for name, value in given.items()}


MUTANTS.each(
    "an unknown word falls back to a default, and a typo trains another network",
    DUTY,
    name="falls back to tanh",
)(classic.falls_back_to("tanh"))


@MUTANTS.each("words are compared without their case", DUTY)
def ignores_the_case(f, *arrays, **given):
    return f(*arrays, **with_words(f, given, str.lower))


@MUTANTS.each("an empty word is false, and false means none at all", DUTY)
def takes_nothing_for_the_identity(f, *arrays, **given):
    return f(*arrays, **with_words(f, given, lambda word: word or "identity"))


@MUTANTS.each("the word is looked up among all functions of a library, under every name that it has", DUTY)
def knows_more_words_than_are_declared(f, *arrays, **given):
    own = {a.name: a.values for a in own_spec().operations[f.__name__].handed_on}
    read = {n: ALIASES.get(v, v) if n in own and ALIASES.get(v) in own[n] else v for n, v in given.items()}
    return f(*arrays, **read)
