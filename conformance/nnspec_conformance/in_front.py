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
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from nnspec_conformance import limits
from nnspec_conformance.limits import IMPORT, Call
from nnspec_conformance.signals import ENDING, leave

NEVER = "does not return, in native code that nothing can stop"
LOOK = 0.5  # seconds between two looks at whether the run hangs
HELD = 3.0  # seconds after which a hang is one that the run itself cannot end: native code keeps Python from running
END = 60.0  # seconds that the end of the program may take, after the command: one that has compiled a lot takes many
LATE = 0.2  # seconds within which a signal reaches both processes, where it is sent to their group
PAUSE = getattr(signal, "SIGTSTP", None)  # Ctrl-Z
ALONE = "NNSPEC_ONE_PROCESS"  # set, the run is this process itself, as a debugger wants it


class Shared(ctypes.Structure):
    """What the run leaves for the process in front: the call under way, how it ended, and its status.

    Attributes:
        call: the one under way, or the last one.
        instance: the one under way, or the last one.
        ended: whether the run ended in order.
        hung: whether it gave itself up in a call.
        stopped: whether the process in front is, by Ctrl-Z.
        status: of a run that ended in order.
    """

    _fields_ = [
        ("call", Call),
        ("instance", ctypes.c_char * 300),
        ("ended", ctypes.c_int),
        ("hung", ctypes.c_int),
        ("stopped", ctypes.c_int),
        ("status", ctypes.c_int),
    ]


@dataclass(frozen=True)
class Crash:
    """What ended a run.

    Attributes:
        instance: that was asked; empty if none was yet.
        told: how it ended, in words.
        kept: whether the report has what was obtained.
    """

    instance: str
    told: str
    kept: bool


class _Run:
    """What the run in this process shares with the one in front; nothing if there is none."""

    shared: Shared | None = None


def asks(instance: str) -> None:
    """Say which instance is asked from now on; wait before while the process in front is stopped."""
    if _Run.shared:
        while _Run.shared.stopped:
            time.sleep(LATE)
        _Run.shared.instance = instance.encode()[:299]


def in_front(
    run: Callable[[], int],
    report: Path | None = None,
    again: Callable[[Crash], int] | None = None,
    *,
    resumed: bool = False,
    advice: str = "use --isolate",
) -> int:
    """The exit status of a run that another process carries out; both return from here.

    Args:
        run: the command; what it returns counts, even if the process cannot end in order.
        report: where results are kept, if anywhere.
        again: the command that goes on once an adapter's call has ended the first run, or hangs; it is told how.
        resumed: whether the first run goes on with its report, too.
        advice: what to do after a crash, where nothing goes on.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1 or os.environ.get(ALONE):
        return run()
    found = _stamp(report)
    while True:
        shared = Shared.from_buffer(mmap.mmap(-1, ctypes.sizeof(Shared)))
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
        code = _waited(child, heard, shared)
        os.close(held)
        os.close(heard)
        if shared.ended:
            return shared.status
        kept = resumed or _stamp(report) != found
        told = _told(shared, code)
        if again is None or not _is_of_a_call(shared, code):
            imported = -code not in ENDING and shared.call.operation.startswith(IMPORT)
            if report and report.exists() and not imported:
                advice = f"what {report} has is kept; go on with --resume"
            _say(f"{told}; {'the adapter must import without an error' if imported else advice}")
            return 2
        rest = f"what {report} has is kept, and the rest" if kept else "everything"
        _say(f"{told}; {rest} is asked in another process")
        run, again = partial(again, Crash(shared.instance.decode(errors="replace"), told, kept)), None


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
    _Run.shared, limits.watchdog.call = shared, shared.call

    def ours(status: int) -> NoReturn:  # of the watchdog, which has said why
        shared.ended, shared.status = 1, status
        leave(status)

    def hung() -> NoReturn:
        while not _hangs_for(shared.call, LOOK):
            time.sleep(LOOK)
        shared.hung = 1
        leave(2)

    if PAUSE:  # a call that is stopped would run out of time; what is asked next waits
        signal.signal(PAUSE, signal.SIG_IGN)
    limits.leave = ours
    limits.watchdog.hand_over = hung if goes_on else None
    here, status = os.getpid(), 2  # of an exception
    try:
        status = run()
    finally:
        if os.getpid() == here:  # not a child that an adapter forked
            shared.ended, shared.status = 1, status
    return status


def _hangs_for(call: Call, seconds: float) -> bool:
    """Whether one call hangs all the time: not only because the process was stopped and goes on now."""
    deadline, hung = call.deadline, call.hangs
    time.sleep(seconds)
    return hung and call.hangs and call.deadline == deadline


def _follow(alive: int) -> None:
    """End with the process in front, whatever ends it."""
    os.read(alive, 1)
    leave(2)


# ---- the process in front
def _waited(child: int, heard: int, shared: Shared) -> int:
    """Wait for the run, and hand on the signals that come for this process alone; returns how it ended.

    A run that hangs and cannot end itself is ended, and so is one that has come to its end and stays.
    """
    came, wakes = os.pipe()
    for end in (heard, came, wakes):
        os.set_blocking(end, False)
    ending = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: None) for number in (*ending, signal.SIGCHLD)}

    def pause(number: int, _: object) -> None:
        shared.stopped = 1
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # and goes on here
        signal.signal(number, pause)
        shared.stopped = 0

    if PAUSE and signal.getsignal(PAUSE) == signal.SIG_DFL:
        before[PAUSE] = signal.signal(PAUSE, pause)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    told: dict[int, float] = {}  # when the run heard of a signal
    waiting: dict[int, float] = {}  # when this process did, if the run may not have
    late: tuple[float, float] | None = None  # what is waited for too long, and since when it is seen
    while True:
        ended, how = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        select.select([heard, came], [], [], LATE / 4 if waiting else LOOK)
        now = time.monotonic()
        late = _late(shared, late, now)
        if late and now - late[1] >= (END if shared.ended else HELD):
            if shared.ended:
                _say("what the adapter left for the end of the program does not return; it is given up")
            shared.hung = not shared.ended
            os.kill(child, signal.SIGKILL)
            late = None
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


def _late(shared: Shared, seen: tuple[float, float] | None, now: float) -> tuple[float, float] | None:
    """The call that hangs, by its deadline, or 0 for the end of the program, and since when it is seen."""
    if not shared.ended and not shared.call.hangs:
        return None
    what = 0.0 if shared.ended else shared.call.deadline
    return seen if seen and seen[0] == what else (what, now)


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
        return f"{last} {NEVER}"
    name = {number.value: number.name for number in signal.Signals}.get(-code, f"signal {-code}")
    how = f"with status {code}" if code >= 0 else f"by {name}"
    return f"{'' if calls else 'what came after '}{last} ended the process {how}"
