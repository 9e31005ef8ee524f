"""Wrong reductions on a plateau, each met in the wild or easily made, caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()
READINGS = {"cut": "reached", "cooldown_is": "whole", "relative_to": "size", "first_nan": "passed-over"}


def margin(now, given):
    """What a metric has to be better than the best one by."""
    if given.min_delta_is == "absolute" or not np.isfinite(now.best):
        return given.min_delta if given.min_delta_is == "absolute" else 0.0
    return given.min_delta * (abs(now.best) if given.relative_to == "size" else given.sign * now.best)


def better(now, m, given):
    if now.best is None:
        return not np.isnan(m) or given.first_nan == "kept"
    return m < now.best - margin(now, given)


def count(now, given):
    """One more evaluation without improvement, and the cut that it may bring."""
    now.wait += 1
    if now.wait >= given.patience + (given.cut == "exceeded"):
        cut(now, given)


def cut(now, given):
    now.rate, now.wait, now.rest = max(now.rate * given.factor, given.floor), 0, given.cooldown


def look(now, m, given):
    """The right rule for one evaluation; the mutants below replace it."""
    improved = better(now, m, given)
    if improved:
        now.best, now.wait = m, 0
    resting, now.rest = now.rest > (given.cooldown_is == "less"), max(now.rest - 1, 0)
    if resting:
        now.wait = 0
    elif not improved:
        count(now, given)


def watching(look: Callable) -> Callable:
    """A reduction that looks at one evaluation in this way."""

    @functools.wraps(look)
    def reduce_on_plateau(metrics, *, mode="min", cooldown=0, **given):
        right.reduce_on_plateau(metrics, mode=mode, cooldown=cooldown, **given)  # refuses the same
        sign = 1 if mode == "min" else -1
        told = SimpleNamespace(**READINGS | given, mode=mode, cooldown=cooldown, sign=sign)
        found = []
        for row in sign * np.reshape(metrics, (-1, np.shape(metrics)[-1])).astype(float):
            now, rates = SimpleNamespace(best=None, wait=0, rest=0, rate=given["initial"], last=np.nan), []
            for m in row:
                look(now, m, told)
                now.last = m
                rates.append(now.rate)
            found.append(rates)
        return np.array(found, float).reshape(np.shape(metrics)).astype(np.float32)

    return reduce_on_plateau


def other(given, **changed):
    return SimpleNamespace(**vars(given) | changed)


# ---- when it is cut


@MUTANTS.add("PyTorch#2545: the patience is one longer", "reduce-on-plateau.cut", "reduce-on-plateau.example")
def waits_one_evaluation_longer(metrics, *, patience, **given):
    return right.reduce_on_plateau(metrics, patience=patience + 1, **given)


@MUTANTS.add("Keras#3991: the count is not set back by a cut", "reduce-on-plateau.begins-again",
             "reduce-on-plateau.example")  # fmt: skip
@watching
def goes_on_counting_behind_a_cut(now, m, given):
    wait, rate = now.wait, now.rate
    look(now, m, given)
    if now.rate != rate:
        now.wait = wait + 1


@MUTANTS.add("a cut forgets the best metric", "reduce-on-plateau.begins-again")
@watching
def forgets_the_best_at_a_cut(now, m, given):
    rate = now.rate
    look(now, m, given)
    if now.rate != rate:
        now.best = m


@MUTANTS.add("an improvement does not set the count back", "reduce-on-plateau.cut")
@watching
def never_sets_the_count_back(now, m, given):
    wait, rate = now.wait, now.rate
    look(now, m, given)
    if now.rate == rate and now.rest == 0:
        now.wait = max(now.wait, wait)


@MUTANTS.add("compared with the evaluation before", "reduce-on-plateau.cut")
@watching
def compares_with_the_evaluation_before(now, m, given):
    look(now, m, given)
    now.best = m


@MUTANTS.add("the factor is subtracted", "reduce-on-plateau.factor", "reduce-on-plateau.cut")
@watching
def subtracts_the_factor(now, m, given):
    rate = now.rate
    look(now, m, given)
    if now.rate != rate:
        now.rate = max(rate - given.factor * given.initial, given.floor)


@MUTANTS.add("the floor stops a cut that would go below it", "reduce-on-plateau.factor")
@watching
def stops_above_the_floor(now, m, given):
    rate = now.rate
    look(now, m, other(given, floor=0.0))
    if now.rate < given.floor:
        now.rate = rate


@MUTANTS.add("the floor is not used", "reduce-on-plateau.factor")
def falls_below_the_floor(metrics, *, floor, **given):
    return right.reduce_on_plateau(metrics, floor=0.0, **given)


@MUTANTS.add("PyTorch: a cut by less than eps is passed over", "reduce-on-plateau.factor")
@watching
def passes_over_small_cuts(now, m, given):
    rate = now.rate
    look(now, m, given)
    if rate - now.rate < 1e-6:
        now.rate = rate


# ---- the cooldown


@MUTANTS.add("the cooldown is not handed on", "reduce-on-plateau.cooldown")
def has_no_cooldown(metrics, *, cooldown=0, **given):
    return right.reduce_on_plateau(metrics, **given)


@MUTANTS.add("evaluations of the cooldown are counted, and only cuts are left out", "reduce-on-plateau.cooldown")
@watching
def counts_in_the_cooldown(now, m, given):
    rest, wait = now.rest, now.wait
    look(now, m, given)
    if rest and now.wait == 0 and now.rest < rest and m >= now.best:
        now.wait = wait + 1


@MUTANTS.add("evaluations of the cooldown are not looked at, and the best does not move", "reduce-on-plateau.cooldown")
@watching
def looks_away_in_the_cooldown(now, m, given):
    if now.rest > (given.cooldown_is == "less"):
        now.rest -= 1
    else:
        look(now, m, given)


@MUTANTS.add("the last evaluation of the cooldown is one of it twice", "reduce-on-plateau.cooldown-is")
def rests_one_evaluation_longer(metrics, *, cooldown=0, **given):
    return right.reduce_on_plateau(metrics, cooldown=cooldown + (cooldown > 0), **given)


# ---- what is better


@MUTANTS.add("<= in place of <", "reduce-on-plateau.min-delta")
@watching
def takes_an_equal_step(now, m, given):
    equal = now.best is not None and m == now.best - margin(now, given)
    look(now, np.nextafter(m, -np.inf) if equal else m, given)


@MUTANTS.add("the best moves at every new minimum", "reduce-on-plateau.min-delta")
@watching
def moves_the_best_on_a_small_step(now, m, given):
    look(now, m, given)
    if now.best is not None and m < now.best:
        now.best = m


@MUTANTS.add("min_delta is a share, whatever is said", "reduce-on-plateau.min-delta")
def is_always_relative(metrics, *, min_delta_is, **given):
    return right.reduce_on_plateau(metrics, min_delta_is="relative", **given)


@MUTANTS.add("min_delta is a difference, whatever is said", "reduce-on-plateau.relative")
def is_always_absolute(metrics, *, min_delta_is, **given):
    return right.reduce_on_plateau(metrics, min_delta_is="absolute", **given)


@MUTANTS.add("PyTorch#47513: best * (1 - threshold)", "reduce-on-plateau.relative-to",
             name="takes a share of a negative number")  # fmt: skip
def takes_a_share_of_a_negative_number(metrics, **given):
    turned = "value" if given.get("relative_to", "size") == "size" else "size"
    return right.reduce_on_plateau(metrics, **given | {"relative_to": turned})


@MUTANTS.add("the mode is lost: accuracy is minimized", "reduce-on-plateau.mode")
def takes_every_metric_as_a_loss(metrics, *, mode="min", **given):
    return right.reduce_on_plateau(metrics, **given)


@MUTANTS.add("not (best <= metric), so that NaN is an improvement", "reduce-on-plateau.nan")
@watching
def takes_nan_for_an_improvement(now, m, given):
    if np.isnan(m) and now.best is not None:
        now.wait, now.best = 0, m
    else:
        look(now, m, given)


@MUTANTS.add("evaluations without a number are left out of the count", "reduce-on-plateau.nan")
@watching
def passes_over_nan(now, m, given):
    if not np.isnan(m) or now.best is None:
        look(now, m, given)


@MUTANTS.add("a first NaN is left out of the count", "reduce-on-plateau.first-nan")
@watching
def begins_with_the_first_number(now, m, given):
    if now.best is not None or not np.isnan(m):
        look(now, m, given)


@MUTANTS.add("an infinite best metric is taken as none", "reduce-on-plateau.infinite")
@watching
def improves_on_any_infinity(now, m, given):
    if now.best is not None and np.isinf(now.best):
        now.best = None
    look(now, m, given)


@MUTANTS.add("half precision is float16, whatever came", "reduce-on-plateau.dtypes")
def keeps_the_best_in_float16(metrics, **given):
    half = str(np.asarray(metrics).dtype) in ("bfloat16", "float16")
    with np.errstate(over="ignore"):
        return right.reduce_on_plateau(np.asarray(metrics, np.float16) if half else metrics, **given)


@MUTANTS.add("the counter is a byte", "reduce-on-plateau.long")
@watching
def counts_to_255(now, m, given):
    look(now, m, given)
    now.wait %= 256


# ---- series


@MUTANTS.add("one counter for all runs that are trained side by side", "reduce-on-plateau.rows")
def has_one_rate_for_all_rows(metrics, **given):
    rates = right.reduce_on_plateau(metrics, **given)
    return np.broadcast_to(rates.min(tuple(range(rates.ndim - 1))), rates.shape).copy()


@MUTANTS.add("the best metric is that of the whole series", "reduce-on-plateau.causal")
def knows_the_best_of_the_series(metrics, **given):
    sign = 1 if given.get("mode", "min") == "min" else -1
    rows = sign * np.asarray(metrics, float)
    least = np.min(np.where(np.isnan(rows), np.inf, rows), -1, keepdims=True)
    ahead = np.concatenate([np.where(np.isinf(least), rows[..., :1], least), rows], -1)
    return right.reduce_on_plateau((sign * ahead), **given)[..., 1:]


# ---- what is refused


@MUTANTS.add("a factor above 1 is turned round", "reduce-on-plateau.factor-range")
def takes_any_factor(metrics, *, factor, **given):
    return right.reduce_on_plateau(metrics, factor=factor if factor < 1 else 0.5, **given)


@MUTANTS.add("a patience of 0 is taken as 1", "reduce-on-plateau.patience-range")
def takes_any_patience(metrics, *, patience, **given):
    return right.reduce_on_plateau(metrics, patience=max(patience, 1), **given)


@MUTANTS.add("Keras: abs(min_delta)", "reduce-on-plateau.min-delta-range")
def takes_the_size_of_min_delta(metrics, *, min_delta, **given):
    return right.reduce_on_plateau(metrics, min_delta=abs(min_delta), **given)


@MUTANTS.add("a negative cooldown is none", "reduce-on-plateau.cooldown-range")
def takes_a_negative_cooldown(metrics, *, cooldown=0, **given):
    return right.reduce_on_plateau(metrics, cooldown=max(cooldown, 0), **given)


@MUTANTS.add("Optax: the rate goes up to its floor", "reduce-on-plateau.floor-range")
def goes_up_to_the_floor(metrics, *, floor, initial, **given):
    return right.reduce_on_plateau(metrics, floor=min(floor, initial), initial=initial, **given)


@MUTANTS.add("an unknown mode is guessed", "reduce-on-plateau.unknown-mode")
def guesses_the_mode(metrics, *, mode="min", **given):
    return right.reduce_on_plateau(metrics, mode="max" if mode == "max" else "min", **given)


@MUTANTS.add("whatever it is handed is converted to a real number", "reduce-on-plateau.no-number")
def converts_any_metric(metrics, **given):
    return right.reduce_on_plateau(np.real(metrics) * 1.0, **given)
