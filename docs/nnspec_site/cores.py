"""Work on all of the processor's cores: each process starts with what this one has in memory.

A build puts page after page through the same code, so that they can be made side by side.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_work: Callable[[Any], Any] | None = None  # of the processes that are forked now


class Failed:
    """What another process sends in the place of a result that it could not make."""


def count() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def forks() -> bool:
    """Whether this process may have others made that start with its memory: no thread of its own runs."""
    return "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1


def spread(work: Callable[[T], R], items: Sequence[T], *, cores: int | None = None, apart: bool = False) -> list[R]:
    """The results of ``work`` for every item, in order.

    What fails in another process is done once more in this one, so that its error is raised here.

    Args:
        work: any function; what it changes in memory stays in its process.
        items: what it is called with, the longest work first.
        cores: how many processes; as many as there are cores where nothing is said.
        apart: whether this process itself must not do the work, for instance since it would import much.
    """
    global _work
    processes = min(cores or count(), len(items))
    if not items or not forks() or (processes < 2 and not apart):
        return [work(item) for item in items]
    _work = work
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads that native libraries have: none of them is used there
            with multiprocessing.get_context("fork").Pool(processes) as pool:
                results = pool.map(_attempt, items, chunksize=1)
                pool.close()
                pool.join()  # with its threads, so that the next work may fork
    finally:
        _work = None
    return [work(item) if isinstance(got, Failed) else got for item, got in zip(items, results, strict=True)]


def _attempt(item: Any) -> Any:
    assert _work is not None
    try:
        return _work(item)
    except Exception:
        return Failed()
