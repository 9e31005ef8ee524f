"""A grown specification is one that the site can be built from."""

from __future__ import annotations

import shutil

from nnspec_conformance.clauses import load_spec
from nnspec_site import grown
from nnspec_site.assets import ROOT


def test_copies_of_topics_have_clauses_and_operations_of_their_own(tmp_path):
    shutil.copytree(ROOT / "spec", tmp_path / "spec")
    (tmp_path / grown.FIGURES).mkdir(parents=True)
    for path in (ROOT / grown.FIGURES).glob("*.py"):
        shutil.copy(path, tmp_path / grown.FIGURES)
    before = load_spec(ROOT / "spec")
    topics = sum(page.is_topic for page in before.pages.values())
    assert grown.grow(tmp_path, 2 * topics) == 2 * topics
    after = load_spec(tmp_path / "spec")  # refuses an id or an operation that stands twice
    own = [clause for clause in before.clauses.values() if before.pages[clause.page].is_topic]
    assert len(after.clauses) == len(before.clauses) + len(own)
    assert "gelu-copy1.form" in after.clauses
    assert after.clauses["activation-copy1.nan"].applies_to[0] == "identity_copy1"
