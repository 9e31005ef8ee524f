"""``/// experiment | id``: a hypothesis with its prediction and what was measured."""

from __future__ import annotations

from nnspec_conformance.clauses import Experiment
from nnspec_conformance.intervals import Interval
from nnspec_site import data as site_data
from nnspec_site.blocks.base import SiteBlock, heading_below, options
from nnspec_site.data import Data, Report
from nnspec_site.html import Element, code, folded, make, number, plural, prose, table
from nnspec_site.outcomes import EXPERIMENTS, PREDICTIONS, chip

KIND = {"experiment": "experiment", "theorem": "theorem, checked on the oracle", "benchmark": "benchmark"}


class ExperimentBlock(SiteBlock):
    """Id and the two words, the claim, one sentence of result; measure, prediction and remarks are folded."""

    NAME = "experiment"
    OPTIONS = options("experiment")

    def on_create(self, parent: Element) -> Element:
        data = site_data.current()
        if self.argument not in data.spec.experiments:
            raise self.fail("no such experiment in the specification; experiments are written on spec pages only")
        self.experiment = data.spec.experiments[self.argument]
        self.result = data.experiments.get(self.argument)
        self.text = make("div", "nn-hypothesis", make("span", "nn-label", "Claim"))
        heading = make(heading_below(parent), "", self.experiment.id, id=self.experiment.id)
        head = make("div", "nn-clause-head", heading, badge(data, self.experiment), prediction(data, self.experiment))
        made = make("div", "nn-clause nn-experiment", head, self.text)
        parent.append(made)
        return made

    def on_add(self, block: Element) -> Element:
        return self.text

    def on_end(self, block: Element) -> None:
        result = self.result or {}
        if result:
            block.append(make("p", "nn-result", make("span", "nn-label", "Measured"), " ", *effect(result)))
        block.append(
            folded(
                ["Measure, prediction, numbers", make("span", "nn-kind", KIND[self.experiment.kind])],
                facts(self.experiment, result),
                numbers(self.experiment, result["came"]) if result.get("came") else None,
                rows(result["rows"]) if result.get("rows") else None,
                provenance(result) if result else None,
                css="nn-how",
            )
        )


def state(data: Data, experiment: Experiment) -> str:
    """The outcome as shown; 'stale' where the hypothesis or the measure has changed since the run."""
    result = data.experiments.get(experiment.id)
    if result is None:
        return "not run"
    return result["outcome"] if result.get("text_hash") == experiment.text_hash else "stale"


def badge(data: Data, experiment: Experiment) -> Element:
    outcome = state(data, experiment)
    when = data.experiments.get(experiment.id, {}).get("when")
    condition = f" {when}" if outcome == "holds when" and when else None
    return make("span", "nn-when", chip(outcome, kinds=EXPERIMENTS), condition)


def prediction(data: Data, experiment: Experiment, words: str = "prediction ") -> Element | None:
    """Whether what was predicted came; nothing where the result is of another text, or there is none."""
    result = data.experiments.get(experiment.id, {})
    if state(data, experiment) in ("not run", "stale") or not result.get("prediction"):
        return None
    return chip(result["prediction"], f"{words}{result['prediction']}", kinds=PREDICTIONS)


def facts(experiment: Experiment, result: Report) -> Element:
    """Measure, prediction (written before the first run), and why it came otherwise where it did."""
    made = make("dl", "nn-facts-list")
    pairs: list[tuple[str, Element]] = [
        ("Measure", prose("dd", experiment.measure)),
        ("Predicted", prose("dd", experiment.predicted)),
    ]
    if result.get("note"):
        pairs.append(("Remarks", prose("dd", result["note"])))
    for name, value in pairs:
        made.append(make("dt", "", name))
        made.append(value)
    return made


def effect(result: Report) -> list[Element | str]:
    """``gradient ratio 1.2e-8 [0.9e-8, 1.5e-8], 20 seeds``."""
    found = result.get("effect") or {}
    unit = f" {found['unit']}" if found.get("unit") else ""
    parts: list[Element | str] = [f"{found.get('name', 'effect')} "]
    parts.append(make("strong", "", f"{number(found.get('value'))}{unit}"))
    if found.get("interval"):
        low, high = found["interval"]
        parts.append(f", interval {number(low)} to {number(high)}")
    if result.get("seeds"):
        parts.append(f", {plural(result['seeds'], 'seed')}")
    return parts


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
    return table(["number", "came", "expected", "the claim needs"], made, "nn-expected")


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
    return "–" if value is None else str(value)


def provenance(result: Report) -> Element:
    """Which form was run, with which versions and when."""
    versions = ", ".join(f"{name} {version}" for name, version in result.get("versions", {}).items())
    form = f"{result.get('form', 'full')} form"
    made = make("p", "nn-provenance", f"{form}, measured {result.get('date', 'on an unknown day')}")
    if versions:
        made.append(make("span", "", f" with {versions}"))
    made.append(make("span", "", ". Run it again: "))
    made.append(code(f"nnspec experiments --slow {result['id']}"))
    if recorded := result.get("recorded"):
        made.append(make("span", "", f". {when_predicted(recorded)}"))
    return made


def when_predicted(recorded: Report) -> str:
    """What git knows of the prediction: committed before the run; and whether another result was known by then."""
    words = f"Prediction committed before this run, in {recorded['commit'][:10]}"
    if recorded["known"]:
        words += f"; a result of {recorded['known']} was known when it was put into these numbers"
    return f"{words}."
