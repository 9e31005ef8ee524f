"""Python source as HTML, coloured while the site is built."""

from __future__ import annotations

import functools
import re

from markdown import Markdown
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from nnspec_site.html import Element, make

PLAIN = re.compile(r'<span class="(?:n|nn|nb|p|o|w)">(.*?)</span>')  # of the text's own colour: most of all words


@functools.cache
def python(source: str) -> str:
    """The HTML of a piece of Python."""
    html = highlight(source, PythonLexer(), HtmlFormatter(cssclass="language-python highlight", wrapcode=True))
    return PLAIN.sub(r"\1", html)


def element(md: Markdown, source: str) -> Element:
    """A piece of Python as an element."""
    return make("div", "", md.htmlStash.store(python(source)))
