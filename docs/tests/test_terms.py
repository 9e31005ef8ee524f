"""Words of the glossary are linked where a page first says them, and nowhere else."""

from __future__ import annotations

from types import SimpleNamespace
from xml.etree.ElementTree import fromstring, tostring

import markdown
import pytest

from nnspec_conformance.clauses import load_spec
from nnspec_site import terms
from nnspec_site.data import using
from nnspec_site.terms import Term

TERMS = [
    Term("Neuron", "neuron", ""),
    Term("Recurrent layer", "recurrent-layer", ""),
    Term("LSTM", "lstm", ""),
    Term("bfloat16, float16", "bfloat16-float16", ""),
]


def linked(html: str) -> str:
    root = fromstring(f"<div>{html}</div>")
    terms.link(root, TERMS)
    return tostring(root, encoding="unicode")[5:-6]


def test_the_first_use_is_linked_and_no_other():
    link = '<a href="/guides/glossary.md#neuron" class="nn-term">neurons</a>'
    assert linked("<p>Two neurons, and a neuron.</p><p>A neuron.</p>") == (
        f"<p>Two {link}, and a neuron.</p><p>A neuron.</p>"
    )


def test_text_before_between_and_behind_stays_in_its_order():
    html = "<p>A <em>neuron</em> of a recurrent layer is no <b>LSTM</b>: an LSTM in float16.</p>"
    found = linked(html)
    assert "".join(fromstring(found).itertext()) == "".join(fromstring(html).itertext())
    assert found.count("nn-term") == 4
    assert '<em><a href="/guides/glossary.md#neuron"' in found
    assert "<b>LSTM</b>: an <a" in found


@pytest.mark.parametrize(
    "html",
    [
        "<p><code>neuron</code></p>",
        "<pre><code>neuron</code></pre>",
        "<h2>A neuron</h2>",
        '<p><a href="x">a neuron</a></p>',
        '<div class="nn-clause"><p>A neuron MUST fire.</p></div>',
        "<details><p>A neuron.</p></details>",
        "<table><tr><th>neuron</th></tr></table>",
        "<p>neuronal, non-neuron, neuron-like, an lstm</p>",
    ],
)
def test_nothing_is_linked_in_code_headings_links_blocks_and_other_words(html):
    assert linked(html) == html


def test_a_word_that_a_page_links_by_hand_is_not_linked_again():
    html = '<p>A neuron.</p><p>A <a href="../../guides/glossary.md#neuron">neuron</a>.</p>'
    assert linked(html) == html


def test_a_longer_word_comes_before_one_that_it_holds():
    layer = Term("Layer", "layer", "")
    root = fromstring("<p>A recurrent layer, and a layer.</p>")
    terms.link(root, [layer, *TERMS])
    assert [a.get("href", "").partition("#")[2] for a in root.iter("a")] == ["recurrent-layer", "layer"]


def test_a_longer_word_comes_before_one_that_it_begins_with():
    root = fromstring("<p>A batch norm, and a batch.</p>")
    terms.link(root, [Term("Batch", "batch", ""), Term("Batch norm", "batch-norm", "")])
    assert [a.text for a in root.iter("a")] == ["batch norm", "batch"]


def test_the_page_that_explains_a_word_has_no_link_to_it(data, monkeypatch, tmp_path):
    glossary = tmp_path / "glossary.md"
    glossary.write_text(
        "**Neuron** { #neuron }\n:   It fires. [Topic](../spec/components/topic.md)\n\n"
        "**LSTM** { #lstm }\n:   It remembers.\n\n**Unit** { #unit }\n:   One number.\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(terms, "FILE", glossary)

    def render(page: str) -> str:
        made = markdown.Markdown(extensions=["nnspec_site"])
        made.treeprocessors.register(
            SimpleNamespace(file=SimpleNamespace(src_uri=page), run=lambda _: None), "relpath", 0
        )
        with using(data):
            return made.convert("A neuron, an LSTM, a unit.")

    assert render("spec/components/topic.md").count("nn-term") == 1
    assert render("spec/components/other.md").count("nn-term") == 2
    assert render("results/readings.md").count("nn-term") == 0
    assert render("guides/glossary.md").count("nn-term") == 0


def test_every_everyday_word_stands_in_the_glossary():
    known = {found["term"] for found in terms.finding.TERM.finditer(terms.FILE.read_text(encoding="utf-8"))}
    assert known >= terms.EVERYDAY
    assert len(terms.of(terms.FILE.read_text(encoding="utf-8"), load_spec())) == len(known) - len(terms.EVERYDAY)
