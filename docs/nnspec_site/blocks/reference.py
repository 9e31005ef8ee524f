"""``/// reference | nnspec.components.activations.relu``: an equation beside the code that computes it."""

from __future__ import annotations

from nnspec_site import highlighting, listing
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.html import Element, code, folded, make


class ReferenceBlock(SiteBlock):
    """The body (the equation) on the left, the function's source on the right; stacked where the page is narrow.

    Where the function hands over to a compiled program, that is shown with it: the equation's line is there.
    """

    NAME = "reference"
    OPTIONS = options("reference")

    def on_create(self, parent: Element) -> Element:
        found = listing.helpers(self.argument)
        earlier: set[str] = self.tracker.setdefault("helpers", set())
        new = {name: source for name, source in found.items() if name not in earlier}
        earlier |= new.keys()
        programs = {name: new.pop(name) for name in listing.compiled(self.argument) if name in new}
        source = "\n\n\n".join([listing.find(self.argument), *programs.values()])
        helpers = self._helpers([name for name in found if name not in programs], new)
        self.equation = make("div", "nn-equation")
        shown = make("div", "nn-code", highlighting.stored(self.md, source), helpers, self._link())
        pair = make("div", "nn-reference", self.equation, shown)
        parent.append(pair)
        return pair

    def _helpers(self, found: list[str], new: dict[str, str]) -> Element | None:
        """What else the function rests on; what an earlier block of the page has shown is only named."""
        names = [part for name in found for part in (" ", code(name))]
        if not new:
            return make("p", "nn-provenance", "It rests on", *names, ", shown above.") if found else None
        shown = highlighting.stored(self.md, "\n\n\n".join(new.values()))
        return folded(["It rests on", *names], shown, css="nn-helpers")

    def _link(self) -> Element:
        *module, name = self.argument.split(".")[1:]
        target = make("a", "", code(name), href=f"/api/{'/'.join(module)}.md#{self.argument}")
        return make("p", "nn-provenance", "Arguments and errors: ", target)

    def on_add(self, block: Element) -> Element:
        return self.equation

    def on_end(self, block: Element) -> None:
        if not len(self.equation):
            block.remove(self.equation)
