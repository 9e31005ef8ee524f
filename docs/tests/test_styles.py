"""Style sheets lose what a browser does not read, and nothing else."""

from __future__ import annotations

from nnspec_site import styles


def test_comments_and_indentation_go():
    assert styles.dense("/* why,\n   at length */\na {\n  top: 0;\n}\n").split() == ["a", "{", "top:", "0;", "}"]
    assert "  " not in styles.dense("a {\n    top: 0; /* here */\n}\n")


def test_what_stands_between_quotes_stays():
    sheet = """a::after { content: "/* no  comment */" } b[c='  d'] { top: 0 }"""
    assert styles.dense(sheet) == sheet


def test_only_the_own_sheets_of_a_site_are_shortened(tmp_path):
    (tmp_path / "assets" / "stylesheets").mkdir(parents=True)
    for name in ("own.css", "stylesheets/main.css"):
        (tmp_path / "assets" / name).write_text("a { /* b */ }\n", encoding="utf-8")
    styles.shorten(tmp_path)
    assert (tmp_path / "assets" / "own.css").read_text(encoding="utf-8") == "a {  }\n"
    assert (tmp_path / "assets" / "stylesheets" / "main.css").read_text(encoding="utf-8") == "a { /* b */ }\n"
