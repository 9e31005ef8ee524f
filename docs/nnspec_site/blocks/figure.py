"""``/// figure | name``: a drawn figure, one file for the light page and one for the dark.

Where the figure moves, ``assets/figures.js`` finds it by ``data-moving`` and puts the moving one in the place of the
pictures.
"""

from __future__ import annotations

from pathlib import Path

from nnspec_site import figures
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.html import Element, make

FOLDER = "assets/generated/figures"
MAKERS = Path(__file__).resolve().parents[1] / "figures"


class FigureBlock(SiteBlock):
    """Two images, of which the page's scheme shows one, and a caption."""

    NAME = "figure"
    OPTIONS = options("figure")

    def on_create(self, parent: Element) -> Element:
        if not (MAKERS / f"{self.argument.replace('-', '_')}.py").is_file():
            raise self.fail(f"no figure maker docs/nnspec_site/figures/{self.argument.replace('-', '_')}.py; write it")
        alt = str(self.options["alt"] or "").strip()
        if not alt:
            raise self.fail("lacks the option 'alt'; say in one sentence what the figure shows")
        images = [self._image(theme, alt) for theme in ("light", "dark")]
        self.caption = make("figcaption")
        figure = make("figure", "nn-figure", *images, self.caption)
        if figures.moves(self.argument):
            figure.set("data-moving", self.argument)
        parent.append(figure)
        return figure

    def _image(self, theme: str, alt: str) -> Element:
        source = f"/{FOLDER}/{self.argument}-{theme}.svg#only-{theme}"
        return make("img", "", src=source, alt=" ".join(alt.split()))

    def on_markdown(self) -> str:
        return "block"

    def on_add(self, block: Element) -> Element:
        return self.caption

    def on_end(self, block: Element) -> None:
        if not len(self.caption) and not (self.caption.text or "").strip():
            block.remove(self.caption)
