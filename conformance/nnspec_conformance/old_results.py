"""Reads results of earlier versions: reports and kill tables that were one file for all topics."""

from __future__ import annotations

from pathlib import Path

from nnspec_conformance.errors import HarnessError
from nnspec_conformance.outcome import FAIL, HARNESS_ERROR, NOT_IMPLEMENTED, filled

UNKNOWN = "0" * 16  # what the result was measured of is not known by topic, so that it is never current


def report_of(data: dict, path: Path) -> dict:
    """A report in today's form; one that is so already is handed back.

    Raises:
        HarnessError: it is an earlier report that lacks something; names the instance.
    """
    if data.get("schema") != "nnspec-report/1":
        return data
    topics: dict[str, dict] = {}
    where = "its head"
    try:
        packages = {"python": data["environment"]["python"]} | data["environment"]["packages"]
        for where, old in data["results"].items():
            topic = topics.setdefault(old["page"], {"date": data["date"], "inputs": UNKNOWN, "results": {}})
            topic["results"][where] = _record(old)
        where = "its head"
        return {
            "schema": "nnspec-report/2",
            "subject": {key: data["subject"][key] for key in ("name", "version", "role", "dtypes")},
            "environment": {
                "platform": data["environment"]["platform"],
                "device": data["environment"]["device"],
                "packages": packages,
            },
            "suite": {"version": data["suite"]["version"]},
            "topics": topics,
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise HarnessError(f"{path}: {where}: no report of an earlier version ({error!r}); write it again") from error


def _record(old: dict) -> dict:
    """One result, with a single entry: in which test and dtype the worst was found was not recorded."""
    outcome, wrong = old["outcome"], old["outcome"] in (FAIL, "known failure")
    missing = outcome == NOT_IMPLEMENTED
    ratio = "inf" if wrong and (old["ratio"] is None or float(old["ratio"]) <= 1) else old["ratio"]
    entry = {
        "test": "",
        "outcome": outcome if wrong or missing or outcome == HARNESS_ERROR else None,
        "ratio": None if missing or outcome == HARNESS_ERROR else ratio or None,
        "cases": max(old["cases"], 1) if wrong else old["cases"] if not missing else None,
        "message": old["message"] if wrong or outcome == HARNESS_ERROR else None,
        "reason": old["reason"] if outcome == "known failure" else None,
        "worst": old["worst"] if wrong else None,
        "missing": [old["message"]] if missing else None,
    }
    kept = {name: old[name] for name in ("outcome", "text_hash", "readings", "dtypes", "fits")}
    return filled(kept | {"entries": [filled(entry)]})


def old_kills(data: dict, path: Path) -> dict[str, dict]:
    """The rows of a kill table of an earlier version, which was one file.

    Raises:
        HarnessError: it is none.
    """
    if data.get("schema") != "nnspec-mutants/1" or not isinstance(data.get("instances"), dict):
        raise HarnessError(f"{path}: no kill table of an earlier version; remove it, or write it with nnspec mutants")
    return data["instances"]
