"""Wrong early stopping, each met in the wild and caught by the clause that it names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants

MUTANTS = Mutants()


def better(m, now, given):
    """Whether a metric improves on the best one; any number improves on none."""
    return not np.isnan(m) if now.best is None else m < now.best - given.min_delta


def improve(now, t, m):
    now.best, now.at, now.wait = m, t, 0


def count(now, t, given):
    now.wait += 1
    if now.wait >= given.patience:
        now.stopped = t


def look(now, t, m, given):
    """The right rule for one evaluation; the mutants below replace it."""
    if t < given.warmup:
        return
    if given.nan == "stops" and np.isnan(m):
        now.stopped = t
    elif better(m, now, given):
        improve(now, t, m)
    else:
        count(now, t, given)


def watching(look: Callable) -> Callable:
    """Early stopping that looks at one evaluation in this way."""

    @functools.wraps(look)
    def early_stopping(metrics, baseline=None, *, min_delta=0.0, mode="min", warmup=0, nan="counted", **given):
        keywords = {"min_delta": min_delta, "mode": mode, "warmup": warmup, "nan": nan, **given}
        right.early_stopping(metrics, baseline, **keywords)  # refuses the same
        given, sign = SimpleNamespace(**keywords, rows=np.size(metrics)), 1 if mode == "min" else -1
        found = []
        for row in sign * np.reshape(metrics, (-1, np.shape(metrics)[-1])).astype(float):
            best = None if baseline is None else sign * float(baseline)
            now = SimpleNamespace(best=best, at=-1, wait=0, stopped=-1, row=row)
            for t, m in enumerate(row):
                look(now, t, m, given)
                if now.stopped >= 0:
                    break
            last = now.stopped if now.stopped >= 0 else len(row) - 1
            found.append((now.stopped, now.at, last if now.at < 0 else now.at))
        shape = np.shape(metrics)[:-1]
        columns = np.array(found, int).reshape(-1, 3).T
        return {n: x.reshape(shape) for n, x in zip(("stopped", "best", "returned"), columns, strict=True)}

    return early_stopping


# ---- when it stops


@MUTANTS.add("keras#8100: waiting is counted after it is compared", "early-stopping.stop", "early-stopping.example")
def stops_one_evaluation_late(*arrays, **given):
    return right.early_stopping(*arrays, **given | {"patience": given["patience"] + 1})


@MUTANTS.add("the first evaluation without improvement counts as none", "early-stopping.stop")
@watching
def stops_one_evaluation_early(now, t, m, given):
    look(now, t, m, SimpleNamespace(**vars(given) | {"patience": given.patience - 1 or 1}))


@MUTANTS.add("ms-swift#5326: the counter is not set back by an improvement", "early-stopping.in-a-row")
@watching
def never_sets_the_count_back(now, t, m, given):
    wait = now.wait
    look(now, t, m, given)
    now.wait = max(now.wait, wait)


@MUTANTS.add("<= in place of <, the comparison typed first", "early-stopping.ties", "early-stopping.stop")
@watching
def a_tie_is_an_improvement(now, t, m, given):
    equal = now.best is not None and given.min_delta == 0 and m == now.best
    improve(now, t, m) if equal else look(now, t, m, given)


@MUTANTS.add("improvements are compared with >= min_delta", "early-stopping.min-delta")
@watching
def an_equal_step_is_an_improvement(now, t, m, given):
    equal = now.best is not None and given.min_delta > 0 and m == now.best - given.min_delta
    improve(now, t, m) if equal else look(now, t, m, given)


@MUTANTS.add("a checkpoint is kept at every new minimum, and its value is the best one", "early-stopping.min-delta")
@watching
def the_best_moves_on_a_small_step(now, t, m, given):
    look(now, t, m, given)
    if t >= given.warmup and now.best is not None and m < now.best:
        now.best, now.at = m, t


@MUTANTS.add("min_delta is taken as a share of the best value", "early-stopping.min-delta")
@watching
def a_relative_min_delta(now, t, m, given):
    share = given.min_delta * abs(now.best or 0)
    look(now, t, m, SimpleNamespace(**vars(given) | {"min_delta": share}))


@MUTANTS.add("compared with the evaluation before: stop when the loss rises", "early-stopping.stop")
@watching
def compares_with_the_evaluation_before(now, t, m, given):
    look(now, t, m, given)
    now.best = m


@MUTANTS.add("the best value is looked up when training is over, in the whole history", "early-stopping.causal")
def takes_the_best_of_the_whole_series(metrics, baseline=None, **given):
    found = right.early_stopping(metrics, baseline, **given)
    if given.get("mode") == "max" or np.isnan(np.min(metrics)):
        metrics = np.where(np.isnan(metrics), np.inf, metrics) * (-1 if given.get("mode") == "max" else 1)
    return found | {"best": np.argmin(metrics, -1)}


@MUTANTS.add("one flag for all runs that are trained side by side", "early-stopping.rows")
def the_first_run_to_stop_stops_all(metrics, baseline=None, **given):
    found = right.early_stopping(metrics, baseline, **given)
    stops = found["stopped"][found["stopped"] >= 0]
    return found | {"stopped": np.full_like(found["stopped"], stops.min() if stops.size else -1)}


@MUTANTS.add("the counter is a byte", "early-stopping.long")
@watching
def counts_to_255(now, t, m, given):
    look(now, t, m, given)
    now.wait %= 256


# ---- what comes back


@MUTANTS.add(
    "weights are put back where training was stopped, and not where it came to its end", "early-stopping.returned"
)
def returns_the_best_only_after_a_stop(metrics, baseline=None, **given):
    found = right.early_stopping(metrics, baseline, **given | {"returned": "best"})
    return found | {"returned": np.where(found["stopped"] < 0, np.shape(metrics)[-1] - 1, found["returned"])}


@MUTANTS.add("the weights of the best evaluation are taken before the update that made it", "early-stopping.returned")
def returns_those_before_the_best(*arrays, **given):
    found = right.early_stopping(*arrays, **given)
    return found | {"returned": np.maximum(found["returned"] - 1, 0)}


# ---- what is better


@MUTANTS.add("the sign of the metric is lost: accuracy is minimized", "early-stopping.mode")
def takes_every_metric_as_a_loss(*arrays, **given):
    return right.early_stopping(*arrays, **given | {"mode": "min"})


@MUTANTS.add("the metric is said to be an accuracy where nothing is said", "early-stopping.default-mode")
def maximizes_when_nothing_is_said(*arrays, mode="max", **given):
    return right.early_stopping(*arrays, mode=mode, **given)


@MUTANTS.add("min_delta changes its sign with the mode twice", "early-stopping.mode")
@watching
def adds_min_delta_when_maximizing(now, t, m, given):
    sign = 1 if given.mode == "min" else -1
    look(now, t, m, SimpleNamespace(**vars(given) | {"min_delta": sign * given.min_delta}))


@MUTANTS.add("early-stopping-pytorch#28: not (best <= metric), so that NaN is an improvement", "early-stopping.nan")
@watching
def nan_is_an_improvement(now, t, m, given):
    improve(now, t, m) if t >= given.warmup and np.isnan(m) else look(now, t, m, given)


@MUTANTS.add("evaluations without a number are left out of the count", "early-stopping.nan")
@watching
def nan_is_not_counted(now, t, m, given):
    if not np.isnan(m) or given.nan == "stops":
        look(now, t, m, given)


@MUTANTS.add("the keyword is not handed on", "early-stopping.nan-stops")
def nan_never_stops(*arrays, **given):
    return right.early_stopping(*arrays, **given | {"nan": "counted"})


@MUTANTS.add("isnan of the metric is asked before the warm-up is", "early-stopping.nan-stops")
@watching
def nan_stops_during_the_warm_up(now, t, m, given):
    if given.nan == "stops" and np.isnan(m):
        now.stopped = t
    else:
        look(now, t, m, given)


@MUTANTS.add("flax: an infinite best value is taken as none", "early-stopping.infinite")
@watching
def anything_improves_on_infinity(now, t, m, given):
    if now.best is not None and np.isinf(now.best):
        improve(now, t, m)
    else:
        look(now, t, m, given)


@MUTANTS.add("metrics are moved to the accelerator, and compared in its precision", "early-stopping.resolution")
def compares_in_single_precision(metrics, *baseline, **given):
    return right.early_stopping(np.asarray(metrics, np.float32), *baseline, **given)


@MUTANTS.add("half precision is float16, whatever came", "early-stopping.half-precision")
def keeps_the_best_in_float16(metrics, *baseline, **given):
    half = str(np.asarray(metrics).dtype) in ("bfloat16", "float16")
    with np.errstate(over="ignore"):
        return right.early_stopping(np.asarray(metrics, np.float16) if half else metrics, *baseline, **given)


# ---- baseline and warm-up


@MUTANTS.add("the baseline is read and not used", "early-stopping.baseline-role")
def forgets_the_baseline(metrics, baseline=None, **given):
    return right.early_stopping(metrics, **given)


@MUTANTS.add("the baseline is a value to reach, and not to beat", "early-stopping.baseline-role")
@watching
def reaching_the_baseline_is_enough(now, t, m, given):
    reached = now.at < 0 and now.best is not None and m == now.best - given.min_delta and t >= given.warmup
    improve(now, t, m) if reached else look(now, t, m, given)


@MUTANTS.add("a baseline of an accuracy is not turned round with the metric", "early-stopping.baseline-above")
def the_baseline_keeps_its_sign(metrics, baseline=None, **given):
    turned = baseline if baseline is None or given.get("mode") != "max" else -baseline
    return right.early_stopping(metrics, turned, **given)


@MUTANTS.add("the best value of the warm-up is kept, only the count is left out", "early-stopping.warmup")
@watching
def looks_during_the_warm_up(now, t, m, given):
    look(now, t, m, SimpleNamespace(**vars(given) | {"warmup": 0}))
    if t < given.warmup:
        now.stopped, now.wait = -1, 0


@MUTANTS.add("epoch <= start_from", "early-stopping.warmup")
def warms_up_one_evaluation_longer(*arrays, **given):
    return right.early_stopping(*arrays, **given | {"warmup": given.get("warmup", 0) + bool(given.get("warmup"))})


# ---- refusals


@MUTANTS.add("a patience of 0 is taken as 1", "early-stopping.patience-range")
def takes_any_patience(*arrays, **given):
    return right.early_stopping(*arrays, **given | {"patience": max(given["patience"], 1)})


@MUTANTS.add("keras: abs(min_delta)", "early-stopping.min-delta-range")
def takes_the_magnitude_of_min_delta(*arrays, **given):
    return right.early_stopping(*arrays, **given | {"min_delta": np.nan_to_num(abs(given.get("min_delta", 0)))})


@MUTANTS.add("range(-1, n) starts at the end of the series, so it is cut off", "early-stopping.warmup-range")
def takes_a_negative_warm_up(*arrays, **given):
    return right.early_stopping(*arrays, **given | {"warmup": max(given.get("warmup", 0), 0)})


@MUTANTS.add("keras: an unknown mode is guessed, with a warning", "early-stopping.unknown-mode")
def guesses_the_mode(*arrays, **given):
    return right.early_stopping(*arrays, **given | {"mode": "max" if given.get("mode") == "max" else "min"})


@MUTANTS.add("whatever it is handed is converted to a real number", "early-stopping.no-number")
def converts_any_metric(metrics, *baseline, **given):
    return right.early_stopping(np.real(metrics) * 1.0, *baseline, **given)
