"""What ends a run from outside, and what of an adapter must not end it.

Ctrl-C, SIGTERM and SIGHUP end a command in the same way: what was obtained is kept and told. An adapter that raises
``KeyboardInterrupt`` or calls ``os._exit`` has failed in a call, like one that raises anything else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import NoReturn

leave = os._exit  # the real one, for the watchdog and for children
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(KeyboardInterrupt):
    """Somebody outside ended the run."""


class LeavesProcess(SystemExit):
    """An adapter called ``os._exit``."""


class _State:
    """Whether the handlers stand, and the name of the signal that came."""

    handled = False
    came: str | None = None


state = _State()


@contextlib.contextmanager
def orderly() -> Iterator[None]:
    """Let signals and ``os._exit`` raise in the body: ``Stopped``, ``LeavesProcess``. Child processes leave as ever.

    A signal that is ignored, as under ``nohup``, stays so. Outside the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread() or state.handled:
        yield
        return
    here = os.getpid()

    def stop(number: int, frame: object) -> NoReturn:
        state.came = signal.Signals(number).name
        raise Stopped(state.came)

    def exit_of_adapter(status: int) -> NoReturn:
        if os.getpid() != here:
            leave(status)
        raise LeavesProcess(f"os._exit({status})")

    heard = [number for number in ENDING if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, stop) for number in heard}
    state.handled, state.came, os._exit = True, None, exit_of_adapter
    try:
        yield
    finally:
        state.handled, os._exit = False, leave
        for number, handler in before.items():
            signal.signal(number, handler)


def from_outside(error: BaseException) -> bool:
    """Whether an exception ends the run, rather than being an adapter's own."""
    return isinstance(error, Stopped) or (isinstance(error, KeyboardInterrupt) and not state.handled)


def check_stopped() -> None:
    """Raise again what an adapter swallowed.

    Raises:
        Stopped: a signal came.
    """
    if state.came and state.handled:
        raise Stopped(state.came)
