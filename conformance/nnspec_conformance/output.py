"""Standard output for our words only."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
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
