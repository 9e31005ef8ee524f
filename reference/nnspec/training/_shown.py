"""How far a run is, on standard error: a bar in a terminal, else a line for each epoch."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["shown"]


@contextlib.contextmanager
def shown(epochs: int, steps: int | None, wanted: bool) -> Iterator[Callable[..., None]]:
    """Show a run while it goes on.

    Args:
        epochs: how many there may be.
        steps: how many there may be, where that is known.
        wanted: whether anything is shown at all.

    Yields:
        A function of the number of steps so far, and of an epoch's record at its end.
    """
    console = Console(file=sys.stderr)
    if not wanted:
        yield lambda done, record=None: None
    elif not console.is_terminal:
        yield lambda done, record=None: print(_line(record, epochs), file=sys.stderr) if record else None
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(f"epoch 0 of {epochs}", total=steps, rate="")

            def show(done: int, record: Mapping[str, Any] | None = None) -> None:
                speed = bar.tasks[0].speed
                bar.update(task, completed=done, rate=f"{speed:,.0f} steps/s" if speed else "")
                if record:
                    bar.update(task, description=_line(record, epochs))

            yield show


def _line(record: Mapping[str, Any], epochs: int) -> str:
    """An epoch's number and what was measured."""
    told = [f"{name} {value:.4g}" for name, value in record.items() if name not in ("epoch", "step")]
    return f"epoch {record['epoch'] + 1} of {epochs}: {', '.join(told)}"
