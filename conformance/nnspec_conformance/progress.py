"""How far a long run is, on standard error, and at its end what took longest."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

EVERY = 10.0  # seconds from line to line where there is no terminal; a shorter run says nothing
LOOK = 1.0  # seconds between two looks at whether a line is due
SLOWEST = 10
Item = TypeVar("Item")
_shown: list[str] = []  # what is under way, the innermost last


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
    took: list[tuple[float, str]] = []
    begun = time.perf_counter()
    _shown.append(title)
    try:
        with (_bar if bar and sys.stderr.isatty() else _lines)(title, len(items)) as tell:
            for item in items:
                start = time.perf_counter()
                tell(f"{item}", len(took))
                try:
                    yield item
                finally:
                    took.append((time.perf_counter() - start, f"{item}"))
    finally:
        _shown.remove(title)
        if slowest and time.perf_counter() - begun >= EVERY and len(took) > 1:
            tell_slowest(took, title)


@contextlib.contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar that goes away at the end."""
    from rich.console import Console  # here, so that a command that only lists is light
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # What is printed to a file meanwhile is no business of the bar.
    to_terminal = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=to_terminal) as shown:
        task = shown.add_task(title, total=total)
        yield lambda item, done: shown.update(task, description=f"{title}: {item:<40.40}", completed=done)


@contextlib.contextmanager
def _lines(title: str, total: int) -> Iterator[Callable[[str, int], None]]:
    """A line now and then, also while one item takes long; from a thread, which an adapter's call does not stop."""
    begun, err = time.perf_counter(), sys.stderr  # another stream stands there during a call
    told, now_at, ended, lock, depth = begun, ("", 0), threading.Event(), threading.Lock(), len(_shown)

    def line() -> None:
        nonlocal told
        now = time.perf_counter()
        with lock:
            if now - told >= EVERY and depth == len(_shown):  # else the one inside tells
                told = now
                item, done = now_at
                print(f"{title}: {done} of {total} in {now - begun:.0f} s, now {item}", file=err, flush=True)

    def tell(item: str, done: int) -> None:
        nonlocal now_at
        now_at = (item, done)
        line()

    def watch() -> None:
        while not ended.wait(LOOK):
            with contextlib.suppress(AttributeError, OSError, ValueError):  # standard error is gone
                if now_at[0]:
                    line()

    thread = threading.Thread(target=watch, daemon=True, name="nnspec-progress")
    thread.start()
    try:
        yield tell
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def waiting(what: str, longest: float) -> Iterator[None]:
    """Say every ten seconds on standard error that the body is waited for, and for how long it will be.

    Args:
        what: is waited for.
        longest: seconds after which somebody gives it up.
    """
    begun, ended, err = time.perf_counter(), threading.Event(), sys.stderr

    def tell() -> None:
        while not ended.wait(EVERY):
            seconds = time.perf_counter() - begun
            with contextlib.suppress(AttributeError, OSError, ValueError):  # standard error is gone
                print(f"nnspec: {what}: {seconds:.0f} s so far, at most {longest:g}", file=err, flush=True)

    thread = threading.Thread(target=tell, daemon=True, name="nnspec-waiting")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def tell_slowest(took: list[tuple[float, str]], title: str) -> None:
    """Print the ten that took longest, with their seconds and their share of the whole."""
    total = sum(seconds for seconds, _ in took)
    print(f"{title}: the slowest of {len(took)} in {total:.0f} s", file=sys.stderr)
    for seconds, name in sorted(took, reverse=True)[:SLOWEST]:
        print(f"{seconds:8.2f} s {seconds / total:4.0%}  {name}", file=sys.stderr)
