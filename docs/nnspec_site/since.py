"""Tells with which version something was measured, and since which of the kept versions it has been the same.

A line of a subject's ``history.jsonl`` says by instance what was no pass, below ``otherwise``. Of an early line, which
does not say so, only its counts are known, and nothing is claimed of it.
"""

from __future__ import annotations

from nnspec_conformance.history import otherwise
from nnspec_site.data import Data, Report


def said(data: Data, name: str, page: str, instances: list[str]) -> str:
    """``Measured with torch 2.13.0 on 2026-11-29; the same since torch 2.12.0.``; empty without a version.

    Args:
        data: with the subject's report and its history.
        name: of the subject.
        page: the topic, whose day of measurement is told.
        instances: of which any has to have been as it is now.
    """
    report = data.subjects[name]
    version = report["subject"].get("version", "")
    if not version:
        return ""
    date = report.get("topics", {}).get(page, {}).get("date", report.get("date", ""))
    text = f"Measured with {name} {version}" + (f" on {date}" if date else "")
    oldest = first(data.history.get(name, []), report, instances)
    return text + (f"; the same since {name} {oldest}" if oldest != version else "")


def first(lines: list[Report], report: Report, instances: list[str]) -> str:
    """The oldest version of those in a row, up to the newest, in which one of the instances was what it is now.

    Args:
        lines: of the history, the oldest first; that of the report's own version is passed over.
        report: what was measured last.
        instances: names of instances of the report.
    """
    results = report["results"]
    now = {one: otherwise(one, results[one]) for one in instances if one in results}
    oldest = version = report["subject"].get("version", "")
    for line in reversed(lines):
        if line["version"] == version:
            continue
        then = line.get("otherwise", {})
        if not any(what and then.get(one) == what for one, what in now.items()):
            break
        oldest = line["version"]
    return oldest
