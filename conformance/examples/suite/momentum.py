"""Tests of momentum: the file of a topic. Only what is its own stands here."""

from oracles import momentum

from nnspec_conformance.cases import clause
from nnspec_conformance.steppers import RATES, Stepper

MOMENTUM = Stepper("momentum", momentum, {"learning_rate": 0.5, "momentum": 0.8})


@clause("momentum.trajectory")
def momentum_trajectory(readings):
    yield from MOMENTUM.steps(readings)


@clause("momentum.rate-position")
def momentum_rate_position(readings):
    yield from MOMENTUM.steps(readings, rates=RATES)


@clause("momentum.nesterov")
def momentum_nesterov(readings):
    yield from MOMENTUM.steps(readings, nesterov=True)
    yield from MOMENTUM.steps(readings, rates=RATES, nesterov=True)


@clause("momentum.default")
def momentum_default(readings, default):
    yield from MOMENTUM.steps(readings, drop=("momentum",), declared={"momentum": default})


@clause("momentum.negative")
def momentum_negative():
    yield MOMENTUM.refuses("a momentum of -0.5", momentum=-0.5)
