"""A time limit for calls into foreign code: an alarm first, and a watchdog for code that never returns to Python."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

from nnspec_conformance.signals import leave

GRACE = 10.0  # seconds after the alarm before the watchdog gives the process up


AGAIN = 1.0  # seconds after which the alarm rings again, should the call have swallowed it


class CallTimeout(BaseException):
    """Raised inside a call that runs out of time; no ``except Exception`` of an adapter swallows it."""


class _Watchdog:
    """Ends the process with status 2 when a call outlives its limit and the alarm could not stop it."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.operation = ""
        self.on_hang: Callable[[str], None] | None = None  # saves what was obtained
        self.thread: threading.Thread | None = None

    def arm(self, seconds: float, operation: str) -> None:
        self.deadline, self.operation = time.monotonic() + seconds + GRACE, operation
        if self.thread is None:
            self.thread = threading.Thread(target=self._watch, daemon=True, name="nnspec-watchdog")
            self.thread.start()

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            if self.deadline is not None and time.monotonic() > self.deadline:
                operation, self.deadline = self.operation, None
                if self.on_hang:
                    self.on_hang(operation)
                text = f"nnspec: {operation} hangs in native code and cannot be stopped; what was obtained is kept"
                print(text, file=sys.__stderr__, flush=True)
                leave(2)


watchdog = _Watchdog()


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
        watchdog.deadline = None
