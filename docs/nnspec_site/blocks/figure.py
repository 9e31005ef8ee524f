"""``/// figure | name``: a drawn figure, one file for the light page and one for the dark.

A picture of the other scheme is not fetched: one that is not shown and loads lazily never comes into view. Both can be
downloaded.

Where the figure moves, ``assets/figures.js`` finds it by ``data-moving`` and puts the moving one in the place of the
pictures.
"""

from __future__ import annotations

from pathlib import Path

from nnspec_site import figures
from nnspec_site.assets import GENERATED
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.html import Element, make

FOLDER = "assets/generated/figures"
MAKERS = Path(__file__).resolve().parents[1] / "figures"


def sized(image: Element, name: str) -> Element:
    """An image with the size of its file, so that the page does not jump when it comes; a build has drawn the file."""
    if (drawn := GENERATED / "figures" / name).is_file():
        width, height = figures.size_of(drawn)
        image.set("width", str(width))
        image.set("height", str(height))
    return image


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
        figure = make("figure", "nn-figure", *images, self.caption, self._downloads())
        if figures.moves(self.argument):
            figure.set("data-moving", self.argument)
        parent.append(figure)
        return figure

    def _image(self, theme: str, alt: str) -> Element:
        name = f"{self.argument}-{theme}.svg"
        image = make("img", "", src=f"/{FOLDER}/{name}#only-{theme}", alt=" ".join(alt.split()), loading="lazy")
        return sized(image, name)

    def _downloads(self) -> Element:
        """Links to the picture for light slides and for dark ones."""
        names = {theme: f"{self.argument}-{theme}.svg" for theme in ("light", "dark")}
        links = [
            make("a", "", theme, href=f"/{FOLDER}/{name}", download=name, aria_label=f"Download {name}")
            for theme, name in names.items()
        ]
        return make("p", "nn-download", "Download as SVG: ", links[0], ", ", links[1])

    def on_markdown(self) -> str:
        return "block"

    def on_add(self, block: Element) -> Element:
        return self.caption

    def on_end(self, block: Element) -> None:
        if not len(self.caption) and not (self.caption.text or "").strip():
            block.remove(self.caption)
