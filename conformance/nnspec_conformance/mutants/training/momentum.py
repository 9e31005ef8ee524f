"""Wrong momentum, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.stepping import each_leaf

MUTANTS = Mutants()

RULE, SAME, CONSTANT = (
    f"momentum.{clause}[momentum]" for clause in ("rate-position", "constant-rate", "constant-gradient")
)
EXAMPLE, QUADRATIC = "momentum.example", "momentum.quadratic"
AHEAD, AHEAD_SAME, AHEAD_CONSTANT = (
    f"momentum.{clause}[nesterov]" for clause in ("rate-position", "constant-rate", "constant-gradient")
)
NESTEROV = ("nesterov.example", "nesterov.quadratic", "nesterov.lookahead")


def rule(step: Callable) -> Callable:
    """A stepper from ``step(p, g, v, rate, beta, t)``, which gives the new parameter and the new velocity."""

    def leaf(
        p, g, v, *, t, learning_rate, momentum, dampening=0.0, weight_decay=0.0,
        rate_position="outside", first_gradient="whole", decay_position="gradient",
    ):  # fmt: skip
        return step(p, g, v, learning_rate, momentum, t)

    leaf.__name__ = step.__name__
    return each_leaf(leaf)


# ---- heavy ball


@MUTANTS.add("the velocity is updated after the parameter, and is one step late", RULE, SAME, EXAMPLE)
@rule
def is_one_step_late(p, g, v, rate, beta, t):
    return p - rate * v, beta * v + g


@MUTANTS.add("the velocity is an average, as in Adam: steps are ten times too short at 0.9", RULE, EXAMPLE, CONSTANT)
@rule
def dampens_the_gradient(p, g, v, rate, beta, t):
    v = beta * v + (1 - beta) * g
    return p - rate * v, v


@MUTANTS.add("the velocity is made anew at each step: gradient descent", RULE, EXAMPLE, CONSTANT, QUADRATIC)
@rule
def forgets_the_velocity(p, g, v, rate, beta, t):
    return p - rate * g, g


@MUTANTS.add("the rate is inside, and is multiplied again at the step", RULE, SAME, CONSTANT)
@rule
def multiplies_by_the_rate_twice(p, g, v, rate, beta, t):
    v = beta * v + rate * g
    return p - rate * v, v


@MUTANTS.add("the velocity is corrected as an average of Adam that starts at zero", RULE, CONSTANT, QUADRATIC)
@rule
def corrects_a_bias(p, g, v, rate, beta, t):
    v = beta * v + g
    return p - rate * v / (1 - beta**t), v


@MUTANTS.add("the momentum is taken for the share that is lost", RULE, EXAMPLE, CONSTANT)
@rule
def keeps_what_should_be_lost(p, g, v, rate, beta, t):
    v = (1 - beta) * v + g
    return p - rate * v, v


@MUTANTS.add("a lazy update for sparse gradients: an entry whose gradient is 0 does not roll on", RULE)
@rule
def stands_still_where_the_gradient_is_zero(p, g, v, rate, beta, t):
    v = np.where(g == 0, v, beta * v + g)
    return np.where(g == 0, p, p - rate * v), v


@MUTANTS.add("the velocity is set to zero where it climbs: an adaptive restart that nobody asked for", RULE, QUADRATIC)
@rule
def restarts_where_it_climbs(p, g, v, rate, beta, t):
    v = beta * np.where(v * g < 0, 0, v) + g
    return p - rate * v, v


@MUTANTS.add("the sign of the velocity alone moves the parameter: Signum", RULE, CONSTANT)
@rule
def steps_by_the_sign(p, g, v, rate, beta, t):
    v = beta * v + g
    return p - rate * np.sign(v), v


@MUTANTS.add("the look-ahead is always on: Nesterov's form under the name of heavy ball", RULE, SAME, QUADRATIC)
@rule
def is_nesterovs_form(p, g, v, rate, beta, t):
    v = beta * v + g
    return p - rate * (g + beta * v), v


@MUTANTS.add("the velocity is kept to three digits, as a compressed state", CONSTANT, QUADRATIC)
@rule
def rounds_the_velocity(p, g, v, rate, beta, t):
    v = beta * v + g
    fraction, exponent = np.frexp(v)
    v = np.ldexp(np.round(fraction * 2**10) / 2**10, exponent)
    return p - rate * v, v


@MUTANTS.add("the velocity belongs to the rate it was made with, and is scaled when the rate changes", RULE)
@each_leaf
def scales_the_velocity_by_the_change_of_the_rate(
    p, g, v, kept, *, t, learning_rate, momentum, dampening=0.0, weight_decay=0.0,
    rate_position="outside", first_gradient="whole", decay_position="gradient",
):  # fmt: skip
    change = 1.0 if t == 1 else learning_rate / kept.flat[0]
    v = momentum * v * change + g
    return p - learning_rate * v, v, np.full_like(kept, learning_rate)


@MUTANTS.add("a momentum of 0 is falsy, and a default takes its place", "momentum.zero")
def takes_a_momentum_of_0_for_none(params, *, momentum, **given):
    return right.momentum(params, momentum=momentum or 0.9, **given)


# ---- Nesterov's form


@MUTANTS.add("it looks ahead with the old velocity, which is heavy ball", AHEAD, AHEAD_SAME, AHEAD_CONSTANT, *NESTEROV)
@rule
def looks_ahead_with_the_old_velocity(p, g, v, rate, beta, t):
    ahead, v = g + beta * v, beta * v + g
    return p - rate * ahead, v


@MUTANTS.add("a formula for the old velocity, used with the new one: Chainer's NesterovAG", AHEAD, *NESTEROV)
@rule
def looks_ahead_twice(p, g, v, rate, beta, t):
    v = beta * v + g
    return p - rate * ((1 + beta) * g + beta**2 * v), v


@MUTANTS.add("the line is run twice on one variable, and the look-ahead is stored: go-deep", AHEAD, *NESTEROV)
@rule
def runs_the_momentum_line_twice(p, g, v, rate, beta, t):
    v = g + beta * (beta * v + g)
    return p - rate * v, v


@MUTANTS.add("each gradient is used at the step after its own", AHEAD, AHEAD_SAME, "nesterov.example")
@each_leaf
def takes_the_gradient_of_the_step_before(p, g, v, last, *, learning_rate, momentum, rate_position="outside"):
    v = momentum * v + last
    return p - learning_rate * (last + momentum * v), v, g


@MUTANTS.add("the gradient is dampened in the velocity and whole beside it", AHEAD, AHEAD_CONSTANT, *NESTEROV)
@rule
def dampens_the_velocity(p, g, v, rate, beta, t):
    v = beta * v + (1 - beta) * g
    return p - rate * (g + beta * v), v


@MUTANTS.add("the momentum grows with the count, as in FISTA, and the one that is told is never used", *NESTEROV[1:])
@rule
def has_a_momentum_of_its_own(p, g, v, rate, beta, t):
    beta = (t - 1) / (t + 2)
    v = beta * v + g
    return p - rate * (g + beta * v), v


# ---- dampening and weight decay

DAMPENING, DECAY = "momentum.dampening", "momentum.weight-decay"


@MUTANTS.add("the keyword is taken and never used", DAMPENING)
def forgets_the_dampening(params, *, dampening=0.0, **given):
    return right.momentum(params, **given)


@MUTANTS.add("the dampening is taken for what is left of a gradient", DAMPENING)
def keeps_what_should_be_dampened(params, *, dampening=0.0, **given):
    return right.momentum(params, dampening=1 - dampening if dampening else 0.0, **given)


@MUTANTS.add("the whole velocity is dampened at each step", DAMPENING)
@each_leaf
def dampens_the_whole_velocity(
    p, g, v, *, t, learning_rate, momentum, dampening=0.0,
    rate_position="outside", first_gradient="whole", decay_position="gradient",
):  # fmt: skip
    v = momentum * v + g
    if t > 1:
        v = (1 - dampening) * v
    return p - learning_rate * v, v


@MUTANTS.add("the keyword is taken and never used", DECAY)
def forgets_the_decay(params, *, weight_decay=0.0, **given):
    return right.momentum(params, **given)


@MUTANTS.add("the penalty is the decay times the square, not half of it, as in a regularizer of Keras", DECAY)
def decays_twice(params, *, weight_decay=0.0, **given):
    return right.momentum(params, weight_decay=2 * weight_decay, **given)


@MUTANTS.add("the decay is beside the velocity and not multiplied by the rate, as with Chainer's AdamW", DECAY)
@each_leaf
def decays_without_the_rate(
    p, g, v, *, learning_rate, momentum, weight_decay=0.0,
    rate_position="outside", first_gradient="whole", decay_position="gradient",
):  # fmt: skip
    v = momentum * v + g
    return p - learning_rate * v - weight_decay * p, v


@MUTANTS.add("the decay is read from the velocity, not from the parameter", DECAY)
@each_leaf
def lets_the_velocity_decay(
    p, g, v, *, learning_rate, momentum, weight_decay=0.0,
    rate_position="outside", first_gradient="whole", decay_position="gradient",
):  # fmt: skip
    v = momentum * v + g + weight_decay * v
    return p - learning_rate * v, v


# ---- refusals


@MUTANTS.each("what is out of range is brought into it", "momentum.range")
def clips_the_momentum(start, params, *, momentum, **given):
    return start(params, momentum=float(np.clip(np.nan_to_num(momentum), 0, 0.999)), **given)


@MUTANTS.add("what is out of range is brought into it", "momentum.dampening-range")
def clips_the_dampening(params, *, dampening=0.0, **given):
    return right.momentum(params, dampening=float(np.clip(dampening, 0, 0.999)), **given)


@MUTANTS.add("a sign typed wrong is mended in silence", "momentum.negative-decay")
def takes_the_magnitude_of_the_decay(params, *, weight_decay=0.0, **given):
    return right.momentum(params, weight_decay=abs(weight_decay), **given)
