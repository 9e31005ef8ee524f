"""A browser ends a line after any hyphen, also after those of ``--slow``: short words in code keep theirs."""

from __future__ import annotations

import re

from markdown import Markdown
from markdown.postprocessors import Postprocessor

CODE = re.compile(r"(?<!<pre>)(?<!</span>)<code>([^<\n]*-[^<\n]*)</code>")  # in a line; of a block it is never broken
HYPHENATED = re.compile(r"\S*-\S*")
LONGEST = 24  # letters that surely fit on one line of a phone


class Unbroken(Postprocessor):
    """Code that is short stays on one line; of longer code each short word with a hyphen does."""

    def run(self, text: str) -> str:
        return CODE.sub(lambda found: kept(found.group(1)), text)


def kept(code: str) -> str:
    """The element of a piece of code, given as HTML."""
    if len(code) <= LONGEST:
        return f'<code class="nn-keep">{code}</code>'
    return f"<code>{HYPHENATED.sub(lambda found: word(found.group()), code)}</code>"


def word(text: str) -> str:
    return f'<span class="nn-keep">{text}</span>' if len(text) <= LONGEST else text


def register(md: Markdown) -> None:
    """After what was kept aside, code in a line too, is back in the text."""
    md.postprocessors.register(Unbroken(md), "nnspec-unbroken", 5)
