"""How far a long run is, on standard error, and at its end what took longest."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EVERY = 10.0  # seconds from line to line where there is no terminal; a shorter run says nothing
SLOWEST = 10
Item = TypeVar("Item")


def progress(items: Collection[Item], title: str, *, bar: bool = True, slowest: bool = True) -> Iterator[Item]:
    """The items, one after the other, while standard error shows how far they are.

    A terminal shows a bar, anything else a line every ten seconds. A run that took longer ends with its ten slowest
    items; it does so too when it is interrupted.

    Args:
        items: what is worked on between one item and the next; shown as text.
        title: what is run.
        bar: whether a terminal shows a bar; without one it gets the lines, since a terminal has room for one bar only.
        slowest: whether a long run ends with its ten slowest.
    """
    console = Console(stderr=True)
    bar = bar and console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    took: list[tuple[float, str]] = []
    begun = told = time.perf_counter()
    try:
        with Progress(
            *columns,
            console=console,
            disable=not bar,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what goes to a file is no business of the bar
        ) as shown:
            task = shown.add_task(title, total=len(items))
            for item in items:
                start = time.perf_counter()
                shown.update(task, description=f"{title}: {f'{item}':<40.40}")
                if not bar and start - told >= EVERY:
                    told = start
                    done = f"{len(took)} of {len(items)} in {start - begun:.0f} s"
                    print(f"{title}: {done}, now {item}", file=sys.stderr, flush=True)
                try:
                    yield item
                finally:
                    took.append((time.perf_counter() - start, f"{item}"))
                shown.advance(task)
    finally:
        if slowest and time.perf_counter() - begun >= EVERY and len(took) > 1:
            tell_slowest(took, title)


def tell_slowest(took: list[tuple[float, str]], title: str) -> None:
    """Print the ten that took longest, with their seconds and their share of the whole."""
    total = sum(seconds for seconds, _ in took)
    print(f"{title}: the slowest of {len(took)} in {total:.0f} s", file=sys.stderr)
    for seconds, name in sorted(took, reverse=True)[:SLOWEST]:
        print(f"{seconds:8.2f} s {seconds / total:4.0%}  {name}", file=sys.stderr)
