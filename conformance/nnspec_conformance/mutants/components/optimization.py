"""Wrong optimizers, each met in the wild, each caught by the clause that it names; first those of any optimizer."""

from __future__ import annotations

import numpy as np

from nnspec_conformance import stepper_faults as faults
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.stepping import each_leaf
from nnspec_conformance.stepper_faults import Changed

MUTANTS = Mutants()

# ---- what goes wrong in any optimizer; each is made of the right one

MUTANTS.each("one number becomes an array of one", "optimizer.form")(faults.gives_every_array_an_axis)
MUTANTS.each("all gradients are clipped by their common norm", "optimizer.arrays")(faults.clips_by_the_common_norm)
MUTANTS.each(
    "a gradient divided by its array's size, as a mean over nothing: 0/0 where there is none", "optimizer.empty-arrays"
)(faults.fails_on_arrays_without_entries)
MUTANTS.each("arrays without entries are dropped, as if they were no parameters", "optimizer.empty-arrays")(
    faults.drops_arrays_without_entries
)
MUTANTS.each("what is not a number is taken for zero, and nobody sees that training diverged", "optimizer.nan")(
    faults.takes_nan_for_zero
)
MUTANTS.each(
    "the gradient is scaled by its array's largest entry, and one NaN poisons the whole array", "optimizer.nan"
)(faults.spreads_nan_over_the_array)
MUTANTS.each("infinite gradients are cut to a large number, and the overflow is never seen", "optimizer.infinity")(
    faults.takes_infinity_for_a_large_number
)
MUTANTS.each("what is infinite is taken for zero, and the entry stays where it is", "optimizer.infinity")(
    faults.takes_infinity_for_zero
)
MUTANTS.each("an `or` takes the rate 0 for none", "optimizer.rate-zero")(faults.takes_a_rate_of_0_for_none)
MUTANTS.each("a schedule is handed over and not followed", "optimizer.rate")(faults.never_changes_the_rate)
MUTANTS.each("the rate of a step is forgotten after it", "optimizer.rate")(faults.falls_back_to_the_first_rate)
MUTANTS.each("a checkpoint of the parameters alone", "optimizer.state")(faults.saves_nothing)
MUTANTS.each("what is saved is the state itself, which goes on changing", "optimizer.state")(faults.saves_no_copy)
MUTANTS.each("a gradient is broadcast, and a missing one taken for zero", "optimizer.gradients-of-others")(
    faults.makes_the_gradients_fit
)
MUTANTS.each("a sign typed wrong is mended in silence", "optimizer.negative-rate")(
    faults.takes_the_magnitude_of_the_rate
)
MUTANTS.each("the check asks whether the rate is below 0, and NaN is not", "optimizer.nan-rate")(
    faults.takes_a_rate_that_is_nan
)
MUTANTS.each(
    "the result is cast back to the integers of the parameters, and fractions are cut off",
    "optimizer.integer-parameters",
)(faults.cuts_off_to_integers)
MUTANTS.each("a loop over nothing steps nothing, and training goes on without a word", "optimizer.no-parameters")(
    faults.steps_no_parameters
)
MUTANTS.each("the rate is multiplied by a number that nobody knows of", "optimizer.converges")(
    faults.takes_seven_tenths_of_the_rate
)
MUTANTS.each("three of ten steps are lost, as where a scaler of gradients finds an overflow", "optimizer.converges")(
    faults.loses_three_of_ten_steps
)


# ---- gradient descent


@MUTANTS.add(
    "the gradient is added", "gradient-descent.trajectory", "gradient-descent.example", "gradient-descent.two-wells"
)
@each_leaf
def climbs(p, g, *, learning_rate):
    return p + learning_rate * g


@MUTANTS.add("the update is applied at the next step", "gradient-descent.trajectory", "gradient-descent.example")
@each_leaf
def is_one_step_late(p, g, last, *, learning_rate):
    return p - learning_rate * last, g


@MUTANTS.add("the rate of a step is used at the next one", "gradient-descent.trajectory")
@each_leaf
def takes_the_rate_of_the_step_before(p, g, kept, *, t, learning_rate):
    rate = 0.5 if t == 1 else kept.flat[0]
    return p - rate * g, np.full_like(kept, learning_rate)


@MUTANTS.add("the rate is divided by 1 + t, as a decay that nobody asked for", "gradient-descent.trajectory")
@each_leaf
def lets_the_rate_decay(p, g, *, t, learning_rate):
    return p - learning_rate / (1 + 0.01 * t) * g


@MUTANTS.add("the sign of the gradient alone decides", "gradient-descent.trajectory", "gradient-descent.example")
@each_leaf
def steps_by_the_sign(p, g, *, learning_rate):
    return p - learning_rate * np.sign(g)


@MUTANTS.add("a step below a tolerance ends the run", "gradient-descent.two-wells")
@each_leaf
def stops_where_the_slope_is_small(p, g, *, learning_rate):
    return np.where(np.abs(g) < 1e-3, p, p - learning_rate * g)


@MUTANTS.add("the gradient is clipped to one sign, and one side never moves", "gradient-descent.two-wells")
@each_leaf
def moves_to_the_right_only(p, g, *, learning_rate):
    return p - learning_rate * np.minimum(g, 0)


DECAY = "gradient-descent.weight-decay"


@MUTANTS.add("the decay is not multiplied by the rate, as with Chainer's AdamW", DECAY)
@each_leaf
def decays_without_the_rate(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - learning_rate * g - weight_decay * p


@MUTANTS.add("the penalty is the decay times the square, not half of it, as in a regularizer of Keras", DECAY)
@each_leaf
def decays_twice(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - learning_rate * (g + 2 * weight_decay * p)


@MUTANTS.add("the parameters decay after the step, so that the step decays too", DECAY)
@each_leaf
def decays_after_the_step(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return (p - learning_rate * g) * (1 - learning_rate * weight_decay)


@MUTANTS.add("the keyword is taken and never used", DECAY)
@each_leaf
def forgets_the_decay(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - learning_rate * g


@MUTANTS.add("biases and gains decay with the matrices", "gradient-descent.decayed")
def decays_every_array(params, *, decayed="all", **given):
    return right.gradient_descent(params, **given)


@MUTANTS.add("the mask says what is left out, and is read as what decays", "gradient-descent.decayed")
@each_leaf
def has_the_mask_the_other_way_round(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - learning_rate * (g + (weight_decay if p.ndim < 2 else 0) * p)


@MUTANTS.add("single numbers are left out, and vectors decay", "gradient-descent.decayed")
@each_leaf
def decays_vectors_too(p, g, *, learning_rate, weight_decay=0.0, decayed="all"):
    return p - learning_rate * (g + (weight_decay if p.ndim else 0) * p)


@MUTANTS.add("a sign typed wrong is mended in silence", "gradient-descent.negative-decay")
def takes_the_magnitude_of_the_decay(params, *, weight_decay=0.0, **given):
    return right.gradient_descent(params, weight_decay=abs(weight_decay), **given)


# ---- gradients of several micro-batches

COMBINE, LARGE = "gradient-accumulation.combine", "gradient-accumulation.large-batch"


@MUTANTS.add("the sum is never set back to zero, and old gradients are taken again", COMBINE, LARGE)
@each_leaf
def never_clears_the_sum(p, g, total, *, t, learning_rate, every, combine="mean"):
    total = total + g
    step = learning_rate * (total / every if combine == "mean" else total)
    return (p if t % every else p - step), total


@MUTANTS.add("the last micro-batch stands for all", COMBINE, LARGE)
@each_leaf
def takes_the_last_gradient(p, g, *, t, learning_rate, every, combine="mean"):
    return p if t % every else p - learning_rate * g * (1 if combine == "mean" else every)


@MUTANTS.add("the step is taken before the gradient that completes it is added", COMBINE, LARGE)
@each_leaf
def leaves_the_last_gradient_out(p, g, total, *, t, learning_rate, every, combine="mean"):
    if t % every:
        return p, total + g
    return p - learning_rate * (total / every if combine == "mean" else total), g


@MUTANTS.add("each micro-batch is a step of its own, with its share of the rate", "gradient-accumulation.waits")
@each_leaf
def steps_at_every_micro_batch(p, g, *, learning_rate, every, combine="mean"):
    return p - learning_rate * g / (every if combine == "mean" else 1)


@MUTANTS.add("the count starts at 0, and the first micro-batch is a step", "gradient-accumulation.waits", COMBINE)
@each_leaf
def steps_at_the_first_micro_batch(p, g, total, *, t, learning_rate, every, combine="mean"):
    total = total + g
    if (t - 1) % every:
        return p, total
    return p - learning_rate * (total / every if combine == "mean" else total), 0 * total


@MUTANTS.add("a checkpoint forgets the gradients added so far", "gradient-accumulation.state")
def forgets_the_sum_when_restored(params, **given):
    step = right.gradient_accumulation(params, **given)

    def restore(saved):
        step.t = saved[0]

    return Changed(step, restore=restore)


@MUTANTS.add("a checkpoint forgets how many micro-batches there were", "gradient-accumulation.state")
def forgets_the_count_when_restored(params, **given):
    step = right.gradient_accumulation(params, **given)

    def restore(saved):
        step.states = dict(saved[1])

    return Changed(step, restore=restore)


@MUTANTS.add("what is below 1 is taken for 1", "gradient-accumulation.every")
def steps_at_least_every_micro_batch(params, *, every, **given):
    return right.gradient_accumulation(params, every=max(every, 1), **given)


# ---- averaged parameters

START = "exponential-average.start"


@MUTANTS.add("the decay rate is taken for the weight of the new value, as `momentum` of some batch norms", START)
def has_the_decay_the_other_way_round(params, *, decay_rate=0.999, **given):
    return right.exponential_average(params, decay_rate=1 - max(decay_rate, 2**-20), **given)


@MUTANTS.add("the correction counts from 0, and is one step late", START)
@each_leaf
def corrects_by_the_step_before(p, x, a, *, t, decay_rate=0.999, start_rule="debiased"):
    before = {"debiased": a, "zero": a, "copied": x if t == 1 else p, "initial": p}[start_rule]
    a = decay_rate * before + (1 - decay_rate) * x
    if start_rule == "debiased":
        return a / (1 - decay_rate ** max(t - 1, 1)), a
    return x if t == 2 else a, a


@MUTANTS.add("a moving average of all values with equal weights", START)
@each_leaf
def averages_all_values_alike(p, x, a, *, t, decay_rate=0.999, start_rule="debiased"):
    a = a + x
    return a / t, a


@MUTANTS.add("the count is lost with a checkpoint, and the correction starts again", "exponential-average.state")
def forgets_the_count_of_the_average(params, **given):
    step = right.exponential_average(params, **given)

    def restore(saved):
        step.states = dict(saved[1])

    return Changed(step, restore=restore)


@MUTANTS.add("what is out of range is brought into it", "exponential-average.decay-range")
def clips_the_decay_rate(params, *, decay_rate, **given):
    return right.exponential_average(params, decay_rate=float(np.clip(decay_rate, 0, 0.999)), **given)
