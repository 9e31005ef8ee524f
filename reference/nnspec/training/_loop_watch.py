"""Steps that were begun and not looked at yet, and signals to a run."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from nnspec.training.loop_failures import NonFiniteError, Pending

__all__: list[str] = []

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def look(pending: Pending, weights: Any) -> NonFiniteError | None:
    """Wait for a step, and say what is wrong with it."""
    finite = np.asarray(pending.finite)
    if finite.all():
        return None
    names = [jax.tree_util.keystr(path) or "the parameter" for path, _ in jax.tree_util.tree_leaves_with_path(weights)]
    leaves = [name for name, fine in zip(names, finite[1:], strict=True) if not fine]
    return NonFiniteError(pending, leaves, bool(not finite[0]))


@contextlib.contextmanager
def asked_to_end() -> Iterator[list[int]]:
    """The signals that came, of ctrl-C and of the system; a second one does what it did before.

    A signal that is ignored stays so: a shell ignores ctrl-C for what runs in the background.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came  # only the main thread can be told
        return
    known = {number: signal.getsignal(number) for number in SIGNALS}
    before: dict[int, Any] = {number: to for number, to in known.items() if to is not signal.SIG_IGN}

    def note(number: int, frame: Any) -> None:
        came.append(number)
        signal.signal(number, before[number] or signal.SIG_DFL)

    for number in before:
        signal.signal(number, note)
    try:
        yield came
    finally:
        for number in before:
            signal.signal(number, before[number] or signal.SIG_DFL)
