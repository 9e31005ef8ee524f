"""Wrong in one way that any operation can be: an answer depends on what was asked before."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import stepper_faults as faults
from nnspec_conformance.answers import pairs
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.functions import fingerprint
from nnspec_conformance.home import SEEDED, Home
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.operations import Operation
from nnspec_conformance.sizes import Axes
from nnspec_conformance.trees import leaves, mapped

MUTANTS = Mutants()
DUTY = "duty.history"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]
CALLED = [operation for operation in OWING if operation.form != "stepper"]
STEPPERS = [operation.name for operation in OWING if operation.form == "stepper"]
# The second argument of the last one is never read, as its own clause says.
WITH_WEIGHTS = [o.name for o in CALLED if len(Home(o, {}).arrays("float32")) > 1 and o.name != "unused_parameter"]
KEPT: dict = {}  # what the wrong ones remember


def has_a_gradient_that_depends_on_its_arrays(operation: Operation) -> bool:
    """Whether other arrays have other gradients, with the same cotangents."""
    home, vjp = Home(operation, {}), getattr(ORACLE, f"{operation.name}_vjp", None)
    if vjp is None or not home.has_gradient:
        return False
    cotangents = home.cotangents("float64")
    found = [vjp(*home.arrays("float64", seed=seed), cotangents, **home.attributes) for seed in (0, 1)]
    return any((a != b).any() for a, b in pairs(*found))


def has_a_slope(operation: Operation) -> bool:
    """Whether it has gradients, and not all of them are zero."""
    home, vjp = Home(operation, {}), getattr(ORACLE, f"{operation.name}_vjp", None)
    if vjp is None or not home.has_gradient:
        return False
    return any(g.any() for g in leaves(vjp(*home.arrays("float64"), home.cotangents("float64"), **home.attributes)))


def is_long(operation: Operation) -> bool:
    """Whether the cotangents have more than two entries."""
    return any(x.size > 2 for x in leaves(Home(operation, {}).cotangents("float64")))


def keeps_states(name: str) -> bool:
    """Whether a stepper of the oracle has its states where another can take them."""
    home = Home(own_spec().operations[name], {})
    return hasattr(getattr(ORACLE, name)(*home.arrays("float64"), **home.attributes), "states")


def has_an_optional_keyword(operation: Operation) -> bool:
    """Whether a call may leave out a keyword that goes with any others."""
    plain = Home(operation, {}).attributes
    return any(a.values and not (a.readings or a.when or a.name in plain) for a in operation.attributes)


def takes_other_lengths(operation: Operation) -> bool:
    """Whether it is handed arrays, and an axis of theirs may be longer."""
    home = Home(operation, {})
    return bool(home.arrays("float32")) and bool(home.stars or Axes.of(home).words)


def moved(answer, by):
    return mapped(lambda y: np.asarray(y + np.asarray(by).astype(y.dtype)), answer)


def form(arrays):
    return [(x.shape, str(x.dtype)) for x in leaves(arrays)]


SLOPED = [operation for operation in CALLED if has_a_slope(operation)]


@MUTANTS.each(
    "right in its first call only: every call moves a running statistic", DUTY, operations=[o.name for o in CALLED]
)
def drifts_with_every_call(f, *arrays, **given):
    KEPT[f.__name__] = KEPT.get(f.__name__, -1) + 1
    return moved(f(*arrays, **given), KEPT[f.__name__] % 7)


@MUTANTS.each(
    "answers are remembered by the form of the arrays and their ends, as a hash of some entries does",
    DUTY,
    operations=[o.name for o in CALLED if any(x.size > 2 for x in leaves(Home(o, {}).arrays("float32")))],
)
def remembers_by_the_ends(f, *arrays, **given):
    ends = [x.ravel()[[0, -1]].tobytes().hex() for x in leaves(arrays) if x.size]
    key = fingerprint([f.__name__, form(arrays), ends, given])
    if key not in KEPT:
        KEPT[key] = f(*arrays, **given)
    return KEPT[key]


MUTANTS.each(
    "gradients are remembered by the form of the arrays and cotangents and their ends",
    DUTY,
    operations=[o.name for o in SLOPED if is_long(o) and o.form not in SEEDED],
    part="_vjp",
    name="remembers gradients by the ends",
)(remembers_by_the_ends)


@MUTANTS.each("the layer is built at the first call, with the weights of then", DUTY, operations=WITH_WEIGHTS)
def keeps_its_first_weights(f, x, *rest, **given):
    key = fingerprint([f.__name__, "weights", form((x, *rest)), given])
    return f(x, *KEPT.setdefault(key, rest), **given)


@MUTANTS.each(
    "what a refused call left half done is still there at the next one", DUTY, operations=[o.name for o in CALLED]
)
def goes_on_after_a_refusal(f, *arrays, **given):
    key = (f.__name__, "refused")
    try:
        answer = f(*arrays, **given)
    except Exception:
        KEPT[key] = 1
        raise
    return moved(answer, KEPT.pop(key, 0))


MUTANTS.each(
    "what a refused gradient left half done is still there at the next one",
    DUTY,
    operations=[o.name for o in SLOPED],
    part="_vjp",
    name="goes on after a gradient that was refused",
)(goes_on_after_a_refusal)


@MUTANTS.each(
    "the answer is remembered by the array itself, and nobody looks whether its numbers are still the same",
    DUTY,
    operations=[o.name for o in CALLED if Home(o, {}).arrays("float32")],
)
def remembers_by_identity(f, *arrays, **given):
    key = fingerprint([f.__name__, "identity", [id(x) for x in leaves(arrays)], given])
    if key not in KEPT:
        KEPT[key] = arrays, f(*arrays, **given)  # while they are held, no other array is in their place
    return KEPT[key][1]


MUTANTS.each(
    "the gradient is remembered by the arrays themselves, and nobody looks whether their numbers are still the same",
    DUTY,
    operations=[o.name for o in SLOPED],
    part="_vjp",
    name="remembers gradients by identity",
)(remembers_by_identity)


@MUTANTS.each(
    "a keyword is a setting of the module: once given it stays in force",
    DUTY,
    operations=[o.name for o in CALLED if has_an_optional_keyword(o)],
)
def keeps_keywords_in_force(f, *arrays, **given):
    key = (f.__name__, "keywords")
    KEPT[key] = KEPT.get(key, {}) | given
    return f(*arrays, **KEPT[key])


@MUTANTS.each(
    "the gradient is taken at what the last backward pass has kept",
    DUTY,
    operations=[o.name for o in CALLED if has_a_gradient_that_depends_on_its_arrays(o)],
    part="_vjp",
)
def takes_the_gradient_at_the_last_arrays(f, *arrays, **given):
    *primals, cotangents = arrays
    key = fingerprint([f.__name__, "arrays", form(arrays), given])
    last, KEPT[key] = KEPT.get(key, primals), primals
    return f(*last, cotangents, **given)


@MUTANTS.each(
    "a buffer grows with the longest arrays and is never cleared: what they left behind shorter ones counts",
    DUTY,
    operations=[o.name for o in CALLED if takes_other_lengths(o)],
)
def has_a_buffer_that_grows(f, *arrays, **given):
    count = sum(x.size for x in leaves(arrays))
    most = KEPT[f.__name__, "most"] = max(count, KEPT.get((f.__name__, "most"), 0))
    return moved(f(*arrays, **given), most > count)


MUTANTS.each(
    "the backward pass has a buffer that grows with the longest cotangents, and adds up all of it",
    DUTY,
    operations=[o.name for o in SLOPED if takes_other_lengths(o)],
    part="_vjp",
    name="has a buffer of gradients that grows",
)(has_a_buffer_that_grows)


MUTANTS.each("rate and states are of the class, not of the instance", DUTY, operations=filter(keeps_states, STEPPERS))(
    faults.shares_its_state
)


@MUTANTS.each(
    "what is learned is added to a variable of the module",
    DUTY,
    operations=[name for name in STEPPERS if not keeps_states(name)],
)
def adds_to_what_others_have_learned(start, params, **given):
    step, key = start(params, **given), (start.__name__, "step")

    def called(*told):
        KEPT[key] = KEPT.get(key, -1) + 1
        return mapped(lambda p: p + np.asarray(KEPT[key] % 5).astype(p.dtype), step(*told))

    return called


@MUTANTS.each(
    "what a refused step left half done, in a buffer of all steppers, goes into the next one", DUTY, operations=STEPPERS
)
def goes_on_after_a_refused_step(start, params, **given):
    step, key = start(params, **given), (start.__name__, "refused step")

    def called(grads, **told):
        try:
            answer = step(grads, **told)
        except Exception:
            KEPT[key] = 1
            raise
        return moved(answer, KEPT.pop(key, 0))

    return called


@MUTANTS.each(
    "the module has one buffer for all steppers, and makes it anew where other shapes come", DUTY, operations=STEPPERS
)
def has_one_buffer_for_all_shapes(start, params, **given):
    step, key, shapes = start(params, **given), (start.__name__, "shapes"), form(params)

    def called(grads, **told):
        last, KEPT[key] = KEPT.get(key, shapes), shapes
        return moved(step(grads, **told), last != shapes)

    return called
