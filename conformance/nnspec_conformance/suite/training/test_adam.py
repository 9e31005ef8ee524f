"""Tests of Adam and its relatives: trajectories, the theorems about the step, Reddi's example, decay, defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspec_conformance import steppers
from nnspec_conformance.cases import Case, ErrorCase, clause, steps
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.oracles.training import adam as oracle
from nnspec_conformance.steppers import RATES, Stepper, lean, scaled
from nnspec_conformance.tolerance import exact, ulps
from nnspec_conformance.trial import Trial

GIVEN = {"learning_rate": 0.5, "beta1": 0.8, "beta2": 0.95, "epsilon": 2.0**-6}
ADAM = Stepper("adam", oracle.adam, GIVEN)
AMSGRAD = Stepper("amsgrad", oracle.amsgrad, GIVEN)
ADAMW = Stepper("adamw", oracle.adamw, GIVEN | {"weight_decay": 0.0})
NADAM = Stepper("nadam", oracle.nadam, GIVEN)
ADAMAX = Stepper("adamax", oracle.adamax, GIVEN)
LONG = RATES + RATES


def mixed(dtype: str) -> list[dict[str, np.ndarray]]:
    """Twelve gradients that change their signs, grow, come late, vanish for two steps, and, in 'c', are tiny."""
    grads = steppers.gradients(12, dtype)
    for t, one in enumerate(grads):
        one["a"] = one["a"] * one["a"].dtype.type(1.5**t)
        one["a"][0] *= t > 3
        one["b"] = one["b"] * (t not in (4, 5))
        one["c"] = np.asarray(one["c"] * 2.0**-12, one["c"].dtype)
    return grads


def six(dtype: str) -> list[dict[str, np.ndarray]]:
    return steppers.gradients(6, dtype)


def tiny(dtype: str) -> list[dict[str, np.ndarray]]:
    """Gradients near the epsilons that implementations have by default, 1e-8 and 1e-7, of one sign for each entry."""
    return [scaled(one, (-1) ** t * 2.0**-24) for t, one in enumerate(steppers.gradients(4, dtype))]


def of_one_array(grads: Callable[[str], list]) -> Callable[[str], list]:
    """Gradients of the first array alone: what a number is by default shows in any."""
    return lambda dtype: [{"a": one["a"]} for one in grads(dtype)]


def without_decay(operation: str) -> dict[str, Any]:
    return {"weight_decay": 0.0} if operation == "adamw" else {}


def trajectories(stepper: Stepper, readings: dict, grads: Callable, **hyper: Any) -> Iterator[Case]:
    """Twelve steps in float32; in float64, where a constant of float32 shows at once, six."""
    yield from stepper.steps(readings, rates=LONG, grads=grads, dtypes=("float32",), **hyper)
    yield from stepper.steps(readings, rates=RATES, grads=lambda d: grads(d)[:6], dtypes=("float64",), **hyper)


# ---- the rules


@clause("adam.epsilon-position")
def test_epsilon_position(operation: str, readings: dict) -> Iterator[Case]:
    decay: dict[str, Any] = {"weight_decay": 0.25} if operation == "adamw" else {}
    yield from trajectories(steppers.of(operation), readings, mixed, **decay)


@clause("adam.example")
def test_example() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        params = {"w": np.asarray(oracle.EXAMPLE_PATH[0], dtype)}
        grads = [{"w": np.asarray(g, dtype)} for g in oracle.EXAMPLE_GRADIENTS]
        want = ADAM.expected(params, grads, dtype=dtype, **oracle.EXAMPLE)
        named = [
            {"w": replace(w["w"], value=np.asarray(p))} for w, p in zip(want, oracle.EXAMPLE_PATH[1:], strict=True)
        ]
        yield steps("adam", params, grads=grads, want=named, note="the page's table", **oracle.EXAMPLE)


@clause("adam.l2")
def test_l2(readings: dict) -> Iterator[Case]:
    note = "the penalty's gradient goes through both moments"
    yield from ADAM.steps(readings, rates=RATES[:4], l2=0.25, dtypes=("float32",), note=note)


@clause("amsgrad.maximum")
def test_maximum(readings: dict) -> Iterator[Case]:
    """Gradients that grow, fall, and grow again, so that the maximum stays behind while the correction changes."""

    def falling(dtype: str) -> list[dict]:
        return [scaled(one, 2.0 ** (abs(t - 8) - 6)) for t, one in enumerate(mixed(dtype))]

    yield from trajectories(AMSGRAD, readings, falling)


@clause("adamw.coupling")
def test_coupling(readings: dict) -> Iterator[Case]:
    yield from ADAMW.steps(readings, rates=RATES[1:5], weight_decay=0.25, dtypes=("float32",))


@clause("adamw.zero-gradient")
def test_zero_gradient(readings: dict) -> Iterator[Case]:
    def none(dtype: str) -> list[dict]:
        return [scaled(one, 0.0) for one in steppers.gradients(3, dtype)]

    yield from ADAMW.steps(readings, grads=none, rates=RATES[1:4], weight_decay=0.25, dtypes=("float32",))


@clause("nadam.momentum-schedule")
def test_momentum_schedule(readings: dict) -> Iterator[Case]:
    yield from trajectories(NADAM, readings, mixed)


@clause("adamax.epsilon-position")
def test_adamax_epsilon_position(readings: dict) -> Iterator[Case]:
    yield from trajectories(ADAMAX, readings, mixed)


# ---- what follows from the rules


@clause("adam.first-step")
def test_first_step(operation: str, readings: dict) -> Iterator[Case]:
    """Gradients from 2^-40 to 2^40; what a step may be off by is the spread of the rule."""
    given: dict[str, Any] = {"learning_rate": 0.5, "beta1": 0.9, "beta2": 0.999, "epsilon": 0.0}
    given |= without_decay(operation)
    for dtype in ("float32", "float64"):
        params, (grads,) = lean(steppers.tree(400, dtype), dtype), steppers.gradients(1, dtype)
        grads = {
            name: np.asarray(g * 2.0 ** np.linspace(-40, 40, g.size).reshape(g.shape), dtype)
            for name, g in lean(grads, dtype).items()
        }
        (spread,) = steppers.of(operation).expected(params, [grads], dtype=dtype, **given | readings)
        want = {
            name: replace(spread[name], value=np.float64(p) - 0.5 * np.sign(grads[name])) for name, p in params.items()
        }
        yield steps(operation, params, grads=[grads], want=[want], **given)


@clause("adam.scaling")
def test_scaling(operation: str, trial: Trial) -> None:
    given = without_decay(operation) | {"learning_rate": 0.5, "beta1": 0.9, "beta2": 0.999, "epsilon": 0.0}
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


@clause("adam.step-bound")
def test_step_bound(trial: Trial) -> None:
    beta1, beta2, rate = 0.9, 0.99, 0.125
    bound = float(oracle.step_bound(beta1, beta2))
    dtype = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
    grads = [{"w": np.full(1, g, DTYPES[dtype])} for g in oracle.growing(beta1, beta2, 300, 60)]
    given = {"learning_rate": rate, "beta1": beta1, "beta2": beta2, "epsilon": 1e-20}
    path = trial.trajectory({"w": np.zeros(1, DTYPES[dtype])}, grads, **given)
    largest = float(np.abs(np.diff([np.float64(now["w"][0]) for now in path])).max()) / rate
    trial.require(largest <= bound * 1.001, f"a step of {largest:.3f} times the rate; the bound is {bound:.3f}")
    trial.require(largest >= 2.3, f"the largest step is {largest:.3f} times the rate, 2.31 is right; a step is cut off")


def drift(trial: Trial) -> float:
    """Where 300 steps from 0 end on Reddi's gradients, which do not depend on the place."""
    dtype = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
    grads = [{"x": np.full(1, g, DTYPES[dtype])} for g in oracle.reddi_gradients(300)]
    given = {"learning_rate": oracle.REDDI_RATE, "epsilon": 1e-8} | oracle.REDDI
    path = trial.trajectory({"x": np.zeros(1, DTYPES[dtype])}, grads, rates=oracle.reddi_rates(300), **given)
    return float(path[-1]["x"][0])


@clause("adam.drift")
def test_drift(trial: Trial) -> None:
    end = drift(trial)
    trial.require(abs(end - 3.40) < 0.01, f"ends at {end:.3f}, 3.40 is right")


@clause("amsgrad.drift")
def test_amsgrad_drift(trial: Trial) -> None:
    end = drift(trial)
    trial.require(-2.5 < end < -2, f"ends at {end:.3f}, between -2.5 and -2 is right")


# ---- half precision


@clause("adam.zero-gradients")
def test_zero_gradients(operation: str) -> Iterator[Case]:
    params = lean(steppers.tree(400, "float16"), "float16")
    none = [scaled(lean(one, "float16"), 0.0) for one in steppers.gradients(3, "float16")]
    want = [{name: exact(p, "float16") for name, p in params.items()}] * 3
    given = without_decay(operation) | {"learning_rate": 0.5}
    yield steps(operation, params, grads=none, want=want, note="epsilon is rounded to 0", **given)


@clause("adam.half-precision")
def test_half_precision(operation: str) -> Iterator[Case]:
    """Gradients from 1/4 to 4, whose second moments are normal numbers of float16, too."""
    for dtype in ("float16", "bfloat16"):
        params = {"b": steppers.tree(400, dtype)["b"]}  # eight sizes, most of them no power of 2
        grads = {"b": steppers.gradients(1, "float64")[0]["b"]}
        sizes = {name: np.exp2(np.linspace(-2, 2, g.size)).reshape(g.shape) for name, g in grads.items()}
        given = {name: np.asarray(np.sign(g) * sizes[name], DTYPES[dtype]) for name, g in grads.items()}
        want = {
            name: ulps(p.astype(np.float64) - 0.5 * np.sign(grads[name]), 4, dtype, scale=np.abs(p.astype(np.float64)))
            for name, p in params.items()
        }
        yield steps(
            operation, params, grads=[given], want=[want], learning_rate=0.5, note="0.999 is 1 in bfloat16",
            **without_decay(operation),
        )  # fmt: skip


# ---- defaults


@clause("adam.beta1-default")
def test_beta1_default(operation: str, readings: dict, default: float) -> Iterator[Case]:
    given = {"drop": ("beta1",), "declared": {"beta1": default}, "dtypes": ("float32",)}
    yield from steppers.of(operation).steps(readings, grads=of_one_array(six), **given)


@clause("adam.beta2-default")
def test_beta2_default(operation: str, readings: dict, default: float) -> Iterator[Case]:
    given = {"drop": ("beta2",), "declared": {"beta2": default}, "dtypes": ("float32",)}
    yield from steppers.of(operation).steps(readings, grads=of_one_array(mixed), **given)


@clause("adam.epsilon-default")
def test_epsilon_default(operation: str, readings: dict, default: float) -> Iterator[Case]:
    given = {"drop": ("epsilon",), "declared": {"epsilon": default}, "dtypes": ("float32",)}
    yield from steppers.of(operation).steps(readings, grads=of_one_array(tiny), **given)


@clause("adamw.decay-default")
def test_decay_default(readings: dict, default: float) -> Iterator[Case]:
    given = {"drop": ("weight_decay",), "declared": {"weight_decay": default}, "dtypes": ("float32",)}
    yield from ADAMW.steps(readings, grads=of_one_array(six), **given)


# ---- refusals


@clause("adam.beta-range")
def test_beta_range(operation: str) -> Iterator[ErrorCase]:
    for name in ("beta1", "beta2"):
        for wrong in (1.0, 1.5, -0.5, float("nan")):
            yield steppers.of(operation).refuses(f"{name} is {wrong}", **{name: wrong})


@clause("adam.negative-epsilon")
def test_negative_epsilon(operation: str) -> Iterator[ErrorCase]:
    yield steppers.of(operation).refuses("an epsilon of -0.25, at which a division by 0 is possible", epsilon=-0.25)


@clause("adam.negative-l2")
def test_negative_l2() -> Iterator[ErrorCase]:
    yield replace_valid(ADAM.refuses("a penalty of -0.25, by which the weights grow", l2=-0.25), l2=0.25)


@clause("adamw.negative-decay")
def test_negative_decay() -> Iterator[ErrorCase]:
    yield ADAMW.refuses("a decay of -0.25, by which the weights grow", weight_decay=-0.25)


def replace_valid(case: ErrorCase, **hyper: float) -> ErrorCase:
    """The refusal with a right value of a keyword that the Stepper does not tell by itself."""
    return replace(case, valid=replace(case.valid, attributes=case.valid.attributes | hyper))
