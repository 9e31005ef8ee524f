"""The questions to an optimizer: its trajectories, and what every stepper owes whatever its rule is.

    MOMENTUM = Stepper("momentum", oracle.momentum, {"learning_rate": 0.5, "momentum": 0.8})

    @clause("momentum.trajectory")
    def test_trajectory(readings):
        yield from MOMENTUM.steps(readings, rates=RATES)

What every optimizer owes is asked by the methods that take a trial; a clause with ``applies-to`` says it once for all,
and finds the operation's Stepper with ``of``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, refusal, steps
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.rounded import Runs
from nnspec_conformance.tolerance import Shape, Want, exact, spread
from nnspec_conformance.trees import mapped
from nnspec_conformance.trial import Trial

RATES = (0.5, 0.5, 0.125, 0.125, 0.25, 1.0)  # changes mid-run, down and up
SHAPES = {"a": (3,), "b": (2, 4), "c": ()}  # leaves of unequal rank and size
_DECLARED: dict[str, Stepper] = {}


def of(operation: str) -> Stepper:
    """The Stepper that the operation's own tests declare.

    Raises:
        LookupError: none does.
    """
    if operation not in _DECLARED:
        raise LookupError(f"no test declares Stepper({operation!r}, ...)")
    return _DECLARED[operation]


def tree(seed: int, dtype: str = "float32", scale: float = 1.0) -> dict[str, np.ndarray]:
    """A tree of unequal leaves; no entry zero, no two alike."""
    draws = {name: normal_draws(seed + i, shape, "float64", scale) for i, (name, shape) in enumerate(SHAPES.items())}
    return {name: np.asarray(x, DTYPES[dtype]) for name, x in draws.items()}


def gradients(count: int, dtype: str = "float32", seed: int = 500) -> list[dict[str, np.ndarray]]:
    """A tree for each step: of changing sign, and of sizes from 1/8 to 2."""
    return [tree(seed + 10 * t, dtype, (-1) ** t * 2.0 ** (1 - t % 5)) for t in range(count)]


def lean(values: dict[str, np.ndarray], dtype: str) -> dict[str, np.ndarray]:
    """The whole tree in float32, in any other dtype its first array alone.

    What an optimizer does to the arrays of a tree is seen in one dtype, and what a dtype does to it in one array; a
    subject that compiles makes a program of half the size.
    """
    return values if dtype == "float32" else {"a": values["a"]}


def scaled(grads: dict[str, np.ndarray], factor: float) -> dict[str, np.ndarray]:
    """The tree times a number, dtypes kept."""
    return {name: np.asarray(factor * g, g.dtype) for name, g in grads.items()}


def trajectory(
    oracle: Callable, params: dict, grads: Any, rates: list | None = None, *, dtype: str, **hyper: Any
) -> list[dict[str, Want]]:
    """The parameters after each step of an oracle; every operand of every step is rounded at random.

    Args:
        oracle: ``oracle(params, *, rounded, **hyper) -> step``, as ``oracles.stepping`` makes it: all rounded runs are
            stepped at once.
        params: at the start.
        grads: of each step, or a function from parameters to gradients; then there are as many steps as rates.
        rates: the learning rate of each step.
        dtype: to whose precision operands are rounded.
        hyper: all hyper-parameters of the oracle.
    """
    told = [None] * len(grads) if rates is None else rates

    def run(rounded: Callable) -> list[dict]:
        step, now, path = oracle(mapped(rounded, wide(params)), rounded=rounded, **hyper), wide(params), []
        for t, rate in enumerate(told):
            given = each_run(grads, now) if callable(grads) else wide(grads[t])
            now = step(mapped(rounded, given), rate)
            path.append(now)
        return path

    return spread(run, dtype, together=True)


def each_run(gradient: Callable, now: dict) -> dict:
    """The gradients at parameters that may be those of several runs, each of which is asked by itself."""
    several = [p for p in now.values() if isinstance(p, Runs)]
    if not several:
        return wide(gradient(now))
    found = [gradient({name: np.asarray(p)[..., i] for name, p in now.items()}) for i in range(several[0].shape[-1])]
    return {name: np.stack([np.float64(one[name]) for one in found], -1).view(Runs) for name in found[0]}


@dataclass
class Stepper:
    """An optimizer as its tests see it.

    Attributes:
        operation: its name.
        oracle: the right one, ``oracle(params, *, rounded, **hyper) -> step``, as ``oracles.stepping`` makes it.
        hyper: the hyper-parameters of every question that does not say otherwise, off all defaults.
    """

    operation: str
    oracle: Callable
    hyper: dict[str, Any]

    def __post_init__(self) -> None:
        declared = _DECLARED.setdefault(self.operation, self)
        if (declared.oracle, declared.hyper) != (self.oracle, self.hyper):
            raise HarnessError(f"two Steppers of {self.operation!r}: {declared.hyper} and {self.hyper}")

    # ---- trajectories

    def expected(
        self, params: dict, grads: Any, rates: list | None = None, *, dtype: str, **hyper: Any
    ) -> list[dict[str, Want]]:
        """The parameters after each step, as ``trajectory`` has them; all hyper-parameters are told."""
        return trajectory(self.oracle, params, grads, rates, dtype=dtype, **hyper)

    def steps(
        self,
        readings: dict | None = None,
        *,
        rates: tuple | list | None = None,
        count: int = 6,
        grads: Callable[[str], list] | None = None,
        drop: tuple[str, ...] = (),
        declared: dict | None = None,
        dtypes: tuple[str, ...] = ("float32", "float64"),
        whole: bool = False,
        note: str = "",
        **hyper: Any,
    ) -> Iterator[Case]:
        """Cases in which the parameters follow the oracle's.

        Args:
            readings: those of the test, by keyword; the oracle is told the ones that it takes.
            rates: the learning rate of each step; ``count`` steps at the first rate if there are none.
            count: how many steps.
            grads: makes the gradients of each step in a dtype; by default ``gradients``. What they are not of is no
                parameter.
            drop: hyper-parameters left out in the call, so that the subject's default is met.
            declared: what the subject declares that the dropped ones stand for.
            dtypes: in which the question is put.
            whole: whether the tree is whole in every dtype; see ``lean``.
            note: which bug it catches.
            hyper: hyper-parameters that differ from those of the Stepper.
        """
        known = inspect.signature(self.oracle).parameters
        told = {k: v for k, v in (readings or {}).items() if k in known}
        asked = {k: v for k, v in (self.hyper | hyper).items() if k not in drop}
        for dtype in dtypes:
            given = (grads or (lambda d: gradients(len(rates or ()) or count, d)))(dtype)
            given = given if whole else [lean(one, dtype) for one in given]
            params = {name: p for name, p in tree(400, dtype).items() if name in given[0]}
            schedule = None if rates is None else list(rates)
            want = self.expected(params, given, schedule, dtype=dtype, **asked | (declared or {}) | told)
            yield steps(self.operation, params, grads=given, rates=schedule, **asked, want=want, note=note)

    # ---- refusals

    def refuses(self, note: str, **hyper: Any) -> ErrorCase:
        """The stepper with wrong hyper-parameters; right are those of the Stepper."""
        valid = {k: v for k, v in self.hyper.items() if k in hyper}
        return refusal(
            self.operation, tree(400), grads=gradients(1), **self.hyper | hyper, valid=valid, note=note
        )  # fmt: skip

    def refuses_gradients_of_others(self) -> Iterator[ErrorCase]:
        """Gradients with a name too few, a name too many, and with a shape that would broadcast."""
        (right,) = gradients(1)
        wrong = {
            "no gradient of 'b'": {k: g for k, g in right.items() if k != "b"},
            "a gradient of 'd', which is no parameter": right | {"d": right["a"]},
            "a gradient of 4 entries for 3": right | {"a": np.resize(right["a"], 4)},
            "a gradient of one entry for 3": right | {"a": right["a"][:1]},
            "a gradient of one row for 2": right | {"b": right["b"][:1]},
        }
        for note, grads in wrong.items():
            yield refusal(self.operation, tree(400), grads=[grads], **self.hyper, valid=[right], note=note)

    def refuses_integers(self) -> ErrorCase:
        """Parameters that are integers, to which no fraction of a gradient can be added."""
        params = {name: np.round(8 * p).astype(np.int32) for name, p in tree(400, "float64").items()}
        return refusal(
            self.operation, params, grads=gradients(1), **self.hyper, valid=(tree(400),), note="integer parameters"
        )

    def refuses_no_parameters(self) -> ErrorCase:
        """A tree without an array: whoever hands it over has lost the parameters."""
        case = self.refuses("no parameters")
        return replace(case, bad=replace(case.bad, arrays=({},), grads=[{}]))

    # ---- what every stepper owes

    def keeps_the_form(self) -> Iterator[Case]:
        """Names, shapes and dtypes of the parameters after each step are those at the start."""
        for dtype in DTYPES:
            params = tree(400, dtype)
            want = [{name: Shape(p.shape, dtype) for name, p in params.items()}] * 3
            yield steps(self.operation, params, grads=gradients(3, dtype), want=want, **self.hyper)

    def leaves_are_apart(self, trial: Trial) -> None:
        """The other gradients may be whatever they are: an array is stepped by its own."""
        dtype, params, grads = self._asked(trial)
        path = trial.trajectory(params, grads, **self.hyper)
        for name in params:
            others = [scaled(one, -8.0) | {name: one[name]} for one in grads]
            changed = trial.trajectory(params, others, **self.hyper)
            for t, (now, before) in enumerate(zip(changed, path, strict=True), 1):
                self._same(
                    trial, {name: now[name]}, {name: before[name]}, dtype, f"'{name}' after step {t}, others moved"
                )

    def stays_at_rate_zero(self, trial: Trial) -> None:
        """The parameters stay as long as the rate was 0 from the start; a state may hold an earlier rate."""
        dtype, params, grads = self._asked(trial)
        for t, now in enumerate(trial.trajectory(params, grads[:3], rates=[0.0] * 3, **self.hyper), 1):
            self._same(trial, now, params, dtype, f"parameters after step {t} at rate 0")

    def takes_each_rate(self, trial: Trial) -> None:
        """A rate told with a step is in force from that step on, as if the stepper had been started with it."""
        dtype, params, grads = self._asked(trial)
        slow = self.hyper | {"learning_rate": 0.125}
        fast = self.hyper | {"learning_rate": 0.5}
        started = trial.trajectory(params, grads, **slow)
        told = trial.trajectory(params, grads, rates=[0.125] * len(grads), **fast)
        once = trial.trajectory(params, grads, rates=[0.125] + [None] * (len(grads) - 1), **fast)
        for t, want in enumerate(started):
            self._same(
                trial, told[t], want, dtype, f"step {t + 1}, told at each step the rate that the other began with"
            )
            self._same(trial, once[t], want, dtype, f"step {t + 1}, told once the rate that the other began with")
        ahead = trial.trajectory(params, grads, **fast)
        moves = all((ahead[-1][name] != started[-1][name]).any() for name in params)
        trial.require(moves, f"{self.operation} steps alike at rates 0.125 and 0.5")

    def instances_are_apart(self, trial: Trial) -> None:
        """Two steppers used in turn go each as if it were alone, though one is told another rate."""
        dtype, params, grads = self._asked(trial)
        other, others = tree(450, dtype), gradients(len(grads), dtype, seed=700)
        rates = self._changed_once(len(grads))

        def in_turn(start: Callable) -> tuple:
            first, second = start(params), start(other)
            return tuple((first.step(g, r), second.step(h)) for g, r, h in zip(grads, rates, others, strict=True))

        alone = zip(
            trial.trajectory(params, grads, rates=rates, **self.hyper),
            trial.trajectory(other, others, **self.hyper),
            strict=True,
        )
        together = trial.steppers(params, in_turn, **self.hyper)
        for t, (got, want) in enumerate(zip(together, alone, strict=True), 1):
            for which, one, by_itself in zip(("first", "second"), got, want, strict=True):
                self._same(trial, one, by_itself, dtype, f"step {t} of the {which} of two steppers in turn")

    def goes_on_where_it_was_saved(self, trial: Trial, **hyper: Any) -> None:
        """What is saved after some steps, restored into a new stepper, goes on like the old one, which went on too."""
        dtype, params, grads = self._asked(trial)
        half, given = len(grads) // 2, self.hyper | hyper
        rates = self._changed_once(len(grads))  # the rate in force is a part of the state

        def interrupted(start: Callable) -> tuple:
            first = start(params)
            now = [first.step(g, r) for g, r in zip(grads[:half], rates, strict=False)][-1]
            saved = first.save()
            for g, r in zip(grads[half:], rates, strict=False):  # steps on a state that is handed out as it is
                first.step(scaled(g, 3.0), r and 2 * r)
            second = start(now)
            second.restore(saved)
            return tuple(second.step(g) for g in grads[half:])

        through = trial.trajectory(params, grads, rates=rates, **given)[half:]
        for t, (got, want) in enumerate(zip(trial.steppers(params, interrupted, **given), through, strict=True), 1):
            self._same(trial, got, want, dtype, f"step {half + t}, of a stepper restored after step {half}")

    def takes_arrays_without_entries(self, trial: Trial) -> None:
        """Arrays of length 0 stay as they are, and the others step as if there were none."""
        dtype, params, grads = self._asked(trial)
        hollow = {"d": np.zeros((0,), DTYPES[dtype]), "e": np.zeros((3, 0), DTYPES[dtype])}
        path = trial.trajectory(params, grads, **self.hyper)
        beside = trial.trajectory(params | hollow, [g | hollow for g in grads], **self.hyper)
        for t, (now, want) in enumerate(zip(beside, path, strict=True), 1):
            self._same(trial, now, want | hollow, dtype, f"step {t}, two arrays without entries beside the others")

    def shows_what_is_not_a_number(self, trial: Trial) -> None:
        """A NaN in a gradient stays in the entry of its parameter, and reaches no other."""
        dtype, params, grads = self._asked(trial)
        path = trial.trajectory(params, grads, **self.hyper)
        poisoned = [g | {"a": g["a"].copy()} for g in grads]
        poisoned[1]["a"][2] = np.nan
        for t, (now, want) in enumerate(zip(trial.trajectory(params, poisoned, **self.hyper), path, strict=True), 1):
            if t > 1:
                want = want | {"a": np.where(np.arange(3) == 2, np.nan, want["a"])}
            self._same(trial, now, want, dtype, f"step {t}, a NaN in 'a' at step 2")

    def shows_what_is_infinite(self, trial: Trial) -> None:
        """An infinity in a gradient leaves no number in the entry of its parameter, and reaches no other."""
        dtype, params, grads = self._asked(trial)
        path = trial.trajectory(params, grads, **self.hyper)
        for value in (np.inf, -np.inf):
            lost = [g | {"a": g["a"].copy()} for g in grads]
            lost[1]["a"][2] = value
            for t, (now, want) in enumerate(zip(trial.trajectory(params, lost, **self.hyper), path, strict=True), 1):
                if t > 1:  # infinite or NaN, as the method has it
                    own = np.asarray(now["a"], float)[2] if "a" in now and np.shape(now["a"]) == (3,) else np.nan
                    own = np.nan if np.isfinite(own) else own
                    want = want | {"a": np.where(np.arange(3) == 2, own, want["a"])}
                self._same(trial, now, want, dtype, f"step {t}, {value} in 'a' at step 2")

    def _asked(self, trial: Trial) -> tuple[str, dict, list]:
        """A dtype of the subject, parameters and six gradients."""
        dtype = "float32" if "float32" in trial.dtypes else trial.dtypes[0]
        return dtype, tree(400, dtype), gradients(6, dtype)

    def _changed_once(self, count: int) -> list[float | None]:
        """No rate told but at the second step, if there is a rate."""
        return [None, 0.125 if "learning_rate" in self.hyper else None] + [None] * (count - 2)

    def _same(self, trial: Trial, got: dict, want: dict, dtype: str, about: str) -> None:
        """Equal as numbers, array by array."""
        trial.expect(got, {name: exact(x, dtype) for name, x in want.items()}, f"{self.operation}: {about}")
