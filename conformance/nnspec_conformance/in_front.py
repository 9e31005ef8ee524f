"""A small process in front of a run: it outlives a crash in native code, says in a line what was asked, and goes on.

It is forked before anything heavy is imported, waits, and hands signals on that did not reach both. After a crash, or a
hang that nothing can stop, a second run asks the rest, in a process of its own that is replaced whenever it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from nnspec_conformance import limits
from nnspec_conformance.limits import IMPORT, Call
from nnspec_conformance.signals import ENDING, leave

LATE = 0.2  # seconds within which a signal reaches both processes, where it is sent to their group
ALONE = "NNSPEC_ONE_PROCESS"  # set, the run is this process itself, as a debugger wants it


class Shared(ctypes.Structure):
    """What the run leaves for the process in front: the call under way, how it ended, and its status.

    Attributes:
        call: the one under way, or the last one.
        ended: whether the run ended in order.
        hung: whether it gave itself up in a call.
        status: of a run that ended in order.
    """

    _fields_ = [("call", Call), ("ended", ctypes.c_int), ("hung", ctypes.c_int), ("status", ctypes.c_int)]


def in_front(
    run: Callable[[], int], report: Path | None, again: Callable[[bool], int] | None = None, *, resumed: bool = False
) -> int:
    """The exit status of a run that another process carries out; both return from here.

    Args:
        run: the command; what it returns counts, even if the process cannot end in order.
        report: where results are kept, if anywhere.
        again: the command that goes on once an adapter's call has ended the first run, or hangs; it is told whether the
            report has what was obtained.
        resumed: whether the first run goes on with its report, too.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1 or os.environ.get(ALONE):
        return run()
    found = _stamp(report)
    while True:
        shared = Shared.from_buffer(mmap.mmap(-1, mmap.PAGESIZE))
        (alive, held), (heard, hears) = os.pipe(), os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if not child:
            os.close(held)
            os.close(heard)
            return _carried_out(run, shared, alive, hears, goes_on=again is not None)
        os.close(alive)
        os.close(hears)
        code = _waited(child, heard)
        os.close(held)
        os.close(heard)
        if shared.ended:
            return shared.status
        kept = resumed or _stamp(report) != found
        if again is None or not _is_of_a_call(shared, code):
            further = f"what {report} has is kept; go on with --resume" if report else "use --isolate"
            _say(f"{_told(shared, code)}; {further}")
            return 2
        rest = f"what {report} has is kept, and the rest" if kept else "everything"
        _say(f"{_told(shared, code)}; {rest} is asked in another process")
        run, again = partial(again, kept), None


def _stamp(report: Path | None) -> tuple | None:
    """What tells a report of this run from an earlier one; a folder has results of other runs, too."""
    if report is None or report.suffix != ".json":
        return None
    with contextlib.suppress(OSError):
        found = report.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(f"nnspec: {text}", file=sys.stderr, flush=True)


# ---- the run
def _carried_out(run: Callable[[], int], shared: Shared, alive: int, hears: int, *, goes_on: bool) -> int:
    """What the other process does."""
    threading.Thread(target=_follow, args=(alive,), daemon=True, name="nnspec-front").start()
    os.set_blocking(hears, False)
    signal.set_wakeup_fd(hears, warn_on_full_buffer=False)  # the numbers of the signals that come
    limits.watchdog.call = shared.call

    def ours(status: int) -> NoReturn:  # of the watchdog, which has said why
        shared.ended, shared.status = 1, status
        leave(status)

    def hung() -> NoReturn:
        shared.hung = 1
        leave(2)

    limits.leave = ours
    limits.watchdog.hand_over = hung if goes_on else None
    shared.status = 1  # of an exception
    try:
        shared.status = run()
    finally:
        shared.ended = 1
    return shared.status


def _follow(alive: int) -> None:
    """End with the process in front, whatever ends it."""
    os.read(alive, 1)
    leave(2)


# ---- the process in front
def _waited(child: int, heard: int) -> int:
    """Wait for the run, and hand on the signals that come for this process alone; returns how it ended."""
    came, wakes = os.pipe()
    for end in (heard, came, wakes):
        os.set_blocking(end, False)
    ending = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: None) for number in (*ending, signal.SIGCHLD)}
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    told: dict[int, float] = {}  # when the run heard of a signal
    waiting: dict[int, float] = {}  # when this process did, if the run may not have
    while True:
        ended, how = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        select.select([heard, came], [], [], LATE / 4 if waiting else None)
        now = time.monotonic()
        told |= dict.fromkeys(_numbers(heard), now)
        waiting = dict.fromkeys([number for number in _numbers(came) if number in ending], now) | waiting
        for number, since in list(waiting.items()):
            if now - since >= LATE:
                del waiting[number]
                if told.get(number, 0.0) < since - LATE:
                    os.kill(child, number)
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(came)
    os.close(wakes)
    return os.waitstatus_to_exitcode(how)


def _numbers(pipe: int) -> list[int]:
    """The signals that a pipe tells of."""
    with contextlib.suppress(BlockingIOError):
        return list(os.read(pipe, 4096))
    return []


def _is_of_a_call(shared: Shared, code: int) -> bool:
    """Whether an adapter's function ended the run: not its import, and nobody from outside."""
    name = shared.call.operation
    return bool(name) and not name.startswith(IMPORT) and -code not in ENDING


def _told(shared: Shared, code: int) -> str:
    """What ended the run, in words."""
    last, calls = shared.call.operation or "the command", shared.call.deadline > 0
    if shared.hung:
        return f"{last} does not return, in native code that nothing can stop"
    name = {number.value: number.name for number in signal.Signals}.get(-code, f"signal {-code}")
    how = f"with status {code}" if code >= 0 else f"by {name}"
    return f"{'' if calls else 'what came after '}{last} ended the process {how}"
