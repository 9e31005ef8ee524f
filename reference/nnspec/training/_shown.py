"""How far a run is, on standard error: a bar in a terminal, else a line for each epoch."""

import contextlib
import datetime
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["shown"]

PAUSE = 0.1  # seconds between two looks at a loss, for which the device is waited for


@contextlib.contextmanager
def shown(
    epochs: int, steps: int | None, wanted: bool, begun: int = 0, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[..., None]]:
    """Show a run while it goes on.

    Args:
        epochs: how many there may be.
        steps: how many there may be, where that is known.
        wanted: whether anything is shown at all.
        begun: steps that were made before, by the run that this one goes on from.
        clock: seconds.

    Yields:
        A function of the losses of all steps so far, and of an epoch's record at its end.
    """
    if not wanted:
        yield lambda losses, record=None: None
        return
    console, start = Console(file=sys.stderr), clock()
    if not console.is_terminal:

        def line(losses: Sequence[Any], record: Mapping[str, Any] | None = None) -> None:
            if record:
                told, speed = [_line(record, epochs)], (len(losses) - begun) / max(clock() - start, 1e-9)
                if speed:  # none where a run goes on behind the last step of an epoch
                    left = datetime.timedelta(seconds=round((_total(steps, record, epochs) - len(losses)) / speed))
                    told += [_speed(speed), f"{left} left"]
                print(", ".join(told), file=sys.stderr)

        yield line
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[now]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, get_time=clock) as bar:
            task = bar.add_task(f"epoch 0 of {epochs}", total=steps, completed=begun, now="")
            last = start - PAUSE

            def show(losses: Sequence[Any], record: Mapping[str, Any] | None = None) -> None:
                nonlocal last
                if record is None and clock() - last < PAUSE:
                    return
                last, speed = clock(), bar.tasks[0].speed
                now = [f"loss {float(losses[-2]):.4g}"] if len(losses) > 1 else []  # the last step may still go on
                now += [_speed(speed)] if speed else []
                bar.update(task, completed=len(losses), now=", ".join(now))
                if record:
                    bar.update(task, description=_line(record, epochs), total=_total(steps, record, epochs))

            yield show


def _speed(steps: float) -> str:
    return f"{steps:,.0f} steps/s" if steps >= 10 else f"{steps:.2g} steps/s"


def _total(steps: int | None, record: Mapping[str, Any], epochs: int) -> int:
    """The steps of all epochs; if each has as many as those so far, where it is not known."""
    return steps if steps is not None else round(record["step"] / (record["epoch"] + 1) * epochs)


def _line(record: Mapping[str, Any], epochs: int) -> str:
    """An epoch's number and what was measured."""
    told = [f"{name} {value:.4g}" for name, value in record.items() if name not in ("epoch", "step")]
    return f"epoch {record['epoch'] + 1} of {epochs}: {', '.join(told)}"
