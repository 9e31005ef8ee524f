"""What the learning path tells its reader to try does what it says; every link of the glossary leads to a clause."""

from __future__ import annotations

import re

import pytest

from nnspec_conformance import cli
from nnspec_conformance.clauses import load_spec
from nnspec_site import learning_path
from nnspec_site.assets import PAGES

PATH = (PAGES / "guides" / "learning-path.md").read_text(encoding="utf-8")
GLOSSARY = (PAGES / "guides" / "glossary.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PATH, re.S)


def test_the_network_has_as_many_parameters_as_the_path_says():
    code = next(code for code in SNIPPETS if "parameter_count" in code)
    said = int(code.rpartition("#")[2])
    names: dict = {}
    exec(code, names)
    assert names["count"] == said


def test_the_slope_at_zero_can_be_seen(capsys):
    exec(next(code for code in SNIPPETS if "jax.grad" in code), {})
    assert capsys.readouterr().out.split("]")[1].split() == ["[0.", "0.", "0.", "1.", "1."]


def test_the_network_learns_xor_as_the_path_says(capsys):
    code = re.findall(r'```python title="xor.py"\n(.*?)```', PATH, re.S)[0]

    def loss_and_answers(**changed: str) -> tuple[list[float], str]:
        text = code
        for name, value in changed.items():
            old = {"units": "UNITS = 8", "key": "key(0)", "rate": "gradient_descent(1.0)"}[name]
            assert old in text
            text = text.replace(old, value)
        exec(text, {})
        *steps, answers = capsys.readouterr().out.strip().splitlines()
        return [float(line.split()[1]) for line in steps], answers.replace("  ", " ")

    (first, *_, last), answers = loss_and_answers()
    assert f"from {first:.2f} to {last:.3f}" in PATH
    right = "[False True True False]"
    assert answers == right
    assert loss_and_answers(units="UNITS = 2")[1] != right  # stuck
    assert loss_and_answers(units="UNITS = 2", key="key(1)")[1] == right
    assert loss_and_answers(rate="gradient_descent(100.0)")[1] != right  # the rate is too large
    adam = code.replace("gradient_descent,", "adam,").replace("gradient_descent(1.0)", "adam(0.02)")
    exec(adam, {})
    assert capsys.readouterr().out.split("\n")[-2].replace("  ", " ") == right


def test_both_textbook_formulas_fail_where_the_path_says(tmp_path, capsys):
    code = re.findall(r'```python title="mine.py"\n(.*?)```', PATH, re.S)[0]
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    assert cli.main(["check", str(tmp_path / "mine.py")]) == 1
    printed = capsys.readouterr().out
    assert re.findall(r"^FAIL  (\S+)", printed, re.M) == [
        "softmax.large-offset[softmax]",
        "activation.subnormals[sigmoid]",
    ]


def test_the_experiment_of_the_path_exists():
    assert re.findall(r"nnspec experiments (\S+)", PATH)[0] in load_spec().experiments


@pytest.mark.parametrize("text", [PATH, GLOSSARY], ids=["path", "glossary"])
def test_links_lead_to_clauses(text):
    known = {entry.id for entry in load_spec().entries()}
    assert [name for name in re.findall(r"\[([a-z-]+\.[a-z-]+)\]\[\]", text) if name not in known] == []


def test_every_word_of_the_glossary_has_a_sentence_and_a_place():
    words = re.findall(r"^(\S.*)\n:   (.*)$", GLOSSARY, re.M)
    assert len(words) > 50
    assert [word for word, sentence in words if "](" not in sentence and "][" not in sentence] == []


def test_words_are_in_order():
    for section in re.split(r"^## .*$", GLOSSARY, flags=re.M)[1:]:
        words = [word.lower() for word in re.findall(r"^\*\*(.*)\*\* \{", section, re.M)]
        assert words == sorted(words)


def test_every_word_can_be_linked_to():
    found = re.findall(r"^\*\*(.*)\*\* \{ #(\S+) \}\n:   ", GLOSSARY, re.M)
    assert len(found) == len(re.findall(r"^:   ", GLOSSARY, re.M))
    assert [place for word, place in found if place != re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")] == []


def test_every_exercise_that_the_path_names_is_on_the_page_that_it_names():
    links = re.findall(r"\.\./spec/([\w/]+)\.md#exercise-([\w-]+)", PATH)
    assert len(links) > 12
    pages = {page: (PAGES / "spec" / f"{page}.md").read_text(encoding="utf-8") for page, _ in links}
    assert [name for page, name in links if f"/// exercise | {name}\n" not in pages[page]] == []
    assert set(learning_path.steps(PATH)) == {name for _, name in links}
