"""What the blocks share: options as the specification's parser reads them, and one-line errors."""

from __future__ import annotations

import re
import xml.etree.ElementTree as etree

from pymdownx.blocks.block import Block, type_any

from nnspec_conformance.blocks import OPTIONS
from nnspec_site.errors import SiteError

HEADING = re.compile(r"h([1-6])")


def options(name: str) -> dict:
    """The options of block ``name``, unchecked here: ``nnspec_site.sources`` has checked them with file and line."""
    return dict.fromkeys(OPTIONS[name], (None, type_any))


class SiteBlock(Block):
    """A block with an argument. Anything wrong with it stops the build instead of leaving plain text on the page."""

    ARGUMENT = True

    def _validate(self, parent: etree.Element, arg: str, **given: object) -> bool:
        if not arg:
            raise SiteError(f"block '{self.NAME}' lacks its argument; write '/// {self.NAME} | name'")
        for option in given:
            if option not in self.option_spec:
                known = ", ".join(sorted(OPTIONS[self.NAME])) or "none"
                raise SiteError(f"unknown option '{option}' of '{self.NAME} | {arg}'; known: {known}")
        return super()._validate(parent, arg, **given)

    def fail(self, problem: str) -> SiteError:
        return SiteError(f"{self.NAME} | {self.argument}: {problem}")


def heading_below(parent: etree.Element) -> str:
    """The tag of a heading one level below the last heading before it: h3 after a section's h2."""
    levels = [int(found.group(1)) for child in parent if (found := HEADING.fullmatch(str(child.tag)))]
    return f"h{min((levels or [2])[-1] + 1, 6)}"
