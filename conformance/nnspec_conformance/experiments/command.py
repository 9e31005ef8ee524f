"""``nnspec experiments``: run them, compare with what is committed, record."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from nnspec_conformance.clauses import Experiment, Spec, load_spec
from nnspec_conformance.errors import HarnessError, one_line
from nnspec_conformance.experiments import core, record
from nnspec_conformance.intervals import Intervals
from nnspec_conformance.progress import progress
from nnspec_conformance.results import COMMITTED, load_experiments, write_experiment

DESCRIPTION = (
    "Run the measured claims on the reference. The short form, in seconds, is the same code at the smallest size, and "
    "has an expectation of its own; the full form measures. Exit status: 0 all as expected or as committed, 1 one is "
    "not, 2 could not run."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``nnspec experiments``."""
    parser.description = DESCRIPTION
    parser.add_argument("ids", nargs="*", metavar="ID", help="experiments to run; all where none is named")
    parser.add_argument("--slow", action="store_true", help="the full form, with the seeds that the page states")
    parser.add_argument("--list", action="store_true", help="list the experiments with their committed outcomes")
    parser.add_argument(
        "--record",
        action="store_true",
        help="write the results over the committed ones; only with --slow, and only where git has the prediction",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the results as JSON into DIR, a file a topic")


def run(options: argparse.Namespace) -> int:
    """``nnspec experiments``; returns the exit status."""
    spec, committed = load_spec(), load_experiments()
    if options.list:
        return _list(spec, committed)
    if importlib.util.find_spec("jax") is None:
        raise HarnessError("experiments run on the reference, which needs jax; pip install 'nnspec[experiments]'")
    known = core.discover()
    for id in options.ids:
        if id not in known:
            raise HarnessError(f"unknown experiment '{id}'; known: {', '.join(sorted(known))}")
    chosen = [known[id] for id in options.ids or sorted(known)]
    if options.record and not options.slow:
        raise HarnessError("--record needs --slow: only full forms are recorded")
    commits = {one.id: record.commit_of(core.block(spec, one.id), spec) for one in chosen if options.record}
    statuses = {}
    for id in progress([one.id for one in chosen], "experiments", bar=False):
        statuses[id] = _one(known[id], spec, committed, commits, options.slow, options.out)
    if odd := [id for id, status in statuses.items() if status]:
        print(f"experiments that did not come as they should: {', '.join(odd)}")
    return max(statuses.values(), default=0)


def _list(spec: Spec, committed: dict[str, dict]) -> int:
    for id, text in sorted(spec.experiments.items()):
        old = committed.get(id)
        status = verdict(old) if old else "no committed result"
        stale = ", stale: the text has changed since" if old and old["text_hash"] != text.text_hash else ""
        print(f"{id:28}{text.kind:12}{text.page:36}{status}{stale}")
    return 0


def _one(
    one: core.Registered,
    spec: Spec,
    committed: dict[str, dict],
    commits: dict[str, str],
    slow: bool,
    out: Path | None,
) -> int:
    """Run, print and record one experiment; its exit status."""
    text, old = core.block(spec, one.id), committed.get(one.id)
    print(f"{one.id} ...", flush=True)
    try:
        result = core.run(one, text, slow=slow)
    except HarnessError as error:
        print(f"nnspec: {error}", file=sys.stderr)
        return 2
    except Exception as error:  # one that breaks must not lose the others' results
        print(f"nnspec: {one.id} broke: {type(error).__name__}: {one_line(error)}", file=sys.stderr)
        return 2
    folders = [out] if out else []
    if one.id in commits:
        result["recorded"] = record.recorded(text, commits[one.id], old)
        folders.append(COMMITTED / "experiments")
    status = _show_full(text, result, old) if slow else _show_short(text, result)
    for folder in folders:
        print(f"  written: {write_experiment(result, folder)}")
    return status


def _show_short(text: Experiment, result: dict) -> int:
    """Print what the short form expected and what came; its exit status."""
    _rows(text.short, result["came"], ("as expected", "NOT as expected"))
    words = "as expected" if result["as_expected"] else "NOT as expected"
    print(f"  short form, {result['seconds']} s: {words}; the claim is measured by --slow")
    return 0 if result["as_expected"] else 1


def _show_full(text: Experiment, result: dict, old: dict | None) -> int:
    """Print what was expected and what came, the claim's outcome and the prediction's; the exit status."""
    _rows(text.expect, result["came"], ("met", "missed"))
    print(f"  prediction {result['prediction']}")
    _rows(text.holds, result["came"], ("as the claim needs", "against the claim"))
    for condition, signs in text.unless.items():
        print(f"  the claim holds only when {condition}, where one of these is so:")
        _rows(signs, result["came"], ("so it is", "not so"))
    print(f"  claim {claim(result)}  ({result['seconds']} s)")
    effect = result["effect"]
    low, high = effect["interval"]
    print(f"  {effect['name']}: {effect['value']} [{low}, {high}] {effect['unit']}".rstrip())
    if old and old["text_hash"] != result["text_hash"]:
        print("  the committed result is stale: the text has changed since; record it again")
    elif old and (old["outcome"], old.get("prediction")) != (result["outcome"], result["prediction"]):
        print(f"  CONTRADICTS the committed outcome of {old['date']}: {verdict(old)}")
        return 1
    return 0


def _rows(stated: Intervals, came: dict, words: tuple[str, str]) -> None:
    """A line a number: its name, what was stated, what came, and which of two words applies."""
    for name, bounds in stated.items():
        number = came[name]
        shown = f"{number:.6g}" if isinstance(number, (int, float)) else number
        print(f"  {name:52} {bounds!s:>22}   came {shown:<12} {words[0] if number in bounds else words[1]}")


def claim(result: dict) -> str:
    """The claim's outcome with its condition."""
    return f"{result['outcome']} {result['when']}" if result.get("when") else result["outcome"]


def verdict(result: dict) -> str:
    """The claim's outcome and the prediction's."""
    return f"{claim(result)}; prediction {result.get('prediction', 'not judged')}"
