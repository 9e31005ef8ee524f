"""Experiments as their pages claim them: the hypothesis, what is measured, what was expected before the first run."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from nnspec_conformance.blocks import Block
from nnspec_conformance.intervals import Intervals, interval

KINDS = ("experiment", "theorem", "benchmark")
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Experiment:
    """One measured claim.

    Attributes:
        id: slug, unique.
        kind: experiment, theorem or benchmark.
        page: for instance ``components/activations``.
        line: where its block starts.
        text: the claim, as hypothesis.
        measure: what is measured, and how.
        predicted: the expected effect and its reason.
        expect: the same in numbers: between which bounds each measured number is expected.
        holds: between which bounds they all have to lie for the claim to hold.
        unless: condition to bounds; where a number lies within, the claim holds only under that condition.
        short: what the short form expects, which is the same code at a small size.
        seeds: how many the full form has; None where nothing is drawn.
        proves: statements of the source, by id.
    """

    id: str
    kind: str
    page: str
    line: int
    text: str
    measure: str
    predicted: str
    expect: Intervals
    holds: Intervals
    unless: dict[str, Intervals]
    short: Intervals
    seeds: int | None
    proves: tuple[str, ...]

    @property
    def text_hash(self) -> str:
        """The hash of everything that a result depends on; a result with another one is stale."""
        return _digest(self.kind, self.measure, self.prediction_hash)

    @property
    def prediction_hash(self) -> str:
        """The hash of the claim, of what is expected and of what decides: all that must stand before the first run."""
        numbers = [self.expect, self.holds, *self.unless.values()]
        bounds = [[(name, stated.low, stated.high) for name, stated in one.items()] for one in numbers]
        return _digest(" ".join(self.text.split()), " ".join(self.predicted.split()), bounds, list(self.unless))


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def read_experiment(block: Block, page: str) -> Experiment:
    """The experiment that a block claims.

    Raises:
        SpecError: anything about the block is wrong; one line.
    """
    if not ID.fullmatch(block.argument):
        raise block.fail(f"experiment id '{block.argument}' is not lower case with hyphens")
    for option in ("measure", "predicted", "expect", "holds", "short", "proves"):
        if not block.options.get(option):
            raise block.fail(f"experiment {block.argument} lacks the option '{option}'; add it before the first run")
    if block.options.get("kind", "experiment") not in KINDS:
        kind = block.options["kind"]
        raise block.fail(f"experiment {block.argument} has kind '{kind}'; use one of {', '.join(KINDS)}")
    seeds = block.options.get("seeds")
    if seeds is not None and (type(seeds) is not int or seeds < 1):
        raise block.fail(f"experiment {block.argument}: 'seeds' is {seeds!r}; write a count, or leave it out")
    unless = block.options.get("unless") or {}
    if not isinstance(unless, dict):
        raise block.fail(f"experiment {block.argument}: 'unless' is no mapping; write a condition and its intervals")
    return Experiment(
        id=block.argument,
        kind=block.options.get("kind", "experiment"),
        page=page,
        line=block.line,
        text=block.text,
        measure=str(block.options["measure"]),
        predicted=str(block.options["predicted"]),
        expect=_intervals(block, "expect", block.options["expect"]),
        holds=_intervals(block, "holds", block.options["holds"]),
        unless={str(words): _intervals(block, "unless", signs) for words, signs in unless.items()},
        short=_intervals(block, "short", block.options["short"]),
        seeds=seeds,
        proves=proves(block),
    )


def _intervals(block: Block, option: str, given: Any) -> Intervals:
    """The intervals of an option, by the name of the measured number."""
    if not isinstance(given, dict):
        raise block.fail(f"experiment {block.argument}: '{option}' is no mapping; write lines 'name: [low, high]'")
    found: Intervals = {}
    for name, bounds in given.items():
        try:
            found[str(name)] = interval(bounds)
        except ValueError as error:
            raise block.fail(f"experiment {block.argument}, '{option}', {name}: {error}") from error
    return found


def proves(block: Block) -> tuple[str, ...]:
    """The ids of the option 'proves': one, or a list."""
    given = block.options.get("proves", [])
    listed = given if isinstance(given, list) else [given]
    if not all(isinstance(statement, str) for statement in listed):
        raise block.fail(f"{block.name} {block.argument}: 'proves' is {given!r}; write A.4.1 or [A.4.1, A.5]")
    return tuple(listed)
