"""Python source as HTML, coloured while the site is built."""

from __future__ import annotations

import functools
import re

import pygments
from markdown import Markdown
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from nnspec_site.kept import kept, maker

PLAIN = re.compile(r'<span class="(?:n[nbd]?|p|o|w|m[if])">(.*?)</span>')  # names, signs, numbers: most of the text
SAME = re.compile(r'(<span class="(\w+)">[^<]*)</span><span class="\2">')  # beside one of the same colour


@functools.cache
def python(source: str) -> str:
    """The HTML of a piece of Python, made once and kept on the disk."""
    return kept("code", (maker(__file__, pygments.__version__), source), lambda: _highlighted(source))


def _highlighted(source: str) -> str:
    html = highlight(source, PythonLexer(), HtmlFormatter(cssclass="language-python highlight", wrapcode=True))
    html = PLAIN.sub(r"\1", html.replace("<pre><span></span>", "<pre>"))
    while (joined := SAME.sub(r"\1", html)) != html:
        html = joined
    return html


def stored(md: Markdown, source: str) -> str:
    """What stands for the HTML of a piece of Python in the text of an element, until the page is written."""
    return md.htmlStash.store(python(source))
