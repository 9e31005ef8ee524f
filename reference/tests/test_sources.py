"""The lint of every package: the first sentence of a docstring stands alone, and no file is too long, of the tests too.

In a hover or an index the sentence is read without the function's name in front. So it begins with no word that
continues a name ("Of the last minute", "As JSON can hold it"), points at nothing that is not there ("Its derivative",
"Likewise, of any text", "Add one"), and has at least three words.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / "reference/nnspec", ROOT / "conformance/nnspec_conformance", ROOT / "docs/nnspec_site"]
BESIDE = [ROOT / "reference/tests", ROOT / "conformance/tests", ROOT / "conformance/examples", ROOT / "docs/tests"]

CONTINUES = "And|As|At|But|By|For|From|In|Into|Of|On|Or|Than|To|Until|With|Without"
POINTS = "Also|Another|Ditto|It|Its|Likewise|Same|Such|That|Their|Them|These|They|This|Those"
FRAGMENTS = [
    re.compile(rf"({CONTINUES}|{POINTS})\b"),
    re.compile(r".*\b([Ll]ikewise|[Dd]itto)\b"),
    re.compile(r"(\S+ ){0,2}(one|ones|it|them)[.,:;]"),  # Add one. The right one.
    re.compile(r"(\S+ ?){0,2}$"),
]


def fragments(source: str) -> list[str]:
    """Every module, class or function whose docstring's first sentence needs something in front of it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            sentence = re.split(r"(?<=[.?!])\s", " ".join(text.split()))[0]
            if any(fragment.match(sentence) for fragment in FRAGMENTS):
                found.append(f"{getattr(node, 'name', 'module')}: {sentence}")
    return found


LONGEST = 400  # lines; a longer file gets parts


def sources(folders: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Every Python file of the folders: its path below the checkout, and its text."""
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def too_long(texts: Iterable[tuple[str, str]]) -> list[tuple[str, int]]:
    """Path and lines of every text that is longer than ``LONGEST``."""
    lengths = [(path, len(text.splitlines())) for path, text in texts]
    return [(path, lines) for path, lines in lengths if lines > LONGEST]


def test_first_sentences_stand_alone():
    found = [(path, fragment) for path, text in sources(PACKAGES) for fragment in fragments(text)]
    assert found == []


def test_no_file_is_too_long():
    assert too_long(sources([*PACKAGES, *BESIDE])) == []


def test_a_file_that_is_too_long_is_found():
    texts = [("a.py", "x = 1\n" * LONGEST), ("b.py", "x = 1\n" * (LONGEST + 1))]
    assert too_long(texts) == [("b.py", LONGEST + 1)]


def test_the_tests_are_looked_at():
    assert "reference/tests/test_sources.py" in dict(sources(BESIDE))


@pytest.mark.parametrize(
    "sentence",
    [
        "Of the last minute; above 0 somebody else is at work.",
        "As JSON can hold it.",
        "By which an entry is found again.",
        "Its second derivative.",
        "Those that must be told in full.",
        "Likewise, of any text.",
        "The gradient for ``x`` alone, likewise.",
        "Add one; its name is the function's.",
        "The right one.",
        "What came.",
    ],
)
def test_a_fragment_is_found(sentence):
    assert fragments(f'def f():\n    """{sentence}"""') == [f"f: {sentence}"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Name the subject.",
        "The second derivative of x sigmoid(z).",
        "Where the floating-point arrays are: position, and name inside a dict.",
        "Whether a report is current.\n\n    Of everything that counts.",
        "One workload: its name, and what it needs.",
    ],
)
def test_a_sentence_that_stands_alone_passes(sentence):
    assert fragments(f'def f():\n    """{sentence}"""') == []
