"""``nnspec history``: one line for each version of a subject that was measured, kept beside its results."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from nnspec_conformance.errors import HarnessError
from nnspec_conformance.outcome import FAIL, KNOWN, OUTCOMES, VARIANT
from nnspec_conformance.report import load_subjects
from nnspec_conformance.results import COMMITTED, write_text

FILE = "history.jsonl"


def line(report: dict) -> dict:
    """What one version came to: its number, the suite's, the last day, how many instances have which outcome.

    Below ``otherwise`` stands by instance what was no pass, at most some 30 KB.
    """
    counts = Counter(result["outcome"] for result in report["results"].values())
    return {
        "version": report["subject"]["version"],
        "suite": report["suite"]["version"],
        "date": report["date"],
        "outcomes": {name: counts[name] for name in OUTCOMES if counts[name]},
        "otherwise": {name: what for name, result in report["results"].items() if (what := otherwise(name, result))},
    }


def otherwise(instance: str, result: dict) -> str:
    """What an instance has that is no pass: its readings, or that it is wrong, declared or not; empty for a pass."""
    if result["outcome"] in (KNOWN, FAIL):
        return "wrong"
    if result["outcome"] != VARIANT:
        return ""
    return ", ".join(map(str, result.get("readings", {}).get(instance.partition("[")[0], [VARIANT])))


def read(folder: Path) -> list[dict]:
    """The lines of a subject's folder, the oldest first; none where nothing was kept.

    Lines of early versions have no ``otherwise``: of these the counts alone are known.

    Raises:
        HarnessError: a line is none of these; says which.
    """
    path = folder / FILE
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines() if path.is_file() else [], 1):
        try:
            one = json.loads(text)
            kept = {name: one[name] for name in ("version", "suite", "date", "outcomes")}
            found.append(kept | ({"otherwise": dict(one["otherwise"])} if "otherwise" in one else {}))
        except (ValueError, KeyError, TypeError) as error:
            raise HarnessError(f"{path}:{number}: no line of a history; take it out") from error
    return found


def with_new(lines: list[dict], new: dict) -> list[dict]:
    """The lines with one more; it takes the place of that of the same version of subject and suite."""
    key = (new["version"], new["suite"])
    return [one for one in lines if (one["version"], one["suite"]) != key] + [new]


def run(options: argparse.Namespace) -> int:
    """Print every line; with ``--record`` write that of what was measured last first."""
    for name, report in load_subjects().items():
        folder = COMMITTED / "subjects" / name
        lines = read(folder)
        if options.record and folder.is_dir():
            lines = with_new(lines, line(report))
            write_text("".join(json.dumps(one) + "\n" for one in lines), folder / FILE)
        for one in lines:
            counts = ", ".join(f"{count} {outcome}" for outcome, count in one["outcomes"].items())
            print(f"{name} {one['version']}, suite {one['suite']}, {one['date']}: {counts}")
    return 0
