"""Style sheets as they are sent: without comments and indentation, which are for whoever reads the source."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|/\*.*?\*/|\n\s*""", re.S)


def dense(sheet: str) -> str:
    """A style sheet that says the same in fewer bytes; what stands between quotes stays as it is."""
    return TEXT.sub(lambda found: found[0] if found[0][0] in "\"'" else "\n" if found[0][0] == "\n" else "", sheet)


def shorten(site: Path) -> None:
    """The project's own style sheets of a built site, in place."""
    for path in (site / "assets").glob("*.css"):
        path.write_text(dense(path.read_text(encoding="utf-8")), encoding="utf-8")
