"""What was rendered once is not rendered again: formulas and code on the disk, figures by what they are drawn from."""

from __future__ import annotations

import re

import pytest

from nnspec_conformance import results
from nnspec_site import drawing, figures, highlighting, kept, tex
from nnspec_site.assets import ROOT
from nnspec_site.errors import SiteError

KINDS = re.compile(r'(?<!\w)kept\(\s*"(\w+)"')
FORMULAS = ("x^2 + 1", r"\frac{a}{b}")


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """An empty folder for what is kept."""
    monkeypatch.setattr(kept, "FOLDER", tmp_path / "rendered")
    return tmp_path / "rendered"


@pytest.fixture
def engine(monkeypatch):
    """The formulas that the converter was asked for."""
    asked: list[str] = []
    convert = tex._converted

    def spy(formula, options):
        asked.append(formula)
        return convert(formula, options)

    monkeypatch.setattr(tex, "_converted", spy)
    return asked


def build(formulas=FORMULAS) -> list[str]:
    """What a new process would do: nothing is in its memory."""
    tex.render.cache_clear()
    return [tex.render(formula) for formula in formulas]


def test_second_build_renders_no_formula_and_a_changed_one_is_rendered(disk, engine):
    first = build()
    assert engine == list(FORMULAS)
    engine.clear()
    assert build() == first
    assert engine == []
    build(("x^2 + 2", FORMULAS[1]))
    assert engine == ["x^2 + 2"]


def test_displayed_formula_is_another_one(disk, engine):
    build(("x",))
    tex.render("x", True)
    assert engine == ["x", "x"]


def test_formula_that_was_refused_is_refused_again(disk, engine):
    for _ in range(2):
        tex.render.cache_clear()
        with pytest.raises(SiteError, match="Unsupported function name"):
            tex.render(r"\nosuch x")
    assert len(engine) == 2


def test_another_converter_renders_everything_anew(disk, engine, monkeypatch):
    build()
    engine.clear()
    monkeypatch.setattr(tex, "_maker", lambda: "another")
    build()
    assert engine == list(FORMULAS)


def test_code_is_coloured_once(disk, monkeypatch):
    coloured: list[str] = []
    color = highlighting._highlighted
    monkeypatch.setattr(highlighting, "_highlighted", lambda source: coloured.append(source) or color(source))
    for source in ("a = 1", "a = 1", "a = 2"):
        highlighting.python.cache_clear()
        assert source[-1] in highlighting.python(source)
    assert coloured == ["a = 1", "a = 2"]


def test_figure_is_drawn_again_where_something_it_imports_has_changed(tmp_path, monkeypatch):
    drawn: list[str] = []
    stamps = {"a": "1", "b": "1"}
    monkeypatch.setattr(figures, "makers", lambda: {name: name for name in stamps})
    monkeypatch.setattr(figures, "files", lambda name, folder: [folder / name])
    monkeypatch.setattr(drawing, "stamp", stamps.get)

    def draw(name, folder):
        drawn.append(name)
        (folder / name).write_text("", encoding="utf-8")

    monkeypatch.setattr(figures, "draw", draw)
    for again in (["a", "b"], []):
        assert drawing.draw_figures(tmp_path, tmp_path / "stamps.json") == again
    stamps["b"] = "2"
    assert drawing.draw_figures(tmp_path, tmp_path / "stamps.json") == ["b"]
    (tmp_path / "a").unlink()
    assert drawing.draw_figures(tmp_path, tmp_path / "stamps.json") == ["a"]
    assert drawn == ["a", "b", "b", "a"]


def test_figure_depends_on_the_sources_it_imports_and_on_no_others():
    found = {path.relative_to(ROOT).as_posix() for path in drawing.sources_of("nnspec_site.figures.adam_steps")}
    assert "docs/nnspec_site/figures/adam_steps.py" in found
    assert "conformance/nnspec_conformance/oracles/training/adam.py" in found
    assert "docs/nnspec_site/figures/__init__.py" in found
    assert "docs/nnspec_site/figures/tails.py" not in found
    assert "reference/nnspec/components/layers.py" not in found


def test_figure_of_an_experiment_depends_on_what_was_recorded(tmp_path, monkeypatch):
    record = tmp_path / "experiments" / "one.json"
    record.parent.mkdir()
    record.write_text("1", encoding="utf-8")
    monkeypatch.setattr(results, "results_dirs", lambda: [tmp_path])
    reading, other = "nnspec_site.figures.hidden_features", "nnspec_site.figures.tails"
    before = drawing.stamp(reading), drawing.stamp(other)
    record.write_text("2", encoding="utf-8")
    assert drawing.stamp(reading) != before[0]
    assert drawing.stamp(other) == before[1]


def test_contributing_names_all_that_is_kept():
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/nnspec_site").rglob("*.py"))
    _, _, told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("`make site` keeps")
    told, _, _ = told.partition("`build/")
    kinds = {"pages", *KINDS.findall(sources)}
    assert {"snippets", "points"} < kinds
    assert {one for one in kinds if one not in told} == set()
