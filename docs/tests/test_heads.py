"""What a shared link shows, the page for an address that does not exist, and the three doors of the home page."""

from __future__ import annotations

import re
import struct

import jinja2
import pytest

from nnspec_site import cards
from nnspec_site.assets import PAGES, ROOT

BASE = '{% block site_meta %}<meta charset="utf-8">{% endblock %}{% block content %}{% endblock %}'


class Thing(dict):
    """A page or a configuration, as templates see it."""

    __getattr__ = dict.get


@pytest.fixture
def render():
    """A template of ours above an empty theme."""
    folder = jinja2.FileSystemLoader(ROOT / "docs" / "theme")
    loader = jinja2.ChoiceLoader([folder, jinja2.DictLoader({"base.html": BASE})])
    environment = jinja2.Environment(loader=loader, autoescape=False)
    environment.filters["url"] = lambda path: path

    def run(template: str = "main.html", **page: object) -> str:
        config = Thing(site_name="nnspec", site_description="The specification")
        return environment.get_template(template).render(page=Thing(page), config=config)

    return run


def meta(html: str, name: str) -> list[str]:
    return re.findall(rf'<meta (?:name|property)="{re.escape(name)}" content="([^"]*)">', html)


def test_description_is_the_first_paragraph(render):
    html = render(title="Layers", content="<h1>Layers</h1><p>A layer is a <em>row</em> of neurons.</p><p>More.</p>")
    assert meta(html, "description") == meta(html, "og:description") == ["A layer is a row of neurons."]
    assert meta(html, "og:title") == ["Layers"]


def test_long_paragraph_is_cut_at_a_word(render):
    (said,) = meta(render(title="T", content=f"<p>{'word ' * 99}</p>"), "description")
    assert len(said) <= 180
    assert said.endswith("word...")


@pytest.mark.parametrize("content", ["", "<p>so <math><mi>x</mi></math> is</p>"])
def test_description_is_the_sites_where_a_page_has_no_words_for_it(render, content):
    assert meta(render(title="T", content=content), "description") == ["The specification"]


def test_page_names_its_address_where_the_site_has_one(render):
    assert meta(render(canonical_url="https://example.org/a.html"), "og:url") == ["https://example.org/a.html"]
    assert meta(render(), "og:url") == []


def test_missing_page_leads_back(render):
    links = re.findall(r'href="([^"]+)"', render("404.html"))
    assert links == ["index.html", "spec/index.html", "guides/learning-path.html"]


def test_home_has_three_doors_and_a_figure_before_the_matrix():
    home = (PAGES / "index.md").read_text(encoding="utf-8")
    doors = re.findall(r"\[[^\]]+\]\(([^)]+)\)\n\{ \.nn-door-link \}", home)
    assert doors == ["guides/learning-path.md", "guides/test-your-implementation.md", "results/benchmarks.md"]
    assert home.index("nn-door-link") < home.index("/// figure |") < home.index("/// matrix |")


def test_bars_have_a_line_for_each_subject(convert):
    html = convert("/// matrix | frameworks\n///")
    assert html.count("nn-tally") == 2
    assert re.search(r"torch.*variant", html, re.S)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("spec/components/layers.html", "components"),
        ("clauses/training/adam/adam.value.html", "training"),
        ("results/index.html", "results"),
        ("guides/glossary.html", "nnspec"),
    ],
)
def test_page_has_the_picture_of_its_section(render, monkeypatch, address, name):
    monkeypatch.delenv("SITE_URL", raising=False)
    (of_theme,) = meta(render(url=address, title="X"), "og:image")
    (own,) = meta(cards.meta(address), "og:image")
    assert of_theme == f"assets/generated/cards/{name}.png"
    assert own == "../" * address.count("/") + of_theme


def test_pictures_have_the_size_that_is_told_and_are_light(tmp_path):
    for name in cards.NAMES:
        picture = cards.draw(name)
        assert struct.unpack(">II", picture[16:24]) == (cards.WIDTH, cards.HEIGHT)
        assert len(picture) < 80_000


def test_every_page_has_a_title_a_description_and_a_picture(site):
    lacking = []
    for path in sorted(site.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        folder = site if path.name == "404.html" else path.parent  # whose links begin at the site's root
        image = [(folder / to.lstrip("/")).resolve().is_file() for to in meta(text, "og:image")]
        said = [meta(text, name) for name in ("description", "og:title", "og:description")]
        if image != [True] or any(len(found) != 1 or not found[0].strip() for found in said) or "<title>" not in text:
            lacking.append(path.relative_to(site).as_posix())
    assert lacking == []
