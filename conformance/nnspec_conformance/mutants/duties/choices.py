"""Wrong in one way that any operation with a choice can be: another word is taken."""

from __future__ import annotations

from nnspec_conformance import classic_faults as classic
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()
DUTY = "duty.choices"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]
OF_FUNCTIONS = [o.name for o in OWING if any("tanh" in a.values for a in o.handed_on)]
OF_DTYPES = [o.name for o in OWING if o.name not in OF_FUNCTIONS]
ALIASES = {"swish": "silu", "linear": "identity", "hard_swish": "silu", "relu6": "relu"}
SHORT = {"fp16": "float16", "bf16": "bfloat16"}


def with_words(f, given, read):
    """The keywords of a call, every choice that is handed on as it is read."""
    names = [attribute.name for attribute in own_spec().operations[f.__name__].handed_on]
    return {name: read(value) if name in names else value for name, value in given.items()}


MUTANTS.each(
    "an unknown word falls back to a default, and a typo trains another network",
    DUTY,
    operations=OF_FUNCTIONS,
    name="falls back to tanh",
)(classic.falls_back_to("tanh"))


@MUTANTS.each("words are compared without their case", DUTY)
def ignores_the_case(f, *arrays, **given):
    return f(*arrays, **with_words(f, given, str.lower))


@MUTANTS.each("an empty word is false, and false means none at all", DUTY, operations=OF_FUNCTIONS)
def takes_nothing_for_the_identity(f, *arrays, **given):
    return f(*arrays, **with_words(f, given, lambda word: word or "identity"))


@MUTANTS.each(
    "the word is looked up among all functions of a library, under every name that it has",
    DUTY,
    operations=OF_FUNCTIONS,
)
def knows_more_words_than_are_declared(f, *arrays, **given):
    own = {a.name: a.values for a in own_spec().operations[f.__name__].handed_on}
    read = {n: ALIASES.get(v, v) if n in own and ALIASES.get(v) in own[n] else v for n, v in given.items()}
    return f(*arrays, **read)


@MUTANTS.each("an empty word is false, and false means the default", DUTY, operations=OF_DTYPES)
def takes_nothing_for_the_default(f, *arrays, **given):
    return f(*arrays, **with_words(f, given, lambda word: word or "float32"))


@MUTANTS.each("a table of dtypes has the short names of configuration files, too", DUTY, operations=OF_DTYPES)
def knows_short_names_of_dtypes(f, *arrays, **given):
    return f(*arrays, **with_words(f, given, lambda word: SHORT.get(word, word)))


@MUTANTS.each("whatever is no known dtype is drawn in float32", DUTY, operations=OF_DTYPES)
def falls_back_to_float32(f, *arrays, **given):
    return f(*arrays, **with_words(f, given, lambda word: word if word in DTYPES else "float32"))
