"""Wrong learning rates that rise first, or again, each met in the wild or easily made, caught by clauses it names."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()


def single(x):
    return np.asarray(x).astype(np.float32)


# ---- whatever warms up


@MUTANTS.each("DeepSpeed: the scheduler is stepped before the first update", "warm-up.example")
def counts_from_1(f, steps, **given):
    return f(steps + 1, **given)


@MUTANTS.each("the rule of linear scaling is applied inside: a batch twice as large doubles the peak", "warm-up.bounds")
def doubles_the_peak(f, steps, **given):
    return single(2 * f(steps, **given))


# ---- a line and a cosine


@MUTANTS.add("timm#1242: the cosine is handed the number of the step", "warmup-cosine.value",
             "warm-up.seam[warmup_cosine]", name="counts the decay from the first step")  # fmt: skip
def counts_the_decay_from_the_first_step(steps, *, warmup_steps, decay_steps, decay_is="alone", **given):
    length = decay_steps if decay_is == "alone" else decay_steps - warmup_steps
    fixed = {name: given[name] for name in ("peak", "floor")}
    fixed |= {name: given[name] for name in ("floor_is", "after_end") if name in given}
    down = right.warmup_cosine(steps, start=fixed["peak"], warmup_steps=0, decay_steps=length, **fixed)
    up = right.warmup_cosine(steps, warmup_steps=warmup_steps, decay_steps=decay_steps, decay_is=decay_is, **given)
    return np.where(steps < warmup_steps, up, down)


@MUTANTS.add("the warm-up starts at 0, whatever is said", "warmup-cosine.value")
def starts_at_0(steps, *, start, **given):
    return right.warmup_cosine(steps, start=0.0, **given)


@MUTANTS.add("the warm-up multiplies the decay, and is not joined to it", "warmup-cosine.value")
def multiplies_the_decay(steps, *, start, peak, warmup_steps, **given):
    rates = right.warmup_cosine(steps, start=peak, peak=peak, warmup_steps=warmup_steps, **given)
    later = right.warmup_cosine(steps + warmup_steps, start=peak, peak=peak, warmup_steps=warmup_steps, **given)
    up = start + (peak - start) * np.minimum(steps / max(warmup_steps, 1), 1)
    return single(np.where(steps < warmup_steps, later * up / peak, rates))


@MUTANTS.add("the peak is one step early", "warmup-cosine.value")
def is_at_the_peak_a_step_early(steps, *, start, peak, warmup_steps, **given):
    rates = right.warmup_cosine(steps, start=start, peak=peak, warmup_steps=warmup_steps, **given)
    up = start + (peak - start) * np.minimum(steps / max(warmup_steps - 1, 1), 1)
    return single(np.where(steps < warmup_steps, up, rates))


@MUTANTS.add("a warm-up of no steps gives the start for ever", "warmup-cosine.value")
def has_no_seam_without_a_warm_up(steps, *, start, warmup_steps, **given):
    rates = right.warmup_cosine(steps, start=start, warmup_steps=warmup_steps, **given)
    return rates if warmup_steps else np.full_like(rates, start)


@MUTANTS.add("the floor is added to a cosine from the peak", "warmup-cosine.floor-is", "warmup-cosine.value")
def adds_the_floor(steps, *, peak, warmup_steps, floor, floor_is="absolute", **given):
    end = floor * peak if floor_is == "fraction" else floor
    rates = right.warmup_cosine(steps, peak=peak, warmup_steps=warmup_steps, floor=0.0, **given)
    return single(np.where(steps < warmup_steps, rates, rates + end))


@MUTANTS.add("behind its end it is 0", "warmup-cosine.after-end")
def is_0_behind_its_end(steps, *, warmup_steps, decay_steps, decay_is="alone", **given):
    rates = right.warmup_cosine(steps, warmup_steps=warmup_steps, decay_steps=decay_steps, decay_is=decay_is, **given)
    end = decay_steps + (warmup_steps if decay_is == "alone" else 0)
    return np.where(steps > end, np.float32(0), rates)


# ---- a line, a flat top, a line


@MUTANTS.add("torchtitan#1261: the decay is handed the steps since the warm-up ended", "warmup-stable-decay.value",
             "warm-up.seam[warmup_stable_decay]")  # fmt: skip
def counts_the_decay_from_the_top(steps, *, start, peak, warmup_steps, stable_steps, decay_steps, end, count="own"):
    t = steps + (count == "next")
    up = start + (peak - start) * np.minimum(t / max(warmup_steps, 1), 1) if warmup_steps else peak
    down = peak + (end - peak) * np.minimum((t - warmup_steps) / decay_steps, 1)
    return single(np.where(t < warmup_steps + stable_steps, up, down))


@MUTANTS.add("torchtitan#1261: the last step is one before the end", "warmup-stable-decay.value")
def does_not_reach_its_end(steps, *, decay_steps, **given):
    return right.warmup_stable_decay(steps, decay_steps=decay_steps + 1, **given)


@MUTANTS.add("the top begins a step late", "warmup-stable-decay.value")
def stays_a_step_longer(steps, *, stable_steps, **given):
    return right.warmup_stable_decay(steps, stable_steps=stable_steps + 1, **given)


@MUTANTS.add("behind its end it goes on falling", "warmup-stable-decay.value")
def falls_below_its_end(steps, *, peak, warmup_steps, stable_steps, decay_steps, end, count="own", **given):
    rates = right.warmup_stable_decay(
        steps, peak=peak, warmup_steps=warmup_steps, stable_steps=stable_steps, decay_steps=decay_steps, end=end,
        count=count, **given,
    )  # fmt: skip
    over = (steps + (count == "next") - warmup_steps - stable_steps) / decay_steps
    return single(np.where(over > 1, peak + (end - peak) * over, rates))


@MUTANTS.add("step 0 is left out of the warm-up alone", "warmup-stable-decay.count")
def has_no_step_at_the_start(steps, *, warmup_steps, count="own", **given):
    fixed = {"warmup_steps": warmup_steps, **given}
    one, other = (right.warmup_stable_decay(steps, count=c, **fixed) for c in (count, "next"))
    return np.where(steps < warmup_steps, other if count == "own" else np.roll(one, 1), one)


# ---- the inverse root


@MUTANTS.add("one over the step, and no root", "inverse-root-warmup.value")
def falls_as_the_step(steps, *, peak, warmup_steps, counts_from="one"):
    t = (np.asarray(steps) + (counts_from == "one")).astype(float)
    with np.errstate(divide="ignore"):
        return single(peak * np.minimum(t / warmup_steps, warmup_steps / t))


@MUTANTS.add("the root of the steps since the warm-up ended", "inverse-root-warmup.value",
             "warm-up.seam[inverse_root_warmup]")  # fmt: skip
def counts_the_root_from_the_peak(steps, *, peak, warmup_steps, counts_from="one"):
    t = (np.asarray(steps) + (counts_from == "one")).astype(float)
    since = np.maximum(t - warmup_steps, 1)
    return single(np.where(t < warmup_steps, peak * t / warmup_steps, peak / np.sqrt(since + 1)))


@MUTANTS.add("the warm-up's length is left out of the decay: the rate jumps at the peak", "inverse-root-warmup.value")
def forgets_the_length_behind_the_peak(steps, *, peak, warmup_steps, counts_from="one"):
    t = (np.asarray(steps) + (counts_from == "one")).astype(float)
    with np.errstate(divide="ignore"):
        return single(np.where(t < warmup_steps, peak * t / warmup_steps, peak / np.sqrt(t)))


@MUTANTS.add("max in place of min", "inverse-root-warmup.value", "warm-up.example[inverse_root_warmup]")
def takes_the_larger(steps, *, peak, warmup_steps, counts_from="one"):
    t = np.maximum((np.asarray(steps) + (counts_from == "one")).astype(float), 1)
    return single(peak * np.maximum(t / warmup_steps, np.sqrt(warmup_steps / t)))


# ---- cycles


@MUTANTS.add("every cycle has the first one's length", "cosine-restarts.value")
def has_cycles_of_one_length(steps, *, multiplier, **given):
    return right.cosine_restarts(steps, multiplier=1, **given)


@MUTANTS.add("a cycle has one step more, at the floor", "cosine-restarts.value")
def ends_its_cycles_a_step_late(steps, *, period, **given):
    return right.cosine_restarts(steps, period=period + 1, **given)


@MUTANTS.add("no restart: the cosine rises again", "cosine-restarts.value")
def rises_again(steps, *, initial, period, multiplier, shrink=1.0, floor, floor_is="absolute"):
    end = floor * initial if floor_is == "fraction" else floor
    return single(end + (initial - end) * (1 + np.cos(np.pi * steps / period)) / 2)


@MUTANTS.add("each cycle is as high as the first", "cosine-restarts.value")
def forgets_to_shrink(steps, *, shrink=1.0, **given):
    return right.cosine_restarts(steps, **given)


@MUTANTS.add("the floor shrinks with the cycles", "cosine-restarts.value")
def shrinks_the_floor(steps, *, initial, floor, shrink=1.0, floor_is="absolute", **given):
    bare = right.cosine_restarts(steps, initial=1.0, floor=0.0, shrink=shrink, **given)
    height = right.cosine_restarts(steps, initial=1.0, floor=0.0, **given)
    top = np.where(height > 1e-6, bare / np.maximum(height, 1e-6), 1.0)
    return single(right.cosine_restarts(steps, initial=initial, floor=floor, floor_is=floor_is, **given) * top)


@MUTANTS.add("Keras: cycles are counted by a logarithm in float32", "cosine-restarts.large-steps")
def counts_cycles_in_float32(steps, *, period, multiplier, **given):
    t = single(steps) / np.float32(period)
    if multiplier == 1:
        number = np.floor(t)
        x = t - number
    else:
        number = np.floor(np.log(1 + t * np.float32(multiplier - 1)) / np.log(np.float32(multiplier)))
        m = np.float32(multiplier)
        x = (t - (m**number - 1) / (m - 1)) / m**number
    end = given["floor"] * (given["initial"] if given.get("floor_is") == "fraction" else 1)
    high = (given["initial"] - end) * given.get("shrink", 1.0) ** number
    return single(end + high * (1 + np.cos(np.pi * x)) / 2)


@MUTANTS.add("the floor is added, and the top is too high", "cosine-restarts.floor-is", "cosine-restarts.value")
def adds_the_floor_to_each_cycle(steps, *, initial, floor, floor_is="absolute", **given):
    end = floor * initial if floor_is == "fraction" else floor
    return single(right.cosine_restarts(steps, initial=initial, floor=0.0, **given) + end)


# ---- one cycle


@MUTANTS.add("the end divisor is of the peak, and not of the start", "one-cycle.value")
def divides_the_peak_for_the_end(steps, *, start_divisor, end_divisor, **given):
    return right.one_cycle(
        steps, start_divisor=start_divisor, end_divisor=max(end_divisor / start_divisor, 1.0), **given
    )


@MUTANTS.add("lines where cosines are asked for", "one-cycle.value")
def is_made_of_lines(steps, *, anneal="cosine", **given):
    return right.one_cycle(steps, anneal="linear", **given)


@MUTANTS.add("two pieces where three are asked for", "one-cycle.value")
def has_no_third_piece(steps, *, phases="two", **given):
    return right.one_cycle(steps, phases="two", **given)


@MUTANTS.add("the peak is in the middle", "one-cycle.value")
def has_its_peak_in_the_middle(steps, *, rise_steps, length, **given):
    return right.one_cycle(steps, rise_steps=max((length - 1) // 2, 2), length=length, **given)


@MUTANTS.add("Optax: int(share * length) cuts 28.999999999999996 to 28", "one-cycle.peak-step")
def cuts_the_share_off(steps, *, rise_steps, length, **given):
    return right.one_cycle(steps, rise_steps=max(int(rise_steps / length * length), 2), length=length, **given)


@MUTANTS.add("the rise alone ends a step early", "one-cycle.ends")
def rises_a_step_early(steps, *, rise_steps, **given):
    return right.one_cycle(steps, rise_steps=max(rise_steps - 1, 2), **given)


@MUTANTS.add("PyTorch: behind the end the last piece goes on", "one-cycle.after")
def goes_on_behind_the_end(steps, *, peak, length, start_divisor, end_divisor, **given):
    rates = right.one_cycle(
        steps, peak=peak, length=length, start_divisor=start_divisor, end_divisor=end_divisor, **given
    )
    return single(np.where(steps > length, rates * (1 + (steps - length) / length), rates))


@MUTANTS.add("the second piece begins at the start again", "warm-up.seam[one_cycle]", "one-cycle.value")
def falls_from_a_share_of_the_peak(steps, *, rise_steps, ends="at", **given):
    rates = right.one_cycle(steps, rise_steps=rise_steps, ends=ends, **given)
    return single(np.where(steps > rise_steps - (ends == "before"), rates * 0.5, rates))


# ---- what is refused


@MUTANTS.each("a length of no steps is taken for one", "warm-up.lengths")
def takes_any_length(f, steps, **given):
    if "length" in given:
        return f(steps, **given | {"length": max(given["length"], 2 * given["rise_steps"] + 1)})
    if "decay_steps" in given:
        least = 1 if given.get("decay_is", "alone") == "alone" else given["warmup_steps"] + 1
        return f(steps, **given | {"decay_steps": max(given["decay_steps"], least)})
    name = "period" if "period" in given else "warmup_steps"
    return f(steps, **given | {name: max(given[name], 1)})


@MUTANTS.each("a warm-up of less than no steps is none", "warm-up.negative")
def takes_a_negative_warm_up(f, steps, *, warmup_steps, **given):
    return f(steps, warmup_steps=max(warmup_steps, 0), **given)


@MUTANTS.each("no end is compared with the peak", "warm-up.ends")
def takes_any_ends(f, steps, **given):
    top = given["peak"] if "peak" in given else given["initial"]
    for name in ("start", "floor", "end"):
        if name in given:
            most = 1.0 if name == "floor" and given.get("floor_is") == "fraction" else top
            given[name] = min(given[name], most)
    for name in ("start_divisor", "end_divisor"):
        if name in given:
            given[name] = max(given[name], 1.0)
    return f(steps, **given)
