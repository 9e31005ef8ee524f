"""``/// topics | all`` and its kin: what the site holds, from the folders.

``all`` every topic by section; ``components`` those of one section or folder; ``api`` the reference's modules;
``source`` the statements of the source with what proves each, or the page that will.
"""

from __future__ import annotations

from nnspec_conformance.clauses import Spec
from nnspec_site import data as site_data
from nnspec_site import navigation
from nnspec_site.blocks.base import SiteBlock, heading_below, options
from nnspec_site.html import Element, breakable, code, make, prose, table
from nnspec_site.tables import anchor

VIEWS = ("all", "api", "source")


def known(spec: Spec) -> list[str]:
    """What the block can be asked for."""
    return [*VIEWS, *dict.fromkeys(folder for name in spec.pages for folder in navigation.folders(name))]


class TopicsBlock(SiteBlock):
    """One table, made anew at every build; a new topic is in it as soon as its files are there."""

    NAME = "topics"
    OPTIONS = options("topics")

    def on_create(self, parent: Element) -> Element:
        spec = site_data.current().spec
        if self.argument not in known(spec):
            raise self.fail(f"no such view or folder; known: {', '.join(known(spec))}")
        holder = make("div", "nn-topics")
        if self.argument == "all":
            level = heading_below(parent)
            for section in dict.fromkeys(name.partition("/")[0] for name in spec.pages if "/" in name):
                heading = anchor(f"{section}/index", "", navigation.title(spec, section))
                holder.append(make(level, "", heading, id=section))
                holder.append(topics(spec, section))
        else:
            view = {"api": api, "source": source}.get(self.argument)
            holder.append(view(spec) if view else topics(spec, self.argument))
        parent.append(holder)
        return holder


def topics(spec: Spec, folder: str) -> Element:
    """The pages of a folder, each with its first sentence."""
    pages = [page for page in spec.pages.values() if page.name.startswith(f"{folder}/")]
    rows = [
        [anchor(page.name, "", page.title), prose("span", page.summary)]
        for page in pages
        if page.name != f"{folder}/index"
    ]
    return table(["topic", "in a sentence"], rows, "nn-listed")


def api(spec: Spec) -> Element:
    """The reference's modules, each with the first sentence of its docstring."""
    rows = [
        [make("a", "", breakable(module.dotted), href=f"/api/{module.name}.md"), prose("span", module.summary)]
        for module in navigation.modules(spec)
    ]
    return table(["module", "holds"], rows, "nn-listed")


def source(spec: Spec) -> Element:
    """The statements of the source, each with what proves it, or with the page that is to come."""
    proofs, rows = spec.proofs(), []
    for statement, entry in spec.source.items():
        found = [anchor(proof.page, proof.id, code(proof.id)) for proof in proofs.get(statement, [])]
        links = [part for link in found for part in (" ", link)]
        proven = make("span", "", *links) if found else make("span", "nn-unproven", f"to come: {entry['page']}")
        rows.append([statement, prose("span", entry["statement"]), proven])
    return table(["statement", "what the source says", "what proves it"], rows, "nn-source")
