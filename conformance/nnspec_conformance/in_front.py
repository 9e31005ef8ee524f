"""A small process in front of a run: it outlives a crash in native code, and says in a line what was being asked.

It is forked before anything heavy is imported, waits, and hands signals on that did not reach both.
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
from pathlib import Path
from typing import NoReturn

from nnspec_conformance import limits
from nnspec_conformance.limits import Call
from nnspec_conformance.signals import ENDING, leave

LATE = 0.2  # seconds within which a signal reaches both processes, where it is sent to their group


class Shared(ctypes.Structure):
    """What the run leaves for the process in front: the call under way, whether it ended in order, and its status."""

    _fields_ = [("call", Call), ("ended", ctypes.c_int), ("status", ctypes.c_int)]


def in_front(run: Callable[[], int], report: Path | None) -> int:
    """The exit status of a run that another process carries out; both return from here.

    Args:
        run: the command; what it returns counts, even if the process cannot end in order.
        report: where results are kept, if anywhere.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return run()
    shared = Shared.from_buffer(mmap.mmap(-1, mmap.PAGESIZE))
    (alive, held), (heard, hears) = os.pipe(), os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.close(alive)
        os.close(hears)
        return _waited(child, heard, shared, report)
    os.close(held)
    os.close(heard)
    threading.Thread(target=_follow, args=(alive,), daemon=True, name="nnspec-front").start()
    os.set_blocking(hears, False)
    signal.set_wakeup_fd(hears, warn_on_full_buffer=False)  # the numbers of the signals that come
    limits.watchdog.call = shared.call

    def ours(status: int) -> NoReturn:  # of the watchdog, which has said why
        shared.ended, shared.status = 1, status
        leave(status)

    limits.leave = ours
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


def _waited(child: int, heard: int, shared: Shared, report: Path | None) -> int:
    """Wait for the run, and hand on the signals that come for this process alone."""
    came, wakes = os.pipe()
    for end in (heard, came, wakes):
        os.set_blocking(end, False)
    ending = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    for number in (*ending, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    told: dict[int, float] = {}  # when the run heard of a signal
    waiting: dict[int, float] = {}  # when this process did, if the run may not have
    while True:
        ended, how = os.waitpid(child, os.WNOHANG)
        if ended:
            return _status(os.waitstatus_to_exitcode(how), shared, report)
        select.select([heard, came], [], [], LATE / 4 if waiting else None)
        now = time.monotonic()
        told |= dict.fromkeys(_numbers(heard), now)
        waiting = dict.fromkeys([number for number in _numbers(came) if number in ending], now) | waiting
        for number, since in list(waiting.items()):
            if now - since >= LATE:
                del waiting[number]
                if told.get(number, 0.0) < since - LATE:
                    os.kill(child, number)


def _numbers(pipe: int) -> list[int]:
    """The signals that a pipe tells of."""
    with contextlib.suppress(BlockingIOError):
        return list(os.read(pipe, 4096))
    return []


def _status(code: int, shared: Shared, report: Path | None) -> int:
    """The status of the run, and a line where it did not end in order."""
    if shared.ended:
        return shared.status
    name = {number.value: number.name for number in signal.Signals}.get(-code, f"signal {-code}")
    how = f"with status {code}" if code >= 0 else f"by {name}"
    last, calls = shared.call.operation or "the command", shared.call.deadline > 0
    kept = f"what {report} has is kept; go on with --resume" if report else "use --isolate, or --report and --resume"
    print(f"nnspec: {'' if calls else 'what came after '}{last} ended the process {how}; {kept}", file=sys.stderr)
    return 2
