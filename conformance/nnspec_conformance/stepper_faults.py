"""Faults that any optimizer can have; each is handed the right one first, as ``Mutants.each`` hands it.

    MUTANTS.each("an `or` takes the rate 0 for none", "optimizer.rate-zero")(takes_a_rate_of_0_for_none)

What an optimizer is here: ``start(params, learning_rate=..., ...)`` makes a step, ``step(grads, rate)`` gives the new
parameters, ``step.save()`` and ``step.restore(saved)`` its state, as ``oracles.stepping`` makes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.trees import mapped


class Changed:
    """A right stepper, of which one method is another.

    Args:
        step: the right one.
        methods: ``called`` for the step itself, ``save``, ``restore``.
    """

    def __init__(self, step: Any, **methods: Callable):
        self.step, self.save, self.restore = step, step.save, step.restore
        self.called = methods.pop("called", step)
        vars(self).update(methods)

    def __call__(self, grads: dict, learning_rate: float | None = None) -> dict:
        return self.called(grads, learning_rate)


# ---- parameters and their gradients


def gives_every_array_an_axis(start, params, **given):
    step = start(params, **given)
    return Changed(step, called=lambda *told: {name: np.atleast_1d(p) for name, p in step(*told).items()})


def clips_by_the_common_norm(start, params, **given):
    step = start(params, **given)

    def called(grads, rate):
        norm = np.sqrt(sum((g.astype(float) ** 2).sum() for g in grads.values()))
        return step({name: g / g.dtype.type(max(norm, 1)) for name, g in grads.items()}, rate)

    return Changed(step, called=called)


def fails_on_arrays_without_entries(start, params, **given):
    if any(p.size == 0 for p in params.values()):
        raise ValueError("zero-size array to reduction operation")
    return start(params, **given)


def drops_arrays_without_entries(start, params, **given):
    full = [name for name, p in params.items() if p.size]
    step = start({name: params[name] for name in full}, **given)
    return Changed(step, called=lambda grads, rate: step({name: grads[name] for name in full}, rate))


def takes_nan_for_zero(start, params, **given):
    step = start(params, **given)
    return Changed(step, called=lambda grads, rate: step(mapped(lambda g: np.asarray(np.nan_to_num(g)), grads), rate))


def spreads_nan_over_the_array(start, params, **given):
    step = start(params, **given)

    def called(grads, rate):
        return step({name: g + 0 * g.sum() if np.isnan(g).any() else g for name, g in grads.items()}, rate)

    return Changed(step, called=called)


def takes_infinity_for_a_large_number(start, params, **given):
    step = start(params, **given)

    def called(grads, rate):
        return step({name: np.where(np.isinf(g), np.sign(g) * g.dtype.type(1e4), g) for name, g in grads.items()}, rate)

    return Changed(step, called=called)


def takes_infinity_for_zero(start, params, **given):
    step = start(params, **given)

    def called(grads, rate):
        return step({name: np.where(np.isinf(g), np.zeros_like(g), g) for name, g in grads.items()}, rate)

    return Changed(step, called=called)


def makes_the_gradients_fit(start, params, **given):
    step = start(params, **given)

    def called(grads, rate):
        full = {name: np.zeros_like(p) + np.resize(grads.get(name, 0), p.shape) for name, p in params.items()}
        return step({name: g.astype(params[name].dtype) for name, g in full.items()}, rate)

    return Changed(step, called=called)


def cuts_off_to_integers(start, params, **given):
    kinds = {name: p.dtype for name, p in params.items()}
    step = start({name: p.astype(np.float64) if p.dtype.kind == "i" else p for name, p in params.items()}, **given)
    return Changed(step, called=lambda *told: {name: p.astype(kinds[name]) for name, p in step(*told).items()})


def steps_no_parameters(start, params, **given):
    return start(params, **given) if params else lambda grads, learning_rate=None: {}


def clips_each_entry(start, params, **given):
    step = start(params, **given)
    return Changed(step, called=lambda grads, rate: step({k: np.clip(g, -1, 1) for k, g in grads.items()}, rate))


def clips_in_place(start, params, **given):
    step = start(params, **given)

    def called(grads, **told):
        answer = step(grads, **told)
        for g in grads.values():
            np.clip(g, -1 / 8, 1 / 8, out=g)
        return answer

    return called


def averages_in_the_first_gradient(start, params, **given):
    step, average = start(params, **given), []

    def called(grads, **told):
        answer = step(mapped(np.copy, grads), **told)
        for old, g in zip(average[0].values(), grads.values(), strict=True) if average else ():
            old[...] = (old + g).astype(g.dtype)
        average.append(grads)
        return answer

    return called


# ---- the step


def is_one_step_late(start, params, **given):
    step, waiting = start(params, **given), []

    def called(grads, rate):
        waiting.append(grads)
        return step(waiting[-2] if len(waiting) > 1 else mapped(np.zeros_like, grads), rate)

    return Changed(step, called=called)


def loses_three_of_ten_steps(start, params, **given):
    step, path = start(params, **given), [params]

    def called(grads, rate):
        path.append(path[-1] if len(path) % 10 in (3, 6, 9) else step(grads, rate))
        return path[-1]

    return Changed(step, called=called)


# ---- the rate


def takes_a_rate_of_0_for_none(start, params, **given):
    step = start(params, **given)
    return Changed(step, called=lambda grads, rate: step(grads, rate or None))


def never_changes_the_rate(start, params, **given):
    step = start(params, **given)
    return Changed(step, called=lambda grads, rate: step(grads))


def falls_back_to_the_first_rate(start, params, *, learning_rate, **given):
    step = start(params, learning_rate=learning_rate, **given)
    return Changed(step, called=lambda grads, rate: step(grads, learning_rate if rate is None else rate))


def takes_the_rate_of_the_step_before(start, params, **given):
    step, kept = start(params, **given), [None]

    def called(grads, rate):
        kept.append(rate)
        return step(grads, kept[-2])

    return Changed(step, called=called)


def takes_the_magnitude_of_the_rate(start, params, *, learning_rate, **given):
    return start(params, learning_rate=abs(learning_rate), **given)


def takes_a_rate_that_is_nan(start, params, *, learning_rate, **given):
    return start(params, learning_rate=learning_rate if learning_rate == learning_rate else 0.0, **given)


def takes_seven_tenths_of_the_rate(start, params, *, learning_rate, **given):
    step = start(params, learning_rate=0.7 * learning_rate, **given)
    return Changed(step, called=lambda grads, rate: step(grads, rate and 0.7 * rate))


# ---- the epsilon


def takes_an_epsilon_of_0_for_none(start, params, *, epsilon=1e-8, **given):
    return start(params, epsilon=epsilon or 1e-8, **given)


def rounds_epsilon_to_the_dtype(start, params, *, epsilon=1e-8, **given):
    dtype = next(iter(params.values())).dtype
    return start(params, epsilon=float(np.asarray(epsilon, dtype)), **given)


def takes_the_magnitude_of_epsilon(start, params, *, epsilon=1e-8, **given):
    return start(params, epsilon=abs(epsilon), **given)


# ---- the state


SHARED: dict[str, Any] = {}  # the first stepper of each operation


def shares_its_state(start, params, **given):
    step = start(params, **given)
    first = SHARED.setdefault(start.__name__, step)
    if step.states.keys() == first.states.keys():
        step.hyper, step.states = first.hyper, first.states
    return step


def saves_nothing(start, params, **given):
    return Changed(start(params, **given), restore=lambda saved: None)


def saves_no_copy(start, params, **given):
    step = start(params, **given)

    def restore(saved):
        step.t, step.states, step.hyper = saved.t, saved.states, saved.hyper

    return Changed(step, save=lambda: step, restore=restore)
