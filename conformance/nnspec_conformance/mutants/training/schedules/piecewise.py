"""Wrong constant rates and pieces, and updates that use the rate of another one, caught by the clauses named."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()


def single(x):
    return np.asarray(x).astype(np.float32)


# ---- constant


@MUTANTS.add("a factor of five steps, as PyTorch's ConstantLR has it, for a constant rate", "constant-rate.value")
def ends_after_five_steps(steps, *, rate):
    return np.where(np.asarray(steps) < 5, rate, 3 * rate).astype(np.float32)


@MUTANTS.add("a rate above 1 is taken for a percentage", "constant-rate.value")
def takes_it_for_a_percentage(steps, *, rate):
    return right.constant_rate(steps, rate=rate / 100 if rate > 1 else rate)


@MUTANTS.add("the rate is a hundredth too high", "piecewise.example[constant_rate]")
def is_a_little_high(steps, *, rate):
    return right.constant_rate(steps, rate=rate * 1.01)


@MUTANTS.add("no rate before step 0", "piecewise.before-start[constant_rate]")
def has_no_rate_before_step_0(steps, *, rate):
    return np.where(np.asarray(steps) < 0, 0, right.constant_rate(steps, rate=rate)).astype(np.float32)


@MUTANTS.add("no rate is looked at", "piecewise.negative[constant_rate]")
def takes_any_rate(steps, *, rate):
    return right.constant_rate(steps, rate=abs(rate))


# ---- in pieces


@MUTANTS.add("steps are counted from 1", "piecewise.example[piecewise_constant]", "piecewise-constant.boundary")
def counts_from_1(steps, rates, **given):
    return right.piecewise_constant(np.asarray(steps, np.int64) + 1, rates, **given)


@MUTANTS.add("the rates are factors of the one before", "piecewise-constant.value")
def takes_rates_for_factors(steps, rates, **given):
    return right.piecewise_constant(steps, np.cumprod(rates), **given)


@MUTANTS.add("boundaries are lengths of pieces, and added up", "piecewise-constant.value")
def adds_the_boundaries_up(steps, rates, *, boundaries, **given):
    return right.piecewise_constant(steps, rates, boundaries=np.cumsum(boundaries), **given)


@MUTANTS.add("the rate goes along lines from boundary to boundary", "piecewise-constant.value")
def goes_along_lines(steps, rates, *, boundaries, **given):
    right.piecewise_constant(steps, rates, boundaries=boundaries, **given)
    return single(np.interp(steps, (0, *boundaries), rates))


@MUTANTS.add("the least rate of the pieces so far: it never rises", "piecewise-constant.value")
def never_rises(steps, rates, **given):
    return right.piecewise_constant(steps, np.minimum.accumulate(rates), **given)


@MUTANTS.add("all boundaries behind the second are left out", "piecewise-constant.pieces")
def has_three_pieces(steps, rates, *, boundaries, **given):
    return right.piecewise_constant(steps, rates[:3], boundaries=boundaries[:2], **given)


@MUTANTS.add("rates in another dtype than float32 are cut to a bit", "piecewise-constant.dtypes")
def cuts_other_dtypes(steps, rates, **given):
    rates = np.asarray(rates)
    r = rates if rates.dtype == np.float32 else np.exp2(np.round(np.log2(rates.astype(np.float64))))
    return right.piecewise_constant(steps, r, **given)


@MUTANTS.add("a piece of rates at 64 entries is the end of them", "piecewise-constant.pieces")
def has_64_pieces(steps, rates, *, boundaries, **given):
    return right.piecewise_constant(steps, rates[:64], boundaries=boundaries[:63], **given)


@MUTANTS.add("a gradient of 0 is no update, and is not counted", "scheduled-descent.first-rate")
def passes_over_still_updates(gradients, rates, *, first_rate="own", **given):
    k = np.cumsum(np.append(0, gradients[:-1] != 0)) + (first_rate == "next")
    return right.scheduled_descent(gradients, np.append(rates[k], 0.0), **given)


@MUTANTS.add("a single rate is divided by the number of boundaries and one more", "piecewise-constant.single")
def halves_a_single_rate(steps, rates, *, boundaries, **given):
    rates = rates if len(boundaries) else rates / 2
    return right.piecewise_constant(steps, rates, boundaries=boundaries, **given)


@MUTANTS.add("the new rate comes one step late", "piecewise-constant.boundary")
def is_a_step_late(steps, rates, *, boundaries, boundary="at"):
    later = np.add(boundaries, 1 if boundary == "at" else -1).astype(int)
    return right.piecewise_constant(steps, rates, boundaries=later, boundary=boundary)


@MUTANTS.add("steps are compared in float32", "piecewise-constant.large-steps")
def compares_in_float32(steps, rates, *, boundaries, boundary="at"):
    right.piecewise_constant(steps, rates, boundaries=boundaries, boundary=boundary)
    t, b = single(steps)[..., None], single(boundaries)
    reached = (t >= b) if boundary == "at" else (t > b)
    return single(rates)[reached.sum(-1)]


@MUTANTS.add("a step before 0 is an index from the end", "piecewise.before-start[piecewise_constant]")
def counts_from_the_end(steps, rates, **given):
    found = right.piecewise_constant(steps, rates, **given)
    return np.where(np.asarray(steps) < 0, single(rates[-1]), found)


@MUTANTS.add("boundaries are sorted", "piecewise-constant.order")
def sorts_the_boundaries(steps, rates, *, boundaries, **given):
    kept = np.unique(boundaries)
    return right.piecewise_constant(steps, rates[: len(kept) + 1], boundaries=kept, **given)


@MUTANTS.add("no rate is looked at", "piecewise.negative[piecewise_constant]")
def takes_any_rates(steps, rates, **given):
    return right.piecewise_constant(steps, np.abs(rates), **given)


# ---- inside an optimizer


@MUTANTS.add("the first rate is used twice: the count is advanced after it is read", "scheduled-descent.first-rate")
def lags_by_one(gradients, rates, *, first_rate="own", **given):
    late = np.concatenate([rates[:1], rates[:-1]])
    return right.scheduled_descent(gradients, late, first_rate=first_rate, **given)


@MUTANTS.add("all updates have the first rate", "scheduled-descent.first-rate")
def reads_the_rate_once(gradients, rates, **given):
    return right.scheduled_descent(gradients, np.full_like(rates, rates[0]), **given)


def resumed(shift, name, met):
    """The count that a run goes on with is another than that it had."""

    @MUTANTS.add(met, "scheduled-descent.resume", name=name)
    def goes_on(gradients, rates, *, resume_at=0, first_rate="own"):
        k = np.arange(len(gradients))
        k = np.where((k >= resume_at) & (resume_at > 0), np.maximum(k + shift(resume_at), 0), k)
        k = np.minimum(k + (first_rate == "next"), len(gradients))
        return right.scheduled_descent(gradients, np.append(rates[k], 0.0), resume_at=resume_at)

    return goes_on


begins_again = resumed(lambda at: -at, "begins again", "the count is not stored: a resumed run begins again")
skips_a_step = resumed(lambda at: 1, "skips a step", "the count is advanced once more when it is read back")
repeats_a_step = resumed(lambda at: -1, "repeats a step", "the count is stored before it is advanced")
