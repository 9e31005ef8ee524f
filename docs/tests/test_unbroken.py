"""An option such as ``--slow`` is not broken after its hyphens."""

from __future__ import annotations

import markdown
import pytest


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--slow", '<code class="nn-keep">--slow</code>'),
        ("relu", "<code>relu</code>"),
        (
            "nnspec bench --device cpu > of-this-machine.json",
            '<code>nnspec bench <span class="nn-keep">--device</span> cpu &gt; '
            '<span class="nn-keep">of-this-machine.json</span></code>',
        ),
        (
            "local-response-normalization.alpha-share",
            "<code>local-response-normalization.alpha-share</code>",
        ),  # longer than a phone's line: it may be broken
    ],
)
@pytest.mark.parametrize("more", [[], ["pymdownx.inlinehilite"]])  # which keeps its HTML aside
def test_short_words_keep_their_hyphens(more, text, shown):
    made = markdown.markdown(f"Say `{text}` here.\n", extensions=["nnspec_site", *more])
    assert made == f"<p>Say {shown} here.</p>"


def test_block_of_code_is_left_as_it_is(convert):
    assert "nn-keep" not in convert("```\nnnspec check --slow\n```\n\n    indented --slow\n")
