"""``/// experiment | id``: a claim and what came of it, with a link to how it was measured."""

from __future__ import annotations

from nnspec_conformance.clauses import Experiment
from nnspec_site import data as site_data
from nnspec_site.blocks.base import SiteBlock, heading_below, options
from nnspec_site.data import Data, Report
from nnspec_site.html import Element, make, number, plural
from nnspec_site.outcomes import EXPERIMENTS, PREDICTIONS, chip
from nnspec_site.rendering import experiment_address


class ExperimentBlock(SiteBlock):
    """Id and the two words, the claim, one sentence of result; the rest has a page of its own."""

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
        more = make("a", "nn-more", "How it was measured", href=experiment_address(self.experiment))
        line = make("p", "nn-result")
        if self.result:
            line.extend([make("span", "nn-label", "Measured"), make("span", "", " ", *effect(self.result), ". ")])
        line.append(more)
        block.append(line)


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


def effect(result: Report) -> list[Element | str]:
    """``gradient ratio 1.2e-8 [0.9e-8, 1.5e-8], 20 seeds``."""
    found = result.get("effect") or {}
    unit = f" {found['unit']}" if found.get("unit") else ""
    parts: list[Element | str] = [f"{found.get('name', 'effect')} "]
    parts.append(make("strong", "", f"{number(found.get('value'))}{unit}"))
    low, high = map(number, found.get("interval") or (0, 0))
    if low != high:
        parts.append(f", interval {low} to {high}")
    if result.get("seeds"):
        parts.append(f", {plural(result['seeds'], 'seed')}")
    return parts
