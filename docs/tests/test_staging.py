"""While serving, the pages that MkDocs copies follow what they are made from."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from nnspec_site import staging
from nnspec_site.data import using

PAGE = "clauses/components/topic/act.nan.html"


@pytest.fixture
def build(tmp_path):
    """A build of a server, from some data; gives the folder that MkDocs reads and the navigation."""
    folder = tmp_path / "pages"
    config = SimpleNamespace(docs_dir=str(folder), nav=None)

    def run(data):
        with using(data):
            staging.follow(config, folder)
        return folder, config.nav

    return run


def test_page_of_a_clause_follows_its_text(data, build):
    folder, _ = build(data)
    assert "also for" in (folder / PAGE).read_text(encoding="utf-8")
    clauses = data.spec.clauses
    other = dataclasses.replace(clauses["act.nan"], text="It **MUST** be otherwise.")
    spec = dataclasses.replace(data.spec, clauses=clauses | {"act.nan": other})
    build(dataclasses.replace(data, spec=spec))
    assert "be otherwise" in (folder / PAGE).read_text(encoding="utf-8")


def test_nothing_is_written_again_where_nothing_changed(data, build):
    folder, _ = build(data)
    (folder / PAGE).write_text("as it was", encoding="utf-8")
    build(data)
    assert (folder / PAGE).read_text(encoding="utf-8") == "as it was"


def test_new_page_is_in_the_navigation(data, build):
    _, before = build(data)
    page = dataclasses.replace(data.spec.pages["components/topic"], name="components/other", title="Other")
    spec = dataclasses.replace(data.spec, pages=data.spec.pages | {"components/other": page})
    _, after = build(dataclasses.replace(data, spec=spec))
    assert "components/other.md" not in str(before)
    assert "components/other.md" in str(after)
