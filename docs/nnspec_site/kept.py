"""What the build has rendered once, kept below ``build/`` by its content: a formula, a piece of code.

The name of a file is a hash of what was rendered and of all that rendered it, so nothing here is ever out of date;
``make clean`` removes it.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from nnspec_site.assets import ROOT

FOLDER = ROOT / "build" / "rendered"


def digest(parts: Iterable[str | bytes]) -> str:
    """A hash of texts that tells ``("a", "bc")`` from ``("ab", "c")``."""
    made = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        made.update(b"%d:" % len(raw) + raw)
    return made.hexdigest()[:32]


def kept(kind: str, made_from: Iterable[str], make: Callable[[], str]) -> str:
    """What ``make`` gives, from the disk where it was made before from the same; errors are not kept."""
    name = digest(made_from)
    path = FOLDER / kind / name[:2] / name
    if path.is_file():
        return path.read_bytes().decode()
    text = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{name}.{os.getpid()}.{threading.get_ident()}")
    unfinished.write_bytes(text.encode())
    unfinished.replace(path)  # two builds at once never read half a file
    return text


def maker(path: str, *versions: str) -> str:
    """What stands for a maker: the source of its module and the versions of the libraries it uses."""
    return digest([Path(path).read_bytes(), *versions])
