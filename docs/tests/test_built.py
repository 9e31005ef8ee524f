"""The check of a built site finds each class of defect, and nothing in a sound page."""

from __future__ import annotations

import pytest

from nnspec_site import built

PAGE = '<!doctype html><html><head>{head}</head><body><h1 id="top">Title</h1>{body}</body></html>'


@pytest.fixture
def site(tmp_path):
    """Write a page beside a sound one and check both."""

    def run(body: str = "", head: str = "", css: str = "") -> list[str]:
        (tmp_path / "sub").mkdir(exist_ok=True)
        (tmp_path / "index.html").write_text(PAGE.format(head=head, body=body), encoding="utf-8")
        (tmp_path / "sub" / "other.html").write_text(PAGE.format(head="", body='<p id="a.b">x</p>'), encoding="utf-8")
        (tmp_path / "style.css").write_text(css, encoding="utf-8")
        return built.check(tmp_path)

    return run


SOUND = """
<a href="sub/other.html#a.b">x</a> <a href="#top">x</a> <a href="https://example.org/paper">paper</a>
<pre><code>/// clause | x
$$ and Traceback</code></pre><img src="data:image/png;base64,AA" width="1" height="1"><p>arrays like [1][2] and $5</p>
"""


def test_a_sound_site_has_no_defect(site):
    assert site(SOUND, head='<link rel="stylesheet" href="style.css">', css="a{background:url(data:x)}") == []


@pytest.mark.parametrize(
    ("body", "defect"),
    [
        ('<a href="gone.html">x</a>', "broken link: gone.html"),
        ('<div><a href="sub/">x</a></div>', "broken link: sub/"),
        ('<a href="sub/other.html#gone">x</a>', "no such anchor: sub/other.html#gone"),
        ('<a href="#gone">x</a>', "no such anchor: #gone"),
        ('<img src="gone.svg" width="1" height="1">', "loads a file that is not there: gone.svg"),
        ('<img src="data:,">', "an image without its size"),
        ("<p>/// clause | relu.value</p>", "a block printed as text"),
        ("<p>so $$x$$ is</p>", "a formula printed as text"),
        ("<p>see [relu.value][]</p>", "an unresolved cross-reference"),
        ("<p>Traceback (most recent call last):</p>", "a Python traceback"),
        ("<pre>Traceback (most recent call last):</pre>", "a Python traceback"),
        ("<math><merror><mtext>x</mtext></merror></math>", "TeX error"),
        ('<script src="https://cdn.example/x.js"></script>', "loads from another host: https://cdn.example/x.js"),
        ('<img srcset="//cdn.example/a.png 2x" width="1" height="1">', "loads from another host: //cdn.example/a.png"),
        ('<p style="background:url(https://cdn.example/b)">', "loads from another host"),
        ("<style>@import 'https://cdn.example/c.css'</style>", "loads from another host"),
        ('<p id="twice"></p><p id="twice"></p>', "the id 'twice' is used 2 times"),
    ],
)
def test_each_defect_is_found_with_file_and_line(site, body, defect):
    found = site(body)
    assert len(found) == 1
    assert found[0].startswith("index.html:1: ")
    assert defect in found[0]


@pytest.mark.parametrize(
    ("body", "defect"),
    [
        ("x" * built.BYTES, "bytes, and a topic's page has at most 250,000"),
        ("<b>x</b>" * built.ELEMENTS, "6,004 elements, and a topic's page has at most 6,000"),
    ],
)
def test_budget_is_that_of_topics(site, tmp_path, body, defect):
    folder = tmp_path / "spec" / "components"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(PAGE.format(head="", body=body), encoding="utf-8")
    assert site() == []
    (folder / "layers.html").write_text(PAGE.format(head="", body=body), encoding="utf-8")
    (found,) = site()
    assert found.startswith("spec/components/layers.html:1: ")
    assert found.endswith(defect)


def test_a_font_from_another_host_is_found(site):
    head = '<link rel="stylesheet" href="https://fonts.example/css">'
    assert "loads from another host" in site(head=head)[0]


def test_a_style_sheet_that_loads_from_elsewhere_is_found(site):
    assert site(css="a{background:url(https://cdn.example/x.png)}") == [
        "style.css: loads from another host: https://cdn.example/x.png"
    ]


def test_an_empty_folder_is_a_defect(tmp_path):
    assert "no HTML file" in built.check(tmp_path)[0]


def test_exit_status(tmp_path, capsys):
    assert built.main([str(tmp_path)]) == 1
    assert built.main([]) == 2
    (tmp_path / "index.html").write_text(PAGE.format(head="", body=""), encoding="utf-8")
    assert built.main([str(tmp_path)]) == 0
    assert "1 pages, no defect" in capsys.readouterr().out
