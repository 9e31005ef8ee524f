"""Standard output for our words only, and streams that an adapter may close."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import sys
import weakref
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def own_output() -> Iterator[TextIO]:
    """Standard output for our words only: what an adapter prints, also from native code, goes to standard error."""
    ours = sys.stdout
    if not faulthandler.is_enabled():
        with contextlib.suppress(OSError, ValueError):  # a stream of somebody's own
            faulthandler.enable()  # a crash in native code says in which function
    with contextlib.redirect_stdout(sys.stderr):
        try:
            descriptor, errors = ours.fileno(), sys.stderr.fileno()
        except (OSError, ValueError):  # a stream of somebody's own
            yield ours
            return
        ours.flush()
        with os.fdopen(os.dup(descriptor), "w", encoding=ours.encoding, errors="backslashreplace") as private:
            os.dup2(errors, descriptor)
            try:
                yield private
            finally:
                os.dup2(private.fileno(), descriptor)


class Printed(io.StringIO):
    """What is printed meanwhile; it stays open, whoever closes it."""

    def close(self) -> None:
        """Nothing: what was printed is still to be read."""


class _StaysOpen(io.TextIOWrapper):
    def close(self) -> None:
        self.flush()  # whoever has it may write on


@contextlib.contextmanager
def lent_streams() -> Iterator[None]:
    """Standard streams that an adapter may close or replace, without closing ours; it may write to them later, too."""
    with contextlib.redirect_stdout(_lent(sys.stdout)), contextlib.redirect_stderr(_lent(sys.stderr)):
        yield


def _lent(ours: TextIO) -> TextIO:
    """A stream to the same place; ours where that is a stream of somebody's own."""
    try:
        descriptor = os.dup(ours.fileno())
    except (AttributeError, OSError, ValueError):
        return ours
    raw = io.BufferedWriter(io.FileIO(descriptor, "wb", closefd=False))
    made = _StaysOpen(raw, encoding=ours.encoding, errors=ours.errors, line_buffering=True)
    weakref.finalize(made, os.close, descriptor).atexit = False  # nobody has it any more
    return made
