"""Python source as HTML, coloured while the site is built."""

from __future__ import annotations

import functools
import re

from markdown import Markdown
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from nnspec_site.html import Element, make

PLAIN = re.compile(r'<span class="(?:n[nbd]?|p|o|w|m[if])">(.*?)</span>')  # names, signs, numbers: most of the text
SAME = re.compile(r'(<span class="(\w+)">[^<]*)</span><span class="\2">')  # beside one of the same colour


@functools.cache
def python(source: str) -> str:
    """The HTML of a piece of Python."""
    html = highlight(source, PythonLexer(), HtmlFormatter(cssclass="language-python highlight", wrapcode=True))
    html = PLAIN.sub(r"\1", html)
    while (joined := SAME.sub(r"\1", html)) != html:
        html = joined
    return html


def element(md: Markdown, source: str) -> Element:
    """A piece of Python as an element."""
    return make("div", "", md.htmlStash.store(python(source)))
