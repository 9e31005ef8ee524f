"""A page is rendered when something that it depends on has changed, and at no other time."""

from __future__ import annotations

import pytest

from nnspec_conformance.clauses import Spec
from nnspec_site import cores, data, finding, kept, kept_pages
from nnspec_site.assets import ROOT
from nnspec_site.data import Data

STAMPS = {"spec": "1", "results": "1", "sources": "1", "figures": "1"}
OWN = "spec/components/relu.md"


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Builds of some pages; gives the pages that a build has rendered, and the HTML."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    pages = tmp_path / "pages"
    pages.mkdir()
    (tmp_path / "mkdocs.yml").write_text(
        f"site_name: x\ndocs_dir: {pages}\nsite_dir: {tmp_path / 'site'}\nuse_directory_urls: false\n"
        f"theme: material\nplugins: [autorefs]\nhooks: [{ROOT / 'docs' / 'nnspec_site' / 'hooks.py'}]\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(data, "refresh", lambda: None)
    monkeypatch.setattr(cores, "forks", lambda: True)  # although the limit of a test's time is a thread
    monkeypatch.setattr(cores, "count", lambda: 2)
    monkeypatch.setattr(data, "stamps", lambda: STAMPS)
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "rendered")
    monkeypatch.setattr(finding, "write", lambda *_: None)
    monkeypatch.setattr(data, "current", lambda: Data(Spec(tmp_path, {}, {}, {})))

    def run(**texts: str) -> tuple[list[str], str]:
        for name, text in texts.items():
            (pages / f"{name}.md").write_text(text, encoding="utf-8")
        config = load_config(str(tmp_path / "mkdocs.yml"))
        build(config)
        html = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
        return sorted(kept_pages.rendered), html.partition("<!--\nMkDocs version")[0]

    return run


def test_second_build_renders_nothing_and_a_changed_page_alone_is_rendered(serve):
    rendered, first = serve(index="# Home\n\n[There](other.md#place) and [Place][].\n", other="# Other\n\n## Place\n")
    assert rendered == ["index.md", "other.md"]
    assert '<a class="autorefs autorefs-internal" href="other.html#place">' in first
    rendered, again = serve()
    assert rendered == []
    assert again == first
    rendered, changed = serve(index="# Home\n\nChanged: [Place][].\n")
    assert rendered == ["index.md"]
    assert "Changed: <a" in changed


def test_search_finds_the_same_where_no_page_was_rendered(serve):
    serve(index="# Home\n\nA [Place][].\n\n## Below\n\n- one\n", other="# Other\n\n## Place\n")
    first = kept_pages.hits()
    found = [hit for sections in first.values() for hit in sections]
    assert [hit["location"] for hit in found] == ["index.html", "index.html#below", "other.html", "other.html#place"]
    assert found[0]["text"] == "<p>A Place.</p>"
    assert serve()[0] == []
    assert kept_pages.hits() == first


def test_pages_are_the_same_on_one_core(serve, monkeypatch):
    pages = {"index": "# Home\n\n[Place][].\n", "other": "# Other\n\n## Place\n"}
    _, first = serve(**pages)
    monkeypatch.setattr(cores, "count", lambda: 1)
    assert serve()[0] == []
    rendered, again = serve(**{name: f"{text}\n" for name, text in pages.items()})
    assert (rendered, again) == (["index.md", "other.md"], first)


def test_a_page_with_a_warning_is_rendered_and_warns_at_every_build(serve, caplog):
    for _ in range(2):
        caplog.clear()
        assert serve(index="# Home\n\n[There](gone.md)\n", other="# Other\n")[0][0] == "index.md"
        assert "the target is not found" in caplog.text


def test_a_new_page_may_be_linked_by_every_other(serve):
    serve(index="# Home\n", other="# Other\n")
    assert serve(new="# New\n")[0] == ["index.md", "new.md", "other.md"]


@pytest.mark.parametrize(
    ("text", "address", "depends"),
    [
        ("# Words\n", "guides/words.md", set()),
        ("/// clause | relu.value\n///\n", OWN, {"results", "figures"}),
        ("/// operation | relu\n///\n", OWN, {"results", "figures", "spec"}),
        ("/// matrix | components/relu\n///\n", OWN, {"results", "figures"}),
        ("/// matrix | all\n///\n", "results/index.md", {"results", "figures", "spec"}),
        ("/// matrix | readings\n///\n", OWN, {"results", "figures", "spec"}),
        ("/// topics | components\n///\n", "spec/components/index.md", {"results", "figures", "spec"}),
        ("/// write | relu\n///\n", "guides/port.md", {"results", "figures", "spec", "sources"}),
        ("/// reference | nnspec.components.activations.relu\n///\n", OWN, {"results", "figures", "sources"}),
        ("# nnspec.x\n\n::: nnspec.x\n", "api/x.md", {"sources"}),
    ],
)
def test_page_depends_on_what_it_shows(monkeypatch, text, address, depends):
    def key(**changed: str) -> str:
        monkeypatch.setattr(data, "stamps", lambda: STAMPS | changed)
        return kept_pages.key(text, address, [address])

    assert {kind for kind in STAMPS if key(**{kind: "2"}) != key()} == depends
