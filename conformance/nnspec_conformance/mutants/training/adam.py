"""Wrong Adams, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import stepper_faults as faults
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.stepping import each_leaf
from nnspec_conformance.oracles.training.adam import averaged, momentum_of, product_until, ratio

MUTANTS = Mutants()
RULE, FIRST = "adam.epsilon-position[adam]", "adam.first-step[adam]"


def left(decay_rate, t):
    return 1 - decay_rate**t


# ---- any of them; each is made of the right one

LATE = "the update is applied at the next step"
MUTANTS.each(LATE, "adam.epsilon-position")(faults.is_one_step_late)
MUTANTS.each(LATE, "nadam.momentum-schedule")(faults.is_one_step_late)
MUTANTS.each(LATE, "adamax.epsilon-position")(faults.is_one_step_late)
MUTANTS.each(LATE, "adam.first-step", "adam.half-precision")(faults.is_one_step_late)
STALE = "the rate of a step is used at the next one"
MUTANTS.each(STALE, "adam.epsilon-position")(faults.takes_the_rate_of_the_step_before)
MUTANTS.each(STALE, "nadam.momentum-schedule")(faults.takes_the_rate_of_the_step_before)
MUTANTS.each(STALE, "adamax.epsilon-position")(faults.takes_the_rate_of_the_step_before)


MUTANTS.each("a default of the training loop: every entry of the gradient is clipped to 1", "adam.scaling")(
    faults.clips_each_entry
)
MUTANTS.each("an epsilon of 0 is falsy, and the default takes its place", "adam.scaling")(
    faults.takes_an_epsilon_of_0_for_none
)
MUTANTS.each("epsilon in the dtype of the parameters: 1e-8 is 0 in float16", "adam.zero-gradients")(
    faults.rounds_epsilon_to_the_dtype
)
MUTANTS.each("a sign typed wrong is mended in silence", "adam.negative-epsilon")(faults.takes_the_magnitude_of_epsilon)


@MUTANTS.each("what is out of range is brought into it", "adam.beta-range")
def clips_the_decay_rates(start, params, *, beta1=0.9, beta2=0.999, **given):
    return start(params, beta1=float(np.clip(np.nan_to_num(beta1), 0, 0.9999)),
                 beta2=float(np.clip(np.nan_to_num(beta2), 0, 0.9999)), **given)  # fmt: skip


@MUTANTS.add("a sign typed wrong is mended in silence", "adam.negative-l2")
def takes_the_magnitude_of_the_penalty(params, *, l2=0.0, **given):
    return right.adam(params, l2=abs(l2), **given)


@MUTANTS.add("a sign typed wrong is mended in silence", "adamw.negative-decay")
def takes_the_magnitude_of_the_decay(params, *, weight_decay=0.01, **given):
    return right.adamw(params, weight_decay=abs(weight_decay), **given)


# ---- Adam: a rule of its own for each


def rule(direction):
    """An Adam from ``direction(g, m, v, t, beta1, beta2, epsilon, epsilon_position) -> direction, m, v``."""

    @each_leaf
    def adam(p, g, m, v, *, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, l2=0.0, epsilon_position="outside"):
        d, m, v = direction(g + l2 * p, m, v, t, beta1, beta2, epsilon, epsilon_position)
        return p - learning_rate * d, m, v

    adam.__name__ = direction.__name__
    return adam


def moments(g, m, v, beta1, beta2):
    return averaged(m, g, beta1), averaged(v, g * g, beta2)


@MUTANTS.add("no bias correction, as with mlx's default: the first step is 3.16 times too long", RULE, FIRST)
@rule
def never_corrects(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    return ratio(m, v, epsilon, epsilon_position, 1.0), m, v


@MUTANTS.add("the count is raised after the step, and at 0 nothing is corrected", RULE, FIRST)
@rule
def leaves_the_first_step_uncorrected(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    c1, c2 = (left(beta1, t), left(beta2, t)) if t > 1 else (1.0, 1.0)
    return ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("the correction counts one step more, as if there had been a step 0", RULE, FIRST, "adam.example")
@rule
def corrects_by_the_step_after(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    c1, c2 = left(beta1, t + 1), left(beta2, t + 1)
    return ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("the count is never raised, and every step is corrected like the first", RULE, "adam.example")
@rule
def corrects_as_at_the_first_step(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    c1, c2 = left(beta1, 1), left(beta2, 1)
    return ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("the first moment is corrected, the second forgotten", RULE, FIRST)
@rule
def corrects_the_first_moment_only(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    return ratio(m / left(beta1, t), v, epsilon, epsilon_position, 1.0), m, v


@MUTANTS.add("the corrected moments are stored, and corrected again at the next step", RULE, "adam.example")
@rule
def stores_the_corrected_moments(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    m, v = m / left(beta1, t), v / left(beta2, t)
    return ratio(m, v, epsilon, epsilon_position, np.sqrt(left(beta2, t))), m, v


@MUTANTS.add("the two decay rates are swapped", RULE, "adam.example")
@rule
def swaps_the_decay_rates(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta2, beta1)
    c1, c2 = left(beta2, t), left(beta1, t)
    return ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("the average is squared, not the gradients", RULE, "adam.example")
@rule
def squares_the_average(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m = averaged(m, g, beta1)
    v = averaged(v, m * m, beta2)
    c1, c2 = left(beta1, t), left(beta2, t)
    return ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("one second moment for the whole array: its mean", RULE)
@rule
def shares_the_second_moment(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = averaged(m, g, beta1), averaged(v, np.mean(g * g) + 0 * g, beta2)
    c1, c2 = left(beta1, t), left(beta2, t)
    return ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("a lazy Adam: an entry whose gradient is 0 keeps its moments and does not move", RULE)
@rule
def skips_zero_gradients(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    new_m, new_v = moments(g, m, v, beta1, beta2)
    c1, c2 = left(beta1, t), left(beta2, t)
    d = ratio(new_m / c1, new_v / c2, epsilon, epsilon_position, np.sqrt(c2))
    return np.where(g == 0, 0 * g, d), np.where(g == 0, m, new_m), np.where(g == 0, v, new_v)


@MUTANTS.add("the first moment is left out: RMSprop", RULE, "adam.example")
@rule
def has_no_momentum(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    c2 = left(beta2, t)
    return ratio(g, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("the variance in the place of the second moment, as in a centred RMSprop", RULE, "adam.example")
@rule
def subtracts_the_square_of_the_mean(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    c1, c2 = left(beta1, t), left(beta2, t)
    return ratio(m / c1, np.maximum(v / c2 - (m / c1) ** 2, 1e-12), epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("every step is cut off at the bound that the paper states, the rate here", "adam.step-bound")
@rule
def cuts_the_step_off_at_the_rate(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta2)
    c1, c2 = left(beta1, t), left(beta2, t)
    return np.clip(ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), -1, 1), m, v


@MUTANTS.add("the second moment forgets faster than the first, and steps have no bound", "adam.step-bound")
@rule
def forgets_the_second_moment_faster(g, m, v, t, beta1, beta2, epsilon, epsilon_position):
    m, v = moments(g, m, v, beta1, beta1**4)
    c1, c2 = left(beta1, t), left(beta1**4, t)
    return ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2)), m, v


@MUTANTS.add("the largest second moment is kept: AMSGrad under the name of Adam", "adam.drift")
def keeps_the_largest_second_moment(params, *, l2=0.0, epsilon_position="outside", **given):
    return right.amsgrad(params, **given)


@MUTANTS.add("the moments are those of the loss alone, and the penalty is subtracted beside them: AdamW", "adam.l2")
def decays_beside_the_moments(params, *, l2=0.0, **given):
    return right.adamw(params, weight_decay=l2, **given)


@MUTANTS.add("the penalty is taken as l2 times the square, not half of it, as in a regularizer of Keras", "adam.l2")
def penalizes_twice(params, *, l2=0.0, **given):
    return right.adam(params, l2=2 * l2, **given)


@MUTANTS.add("the keyword is taken and never used", "adam.l2")
def forgets_the_penalty(params, *, l2=0.0, **given):
    return right.adam(params, **given)


def half(x, p):
    """A number in the dtype of an array."""
    return np.float64(np.asarray(x, p.dtype))


@MUTANTS.add(
    "the decay rates are cast to the dtype of the parameters before they are subtracted from 1; 0.999 is 1 in bfloat16",
    "adam.half-precision[adam]",
)
@each_leaf
def casts_the_decay_rates(
    p, g, m, v, *, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, l2=0.0, epsilon_position="outside"
):
    m, v = moments(g, m, v, beta1, beta2)
    c1, c2 = left(half(beta1, p), t), left(half(beta2, p), t)
    return p - learning_rate * np.sqrt(c2) / c1 * ratio(m, v, epsilon, "outside", 1.0), m, v


# ---- AMSGrad


def position_of(maximum):
    return "hat" if maximum == "before-hat" else "outside"


MUTANTS.each(LATE, "amsgrad.maximum")(faults.is_one_step_late)
MUTANTS.each(STALE, "amsgrad.maximum")(faults.takes_the_rate_of_the_step_before)


@MUTANTS.add("the maximum takes the place of the average, which then never falls", "amsgrad.maximum")
@each_leaf
def goes_on_from_the_maximum(
    p, g, m, v, top, *, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, maximum="after"
):
    m, new = moments(g, m, v, beta1, beta2)
    v = np.maximum(v, new)
    c1, c2 = (1.0, 1.0) if maximum == "paper" else (left(beta1, t), left(beta2, t))
    return p - learning_rate * ratio(m / c1, v / c2, epsilon, position_of(maximum), np.sqrt(c2)), m, v, top


@MUTANTS.add("the keyword amsgrad is taken and never used: Adam", "amsgrad.maximum", "amsgrad.drift")
@each_leaf
def forgets_the_maximum(p, g, m, v, *, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, maximum="after"):
    m, v = moments(g, m, v, beta1, beta2)
    c1, c2 = (1.0, 1.0) if maximum == "paper" else (left(beta1, t), left(beta2, t))
    return p - learning_rate * ratio(m / c1, v / c2, epsilon, position_of(maximum), np.sqrt(c2)), m, v


# ---- AdamW

DECAY = ("adamw.coupling", "adamw.zero-gradient")


def decayed(rule):
    """An AdamW from ``rule(p, d, learning_rate, decay) -> p``, d being the direction of Adam."""

    @each_leaf
    def adamw(
        p, g, m, v, *, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01,
        epsilon_position="outside", coupling="rate",
    ):  # fmt: skip
        m, v = moments(g, m, v, beta1, beta2)
        c1, c2 = left(beta1, t), left(beta2, t)
        d = ratio(m / c1, v / c2, epsilon, epsilon_position, np.sqrt(c2))
        decay = weight_decay * (learning_rate if coupling == "rate" else 1)
        return rule(p, d, learning_rate, decay), m, v

    adamw.__name__ = rule.__name__
    return adamw


@MUTANTS.add("the decay goes through the moments: Adam with a penalty, under the name of AdamW", *DECAY)
def puts_the_decay_into_the_gradient(params, *, weight_decay=0.01, coupling="rate", **given):
    return right.adam(params, l2=weight_decay, **given)


@MUTANTS.add("the parameters decay after the step, so that the step decays too", "adamw.coupling")
@decayed
def decays_after_the_step(p, d, rate, decay):
    return (p - rate * d) * (1 - decay)


@MUTANTS.add("the keyword is taken and never used", *DECAY)
@decayed
def forgets_the_decay(p, d, rate, decay):
    return p - rate * d


@MUTANTS.add("the decay has the sign of a penalty on the other side of the equation, and weights grow", *DECAY)
@decayed
def grows_the_weights(p, d, rate, decay):
    return p - rate * d + decay * p


@MUTANTS.add("the decay is multiplied by the square of the rate: once by hand, once by the optimizer", *DECAY)
@decayed
def multiplies_by_the_rate_twice(p, d, rate, decay):
    return p - rate * (d + decay * p)


# ---- NAdam and Adamax


def nesterov(direction):
    """A NAdam from ``direction(g, m, mu, ahead, product) -> direction``."""

    @each_leaf
    def nadam(p, g, m, v, *, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_schedule="constant"):
        m, v = moments(g, m, v, beta1, beta2)
        mu, ahead = (momentum_of(k, beta1, momentum_schedule) for k in (t, t + 1))
        product = product_until(t, beta1, momentum_schedule)
        d = direction(g, m, mu, ahead, product)
        return p - learning_rate * ratio(d, v / left(beta2, t), epsilon, "outside", 1.0), m, v

    nadam.__name__ = direction.__name__
    return nadam


SCHEDULE = "nadam.momentum-schedule"


@MUTANTS.add("the gradient of the step is left out: Adam under the name of NAdam", SCHEDULE)
@nesterov
def looks_nowhere_ahead(g, m, mu, ahead, product):
    return m / (1 - product)


@MUTANTS.add("both terms are corrected by the step itself", SCHEDULE)
@nesterov
def corrects_the_moment_one_step_early(g, m, mu, ahead, product):
    return (ahead * m + (1 - mu) * g) / (1 - product)


@MUTANTS.add("the gradient's term is not corrected", SCHEDULE)
@nesterov
def forgets_to_correct_the_gradient(g, m, mu, ahead, product):
    return ahead * m / (1 - product * ahead) + (1 - mu) * g


def largest(norm):
    """An Adamax from ``norm(u, g, beta2, t, inner) -> new u, divisor``."""

    @each_leaf
    def adamax(p, g, m, u, *, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_position="maximum"):
        m = averaged(m, g, beta1)
        u, divisor = norm(np.float64(u), np.float64(g), beta2, t, epsilon * (epsilon_position == "maximum"))
        return p - learning_rate * m / (left(beta1, t) * (divisor + epsilon * (epsilon_position == "outside"))), m, u

    adamax.__name__ = norm.__name__
    return adamax


NORM = "adamax.epsilon-position"


@MUTANTS.add("the maximum is corrected like an average", NORM, "adam.first-step[adamax]")
@largest
def corrects_the_maximum(u, g, beta2, t, inner):
    u = np.maximum(beta2 * u, np.abs(g) + inner)
    return u, u / left(beta2, t)


@MUTANTS.add("the maximum never falls", NORM)
@largest
def never_forgets(u, g, beta2, t, inner):
    u = np.maximum(u, np.abs(g) + inner)
    return u, u


@MUTANTS.add("the maximum of the gradients is taken without their signs removed", NORM)
@largest
def forgets_the_absolute_value(u, g, beta2, t, inner):
    u = np.maximum(beta2 * u, g + inner)
    return u, np.maximum(u, 1e-3)
