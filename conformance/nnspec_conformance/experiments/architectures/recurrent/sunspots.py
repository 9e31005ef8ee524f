"""A.9.2: next year's sunspots, told by an Elman layer that reads year by year, and by rules without or with memory."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Callable
from typing import Any

import numpy as np

from nnspec_conformance.experiments.core import Effect, Outcome, experiment

SCALE = 100.0  # sunspots that are 1 to the layer
FIRST, ASKED = 30, 221  # the years 1731 to 1920 are told to learn by, 1921 to 2008 to judge by
PAST = 9  # years that the linear rule with memory knows
RATE, DECAY = 0.003, 1e-4
LAYER, FORGETFUL, YEAR, RULE = "Elman", "Elman, forgetful", "last year, linear", "nine years, linear"


@experiment("sunspots", short={"seeds": 2, "units": 4, "updates": 400})
def sunspots(*, seeds: int = 10, units: int = 8, updates: int = 2000) -> Outcome:
    """So many layers of so many units learn for so many updates, with their state and with none."""
    series = numbers() / SCALE
    linear = {YEAR: regression(series, 1), RULE: regression(series, PAST)}
    errors: dict[str, list[float]] = {name: [error(series, told)] for name, told in linear.items()}
    for name, keeps in ((LAYER, True), (FORGETFUL, False)):
        told = np.asarray(learned(keeps, updates)(series.astype(np.float32), starts(seeds, units)))
        errors[name] = [error(series, one) for one in told]
    base = errors[YEAR][0]
    came = {
        f"error, {name}, over that of last year": float(np.mean(e)) / base for name, e in errors.items() if name != YEAR
    }
    ratios = np.array(errors[LAYER]) / base
    effect = Effect(
        "error of the layer over that of last year alone",
        float(ratios.mean()),
        (float(ratios.min()), float(ratios.max())),
    )
    rows: list[dict[str, Any]] = [
        {"told by": name, "error, mean": float(np.mean(e)), "least": min(e), "largest": max(e)}
        for name, e in errors.items()
    ]  # fmt: skip
    return Outcome(came, effect, rows)


def numbers() -> np.ndarray:
    """The mean number of sunspots of each year from 1700 to 2008."""
    text = importlib.resources.files(__package__ or "").joinpath("sunspots.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return np.array([float(line.split(",")[1]) for line in lines[1:]])


def error(series: np.ndarray, told: np.ndarray) -> float:
    """The root of the mean squared error over the years to judge by, in sunspots."""
    return float(SCALE * np.sqrt(np.mean((told - series)[ASKED:] ** 2)))


def regression(series: np.ndarray, past: int) -> np.ndarray:
    """What least squares on the years to learn by tells of each year, from so many years before it."""
    design = np.stack([np.roll(series, k) for k in range(1, past + 1)] + [np.ones_like(series)], 1)
    learn = slice(FIRST, ASKED)
    return design @ np.linalg.lstsq(design[learn], series[learn], rcond=None)[0]


def starts(seeds: int, units: int) -> dict[str, np.ndarray]:
    """The tables of new layers, with a first axis for the seed, and of what reads their states."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        found.append({
            "kernel": rng.standard_normal((1, units)),
            "recurrent_kernel": np.linalg.qr(rng.standard_normal((units, units)))[0],
            "bias": np.zeros(units),
            "read": rng.standard_normal(units) / units**0.5,
            "more": np.zeros(()),
        })  # fmt: skip
    return {name: np.stack([table[name] for table in found]).astype(np.float32) for name in found[0]}


@functools.cache
def learned(keeps: bool, updates: int) -> Callable[..., Any]:
    """Make the training of all layers: what each tells of every year in the end, zero for the first.

    A layer that does not keep its state starts from zeros at every year.
    """
    import jax
    import jax.numpy as jnp
    import optax

    from nnspec.architectures.recurrent import elman
    from nnspec.training.adam import adamw

    optimizer = adamw(RATE, weight_decay=DECAY)

    def told(table: dict, series: Any) -> Any:
        layer = {name: table[name] for name in ("kernel", "recurrent_kernel", "bias")}
        x = series[:-1]
        x = x[None, :, None] if keeps else x[:, None, None]
        states = elman(x, layer, activation="tanh").reshape(len(series) - 1, -1)
        return jnp.concatenate([jnp.zeros(1), states @ table["read"] + table["more"]])

    def loss(table: dict, series: Any) -> Any:
        return jnp.mean((told(table, series) - series)[FIRST:ASKED] ** 2)

    def one(series: Any, table: dict) -> Any:
        def update(carry: tuple, _: None) -> tuple:
            table, state = carry
            change, state = optimizer.update(jax.grad(loss)(table, series), state, table)
            return (optax.apply_updates(table, change), state), None

        return told(jax.lax.scan(update, (table, optimizer.init(table)), None, updates)[0][0], series)

    return jax.jit(jax.vmap(one, in_axes=(None, 0)))
