"""Wrong RMSprops, each met in the wild, each caught by the clause that it names; first those of Adagrad, too."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import stepper_faults as faults
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.stepping import each_leaf
from nnspec_conformance.oracles.training.rmsprop import averaged, begun, moved, quotient

MUTANTS = Mutants()

# ---- any of them; each is made of the right one

RULES = ("rmsprop.epsilon-position", "adagrad.epsilon-position")
for RULE in RULES:
    MUTANTS.each("the update is applied at the next step", RULE)(faults.is_one_step_late)
    MUTANTS.each("the rate of a step is used at the next one", RULE)(faults.takes_the_rate_of_the_step_before)
MUTANTS.each("the update is applied at the next step", "rmsprop.constant-gradient", "rmsprop.half-precision")(
    faults.is_one_step_late
)
MUTANTS.each("a default of the training loop: every entry of the gradient is clipped to 1", "rmsprop.scaling")(
    faults.clips_each_entry
)
MUTANTS.each("an epsilon of 0 is falsy, and the default takes its place", "rmsprop.scaling")(
    faults.takes_an_epsilon_of_0_for_none
)
MUTANTS.each("epsilon in the dtype of the parameters: 1e-8 is 0 in float16", "rmsprop.zero-gradients")(
    faults.rounds_epsilon_to_the_dtype
)
MUTANTS.each("a sign typed wrong is mended in silence", "rmsprop.negative-epsilon")(
    faults.takes_the_magnitude_of_epsilon
)


@MUTANTS.each("what is out of range is brought into it", "rmsprop.decay-range")
def clips_the_decay_rate(start, params, *, decay_rate=0.9, **given):
    return start(params, decay_rate=float(np.clip(np.nan_to_num(decay_rate), 0, 0.9999)), **given)


@MUTANTS.each("what is out of range is brought into it", "rmsprop.momentum-range")
def clips_the_momentum(start, params, *, momentum=0.0, **given):
    return start(params, momentum=float(np.clip(np.nan_to_num(momentum), 0, 0.9999)), **given)


@MUTANTS.add("a sign typed wrong is mended in silence", "rmsprop.negative-l2")
def takes_the_magnitude_of_the_penalty(params, *, l2=0.0, **given):
    return right.rmsprop(params, l2=abs(l2), **given)


@MUTANTS.add("a sign typed wrong is mended in silence", "rmsprop.negative-decay")
def takes_the_magnitude_of_the_decay(params, *, weight_decay=0.0, **given):
    return right.rmsprop(params, weight_decay=abs(weight_decay), **given)


@MUTANTS.add("a sign typed wrong is mended in silence", "adagrad.negative-accumulator")
def takes_the_magnitude_of_the_accumulator(params, *, initial_accumulator=0.0, **given):
    return right.adagrad(params, initial_accumulator=abs(initial_accumulator), **given)


@MUTANTS.each("the decay rate in the dtype of the parameters: 0.999 is 1 in bfloat16", "rmsprop.half-precision",
              operations=("rmsprop", "centred_rmsprop"))  # fmt: skip
def rounds_the_decay_rate(start, params, *, decay_rate=0.9, **given):
    rounded = float(np.asarray(decay_rate, next(iter(params.values())).dtype))
    return start(params, decay_rate=min(rounded, 1 - 1e-9), **given)


# ---- RMSprop: a rule of its own for each

PLACE, EXAMPLE, CONSTANT = "rmsprop.epsilon-position[rmsprop]", "rmsprop.example", "rmsprop.constant-gradient[rmsprop]"
CYCLE = "rmsprop.cycle"

MUTANTS.each("the rate is multiplied by a number that nobody knows of", CYCLE)(faults.takes_seven_tenths_of_the_rate)


def rule(direction):
    """An RMSprop from ``direction(g, v, t, rho, epsilon, position) -> direction, v``."""

    @each_leaf
    def rmsprop(
        p, g, v, b, *, t, learning_rate, decay_rate=0.9, epsilon=1e-8, momentum=0.0, l2=0.0, weight_decay=0.0,
        epsilon_position="outside", start_rule="zero", rate_position="outside",
    ):  # fmt: skip
        d, v = direction(g + l2 * p, begun(v, t, start_rule), t, decay_rate, epsilon, epsilon_position)
        new, b = moved(p, d, b, learning_rate, momentum, rate_position)
        return new - learning_rate * weight_decay * p, v, b

    rmsprop.__name__ = direction.__name__
    return rmsprop


@MUTANTS.add("the mean square is corrected like Adam's, as with bias_correction of Optax", PLACE, EXAMPLE, CONSTANT)
@rule
def corrects_the_bias(g, v, t, rho, epsilon, position):
    v = averaged(v, g * g, rho)
    return quotient(g, v / (1 - rho**t), epsilon, position), v


@MUTANTS.add("the gradient is divided before the mean square knows it", PLACE, EXAMPLE, CONSTANT)
@rule
def divides_by_the_mean_square_before(g, v, t, rho, epsilon, position):
    return quotient(g, np.maximum(v, 2.0**-40), epsilon, position), averaged(v, g * g, rho)


@MUTANTS.add("squares are added whole: a sum that forgets, with steps too short", PLACE, EXAMPLE, CONSTANT)
@rule
def adds_the_whole_square(g, v, t, rho, epsilon, position):
    v = rho * v + g * g
    return quotient(g, v, epsilon, position), v


@MUTANTS.add("the decay rate is taken for the share of the new square", PLACE, EXAMPLE, CONSTANT)
@rule
def keeps_what_should_be_forgotten(g, v, t, rho, epsilon, position):
    v = averaged(v, g * g, 1 - rho)
    return quotient(g, v, epsilon, position), v


@MUTANTS.add("the root is left out, and large gradients give short steps", PLACE, EXAMPLE, CONSTANT, CYCLE)
@rule
def forgets_the_root(g, v, t, rho, epsilon, position):
    v = averaged(v, g * g, rho)
    return g / (np.float64(v) + epsilon), v


@MUTANTS.add("nothing is forgotten: Adagrad under the name of RMSprop", PLACE, EXAMPLE, CONSTANT, CYCLE)
@rule
def never_forgets(g, v, t, rho, epsilon, position):
    v = v + g * g
    return quotient(g, v, epsilon, position), v


@MUTANTS.add("the mean of the absolute gradients in the place of the root of the mean square", PLACE)
@rule
def averages_absolute_gradients(g, v, t, rho, epsilon, position):
    v = averaged(v, np.abs(g), rho)
    return quotient(g, v * v, epsilon, position), v


@MUTANTS.add("the largest mean square so far is kept, as in AMSGrad", PLACE)
@rule
def keeps_the_largest_mean_square(g, v, t, rho, epsilon, position):
    v = np.maximum(v, averaged(v, g * g, rho))
    return quotient(g, v, epsilon, position), v


@MUTANTS.add("one mean square for the whole array", PLACE, CONSTANT)
@rule
def shares_the_mean_square(g, v, t, rho, epsilon, position):
    v = averaged(v, np.mean(g * g) + 0 * g, rho)
    return quotient(g, v, epsilon, position), v


@MUTANTS.add("a lazy update: an entry whose gradient is 0 keeps its mean square", PLACE)
@rule
def skips_zero_gradients(g, v, t, rho, epsilon, position):
    v = np.where(g == 0, v, averaged(v, g * g, rho))
    return quotient(g, v, epsilon, position), v


@MUTANTS.add("the sign alone is taken: Rprop, from which RMSprop comes", PLACE, EXAMPLE, CONSTANT)
@rule
def steps_by_the_sign(g, v, t, rho, epsilon, position):
    return np.sign(g), averaged(v, g * g, rho)


@MUTANTS.add("a mean square that is 0 at first takes the first square whole", PLACE, EXAMPLE)
@rule
def begins_with_the_first_square(g, v, t, rho, epsilon, position):
    v = np.where((v == 0) & (t == 1), g * g, averaged(v, g * g, rho))
    return quotient(g, v, epsilon, position), v


# ---- momentum, penalty and decay

PENALTY, DECAY = "rmsprop.l2", "rmsprop.weight-decay"


def carried(motion):
    """An RMSprop from ``motion(p, g, root, b, rate, momentum, inside) -> p, b``, b being the velocity."""

    @each_leaf
    def rmsprop(
        p, g, v, b, *, t, learning_rate, decay_rate=0.9, epsilon=1e-8, momentum=0.0, l2=0.0, weight_decay=0.0,
        epsilon_position="outside", start_rule="zero", rate_position="outside",
    ):  # fmt: skip
        v = averaged(begun(v, t, start_rule), g * g, decay_rate)
        p, b = motion(p, g, 1 / quotient(1.0, v, epsilon, epsilon_position), b, learning_rate, momentum, rate_position)
        return p, v, b

    rmsprop.__name__ = motion.__name__
    return rmsprop


VELOCITY = "rmsprop.rate-position[rmsprop]"


@MUTANTS.add("the keyword is taken and never used", VELOCITY)
@carried
def forgets_the_momentum(p, g, root, b, rate, beta, position):
    return p - rate * g / root, b


@MUTANTS.add("the gradient enters the velocity undivided, and the velocity is divided, as in Adam", VELOCITY)
@carried
def divides_the_velocity(p, g, root, b, rate, beta, position):
    b = beta * b + (rate if position == "inside" else 1) * g
    return p - (1 if position == "inside" else rate) * b / root, b


@MUTANTS.add("the velocity is an average, and steps are too short by 1 - momentum", VELOCITY)
@carried
def averages_the_velocity(p, g, root, b, rate, beta, position):
    return moved(p, (1 - beta) * g / root, b, rate, beta, position)


@MUTANTS.add("the look-ahead is always on: Nesterov's form", VELOCITY)
@carried
def looks_ahead(p, g, root, b, rate, beta, position):
    _, b = moved(p, g / root, b, rate, beta, position)
    if position == "inside":
        return p - (rate * g / root + beta * b), b
    return p - rate * (g / root + beta * b), b


@MUTANTS.add("the rate is inside, and is multiplied again at the step", VELOCITY)
@carried
def multiplies_by_the_rate_twice(p, g, root, b, rate, beta, position):
    b = beta * b + rate * g / root
    return p - rate * b, b


@MUTANTS.add("the keyword is taken and never used", PENALTY)
def forgets_the_penalty(params, *, l2=0.0, **given):
    return right.rmsprop(params, **given)


@MUTANTS.add("the penalty is beside the mean square: a decoupled decay", PENALTY)
def decays_beside_the_mean_square(params, *, l2=0.0, **given):
    return right.rmsprop(params, weight_decay=l2, **given)


@MUTANTS.add("the penalty is l2 times the square, not half of it, as in a regularizer of Keras", PENALTY)
def penalizes_twice(params, *, l2=0.0, **given):
    return right.rmsprop(params, l2=2 * l2, **given)


@MUTANTS.add("the keyword is taken and never used", DECAY)
def forgets_the_decay(params, *, weight_decay=0.0, **given):
    return right.rmsprop(params, **given)


@MUTANTS.add("the decay goes through the mean square: a penalty, as in PyTorch", DECAY)
def puts_the_decay_into_the_gradient(params, *, weight_decay=0.0, **given):
    return right.rmsprop(params, l2=weight_decay, **given)


@MUTANTS.add("the decay is not multiplied by the rate, as with Chainer's AdamW", DECAY)
def decays_without_the_rate(params, *, weight_decay=0.0, learning_rate, **given):
    step, now = right.rmsprop(params, learning_rate=learning_rate, **given), [dict(params)]

    def called(grads, rate):
        before, after = now[-1], step(grads, rate)
        step.params = {name: (p - weight_decay * before[name]).astype(p.dtype) for name, p in after.items()}
        now.append(dict(step.params))
        return now[-1]

    return faults.Changed(step, called=called)


# ---- centred RMSprop

CENTRED, CENTRED_EXAMPLE = "rmsprop.epsilon-position[centred_rmsprop]", "centred-rmsprop.example"
CENTRED_CONSTANT, ROUNDING = "rmsprop.constant-gradient[centred_rmsprop]", "centred-rmsprop.rounding"
CENTRED_VELOCITY = "rmsprop.rate-position[centred_rmsprop]"


def centred(direction):
    """A centred RMSprop from ``direction(g, v, m, old_m, epsilon, position) -> direction``."""

    @each_leaf
    def centred_rmsprop(
        p, g, v, m, b, *, t, learning_rate, decay_rate=0.9, epsilon=1e-8, momentum=0.0,
        epsilon_position="outside", start_rule="zero", rate_position="outside",
    ):  # fmt: skip
        v = averaged(begun(v, t, start_rule), g * g, decay_rate)
        old, m = m, averaged(m, g, decay_rate)
        d = direction(g, v, m, old, epsilon, epsilon_position)
        new, b = moved(p, d, b, learning_rate, momentum, rate_position)
        return new, v, m, b

    centred_rmsprop.__name__ = direction.__name__
    return centred_rmsprop


@MUTANTS.add("the keyword centred is taken and never used", CENTRED, CENTRED_EXAMPLE, CENTRED_CONSTANT)
@centred
def forgets_to_centre(g, v, m, old, epsilon, position):
    return quotient(g, v, epsilon, position)


@MUTANTS.add("the mean is subtracted from the gradient of the step, too", CENTRED, CENTRED_EXAMPLE, CENTRED_CONSTANT)
@centred
def centres_the_gradient_too(g, v, m, old, epsilon, position):
    return quotient(g - m, np.maximum(v - m * m, 0), epsilon, position)


@MUTANTS.add("the mean of the step before is squared", CENTRED, CENTRED_EXAMPLE, CENTRED_CONSTANT)
@centred
def takes_the_mean_of_the_step_before(g, v, m, old, epsilon, position):
    return quotient(g, np.maximum(v - old * old, 0), epsilon, position)


@MUTANTS.add("the mean is subtracted after the root", CENTRED, CENTRED_EXAMPLE, CENTRED_CONSTANT)
@centred
def subtracts_the_mean_of_the_root(g, v, m, old, epsilon, position):
    return quotient(g, (np.sqrt(v) - np.abs(m)) ** 2, epsilon, position)


@MUTANTS.add("the mean takes the place of the gradient: Adam's numerator", CENTRED, CENTRED_EXAMPLE, CENTRED_CONSTANT)
@centred
def steps_by_the_mean(g, v, m, old, epsilon, position):
    return quotient(m, np.maximum(v - m * m, 0), epsilon, position)


@MUTANTS.add("the variance that rounding made negative is not held at 0, and its root is NaN", ROUNDING)
@centred
def takes_the_root_of_what_is_left(g, v, m, old, epsilon, position):
    with np.errstate(invalid="ignore"):
        return quotient(g, v - m * m, epsilon, position)


@MUTANTS.add("the variance is kept above a thousandth of the mean square, for safety", CENTRED_CONSTANT)
@centred
def keeps_a_thousandth(g, v, m, old, epsilon, position):
    return quotient(g, np.maximum(v - m * m, v / 1000), epsilon, position)


@MUTANTS.add("a momentum of its own: the gradient enters the velocity undivided", CENTRED_VELOCITY)
@each_leaf
def divides_the_velocity_of_the_centred(
    p, g, v, m, b, *, t, learning_rate, decay_rate=0.9, epsilon=1e-8, momentum=0.0,
    epsilon_position="outside", start_rule="zero", rate_position="outside",
):  # fmt: skip
    v, m = averaged(begun(v, t, start_rule), g * g, decay_rate), averaged(m, g, decay_rate)
    inside = rate_position == "inside"
    b = momentum * b + (learning_rate if inside else 1) * g
    d = quotient(b, np.maximum(v - m * m, 0), epsilon, epsilon_position)
    return p - (1 if inside else learning_rate) * d, v, m, b
