"""An optimizer in progress, as a test drives it: NumPy in, NumPy out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class OpenStepper:
    """A stepper that was started.

    Args:
        step: the subject's own, ``step(grads, learning_rate=None) -> params``; with ``save`` and ``restore``, or not.
        into: makes the subject's arrays of NumPy ones.
        out: the other way round; it is told what the step was handed, too.
        kept: what each step is handed is kept in it, see ``Kept.steps``.
    """

    def __init__(self, step: Any, into: Callable, out: Callable, kept: Callable):
        self._step, self._into, self._out, self._kept = step, into, out, kept

    def step(self, grads: dict, learning_rate: float | None = None) -> dict:
        """The parameters after a step with these gradients, at a learning rate of its own if one is told."""
        told = {} if learning_rate is None else {"learning_rate": learning_rate}
        with self._kept(grads):
            return self._out(self._step(self._into(grads), **told), grads)

    def save(self) -> Any:
        """All that the next steps depend on beside the parameters, in a form of the subject's own.

        Raises:
            NotImplementedError: the subject brings no ``save``.
        """
        if not hasattr(self._step, "save"):
            raise NotImplementedError("its state cannot be saved (step.save, step.restore)")
        return self._step.save()

    def restore(self, saved: Any) -> None:
        """Go on from what another stepper saved."""
        self._step.restore(saved)


def played(params: dict, grads: Any, steps: int, rates: list | None, hyper: dict) -> Callable:
    """What one stepper does: ``play(start)`` gives the parameters after each step.

    Args:
        params: at the start.
        grads: of each step, or a function from parameters to gradients.
        steps: how many.
        rates: the learning rate of each step; None leaves the last one in force.
        hyper: keywords of the stepper.
    """

    def play(start: Callable) -> tuple:
        stepper, now, path = start(params, **hyper), params, []
        for t in range(steps):
            now = stepper.step(grads(now) if callable(grads) else grads[t], None if rates is None else rates[t])
            path.append(now)
        return tuple(path)

    return play
