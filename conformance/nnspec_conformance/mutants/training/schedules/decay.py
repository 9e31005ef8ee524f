"""Wrong learning rates, each a bug that is met in the wild or easily made, caught by the clauses that it names."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()


def single(x):
    return np.asarray(x).astype(np.float32)


# ---- whatever decays


@MUTANTS.each("steps are counted from 1", "decay.example")
def counts_from_1(f, steps, *rest, **given):
    return f(steps + 1, *rest, **given)


@MUTANTS.each("the decay is applied to a base of 1, and the initial rate lost", "decay.example")
def loses_the_initial_rate(f, *arrays, initial, **given):
    return f(*arrays, initial=initial, **given) / np.float32(initial)


@MUTANTS.each("the sign of the exponent, or of the step, is lost: the rate grows", "decay.falls", "decay.bounds")
def grows(f, *arrays, initial, **given):
    return (2 * np.float32(initial) - f(*arrays, initial=initial, **given)).astype(np.float32)


@MUTANTS.each("a length of no steps is taken for one", "decay.lengths")
def takes_any_length(f, steps, *, decay_steps, **given):
    return f(steps, decay_steps=max(decay_steps, 1), **given)


@MUTANTS.each("no end is compared with the initial rate", "decay.ends")
def takes_any_end(f, steps, *, initial, **given):
    if "end" in given:
        given["end"] = min(given["end"], initial)
    if "floor" in given:
        given["floor"] = min(given["floor"], 1.0 if given.get("floor_is") == "fraction" else initial)
    return f(steps, initial=initial, **given)


@MUTANTS.each("no factor is looked at", "decay.factors")
def takes_any_factor(f, *arrays, **given):
    most = np.inf if f.__name__ == "inverse_time_decay" else 1.0
    for name in ("factor", "decay_rate", "power"):
        if name in given:
            given[name] = np.clip(given[name], 0, np.inf if name == "power" else most)
    return f(*arrays, **given)


@MUTANTS.each("the stairs are counted by a quotient in float32", "decay.large-steps")
def counts_stairs_in_float32(f, steps, *, decay_steps, staircase=False, **given):
    if not staircase:
        return f(steps, decay_steps=decay_steps, **given)
    stairs = np.floor(single(steps) / np.float32(decay_steps)).astype(np.int64)
    return f(stairs * decay_steps, decay_steps=decay_steps, staircase=True, **given)


# ---- in jumps


@MUTANTS.add("the factor is that of one boundary, however many are passed", "step-decay.value")
def falls_once(steps, boundaries, *, initial, factor, boundary="at"):
    first = np.min(boundaries, keepdims=True) if len(boundaries) else boundaries
    return right.step_decay(steps, first, initial=initial, factor=factor, boundary=boundary)


@MUTANTS.add("boundaries are lengths of pieces, and added up", "step-decay.value")
def adds_the_boundaries_up(steps, boundaries, **given):
    return right.step_decay(steps, np.cumsum(boundaries), **given)


@MUTANTS.add("the factor is subtracted as a share", "step-decay.value", "decay.example[step_decay]")
def takes_the_factor_for_a_share(steps, boundaries, *, factor, **given):
    return right.step_decay(steps, boundaries, factor=1 - factor * 0.9, **given)


@MUTANTS.add("a boundary at 0 is none", "step-decay.boundary")
def passes_over_a_boundary_at_0(steps, boundaries, **given):
    return right.step_decay(steps, boundaries[boundaries > 0], **given)


@MUTANTS.add("the new rate comes one step late", "step-decay.boundary")
def is_a_step_late(steps, boundaries, *, boundary="at", **given):
    return right.step_decay(steps, boundaries + (1 if boundary == "at" else -1), boundary=boundary, **given)


@MUTANTS.add("steps are compared in float32", "step-decay.large-steps")
def compares_in_float32(steps, boundaries, *, initial, factor, boundary="at"):
    t, b = single(steps)[..., None], single(boundaries)
    reached = (t >= b) if boundary == "at" else (t > b)
    return single(initial * float(factor) ** reached.sum(-1))


# ---- by a factor


@MUTANTS.add("the factor is that of each step, and the length is not used", "exponential-decay.value")
def decays_at_each_step(steps, *, decay_steps, **given):
    return right.exponential_decay(steps, decay_steps=1, **given)


@MUTANTS.add("a staircase where none was asked", "exponential-decay.value")
def is_always_a_staircase(steps, *, staircase=False, **given):
    return right.exponential_decay(steps, staircase=True, **given)


@MUTANTS.add("the staircase is smooth", "exponential-decay.value", "exponential-decay.long")
def is_never_a_staircase(steps, *, staircase=False, **given):
    return right.exponential_decay(steps, staircase=False, **given)


@MUTANTS.add("the stairs are rounded to the nearest, and not down", "exponential-decay.value")
def rounds_the_stairs(steps, *, initial, decay_steps, decay_rate, staircase=False):
    part = steps / decay_steps
    return single(initial * float(decay_rate) ** (np.rint(part) if staircase else part))


@MUTANTS.add("e to the minus rate times the step", "exponential-decay.value")
def takes_the_rate_for_an_exponent(steps, *, initial, decay_steps, decay_rate, staircase=False):
    part = steps // decay_steps if staircase else steps / decay_steps
    return single(initial * np.exp(-decay_rate * part))


@MUTANTS.add("rounds a factor for each step to float32", "exponential-decay.long")
def rounds_the_factor_of_a_step(steps, *, initial, decay_steps, decay_rate, staircase=False):
    factor = np.float64(np.float32(float(decay_rate) ** (1 / decay_steps)))
    at = steps // decay_steps * decay_steps if staircase else steps
    return single(initial * factor ** np.asarray(at, np.float64))


@MUTANTS.add("a factor near 1 that a short dtype cannot hold: the rate never falls", "exponential-decay.long",
             "exponential-decay.value", name="rounds a factor for each step to half precision")  # fmt: skip
def rounds_the_factor_to_half_precision(steps, *, initial, decay_steps, decay_rate, staircase=False):
    factor = float(np.float32(float(decay_rate) ** (1 / decay_steps)).astype(ml_dtypes.bfloat16))
    at = steps // decay_steps * decay_steps if staircase else steps
    return single(initial * factor ** np.asarray(at, np.float64))


# ---- by a quotient


@MUTANTS.add("the root of the step", "inverse-time-decay.value")
def takes_the_root(steps, *, initial, decay_steps, decay_rate, staircase=False):
    part = steps // decay_steps if staircase else steps / decay_steps
    return single(initial / np.sqrt(1 + decay_rate * part))


@MUTANTS.add("without the one: infinite at step 0", "inverse-time-decay.value")
def forgets_the_one(steps, *, initial, decay_steps, decay_rate, staircase=False):
    part = steps // decay_steps if staircase else steps / decay_steps
    with np.errstate(divide="ignore"):
        return single(initial / (decay_rate * part))


@MUTANTS.add("the staircase is smooth", "inverse-time-decay.value")
def has_no_stairs(steps, *, staircase=False, **given):
    return right.inverse_time_decay(steps, staircase=False, **given)


@MUTANTS.add("the length is not used", "inverse-time-decay.value")
def forgets_the_length(steps, *, decay_steps, **given):
    return right.inverse_time_decay(steps, decay_steps=1, **given)


# ---- along a power


@MUTANTS.add("the rate goes on falling below its end", "polynomial-decay.value", "decay.example[polynomial_decay]",
             "decay.bounds[polynomial_decay]")  # fmt: skip
def does_not_end(steps, *, initial, end, decay_steps, power):
    left = 1 - steps / decay_steps
    return single(end + (initial - end) * np.sign(left) * np.abs(left) ** power)


@MUTANTS.add("the power of the part that is over", "polynomial-decay.value")
def takes_the_part_that_is_over(steps, *, initial, end, decay_steps, power):
    return single(initial + (end - initial) * np.minimum(steps / decay_steps, 1) ** power)


@MUTANTS.add("always linear", "polynomial-decay.value")
def is_always_linear(steps, *, power, **given):
    return right.polynomial_decay(steps, power=1.0, **given)


@MUTANTS.add("the end is 0", "polynomial-decay.value", "decay.example[polynomial_decay]")
def ends_at_0(steps, *, end, **given):
    return right.polynomial_decay(steps, end=0.0, **given)


@MUTANTS.add("the last step is one too early", "polynomial-decay.value")
def ends_a_step_early(steps, *, decay_steps, **given):
    return right.polynomial_decay(steps, decay_steps=max(decay_steps - 1, 1), **given)


# ---- along a cosine


@MUTANTS.add("a whole period of the cosine", "cosine-decay.value", "decay.example[cosine_decay]")
def goes_a_whole_period(steps, *, decay_steps, **given):
    return right.cosine_decay(2 * steps, decay_steps=decay_steps, **given | {"after_end": "rises"})


@MUTANTS.add("a quarter of the period: it ends at 0 with the full slope", "cosine-decay.value")
def goes_a_quarter(steps, *, initial, decay_steps, floor, floor_is="absolute", after_end="stays"):
    end = floor * initial if floor_is == "fraction" else floor
    x = np.minimum(steps / decay_steps, 1)
    return single(end + (initial - end) * np.cos(np.pi * x / 2))


@MUTANTS.add("the floor is added, and the start is too high", "cosine-decay.value", "cosine-decay.floor-is")
def adds_the_floor(steps, *, initial, decay_steps, floor, floor_is="absolute", after_end="stays"):
    end = floor * initial if floor_is == "fraction" else floor
    rates = right.cosine_decay(steps, initial=initial, decay_steps=decay_steps, floor=0.0, after_end=after_end)
    return single(rates + end)


@MUTANTS.add("the floor cuts the cosine off", "cosine-decay.value", "cosine-decay.floor-is")
def cuts_off_at_the_floor(steps, *, initial, decay_steps, floor, floor_is="absolute", after_end="stays"):
    end = floor * initial if floor_is == "fraction" else floor
    rates = right.cosine_decay(steps, initial=initial, decay_steps=decay_steps, floor=0.0, after_end=after_end)
    return np.maximum(rates, np.float32(end))


@MUTANTS.add("after its end it is 0", "cosine-decay.after-end")
def falls_to_0_after_the_end(steps, *, decay_steps, **given):
    rates = right.cosine_decay(steps, decay_steps=decay_steps, **given)
    return np.where(steps > decay_steps, 0, rates).astype(np.float32)
