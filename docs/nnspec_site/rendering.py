"""HTML of element trees outside MkDocs: inline marks, formulas and links, for pages with a template of their own."""

from __future__ import annotations

import os.path
import re
import threading
import xml.etree.ElementTree as etree

import markdown
from markdown import Markdown
from markdown.inlinepatterns import InlineProcessor

from nnspec_conformance.clauses import Experiment, Spec
from nnspec_site import tex
from nnspec_site.errors import SiteError
from nnspec_site.html import Element, code, make

REFERENCE = r"\[(?P<text>[^\[\]]+)\]\[(?P<id>[a-zA-Z][\w.-]*)?\]"
_local = threading.local()


class Renderer:
    """Renders trees of one page of the site; links are given from the site's root, or from the page of a clause.

    Args:
        spec: where ``[relu.value][]`` leads.
        address: of the page that is written, for instance ``clauses/components/activations/gelu.form.html``.
        base: of the page that texts come from, for instance ``spec/components/activations.md``.
    """

    def __init__(self, spec: Spec, address: str, base: str):
        self.spec, self.address, self.base = spec, address, base

    def block(self, text: str) -> Element:
        """A text of several paragraphs, lists or tables."""
        holder = make("div")
        self._md().parser.parseChunk(holder, text)
        return holder

    def html(self, root: Element) -> str:
        """The HTML of a tree whose plain texts hold Markdown's inline marks."""
        md = self._md()
        wrapper = make("div", "", root)
        md.treeprocessors["inline"].run(wrapper)
        for link in wrapper.iter("a"):
            link.set("href", self.relative(link.get("href", "")))
        output = md.serializer(wrapper[0])
        for processor in md.postprocessors:
            output = processor.run(output)
        return output

    def relative(self, href: str) -> str:
        """An address as it is written on this page."""
        if re.match(r"\w+:|#", href) or not href:
            return href
        path, mark, fragment = href.partition("#")
        target = path.lstrip("/") if path.startswith("/") else os.path.join(os.path.dirname(self.base), path)
        target = os.path.relpath(re.sub(r"\.md$", ".html", os.path.normpath(target)), os.path.dirname(self.address))
        return target + mark + fragment

    def _md(self) -> Markdown:
        """One converter for each thread: making one costs more than a page."""
        if not hasattr(_local, "md"):
            _local.md = markdown.Markdown(extensions=["tables"])
            tex.register(_local.md)
            _local.references = _References(REFERENCE, _local.md)
            _local.md.inlinePatterns.register(_local.references, "nnspec-references", 175)
        if getattr(_local, "owner", None) is not self:
            _local.md.reset()
            _local.owner, _local.references.spec = self, self.spec
        return _local.md


class _References(InlineProcessor):
    """``[relu.value][]`` and ``[words][relu.value]``: a clause's page, or where a page of the site has that id."""

    spec: Spec

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[etree.Element, int, int]:
        text = self.unescape(m["text"])  # a code span is kept aside by then
        name = m["id"] or text
        shown = m["text"] if m["id"] else code(text)
        return make("a", "", shown, href=address(self.spec, name)), m.start(0), m.end(0)


def address(spec: Spec, name: str) -> str:
    """Where an id of the specification, or a name of the reference, is told, from the site's root.

    Raises:
        SiteError: nothing has this name.
    """
    if clause := spec.clauses.get(name):
        return clause_address(clause.page, name)
    for entry in spec.entries():
        if entry.id == name:
            return f"/spec/{entry.page}.md#{name}"
    if name.startswith("nnspec."):
        return f"/api/{'/'.join(name.split('.')[1:3])}.md#{name}"
    raise SiteError(f"[{name}][] leads to nothing; it is neither a clause, an experiment nor a statement")


def clause_address(page: str, clause: str) -> str:
    """Where a clause's own page lies."""
    return f"/clauses/{page}/{clause}.html"


def experiment_address(experiment: Experiment) -> str:
    """Where an experiment's own page lies."""
    return f"/experiments/{experiment.page}/{experiment.id}.html"
