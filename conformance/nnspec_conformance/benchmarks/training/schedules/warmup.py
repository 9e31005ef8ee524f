"""A step of gradient descent whose rate a schedule tells, against the same step with a rate that is a constant."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import ITEM

SET = "schedules"
PARAMETERS = 10_000_000
QUICK_PARAMETERS = 200_000
CONSTANT = "constant rate"
NAMES = ("warmup_cosine", "cosine_restarts", "one_cycle", "piecewise_constant")


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """One step of each schedule; the parameters are read and written, the gradients read."""
    size = QUICK_PARAMETERS if quick else PARAMETERS
    for name in NAMES:
        yield Workload(
            set=SET,
            name=f"step with {name}",
            direction="training step",
            size=size,
            operations=2 * size,
            least_bytes=3 * ITEM * size,
            ceiling="copy_in_place",
            build=builder(name, size),
            profile=profiler(name),
        )


def schedule(name: str) -> Callable[[Any], Any]:
    """The reference's, with numbers of a run of a million steps."""
    import jax.numpy as jnp

    from nnspec.training.schedules import piecewise, warmup

    line = {"start": 0.0, "peak": 0.1, "warmup_steps": 1000}
    return {
        "warmup_cosine": functools.partial(warmup.warmup_cosine, **line, decay_steps=999_000, floor=0.0),
        "cosine_restarts": functools.partial(warmup.cosine_restarts, initial=0.1, period=1000, multiplier=2, floor=0.0),
        "one_cycle": functools.partial(
            warmup.one_cycle, peak=0.1, rise_steps=300_000, length=1_000_000, start_divisor=25.0, end_divisor=1e4
        ),
        "piecewise_constant": functools.partial(
            piecewise.piecewise_constant, rates=jnp.array([0.1, 0.01, 0.001]), boundaries=(320_000, 480_000)
        ),
    }[name]


def step_of(rate: Any) -> Callable[..., Any]:
    """A step of gradient descent on one array: parameters and state come first, and are overwritten."""
    from nnspec.components.optimization import gradient_descent

    optimizer = gradient_descent(rate)

    def step(w: Any, state: Any, g: Any) -> tuple[Any, Any]:
        change, state = optimizer.update(g, state, w)
        return w + change, state

    return step


def arguments(size: int, device: Any) -> tuple[Any, Any, Any]:
    """Parameters, the optimizer's state, gradients."""
    import jax

    from nnspec.components.optimization import gradient_descent

    rng = np.random.default_rng(size)
    w, g = (jax.device_put(rng.standard_normal(size, np.float32), device) for _ in range(2))
    return w, jax.device_put(gradient_descent(0.1).init(w), device), g


def builder(name: str, size: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the two programs."""

    def build(device: Any) -> dict[str, Program]:
        given = arguments(size, device)
        return {
            "nnspec": compiled(step_of(schedule(name)), *given, donated=2),
            CONSTANT: compiled(step_of(0.1), *given, donated=2),
        }

    return build


def arrays_of(rate: Any, size: int, device: Any) -> list[str]:
    """The instructions of the compiled step whose result is as large as the parameters, in the program's own words."""
    import jax

    text = jax.jit(step_of(rate), donate_argnums=(0, 1)).lower(*arguments(size, device)).compile().as_text() or ""
    return sorted(re.findall(rf"= f32\[{size}\]\S* ([a-z][a-z0-9-]*)\(", text))


def profiler(name: str) -> Callable[[Any, dict[str, Any]], str | None]:
    """What the schedule adds to the compiled program."""

    def profile(device: Any, entry: dict[str, Any]) -> str | None:
        ours, plain = (arrays_of(rate, QUICK_PARAMETERS, device) for rate in (schedule(name), 0.1))
        words = "as many" if len(ours) == len(plain) else f"{len(ours)} against {len(plain)}"
        return f"in the compiled program {words} instructions give an array, with the schedule and without"

    return profile
