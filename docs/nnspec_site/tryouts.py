"""Writes what the page needs on which a reader tries a function: questions, right answers, and a start."""

from __future__ import annotations

import json
from collections.abc import Iterator

from nnspec_conformance.clauses import Spec
from nnspec_conformance.dependencies import kills_hash
from nnspec_conformance.loading import load_subject
from nnspec_conformance.operations import Operation
from nnspec_conformance.points import SCHEMA, points
from nnspec_conformance.suite_loader import Suite, load_suite
from nnspec_site import cores
from nnspec_site.data import Data
from nnspec_site.kept import kept, maker
from nnspec_site.own_page import description
from nnspec_site.rendering import clause_address

POINTS = 30
PAGES = (
    "components/activations",
    "components/layers",
    "components/losses/cross_entropy",
    "components/losses/regression",
    "components/losses/margins",
    "components/optimization",
    "training/momentum",
    "training/rmsprop",
    "training/adam",
    "training/schedules/decay",
    "training/schedules/warmup",
    "training/schedules/piecewise",
    "training/schedules/plateau",
)
STATEFUL = ("stepper",)
NOT_IN_FLOAT64 = {"scheduled_descent"}  # asked in float32 alone; JavaScript has no such numbers


def files(data: Data) -> Iterator[tuple[str, dict]]:
    """Name below ``data/`` and content of the questions to each operation."""
    if not any(page in data.spec.pages for page in PAGES):
        return
    suite = load_suite()

    def made(page: str) -> str:
        return kept(
            "points",
            [maker(__file__), maker(points.__code__.co_filename), kills_hash(suite, page)],
            lambda: json.dumps(_page(suite, page)),
        )

    pages = [page for page in PAGES if page in data.spec.pages]
    for page, text in zip(pages, cores.spread(made, pages), strict=True):
        for name, content in json.loads(text).items():
            operation = data.spec.operations[name]
            asked = [data.spec.clauses[one] for one in sorted({case["clause"] for case in content["cases"]})]
            told = {one.id: [clause_address(one.page, one.id)[1:], description(one.text)] for one in asked}
            start = template(operation, content)
            yield f"points/{name}", {"schema": SCHEMA, "page": page, "start": start, "clauses": told, **content}


def _page(suite: Suite, page: str) -> dict:
    """The questions to every operation of a page."""
    oracle = load_subject("numpy_oracle")
    names = [operation.name for operation in suite.spec.operations.values() if operation.page == page]
    found = {name: points(suite, oracle, name, POINTS) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def operations(spec: Spec) -> dict[str, list[str]]:
    """The operations that can be tried, by title of their page."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        names = [one.name for one in spec.operations.values() if one.page == page and one.name not in NOT_IN_FLOAT64]
        if page in spec.pages and names:
            found[spec.pages[page].title] = names
    return found


def template(operation: Operation, content: dict) -> str:
    """The JavaScript that a reader starts from."""
    case = content["cases"][0]
    keywords = sorted({name for one in content["cases"] for name in one["attributes"]})
    options = f", {{ {', '.join(keywords)} }}" if keywords else ""
    if operation.form in STATEFUL:
        return (
            "// Both arguments are objects of nested arrays. One call starts; each step returns the parameters.\n"
            f"function {operation.name}(parameters{options}) {{\n"
            "  return function step(gradients, rate) {  // rate: a new learning rate, or undefined\n"
            "    // ...\n    return parameters;\n  };\n}\n"
        )
    names = [array.name for array in operation.arrays][: len(case["arrays"])]
    shapes = "; ".join(f"{name}: {_axes(one)}" for name, one in zip(names, case["arrays"], strict=False))
    return (
        f"// {shapes}. An array of several axes is an array of arrays.\n"
        f"function {operation.name}({', '.join(names)}{options}) {{\n"
        f"  return {names[0] if names else '0'}; // ...\n}}\n"
    )


def _axes(value: object) -> str:
    """``5 × 3 numbers`` of nested lists, ``a number`` of one."""
    lengths = []
    while isinstance(value, list):
        lengths.append(len(value))
        value = value[0] if value else None
    if isinstance(value, dict):
        return "an object of arrays"
    return f"{' × '.join(map(str, lengths))} numbers" if lengths else "a number"
