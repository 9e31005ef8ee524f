"""Tests of RMSprop, centred RMSprop and Adagrad: trajectories, closed forms, the cycle, half precision, defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance import steppers
from nnspec_conformance.cases import Case, ErrorCase, clause, steps
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.training import rmsprop as oracle
from nnspec_conformance.steppers import RATES, Stepper, lean, scaled
from nnspec_conformance.tolerance import Want, exact, ulps
from nnspec_conformance.trial import Trial

GIVEN = {"learning_rate": 0.5, "decay_rate": 0.75, "epsilon": 2.0**-6}
BARE: dict[str, Any] = GIVEN | {"epsilon": 0.0}
FAST: dict[str, Any] = BARE | {"decay_rate": 0.5}  # after 12 equal gradients the variance is 1/4096 of the mean square
SUM: dict[str, Any] = {"learning_rate": 0.5, "epsilon": 2.0**-6, "initial_accumulator": 0.25}
RMSPROP = Stepper("rmsprop", oracle.rmsprop, GIVEN)
CENTRED = Stepper("centred_rmsprop", oracle.centred_rmsprop, GIVEN)
ADAGRAD = Stepper("adagrad", oracle.adagrad, SUM)
LONG = RATES + RATES


def in_short(readings: dict) -> bool:
    """Whether the mean square starts at 1: fewer steps in float32 are enough where the question is not about that."""
    return readings.get("start_rule") == "one"


def mixed(dtype: str) -> list[dict[str, np.ndarray]]:
    """Twelve gradients that change their signs, grow, come late, vanish for two steps, and, in 'c', are tiny."""
    grads = steppers.gradients(12, dtype)
    for t, one in enumerate(grads):
        one["a"] = one["a"] * one["a"].dtype.type(1.25**t)
        one["a"][0] *= t > 3
        one["b"] = one["b"] * one["b"].dtype.type(t not in (4, 5))
        one["c"] = np.asarray(one["c"] * 2.0**-12, one["c"].dtype)
    return grads


def near(*powers: int) -> Callable[[str], list]:
    """Four gradients whose arrays have sizes near those powers of 2."""

    def grads(dtype: str) -> list[dict[str, np.ndarray]]:
        sizes: dict[str, int] = dict(zip(("a", "b", "c"), powers, strict=True))
        return [
            {name: np.asarray(g * 2.0 ** sizes[name], g.dtype) for name, g in one.items()}
            for one in steppers.gradients(4, dtype)
        ]

    return grads


def trajectories(stepper: Stepper, readings: dict, grads: Callable, **hyper: Any) -> Iterator[Case]:
    """Twelve steps in float32; in float64, where a constant of float32 shows at once, six."""
    if in_short(readings):
        yield from stepper.steps(readings, rates=RATES[1:5], grads=lambda d: grads(d)[:4], dtypes=("float32",), **hyper)
        return
    yield from stepper.steps(readings, rates=LONG, grads=grads, dtypes=("float32",), **hyper)
    yield from stepper.steps(readings, rates=RATES, grads=lambda d: grads(d)[:6], dtypes=("float64",), **hyper)


def at(want: list[dict[str, Want]], values: list[dict[str, Any]]) -> list[dict[str, Want]]:
    """The tolerances of a trajectory around values that a closed form gives."""
    return [
        {name: replace(one[name], value=np.asarray(now[name], np.float64)) for name in one}
        for one, now in zip(want, values, strict=True)
    ]


# ---- the rules


@clause("rmsprop.epsilon-position")
def test_epsilon_position(operation: str, readings: dict) -> Iterator[Case]:
    yield from trajectories(steppers.of(operation), readings, mixed)


@clause("adagrad.epsilon-position")
def test_adagrad_epsilon_position(readings: dict) -> Iterator[Case]:
    yield from trajectories(ADAGRAD, readings, mixed)


@clause("rmsprop.start")
def test_start(operation: str, readings: dict) -> Iterator[Case]:
    note = "small gradients, beside which a start at 1 is long remembered"
    yield from steppers.of(operation).steps(readings, rates=RATES[:4], grads=near(-3, 0, -6), note=note)


@clause("rmsprop.rate-position")
def test_rate_position(operation: str, readings: dict) -> Iterator[Case]:
    note = "the rate changes while the velocity is kept"
    if operation == "rmsprop":
        yield from trajectories(RMSPROP, readings, mixed, momentum=0.5, note=note)
    else:
        yield from CENTRED.steps(readings, rates=RATES, momentum=0.5, dtypes=("float32",), note=note)


@clause("rmsprop.l2")
def test_l2(readings: dict) -> Iterator[Case]:
    note = "the penalty's gradient goes through the mean square"
    yield from RMSPROP.steps(readings, rates=RATES[:4], l2=0.25, dtypes=("float32",), note=note)


@clause("rmsprop.weight-decay")
def test_weight_decay(readings: dict) -> Iterator[Case]:
    note = "the decay goes neither through the mean square nor through the velocity"
    given: dict[str, Any] = {"weight_decay": 0.25, "momentum": 0.5, "dtypes": ("float32",), "note": note}
    yield from RMSPROP.steps(readings, rates=RATES[:4], **given)


@clause("rmsprop.example")
def test_example(readings: dict) -> Iterator[Case]:
    yield by_hand(RMSPROP, oracle.EXAMPLE, oracle.EXAMPLE_GRADIENTS, oracle.EXAMPLE_PATH, readings)


@clause("centred-rmsprop.example")
def test_centred_example(readings: dict) -> Iterator[Case]:
    yield by_hand(CENTRED, oracle.CENTRED, oracle.CENTRED_GRADIENTS, oracle.CENTRED_PATH, readings)


@clause("adagrad.example")
def test_adagrad_example(readings: dict) -> Iterator[Case]:
    yield by_hand(ADAGRAD, oracle.ADAGRAD, oracle.ADAGRAD_GRADIENTS, oracle.ADAGRAD_PATH, readings)


def by_hand(stepper: Stepper, given: dict, gradients: tuple, path: tuple, readings: dict) -> Case:
    """A table of the page; where the mean square starts at 1 the numbers are the rule's."""

    def filled(number: float) -> dict[str, np.ndarray]:
        return {name: np.full(shape, number, np.float32) for name, shape in steppers.SHAPES.items()}

    params, grads = filled(path[0]), [filled(g) for g in gradients]
    want = stepper.expected(params, grads, dtype="float32", **given | readings)
    if not in_short(readings):
        want = at(want, [{name: np.full(shape, p) for name, shape in steppers.SHAPES.items()} for p in path[1:]])
    return steps(stepper.operation, params, grads=grads, want=want, note="the page's table", **given)


# ---- what follows from the rules


@clause("rmsprop.constant-gradient")
def test_constant_gradient(operation: str, readings: dict) -> Iterator[Case]:
    given, form = (FAST, oracle.variance) if operation == "centred_rmsprop" else (BARE, oracle.mean_square)
    first = 1.0 if readings["start_rule"] == "one" else 0.0
    stepper = steppers.of(operation)
    yield from of_one_gradient(stepper, given, readings, lambda g, t: form(g, given["decay_rate"], t, first))


@clause("adagrad.constant-gradient")
def test_adagrad_constant_gradient(readings: dict) -> Iterator[Case]:
    yield from of_one_gradient(ADAGRAD, SUM | {"epsilon": 0.0}, readings, lambda g, t: 0.25 + t * g * g)


def of_one_gradient(stepper: Stepper, given: dict, readings: dict, square: Callable) -> Iterator[Case]:
    """Twelve steps with one gradient, whose quotient by the root of ``square(g, t)`` makes step ``t``."""
    params, (grads,), count = steppers.tree(400), steppers.gradients(1), 4 if in_short(readings) else 12
    wide = {name: np.float64(g) for name, g in grads.items()}
    lengths = {name: [g / np.sqrt(square(g, t)) for t in range(1, count + 1)] for name, g in wide.items()}
    paths = {name: np.float64(params[name]) - 0.5 * np.cumsum(one, axis=0) for name, one in lengths.items()}
    values = [{name: path[t] for name, path in paths.items()} for t in range(count)]
    want = stepper.expected(params, [grads] * count, dtype="float32", **given | readings)
    yield steps(stepper.operation, params, grads=[grads] * count, want=at(want, values), **given)


@clause("rmsprop.scaling")
def test_scaling(operation: str, trial: Trial) -> None:
    """Where the mean square starts at 1, the clause says nothing."""
    if in_short(trial.readings):
        return
    nothing = SUM | {"epsilon": 0.0, "initial_accumulator": 0.0}
    given = {"rmsprop": BARE, "centred_rmsprop": FAST, "adagrad": nothing}[operation]
    dtype = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
    params, grads = steppers.tree(400, dtype), steppers.gradients(6, dtype)
    path = trial.trajectory(params, grads, **given)
    for power in (10, -40):
        other = trial.trajectory(params, [scaled(one, 2.0**power) for one in grads], **given)
        for t, (now, same) in enumerate(zip(other, path, strict=True), 1):
            want = {name: exact(p, dtype) for name, p in same.items()}
            trial.expect(now, want, f"{operation}: parameters after step {t}, gradients times 2^{power}")
    moved = all((path[-1][name] != p).all() for name, p in params.items())
    trial.require(moved, f"{operation} does not move")


@clause("rmsprop.cycle")
def test_cycle(trial: Trial) -> None:
    """Curvatures from 1/100 to 100, and starts on both sides; what is left of the way there after 100 steps is 1e-6."""
    dtype, rate = "float32" if "float32" in trial.dtypes else trial.dtypes[0], 0.25
    curvatures = np.array([0.01, 1.0, 100.0, 1.0], DTYPES[dtype])
    start = {"x": np.array([1.0, 1.1, -1.2, -1.3], DTYPES[dtype])}
    given: dict[str, Any] = BARE | {"learning_rate": rate}
    path = trial.trajectory(start, lambda now: {"x": curvatures * now["x"]}, rates=[None] * 120, **given)
    for name, now, before in (("last", path[-1], path[-2]), ("one before it", path[-2], path[-3])):
        turned = (np.sign(now["x"]) == -np.sign(before["x"])).all()
        trial.require(bool(turned), f"the {name} place is on the same side as the place before: {now['x']}")
        off = float(np.abs(np.abs(np.float64(now["x"])) / (rate / 2) - 1).max())
        trial.require(off < 0.001, f"the {name} place is {now['x']}, at a distance of half the rate, 0.125, is right")


@clause("centred-rmsprop.rounding")
def test_rounding(trial: Trial) -> None:
    """Gradients that stay the same, of sizes to 1,000; at the end their variance is far below what is rounded away."""
    dtype = DTYPES["float32" if "float32" in trial.dtypes else trial.dtypes[0]]
    same = {"w": np.asarray(np.geomspace(0.1, 1000, 200) * np.resize([1, -1], 200), dtype)}
    given = GIVEN | {"epsilon": 1e-8}
    path = trial.trajectory({"w": np.zeros(200, dtype)}, [same] * 60, **given)
    lost = ~np.isfinite(np.float64(path[-1]["w"]))
    first = float(same["w"][np.argmax(lost)])
    trial.require(
        not lost.any(),
        f"{lost.sum()} of 200 parameters are not finite after 60 equal gradients, first that of {first:g}",
    )


# ---- half precision


def in_half(operation: str) -> dict[str, Any]:
    """Hyper-parameters that a dtype of 16 bits does not hold: 1e-8 is 0 in float16, 0.999 is 1 in bfloat16."""
    if operation == "adagrad":
        return {"learning_rate": 0.5, "epsilon": 1e-8, "initial_accumulator": 0.0}
    return {"learning_rate": 0.125, "decay_rate": 0.999, "epsilon": 1e-8}


@clause("rmsprop.zero-gradients")
def test_zero_gradients(operation: str) -> Iterator[Case]:
    params = lean(steppers.tree(400, "float16"), "float16")
    none = [scaled(lean(one, "float16"), 0.0) for one in steppers.gradients(3, "float16")]
    want = [{name: exact(p, "float16") for name, p in params.items()}] * 3
    yield steps(operation, params, grads=none, want=want, note="epsilon is rounded to 0", **in_half(operation))


@clause("rmsprop.half-precision")
def test_half_precision(operation: str, readings: dict) -> Iterator[Case]:
    """Gradients from 1/4 to 4, whose mean squares are normal numbers of float16, too."""
    given = in_half(operation)
    for dtype in ("float16", "bfloat16"):
        params = {"b": steppers.tree(400, dtype)["b"]}  # eight sizes, most of them no power of 2
        grads = {"b": steppers.gradients(1, "float64")[0]["b"]}
        sizes = {name: np.exp2(np.linspace(-2, 2, g.size)).reshape(g.shape) for name, g in grads.items()}
        small = {name: np.asarray(np.sign(g) * sizes[name], DTYPES[dtype]) for name, g in grads.items()}
        wide = {name: p.astype(np.float64) for name, p in params.items()}
        step = steppers.of(operation).oracle(wide, **given | readings)
        after = step({name: g.astype(np.float64) for name, g in small.items()})
        want = {name: ulps(after[name], 4, dtype, scale=np.abs(p)) for name, p in wide.items()}
        yield steps(operation, params, grads=[small], want=[want], note="0.999 is 1 in bfloat16", **given)


# ---- defaults


@clause("rmsprop.decay-default")
def test_decay_default(operation: str, readings: dict, default: float) -> Iterator[Case]:
    given: dict[str, Any] = {"drop": ("decay_rate",), "declared": {"decay_rate": default}, "dtypes": ("float32",)}
    yield from steppers.of(operation).steps(readings, count=3, **given)


@clause("rmsprop.epsilon-default")
def test_epsilon_default(operation: str, readings: dict, default: float) -> Iterator[Case]:
    """Sizes near the default epsilons and their roots; from a start at 1 they are seen in float64 alone."""
    given: dict[str, Any] = {"drop": ("epsilon",), "declared": {"epsilon": default}, "grads": near(-26, -13, 0)}
    dtypes = ("float64",) if in_short(readings) else ("float32",)
    yield from steppers.of(operation).steps(readings, dtypes=dtypes, **given)


@clause("adagrad.epsilon-default")
def test_adagrad_epsilon_default(readings: dict, default: float) -> Iterator[Case]:
    given: dict[str, Any] = {"drop": ("epsilon",), "declared": {"epsilon": default}, "grads": near(-30, -16, -22)}
    yield from ADAGRAD.steps(readings, initial_accumulator=0.0, dtypes=("float32",), **given)


@clause("adagrad.accumulator-default")
def test_accumulator_default(readings: dict, default: float) -> Iterator[Case]:
    declared = {"initial_accumulator": default}
    yield from ADAGRAD.steps(readings, drop=("initial_accumulator",), declared=declared, dtypes=("float32",))


# ---- refusals


@clause("rmsprop.decay-range")
def test_decay_range(operation: str) -> Iterator[ErrorCase]:
    for wrong in (1.0, 1.5, -0.5, float("nan")):
        yield steppers.of(operation).refuses(f"decay_rate is {wrong}", decay_rate=wrong)


@clause("rmsprop.momentum-range")
def test_momentum_range(operation: str) -> Iterator[ErrorCase]:
    for wrong in (1.0, 1.5, -0.5, float("nan")):
        yield with_valid(steppers.of(operation).refuses(f"momentum is {wrong}", momentum=wrong), momentum=0.5)


@clause("rmsprop.negative-epsilon")
def test_negative_epsilon(operation: str) -> Iterator[ErrorCase]:
    yield steppers.of(operation).refuses("an epsilon of -0.25, at which a division by 0 is possible", epsilon=-0.25)


@clause("rmsprop.negative-l2")
def test_negative_l2() -> Iterator[ErrorCase]:
    yield with_valid(RMSPROP.refuses("a penalty of -0.25, by which the weights grow", l2=-0.25), l2=0.25)


@clause("rmsprop.negative-decay")
def test_negative_decay() -> Iterator[ErrorCase]:
    case = RMSPROP.refuses("a decay of -0.25, by which the weights grow", weight_decay=-0.25)
    yield with_valid(case, weight_decay=0.25)


@clause("adagrad.negative-accumulator")
def test_negative_accumulator() -> Iterator[ErrorCase]:
    yield ADAGRAD.refuses("a sum of squares of -0.25, whose root is NaN", initial_accumulator=-0.25)


def with_valid(case: ErrorCase, **hyper: float) -> ErrorCase:
    """The refusal with a right value of a keyword that the Stepper does not tell by itself."""
    return replace(case, valid=replace(case.valid, attributes=case.valid.attributes | hyper))
