"""The clauses as a list: what they say, what proves them, and how sharply."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from nnspec_conformance import gate
from nnspec_conformance.clauses import as_dict
from nnspec_conformance.holes.table import out_of_step
from nnspec_conformance.kill_table import load_mutants
from nnspec_conformance.mutation import module_mutants, mutants_of
from nnspec_conformance.suite_loader import Suite, load_suite
from nnspec_conformance.verdict import plain


def clauses(options: argparse.Namespace) -> int:
    """``nnspec clauses``: the list, or whether all is in step; status 2 if it is not."""
    suite = load_suite()
    if options.check:
        problems = [*gate.check(suite), *out_of_step(suite)]
        for problem in problems:
            print(f"nnspec: {problem}", file=sys.stderr)
        if not problems:
            spec = suite.spec
            print(
                f"{len(spec.clauses)} clauses, {len(suite.instances)} instances, {len(spec.experiments)} experiments, "
                f"{len(spec.statements)} reference statements on {len(spec.pages)} pages, in step; "
                f"{len(gate.planned(spec))} statements of the source are planned"
            )
        return 2 if problems else 0
    chosen = {name.split("[")[0] for name in suite.select(options.clauses)}
    found = rows(suite, chosen)
    print(json.dumps(found, indent=1) if options.json else text(found))
    return 0


def rows(suite: Suite, chosen: Collection[str]) -> list[dict[str, Any]]:
    """JSON-ready: the chosen clauses with their tests, the mutants that they must catch, and their recorded power."""
    recorded = load_mutants()
    caught: dict[str, set[str]] = {}  # names of hand-written mutants by instance; to look for each instance takes long
    for mutant in module_mutants(suite):
        for instance in mutant.catches:
            caught.setdefault(instance, set()).add(mutant.name)
    pairs = replace(suite, mutant_modules=[])  # of readings
    found = []
    for clause in (one for one in suite.spec.clauses.values() if one.id in chosen):
        names = {m.name for i in clause.instances for m in mutants_of(pairs, i)}
        powers = [recorded[i]["power"] for i in clause.instances if i in recorded]
        found.append(
            as_dict(clause)
            | {
                "tests": [t.name for t in suite.tests.get(clause.id, [])],
                "mutants": sorted(names.union(*(caught.get(i, ()) for i in clause.instances))),
                "power": min(powers, key=float, default=None),
            }
        )
    return found


def text(clauses: list[dict[str, Any]]) -> str:
    """One line and the text for each clause, by page."""
    lines, page = [], None
    for row in clauses:
        if row["page"] != page:
            page = row["page"]
            lines += [f"\n{page}" if lines else page]
        power = (
            "-" if row["power"] is None else row["power"] if isinstance(row["power"], str) else f"{row['power']:.3g}"
        )
        count = f"{len(row['instances'])} instance{'s' * (len(row['instances']) != 1)}"
        variants = f", readings {', '.join(row['variants'])}" if row["variants"] else ""
        proof = f"{count}, {len(row['mutants'])} mutants, power {power}{variants}"
        lines.append(f"  {row['id']:<34} {row['level']:<8} {row['kind']:<9} {proof}")
        lines.append(f"      {plain(row['text'])}")
    return "\n".join(lines)
