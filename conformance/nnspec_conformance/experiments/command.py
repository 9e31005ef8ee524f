"""``nnspec experiments``: run them, compare with what is committed, record."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nnspec_conformance.clauses import Spec, load_spec
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.experiments import core
from nnspec_conformance.results import COMMITTED, load_experiments


def parser() -> argparse.ArgumentParser:
    """The command line of ``nnspec experiments``."""
    made = argparse.ArgumentParser(
        prog="nnspec experiments",
        description="Run the measured claims on the reference and compare their outcomes with the committed ones. "
        "Exit status: 0 all agree, 1 an outcome contradicts the committed one, 2 could not run.",
    )
    made.add_argument("ids", nargs="*", metavar="ID", help="experiments to run; all where none is named")
    made.add_argument("--slow", action="store_true", help="the full form, with the seeds that the page states")
    made.add_argument("--list", action="store_true", help="list the experiments with their committed outcomes")
    made.add_argument("--record", action="store_true", help="write the results over the committed ones")
    made.add_argument("--out", type=Path, metavar="DIR", help="write the results as JSON into DIR")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``nnspec experiments`` with these arguments; returns the exit status."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as done:
        return int(done.code or 0)
    try:
        known, spec, committed = core.discover(), load_spec(), load_experiments()
        if options.list:
            return _list(known, spec, committed)
        for id in options.ids:
            if id not in known:
                raise HarnessError(f"unknown experiment '{id}'; known: {', '.join(sorted(known))}")
        chosen = [known[id] for id in options.ids or sorted(known)]
        return max([_one(one, spec, committed, options) for one in chosen], default=0)
    except HarnessError as error:
        print(f"nnspec experiments: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nnspec experiments: interrupted; what had ended is kept", file=sys.stderr)
        return 2


def _list(known: dict[str, core.Registered], spec: Spec, committed: dict[str, dict]) -> int:
    for id in sorted(known):
        text, old = core.block(spec, id), committed.get(id)
        status = verdict(old) if old else "no committed result"
        stale = ", stale: the text has changed since" if old and old["text_hash"] != text.text_hash else ""
        print(f"{id:28}{text.kind:12}{text.page:36}{status}{stale}")
    return 0


def _one(one: core.Registered, spec: Spec, committed: dict[str, dict], options: argparse.Namespace) -> int:
    """Run, print and record one experiment; its exit status."""
    text = core.block(spec, one.id)
    print(f"{one.id} ...", flush=True)
    try:
        result = core.run(one, text, slow=options.slow)
    except HarnessError as error:
        print(f"nnspec experiments: {error}", file=sys.stderr)
        return 2
    except Exception as error:  # one that breaks must not lose the others' results
        print(f"nnspec experiments: {one.id} broke: {type(error).__name__}: {_line(error)}", file=sys.stderr)
        return 2
    effect, old = result["effect"], committed.get(one.id)
    low, high = effect["interval"]
    print(f"  {verdict(result)}  ({result['form']} form, {result['seconds']} s)")
    print(f"  {effect['name']}: {effect['value']} [{low}, {high}] {effect['unit']}".rstrip())
    for folder in [options.out] * bool(options.out) + [COMMITTED / "experiments"] * options.record:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{one.id}.json"
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"  written: {path}")
    if old and old["text_hash"] != result["text_hash"]:
        print("  the committed result is stale: the text has changed since; record it again")
    if old and old["outcome"] != result["outcome"]:
        print(f"  CONTRADICTS the committed outcome of {old['date']}: {verdict(old)}")
        return 1
    return 0


def verdict(result: dict) -> str:
    """The outcome with its condition."""
    return f"{result['outcome']} {result['when']}" if result.get("when") else result["outcome"]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or "no message"
