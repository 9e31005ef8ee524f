"""The notebook of a topic: of the notebook's form, and its code runs on what one installation brings."""

from __future__ import annotations

import json

import pytest

from nnspec_site import data as site_data
from nnspec_site import notebooks

RUN = ("components/activations", "training/adam", "architectures/lstm", "training/batch_normalization")


@pytest.fixture(scope="module")
def all_notebooks():
    return {address: json.loads(text) for address, text in notebooks.pages(site_data.current())}


def sources(notebook: dict, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_every_topic_has_one_of_the_form_that_jupyter_reads(all_notebooks):
    pages = [name for name in site_data.current().spec.pages if "/" in name and not name.endswith("/index")]
    assert set(all_notebooks) == {notebooks.address(name) for name in pages}
    for notebook in all_notebooks.values():
        assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
        assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
        assert sources(notebook, "code")[0].startswith("%pip install")


@pytest.mark.parametrize("page", RUN)
def test_its_code_runs_from_top_to_bottom(all_notebooks, page):
    space: dict = {}
    for source in sources(all_notebooks[notebooks.address(page)], "code")[1:]:
        exec(compile(source, page, "exec"), space)
    assert [name for name, value in space.items() if callable(value)]


def test_every_piece_of_code_is_python(all_notebooks):
    for address, notebook in all_notebooks.items():
        for source in sources(notebook, "code")[1:]:
            compile(source, address, "exec")


def test_text_clauses_and_exercises_are_there_without_links_of_the_site(all_notebooks):
    text = "\n".join(sources(all_notebooks["notebooks/components/activations.ipynb"], "markdown"))
    assert "# Activation functions" in text
    assert "> **gelu.form** (MUST)" in text
    assert "`exact` (the definition)" in text
    assert "**Exercise.**" in text
    assert "<summary>Answer</summary>" in text
    assert "///" not in text
    assert "][]" not in text
    assert ".md" not in text
