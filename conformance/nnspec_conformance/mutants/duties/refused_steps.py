"""Wrong in one way that any stepper can be: a step that is refused has done a part of its work."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.trees import mapped

MUTANTS = Mutants()
DUTY = "duty.refused-steps"
OWING = [own_spec().operations[name] for name in own_spec().clauses[DUTY].operations]
OF_GRADIENTS = [o.name for o in OWING if o.family == "optimizers"]


@MUTANTS.each("counts a step before it looks at what it was handed, and never takes it back", DUTY)
def counts_the_steps_it_refuses(start, params, **given):
    step, refused = start(params, **given), []

    def called(grads, **told):
        try:
            answer = step(grads, **told)
        except Exception:
            refused.append(grads)
            raise
        return mapped(lambda p: np.asarray(p + np.asarray(len(refused) % 5).astype(p.dtype)), answer)

    return called


@MUTANTS.each(
    "steps one array after the other, and stops at the first that does not fit: those before it have moved",
    DUTY,
    operations=OF_GRADIENTS,
)
def steps_the_arrays_before_the_wrong_one(start, params, **given):
    step = start(params, **given)

    def called(grads, **told):
        try:
            return step(grads, **told)
        except Exception:
            fits = {name: name in grads and grads[name].shape == p.shape for name, p in params.items()}
            step({name: grads[name] if fits[name] else np.zeros_like(p) for name, p in params.items()}, **told)
            raise

    return called
