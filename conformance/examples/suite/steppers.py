"""Tests of what every stepper owes, once for all, and of adam."""

import numpy as np
from oracles import adam

from nnspec_conformance import steppers
from nnspec_conformance.cases import clause
from nnspec_conformance.steppers import Stepper

# ---- families: what is asked stands in the Stepper, and its page says which operations they are put to


@clause("stepper.form")
def form(operation):
    yield from steppers.of(operation).keeps_the_form()


@clause("stepper.leaves")
def leaves(operation, trial):
    steppers.of(operation).leaves_are_apart(trial)


@clause("stepper.gradients-of-others")
def gradients_of_others(operation):
    yield from steppers.of(operation).refuses_gradients_of_others()


@clause("stepper.rate-zero")
def rate_zero(operation, trial):
    steppers.of(operation).stays_at_rate_zero(trial)


@clause("stepper.rate")
def rate(operation, trial):
    steppers.of(operation).takes_each_rate(trial)


@clause("stepper.instances")
def instances(operation, trial):
    steppers.of(operation).instances_are_apart(trial)


@clause("stepper.state")
def state(operation, trial):
    steppers.of(operation).goes_on_where_it_was_saved(trial)


# ---- adam

ADAM = Stepper("adam", adam, {"learning_rate": 0.1, "b1": 0.8, "b2": 0.95, "eps": 0.01})  # off the defaults


@clause("adam.trajectory")
def adam_trajectory():
    yield from ADAM.steps(rates=steppers.RATES)


@clause("adam.eps")
def adam_eps(default):
    """At a gradient equal to epsilon the first step is half the rate; a decade away it is 0.09 or 0.91 of it."""

    def at_epsilon(dtype):
        return [{name: np.full_like(p, default) for name, p in steppers.tree(0, dtype).items()}]

    yield from ADAM.steps(grads=at_epsilon, count=1, drop=("eps",), declared={"eps": default}, dtypes=("float32",))
