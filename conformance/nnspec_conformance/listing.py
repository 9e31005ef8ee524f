"""The clauses as a list: what they say, what proves them, and how sharply."""

from __future__ import annotations

from typing import Any

from nnspec_conformance.clauses import as_dict
from nnspec_conformance.kill_table import load_mutants
from nnspec_conformance.mutation import mutants_of
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.verdict import plain


def rows(suite: Suite) -> list[dict[str, Any]]:
    """JSON-ready: every clause with its tests, the mutants that it must catch, and its recorded power."""
    recorded = load_mutants()
    found = []
    for clause in suite.spec.clauses.values():
        powers = [recorded[i]["power"] for i in clause.instances if i in recorded]
        found.append(
            as_dict(clause)
            | {
                "tests": [t.name for t in suite.tests.get(clause.id, [])],
                "mutants": sorted({m.name for i in clause.instances for m in mutants_of(suite, i)}),
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
