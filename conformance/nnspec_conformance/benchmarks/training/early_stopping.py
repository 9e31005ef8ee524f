"""Watching a metric: one evaluation, as a training loop does, and a whole series, against Flax's class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnspec_conformance.benchmarks.core import Program, Workload, compiled
from nnspec_conformance.benchmarks.peers import ITEM

SET = "early_stopping"
LENGTHS = (1_000, 10_000)
QUICK_LENGTHS = (1_000,)
PATIENCE = 100
ONE, SERIES = "one evaluation", "a series"
OPERATIONS = 5  # a difference, two comparisons, a sum, a selection for each evaluation


def workloads(*, quick: bool = False) -> Iterator[Workload]:
    """One evaluation, then series of them."""
    for name, size in ((ONE, 1), *((SERIES, n) for n in (QUICK_LENGTHS if quick else LENGTHS))):
        yield Workload(
            set=SET,
            name=name,
            direction="forward",
            size=size,
            operations=OPERATIONS * size,
            least_bytes=ITEM * size,
            build=single_builder() if name == ONE else series_builder(size),
        )


def metrics(size: int) -> np.ndarray:
    """Losses that fall with noise, so that none of the programs stops before the end."""
    rng = np.random.default_rng(size)
    return (1 / np.arange(1, size + 1) + 1e-9 * rng.standard_normal(size)).astype(np.float32)


def single_builder() -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs that take one more metric into account."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        from flax.training.early_stopping import EarlyStopping

        from nnspec.training.early_stopping import early_stopping_start, early_stopping_update

        state, metric = jax.device_put((early_stopping_start(), np.float32(0.5)), device)
        stock, number = EarlyStopping(patience=PATIENCE), 0.5
        return {
            "nnspec": compiled(lambda state, m: early_stopping_update(state, m, patience=PATIENCE), state, metric),
            "flax": Program(call=lambda: stock.update(number)),
        }

    return build


def series_builder(size: int) -> Callable[[Any], dict[str, Program]]:
    """A function from the device to the programs that go through a whole series."""

    def build(device: Any) -> dict[str, Program]:
        import jax
        from flax.training.early_stopping import EarlyStopping

        from nnspec.training.early_stopping import early_stopping

        series = metrics(size)
        values = series.tolist()

        def loop() -> Any:
            state = EarlyStopping(patience=PATIENCE)
            for metric in values:
                state = state.update(metric)
            return state

        on_device = jax.device_put(series, device)
        return {
            "nnspec": compiled(lambda m: early_stopping(m, patience=PATIENCE), on_device),
            "flax": Program(call=loop),
        }

    return build
