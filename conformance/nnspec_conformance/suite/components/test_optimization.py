"""Tests of optimization: what every optimizer owes, gradient descent, accumulated gradients, averaged parameters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance import convergence, steppers
from nnspec_conformance.cases import Case, ErrorCase, clause, refusal, steps
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.components import optimization as oracle
from nnspec_conformance.steppers import RATES, Stepper, lean
from nnspec_conformance.tolerance import exact, ulps
from nnspec_conformance.trial import Trial

# ---- families: what is asked stands in the Stepper


@clause("optimizer.form")
def test_form(operation: str) -> Iterator[Case]:
    yield from steppers.of(operation).keeps_the_form()


@clause("optimizer.arrays")
def test_arrays(operation: str, trial: Trial) -> None:
    steppers.of(operation).leaves_are_apart(trial)


@clause("optimizer.empty-arrays")
def test_empty_arrays(operation: str, trial: Trial) -> None:
    steppers.of(operation).takes_arrays_without_entries(trial)


@clause("optimizer.nan")
def test_nan(operation: str, trial: Trial) -> None:
    steppers.of(operation).shows_what_is_not_a_number(trial)


@clause("optimizer.infinity")
def test_infinity(operation: str, trial: Trial) -> None:
    steppers.of(operation).shows_what_is_infinite(trial)


@clause("optimizer.rate-zero")
def test_rate_zero(operation: str, trial: Trial) -> None:
    steppers.of(operation).stays_at_rate_zero(trial)


@clause("optimizer.rate")
def test_rate(operation: str, trial: Trial) -> None:
    steppers.of(operation).takes_each_rate(trial)


@clause("optimizer.state")
def test_state(operation: str, trial: Trial) -> None:
    steppers.of(operation).goes_on_where_it_was_saved(trial)


@clause("optimizer.gradients-of-others")
def test_gradients_of_others(operation: str) -> Iterator[ErrorCase]:
    yield from steppers.of(operation).refuses_gradients_of_others()


@clause("optimizer.negative-rate")
def test_negative_rate(operation: str) -> Iterator[ErrorCase]:
    yield steppers.of(operation).refuses("a rate of -0.5, which climbs", learning_rate=-0.5)


@clause("optimizer.nan-rate")
def test_nan_rate(operation: str) -> Iterator[ErrorCase]:
    yield steppers.of(operation).refuses("a rate that is not a number", learning_rate=float("nan"))


@clause("optimizer.integer-parameters")
def test_integer_parameters(operation: str) -> Iterator[ErrorCase]:
    yield steppers.of(operation).refuses_integers()


@clause("optimizer.no-parameters")
def test_no_parameters(operation: str) -> Iterator[ErrorCase]:
    yield steppers.of(operation).refuses_no_parameters()


@clause("optimizer.converges")
def test_converges(operation: str, trial: Trial) -> None:
    convergence.converges(trial, steppers.of(operation).oracle)


# ---- gradient descent

DESCENT = Stepper("gradient_descent", oracle.gradient_descent, {"learning_rate": 0.5})


@clause("gradient-descent.example")
def test_example() -> Iterator[Case]:
    def gradient(now: dict) -> dict:
        return {"w": now["w"] * np.asarray([2, 1], now["w"].dtype)}

    for dtype in DTYPES:
        path = [{"w": np.asarray(w, DTYPES[dtype])} for w in oracle.EXAMPLE_PATH]
        want = [{"w": exact(now["w"], dtype)} for now in path[1:]]
        given = [gradient(now) for now in path[:-1]]
        yield steps("gradient_descent", path[0], grads=given, learning_rate=0.25, want=want, note="the page's table")


@clause("gradient-descent.trajectory")
def test_trajectory() -> Iterator[Case]:
    yield from DESCENT.steps(rates=RATES, dtypes=("bfloat16", "float16", "float32", "float64"))


@clause("gradient-descent.weight-decay")
def test_weight_decay() -> Iterator[Case]:
    yield from DESCENT.steps(rates=RATES, weight_decay=0.25, note="the decay is multiplied by the rate of the step")


@clause("gradient-descent.decayed")
def test_decayed() -> Iterator[Case]:
    note = "'a' has one axis, 'b' two, 'c' none"
    yield from DESCENT.steps(weight_decay=0.25, decayed="matrices", whole=True, note=note)


@clause("gradient-descent.negative-decay")
def test_negative_decay() -> Iterator[ErrorCase]:
    params, grads = steppers.tree(400), steppers.gradients(1)
    yield refusal(
        "gradient_descent", params, grads=grads, learning_rate=0.5, weight_decay=-0.25, valid={"weight_decay": 0.25},
        note="a decay of -0.25, by which every weight grows",
    )  # fmt: skip


@clause("gradient-descent.two-wells")
def test_two_wells() -> Iterator[Case]:
    starts = np.array([-1.25, -1.0, -0.5, -0.25, 0.0, 0.0625, 0.140625, 0.25, 0.75, 1.0, 1.25])
    wells = np.where(starts < oracle.BARRIER, oracle.LEFT, oracle.RIGHT)
    for dtype in ("float32", "float64"):
        params = {"x": starts.astype(dtype)}
        count = 60  # from the nearest start to the barrier 12 to leave it, then 0.58 a step at the flatter well
        reached = {"x": ulps(wells, 16, dtype, moved=2.0 ** (-20 if dtype == "float32" else -32))}
        start = params["x"].astype(np.float64)
        lower = {"x": ulps(start, np.inf, dtype)}  # on the way nothing is asked
        yield steps(
            "gradient_descent", params, grads=lambda now: {"x": oracle.two_wells_derivative(now["x"])},
            rates=[0.25] * count, learning_rate=0.25, want=[lower] * (count - 1) + [reached],
            note="the start decides which well is reached",
        )  # fmt: skip


# ---- gradients of several micro-batches

ACCUMULATION = Stepper("gradient_accumulation", oracle.gradient_accumulation, {"learning_rate": 0.5, "every": 3})


@clause("gradient-accumulation.combine")
def test_combine(readings: dict) -> Iterator[Case]:
    yield from ACCUMULATION.steps(readings)
    yield from ACCUMULATION.steps(readings, every=2, rates=RATES, dtypes=("float32",))  # each is a program of its own


@clause("gradient-accumulation.large-batch")
def test_large_batch(trial: Trial) -> None:
    """Three micro-batches against gradient descent on their own sum or mean, which the test computes."""
    for dtype in trial.dtypes:
        params, grads = lean(steppers.tree(400, dtype), dtype), steppers.gradients(6, dtype)
        grads = [lean(g, dtype) for g in grads]
        part = 3 if trial.readings["combine"] == "mean" else 1
        large = [{k: (sum(np.float64(g[k]) for g in grads[i : i + 3]) / part) for k in params} for i in (0, 3)]
        want = DESCENT.expected(params, large, dtype=dtype, learning_rate=0.5)
        path = trial.trajectory(params, grads, learning_rate=0.5, every=3)
        trial.expect(path[2], want[0], f"three micro-batches as one batch in {dtype}")
        trial.expect(path[5], want[1], f"the next three micro-batches as one batch in {dtype}")


@clause("gradient-accumulation.waits")
def test_waits(trial: Trial) -> None:
    for dtype in trial.dtypes:
        params, grads = lean(steppers.tree(400, dtype), dtype), steppers.gradients(5, dtype)
        path = trial.trajectory(params, [lean(g, dtype) for g in grads], learning_rate=0.5, every=3)
        for t, before in ((1, params), (2, params), (4, path[2]), (5, path[2])):
            want = {name: exact(p, dtype) for name, p in before.items()}
            trial.expect(path[t - 1], want, f"parameters after micro-batch {t} of 3 a step")


@clause("gradient-accumulation.state")
def test_accumulation_state(trial: Trial) -> None:
    """Six gradients, saved after the third, two a step: in the middle of the second step."""
    ACCUMULATION.goes_on_where_it_was_saved(trial, every=2)


@clause("gradient-accumulation.every")
def test_every() -> Iterator[ErrorCase]:
    yield ACCUMULATION.refuses("a step every 0 micro-batches", every=0)


# ---- averaged parameters

AVERAGE = Stepper("exponential_average", oracle.exponential_average, {"decay_rate": 0.75})


@clause("exponential-average.start")
def test_start(readings: dict) -> Iterator[Case]:
    yield from AVERAGE.steps(readings)
    yield from AVERAGE.steps(readings, decay_rate=0.0, count=3, note="without memory the average is the last value")


@clause("exponential-average.default")
def test_default(readings: dict, default: float) -> Iterator[Case]:
    yield from AVERAGE.steps(readings, drop=("decay_rate",), declared={"decay_rate": default}, count=8)


@clause("exponential-average.state")
def test_average_state(trial: Trial) -> None:
    AVERAGE.goes_on_where_it_was_saved(trial)


@clause("exponential-average.decay-range")
def test_decay_range() -> Iterator[ErrorCase]:
    yield AVERAGE.refuses("a decay rate of 1.5, by which the average grows", decay_rate=1.5)
    yield AVERAGE.refuses("a decay rate of -0.25, by which it alternates", decay_rate=-0.25)
