"""Wrong in one way that any operation can be: an answer depends on what was asked before."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.functions import fingerprint
from nnspec_conformance.home import Home
from nnspec_conformance.mutant import ORACLE, Mutants
from nnspec_conformance.trees import leaves, mapped

MUTANTS = Mutants()
DUTY = "duty.history"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]
CALLED = [operation for operation in OWING if operation.form != "stepper"]
STEPPERS = [operation.name for operation in OWING if operation.form == "stepper"]
FLOWING = [o.name for o in CALLED if hasattr(ORACLE, f"{o.name}_vjp") and Home(o, {}).is_differentiable]
# The second argument of the last one is never read, as its own clause says.
WITH_WEIGHTS = [o.name for o in CALLED if len(Home(o, {}).arrays("float32")) > 1 and o.name != "unused_parameter"]
KEPT: dict = {}  # what the wrong ones remember


def moved(answer, by):
    return mapped(lambda y: np.asarray(y + np.asarray(by).astype(y.dtype)), answer)


def form(arrays):
    return [(x.shape, str(x.dtype)) for x in leaves(arrays)]


@MUTANTS.each(
    "right in its first call only: every call moves a running statistic", DUTY, operations=[o.name for o in CALLED]
)
def drifts_with_every_call(f, *arrays, **given):
    KEPT[f.__name__] = KEPT.get(f.__name__, -1) + 1
    return moved(f(*arrays, **given), KEPT[f.__name__] % 7)


@MUTANTS.each(
    "answers are remembered by the form of the arrays and their ends, as a hash of some entries does",
    DUTY,
    operations=[o.name for o in CALLED if Home(o, {}).arrays("float32")],
)
def remembers_by_the_ends(f, *arrays, **given):
    ends = [x.ravel()[[0, -1]].tobytes().hex() for x in leaves(arrays) if x.size]
    key = fingerprint([f.__name__, form(arrays), ends, given])
    if key not in KEPT:
        KEPT[key] = f(*arrays, **given)
    return KEPT[key]


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


@MUTANTS.each("the gradient is taken at what the last backward pass has kept", DUTY, operations=FLOWING, part="_vjp")
def takes_the_gradient_at_the_last_arrays(f, *arrays, **given):
    *primals, cotangents = arrays
    key = fingerprint([f.__name__, "arrays", form(arrays), given])
    last = KEPT.get(key, primals)
    KEPT[key] = primals
    return f(*last, mapped(lambda c: c + c, cotangents) if last is primals else cotangents, **given)


@MUTANTS.each("the state lies in the module and not in the stepper: two of them share it", DUTY, operations=STEPPERS)
def shares_its_state(start, params, **given):
    step, key = start(params, **given), (start.__name__, "step")

    def called(*told, **rate):
        KEPT[key] = KEPT.get(key, -1) + 1
        return mapped(lambda p: p + np.asarray(KEPT[key] % 5).astype(p.dtype), step(*told, **rate))

    return called
