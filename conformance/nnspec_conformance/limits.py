"""A time limit for calls into foreign code: an alarm first, and a watchdog for code that never returns to Python."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from typing import NoReturn

from nnspec_conformance.signals import leave

GRACE = 10.0  # seconds after the alarm before the watchdog gives the process up
AGAIN = 1.0  # seconds after which the alarm rings again, should the call have swallowed it
IMPORT = "the import of"  # what a time limit of a module is called by
CHANCES = 3  # time-outs after which a kind of question is given up that has been answered before
WITHIN = {"program": ("call",), "gradient of a program": ("call", "gradient", "program")}  # which it asks


class CallTimeout(BaseException):
    """Raised inside a call that runs out of time; no ``except Exception`` of an adapter swallows it."""


class Call(ctypes.Structure):
    """The call that is under way, in plain memory, so that another process can read it after a crash.

    Attributes:
        deadline: the monotonic time at which it counts as hung; 0 where there is none.
        name: of the operation.
    """

    _fields_ = [("deadline", ctypes.c_double), ("name", ctypes.c_char * 200)]

    @property
    def operation(self) -> str:
        """Name of the operation that was called last."""
        return self.name.decode(errors="replace")

    @property
    def hangs(self) -> bool:
        """Whether it is under way for too long."""
        return 0 < self.deadline < time.monotonic()


class _Watchdog:
    """Ends the process with status 2 when a call outlives its limit and the alarm could not stop it."""

    def __init__(self) -> None:
        self.call = Call()
        self.on_hang: Callable[[str], None] | None = None  # saves what was obtained
        self.hand_over: Callable[[], NoReturn] | None = None  # ends the process for another one that goes on
        self.thread: threading.Thread | None = None
        self.elsewhere = False  # whether another process watches

    def share(self, call: Call) -> None:
        """Keep the call under way where another process sees it, which watches from now on."""
        self.call, self.elsewhere = call, True

    def arm(self, seconds: float, operation: str) -> None:
        self.call.name = operation.encode()[:199]
        self.call.deadline = time.monotonic() + seconds + GRACE
        if self.thread is None and not self.elsewhere:
            self.thread = threading.Thread(target=self._watch, daemon=True, name="nnspec-watchdog")
            self.thread.start()

    def disarm(self) -> None:
        self.call.deadline = 0.0

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            if self.call.hangs:
                operation = self.call.operation
                if self.hand_over and not operation.startswith(IMPORT):
                    self.hand_over()
                self.disarm()
                if self.on_hang:
                    self.on_hang(operation)
                text = f"nnspec: {operation} hangs in native code and cannot be stopped; what was obtained is kept"
                print(text, file=sys.__stderr__, flush=True)
                leave(2)


watchdog = _Watchdog()


class Patience:
    """How long a question may take, and which kinds are not asked again.

    A time-out counts for the question that timed out. A kind of question (an operation's values, or its gradients) that
    was never answered is not asked again after one; of a kind that has been answered it may be the input, so that three
    are waited for.

    Args:
        seconds: for one call.
        first: for a call that has to be compiled first; None if nothing is.
    """

    def __init__(self, seconds: float, first: float | None = None):
        self.seconds, self.first = seconds, first
        self._ran_out: dict[Hashable, int] = {}
        self._answered: set[Hashable] = set()

    def limit(self, form: Hashable) -> float:
        """Seconds for a question, longer for the first of its form: of the same shapes, dtypes and keywords."""
        return self.seconds if self.first is None or form in self._answered else max(self.first, self.seconds)

    def answered(self, kind: Hashable, form: Hashable) -> None:
        """A question came back, with whatever answer."""
        self._answered |= {kind, form}

    def ran_out(self, kind: Hashable) -> None:
        """A question did not come back in time."""
        self._ran_out[kind] = self._ran_out.get(kind, 0) + 1

    def given_up(self, operation: str, kind: str) -> bool:
        """Whether this kind of question to an operation, or one that it would ask too, is not asked any more."""
        asked = [(operation, part) for part in (kind, *WITHIN.get(kind, ()))]
        return any(self._ran_out.get(part, 0) >= (CHANCES if part in self._answered else 1) for part in asked)


@contextlib.contextmanager
def limit(seconds: float, operation: str) -> Iterator[None]:
    """Raise ``CallTimeout`` in the body after ``seconds``; only the main thread of a Unix process has the alarm."""

    def ring(signum: int, frame: object) -> None:
        raise CallTimeout(operation)

    alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    watchdog.arm(seconds, operation)
    previous = signal.signal(signal.SIGALRM, ring) if alarm else None
    try:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        watchdog.disarm()
