"""What ``nnspec new-topic`` writes: the files of a topic, with a placeholder for its operation and a clause that fails.

The placeholders are right, so that only the unwritten clause fails; those of each form are a file in ``scaffold/``.
From then on the text is the author's.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from nnspec_conformance.clauses import Spec, load_spec
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.gate import opened_by
from nnspec_conformance.operations import FORMS
from nnspec_conformance.pages import SECTIONS

TOPIC = re.compile(rf"({'|'.join(SECTIONS)})(/[a-z][a-z0-9_]*)+")
SCAFFOLD = Path(__file__).parent / "scaffold"
CORE = "conformance/nnspec_conformance"
FRAMEWORKS = {"torch": "PyTorch", "flax_optax": "Flax and Optax", "keras": "Keras"}

PAGE = """\
# <<title>>

**<<title>>** is what this page is about: a paragraph that a beginner can follow, and a figure.

/// operation | <<name>>
<<operation>>

What it does, in a sentence.
///

/// reference | nnspec.<<dotted>>.<<name>>

$$\\text{the equation}$$
///

## Clauses

/// clause | <<slug>>.unwritten
    kind: exact
<<proves>>
The clauses of this page **SHOULD** be written, and this one with its test be taken away.
///

/// clause | <<slug>>.<<aspect>>
    kind: <<kind>>

<<law>>
///
"""
SUITE = '''\
"""Tests of <<topic>>."""

from __future__ import annotations

<<tests>>


@clause("<<slug>>.unwritten")
def test_unwritten(trial):
    trial.require(False, "the clauses of <<topic>> are not written yet; then take this one away")
'''
ORACLE = '''\
"""<<title>>, in float64 NumPy, written from the clauses."""

from __future__ import annotations

<<oracle>>
'''
MUTANTS = '''\
"""Wrong versions of <<name>>, each met in the wild, each caught by the clause that it names."""

from __future__ import annotations

<<mutant>>
'''
REFERENCE = '''\
"""<<title>>: what is defined here."""

<<reference>>
'''
ADAPTER = '''\
"""The reference's <<name>>."""

from __future__ import annotations

<<adapter>>
'''
FRAMEWORK = '''\
"""<<title>> in <<library>>, not written yet.

<<framework>>
"""
'''


def written(topic: str, form: str, spec: Spec, operation: str = "") -> dict[str, str]:
    """Path, below the checkout, and text of every file of a new topic.

    Args:
        topic: for instance ``training/momentum``.
        form: of its first operation.
        spec: tells which statements of the source the page opens, and which operations there are.
        operation: name of that operation; by default the last part of the topic.

    Raises:
        HarnessError: the name is none of a topic, the form is none, or the operation exists.
    """
    if not TOPIC.fullmatch(topic):
        raise HarnessError(f"'{topic}' is no topic; write a section and a name, such as training/momentum")
    if form not in FORMS:
        raise HarnessError(f"'{form}' is no form; use one of {', '.join(FORMS)}")
    section, _, last = topic.rpartition("/")
    name = operation or last
    if name in spec.operations:
        raise HarnessError(f"{spec.operations[name].page} declares '{name}' already; give another with --operation")
    opened = opened_by(spec, topic)
    words = _parts(form) | {
        "topic": topic,
        "last": last,
        "above": section.replace("/", "."),
        "dotted": topic.replace("/", "."),
        "name": name,
        "slug": name.replace("_", "-"),
        "upper": name.upper(),
        "title": last.replace("_", " ").capitalize(),
        "proves": f"    proves: [{', '.join(opened)}]\n" if opened else "",
    }
    texts = {
        f"spec/{topic}.md": PAGE,
        f"{CORE}/oracles/{topic}.py": ORACLE,
        f"{CORE}/suite/{section}/test_{last}.py": SUITE,
        f"{CORE}/mutants/{topic}.py": MUTANTS,
        f"reference/nnspec/{topic}.py": REFERENCE,
        f"{CORE}/adapters/reference/{topic}.py": ADAPTER,
    }
    made = {path: _filled(text, words) for path, text in texts.items()}
    for framework, library in FRAMEWORKS.items():
        package = "jax" if framework == "flax_optax" else framework
        more = words | {"library": library, "package": package}
        made[f"{CORE}/adapters/{framework}/{topic}.py"] = _filled(FRAMEWORK, more)
    folders = {path.rpartition("/")[0] for path in made if path.endswith(".py")}
    inner = [folder.removesuffix(f"/{section}") for folder in folders]
    for strand in inner:  # every folder of the section is a package
        for depth in range(1, section.count("/") + 2):
            made[f"{strand}/{'/'.join(section.split('/')[:depth])}/__init__.py"] = ""
    return made


def _parts(form: str) -> dict[str, str]:
    """The placeholders of a form, by name."""
    text = (SCAFFOLD / f"{form.replace(' ', '_')}.txt").read_text(encoding="utf-8")
    parts = re.split(r"^==== (\w+)\n", text, flags=re.MULTILINE)[1:]
    return {name: body.rstrip("\n") for name, body in zip(parts[::2], parts[1::2], strict=True)}


def _filled(text: str, words: dict[str, str]) -> str:
    """The text with every word in its place; a word may hold others."""
    for _ in range(2):
        for word, value in words.items():
            text = text.replace(f"<<{word}>>", value)
    return text


def write(root: Path, files: dict[str, str]) -> list[str]:
    """Write the files of a topic below a checkout; a package that exists already stays as it is.

    Raises:
        HarnessError: this is no checkout, one of the files exists, or cannot be written.
    """
    if not (root / CORE).is_dir():
        raise HarnessError(f"{root} is no checkout of nnspec; a topic is written into one")
    new = {name: text for name, text in files.items() if not (name.endswith("__init__.py") and (root / name).exists())}
    for name in new:
        if (root / name).exists():
            raise HarnessError(f"{root / name}: exists already; choose another topic or take it away first")
    for name, text in new.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise HarnessError(f"{path}: {error.strerror}; choose a checkout that can be written") from error
    return list(new)


def run(options: argparse.Namespace) -> int:
    """``nnspec new-topic``: status 2 if nothing could be written."""
    spec = load_spec()
    for name in write(spec.root.parent, written(options.topic, options.form, spec, options.operation)):
        print(f"wrote {name}")
    print(
        f"next: nnspec check numpy_oracle {options.topic}; write the page, CONTRIBUTING.md; then "
        f"nnspec holes {options.topic} --add and nnspec clauses --check"
    )
    return 0
