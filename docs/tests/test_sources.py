"""The check before the build names file and line."""

from __future__ import annotations

import pytest

from nnspec_conformance.errors import SpecError
from nnspec_site import sources
from nnspec_site.errors import SiteError


@pytest.fixture
def site(tmp_path, spec):
    """Lint one page of the site beside the fixture's specification."""

    def run(text: str):
        pages = tmp_path / "pages"
        pages.mkdir(exist_ok=True)
        (pages / "guide.md").write_text(text, encoding="utf-8")
        sources.check(pages, spec.root)

    return run


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# T\n\n/// matrix | nothing\n///\n", r"guide\.md:3: no matrix 'nothing'"),
        ("/// clause | act.other\n    kind: exact\n\nIt **MUST**.\n///\n", r"guide\.md:1: no clause 'act\.other'"),
        ("/// figure | nothing\n    alt: text\n///\n", r"guide\.md:1: no figure 'nothing'"),
        ("/// reference | nnspec.no.such\n///\n", r"guide\.md:1: reference \| nnspec\.no\.such: no module"),
        ("/// benchmark\n///\n", r"guide\.md:1: block 'benchmark' lacks its argument"),
        ("/// table | x\n///\n", r"guide\.md:1: unknown block 'table'; use one of clause"),
        ("/// matrix | all\n    colour: red\n///\n", r"guide\.md:2: unknown option 'colour' of block 'matrix'"),
        ("/// clause | act.nan\n    kind: [\n///\n", r"guide\.md:\d: options of 'act\.nan' are not YAML"),
        ("text\n\n/// matrix | all\n", r"guide\.md:3: block 'matrix \| all' does not end"),
        ("\n///\n", r"guide\.md:2: a block ends here that never started"),
        ("one\n\nand $\\frac{1$\n", r"guide\.md:3: TeX error in the formula"),
        ("$$\n\\nosuch\n$$\n", r"guide\.md:1: TeX error in the formula `\\nosuch`"),
    ],
)
def test_one_line_names_file_and_line(site, text, message):
    with pytest.raises((SiteError, SpecError), match=message) as caught:
        site(text)
    assert "\n" not in str(caught.value)


FINE = "/// clause | act.zero\n    kind: exact\n    fine: true\n\nIt **MUST** be.\n///\n"
KEY = FINE.replace("    fine: true\n", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/// exercise | a\n\nWhy?\n///\n", r"guide\.md:1: exercise a has 0 lines ---; write one"),
        ("/// exercise | a\n\nWhy?\n\n---\n///\n", r"guide\.md:1: exercise a lacks its answer"),
        ("/// exercise | a\n\n---\n\nSo.\n///\n", r"guide\.md:1: exercise a lacks its question"),
        ("/// exercise | a\n\nWhy?\n---\nSo.\n///\n", r"guide\.md:1: exercise a: put a blank line on both sides"),
        ("/// write | nothing\n///\n", r"guide\.md:1: no write 'nothing'"),
    ],
)
def test_exercises_and_what_to_write(site, text, message):
    with pytest.raises(SpecError, match=message):
        site(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"# Topic\n\n{FINE}", r"zero\.md:3: clause act\.zero stands below no heading '## Fine print'"),
        (f"# Topic\n\n## Fine print\n\n{KEY}", r"zero\.md:5: clause act\.zero stands below '## Fine print'; give it"),
    ],
)
def test_fine_print_stands_below_its_heading(site, spec, text, message):
    (spec.root / "components" / "zero.md").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        site("# T\n")


def test_fenced_examples_are_not_blocks_or_formulas(site):
    site("```\n/// nothing | at all\n$\\frac{1$\n```\n\nand `$\\frac{1$` too\n")


def test_the_project_itself_passes():
    sources.check()
