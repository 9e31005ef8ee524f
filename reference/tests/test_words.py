"""The words that the programs print are those of the field: what a terminal, a report or the site shows.

Looked at is every text of two words and more that is no docstring. What stands between quotes or backticks in it is a
name, and a name is as it is. Of the pages the lessons are looked at: not the blocks, which have words of their own.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / "reference/nnspec", ROOT / "conformance/nnspec_conformance", ROOT / "docs/nnspec_site"]
TERMS = {  # what is not said here, and what is
    r"bends?|kinky": "non-linearity, or kink",
    r"nonlinearity|non-linear function": "non-linearity",
    r"way back|backprop": "backward pass",
    r"way forward|forward prop": "forward pass",
    r"params?|hyper-?params?": "parameters, hyper-parameters",
    r"args?|kwargs?": "arguments, keywords",
    r"func|config|impl|tol|err|env|dir|attr|elem|dim|dims": "the whole word",
    r"grads?|vals?|nums?": "gradient, value, number",
    r"fan-?in|fan-?out": "number of inputs, number of outputs",
    r"invalid|illegal|fatal": "what is expected, and what came",
    r"please|sorry|oops|simply|obviously": "nothing",
    r"NaNs": "NaN",
    r"lr|wd": "learning rate, weight decay",
    r"regime|flavou?rs?": "form",
    r"killed|kills": "caught, catches",
    r"subject under test|SUT": "subject",
}
QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|https?://\S+|--?\w[\w-]*|\{[^}]*\}|\S*[_=(/.]\S+|<[^>]*>")


LESSONS = {  # what a lesson does not say, and what it says
    r"way back": "backward pass",
    r"bends?|bent|bending": "non-linearity, kink or curve",
    r"(?:products|operations|bytes|numbers|[MG]B|million) an? (?:layer|axis|head|row|number|step|epoch|image)": "per",
}
BLOCK = re.compile(r"(?m)^/// (?!exercise\b)\w+(?: \|.*)?\n[\s\S]*?^///$|^```[\s\S]*?^```|^    \w+:.*$")


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string of two words and more that is neither a docstring nor several lines."""
    tree = ast.parse(source)
    silent = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            if re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", node.value) and node.value.count("\n") < 2:
                yield node.lineno, node.value


def foreign(text: str, terms: dict[str, str] = TERMS) -> list[str]:
    """Each word of a text that is none of ours, with what to say in its place."""
    bare = QUOTED.sub(" ", text)
    return [
        f"{found.group()}: say {better}"
        for word, better in terms.items()
        if (found := re.search(rf"(?<![\w-])(?:{word})(?![\w-])", bare))
    ]


def test_programs_print_the_words_of_the_field():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {problem}"
        for package in PACKAGES
        for path in sorted(package.rglob("*.py"))
        for line, text in texts(path.read_text(encoding="utf-8"))
        for problem in foreign(text)
    ]
    assert found == []


def test_lessons_say_the_words_of_the_field():
    pages = [ROOT / "README.md", *(ROOT / "spec").rglob("*.md"), *(ROOT / "docs/pages").rglob("*.md")]
    found = {
        str(path.relative_to(ROOT)): problems
        for path in pages
        if (problems := foreign(BLOCK.sub("", path.read_text(encoding="utf-8")), LESSONS))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("On the way back it is zero.", ["way back: say backward pass"]),
        ("/// exercise | a\n    mutant: adds on the way back\n\nThe way back.\n///", ["way back: say backward pass"]),
        ("/// exercise | a\n    mutant: adds on the way back\n\nThe sum.\n///", []),
        ("/// clause | a.b\n    why: on the way back\n\nIt **MUST** be 0.\n///", []),
        ("It has 12 bytes a row.", ["bytes a row: say per"]),
        ("It gives every operation a number.", []),
    ],
)
def test_a_lesson_is_looked_at_and_a_block_is_not(text, words):
    assert foreign(BLOCK.sub("", text), LESSONS) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a layer whose bend is at 0", ["bend: say non-linearity, or kink"]),
        ("the params of the layer", ["params: say parameters, hyper-parameters"]),
        ("invalid config given", ["config: say the whole word", "invalid: say what is expected, and what came"]),
        ("the parameters of the layer", []),
        ("no operation has `params` here", []),
        ("unknown option 'config' of the block", []),
        ("see https://example.org/args/err for more", []),
        ("write func(args) for instance", []),
    ],
)
def test_a_foreign_word_is_found_and_a_name_is_none(text, words):
    assert foreign(text) == words


def test_a_docstring_and_a_single_word_are_not_looked_at():
    assert list(texts('def f():\n    """Docstring of two words."""\n    return "one", "two words"')) == [
        (3, "two words")
    ]
