"""A page for each experiment: the measure, the prediction, every number, and the command that runs it again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nnspec_conformance.clauses import Experiment
from nnspec_conformance.intervals import Interval
from nnspec_site.blocks.experiment import badge, effect, prediction
from nnspec_site.blocks.figure import FOLDER, sized
from nnspec_site.data import Data, Report
from nnspec_site.html import Element, code, make, number, prose, table
from nnspec_site.own_page import document, neighbours, proven, section
from nnspec_site.rendering import Renderer, experiment_address

FIGURE = re.compile(r"^/// figure \| (\S+)\n +alt: (.+?)\n\n(.+?)\n///$", re.MULTILINE | re.DOTALL)
NEXT = re.compile(r"^(?:/// experiment|#+) ", re.MULTILINE)
KIND = {"experiment": "experiment", "theorem": "theorem, checked on the oracle", "benchmark": "benchmark"}


def pages(data: Data) -> Iterator[tuple[str, str]]:
    """Address below the site's root and HTML of every experiment's page, in the order of the specification."""
    experiments = list(data.spec.experiments.values())
    beside = [None, *((other.id, experiment_address(other)) for other in experiments), None]
    for i, experiment in enumerate(experiments):
        renderer = Renderer(data.spec, experiment_address(experiment)[1:], f"spec/{experiment.page}.md")
        parts = [main(data, experiment, renderer), neighbours("Experiments", beside[i], beside[i + 2])]
        html = document(data, experiment.id, experiment.page, experiment.text, parts, renderer)
        yield experiment_address(experiment)[1:], html


def main(data: Data, experiment: Experiment, renderer: Renderer) -> Element:
    """Claim, result, measure, prediction, numbers, and how to run it."""
    result = data.experiments.get(experiment.id) or {}
    kind = make("span", "nn-kind", KIND[experiment.kind])
    words = [badge(data, experiment), prediction(data, experiment)]
    made = make("main", "", make("div", "head", make("h1", "", experiment.id), *words, kind))
    made.append(make("div", "statement", renderer.block(experiment.text)))
    if experiment.proves:
        made.append(make("ul", "about", *proven(data, experiment.proves)))
    note = prose("p", result["note"]) if result.get("note") else None
    for part in (
        section("Measured", make("p", "", *effect(result), ".") if result else None),
        figure(data, experiment, renderer),
        section("Measure", prose("p", experiment.measure)),
        section("Predicted", prose("p", experiment.predicted)),
        section("Remarks", note),
        section("Expected and came", numbers(experiment, result["came"]) if result.get("came") else None),
        section("Rows", rows(result["rows"]) if result.get("rows") else None),
        section("Run it again", make("pre", "", code(f"nnspec experiments --slow {experiment.id}"))),
    ):
        made.extend(part)
    if result:
        made.append(provenance(result))
    return made


def figure(data: Data, experiment: Experiment, renderer: Renderer) -> list[Element]:
    """What the topic's page draws of it, if a figure follows there before the next experiment or heading."""
    text = data.spec.pages[experiment.page].path.read_text(encoding="utf-8")
    behind = text.partition(f"/// experiment | {experiment.id}\n")[2].partition("\n///\n")[2]
    found = FIGURE.search(NEXT.split(behind, maxsplit=1)[0])
    if not found:
        return []
    name, alt, caption = found.groups()
    made = make("figure")
    for scheme in ("light", "dark"):
        drawn = f"{name}-{scheme}.svg"
        source = renderer.relative(f"/{FOLDER}/{drawn}")
        made.append(sized(make("img", scheme, src=source, alt=" ".join(alt.split()), loading="lazy"), drawn))
    made.append(make("figcaption", "", *renderer.block(caption)))
    return [made]


def numbers(experiment: Experiment, came: Report) -> Element:
    """Every number that was stated beforehand: what came, what was expected, what the claim needs."""
    conditional = {name: bounds for signs in experiment.unless.values() for name, bounds in signs.items()}
    made = []
    for name in dict.fromkeys([*experiment.expect, *experiment.holds, *conditional]):
        value = came.get(name, "nan")
        needs = [judged(experiment.holds[name], value)] if name in experiment.holds else []
        if name in conditional:
            needs.append(f"{'✗' if value in conditional[name] else '✓'} not {conditional[name]}, or it has a condition")
        expected = judged(experiment.expect[name], value) if name in experiment.expect else "–"
        made.append([name, cell(value), expected, "; ".join(needs) or "–"])
    return table(["number", "came", "expected", "the claim needs"], made, "nn-expected", labelled=True)


def judged(bounds: Interval, value: object) -> str:
    """``✓ 0.45 to 0.55``."""
    return f"{'✓' if value in bounds else '✗'} {bounds}"


def rows(data_rows: list[dict]) -> Element:
    """The small table of an experiment; its columns are the keys of its first row."""
    head = list(data_rows[0])
    return table(
        [name.replace("_", " ") for name in head], [[cell(row.get(name)) for name in head] for row in data_rows]
    )


def cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) or value in ("inf", "-inf", "nan"):
        return number(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return "–" if value is None else str(value)


def provenance(result: Report) -> Element:
    """Which form was run, with which versions and when."""
    versions = ", ".join(f"{name} {version}" for name, version in result.get("versions", {}).items())
    form = f"{result.get('form', 'full')} form"
    made = make("p", "small", f"{form.capitalize()}, measured {result.get('date', 'on an unknown day')}")
    if versions:
        made.append(make("span", "", f" with {versions}"))
    if recorded := result.get("recorded"):
        made.append(make("span", "", f". {when_predicted(recorded)}"))
    return made


def when_predicted(recorded: Report) -> str:
    """What git knows of the prediction: committed before the run; and whether another result was known by then."""
    words = f"Prediction committed before this run, in {recorded['commit'][:10]}"
    if recorded["known"]:
        words += f"; a result of {recorded['known']} was known when it was put into these numbers"
    return f"{words}."
