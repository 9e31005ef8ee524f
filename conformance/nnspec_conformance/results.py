"""Where committed results lie and how they are read. Results are JSON: loading them executes nothing."""

from __future__ import annotations

import json
from pathlib import Path

from nnspec_conformance.errors import HarnessError

COMMITTED = Path(__file__).resolve().parent / "results"


def results_dirs() -> list[Path]:
    """The committed results, then a checkout's own fresh ones (``build/results``), which win."""
    overlay = Path(__file__).resolve().parents[2] / "build" / "results"
    return [COMMITTED] + ([overlay] if overlay.is_dir() else [])


def read_json(path: Path) -> dict:
    """One result file.

    Raises:
        HarnessError: the file is missing or is not JSON.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: not JSON ({error}); write it again with the command that made it") from error
    if not isinstance(data, dict):
        raise HarnessError(f"{path}: expected a JSON object; write it again with the command that made it")
    return data


def _folder(name: str) -> dict[str, dict]:
    found = {}
    for root in results_dirs():
        for path in sorted((root / name).glob("*.json")):
            found[path.stem] = read_json(path)
    return found


def load_subjects() -> dict[str, dict]:
    """Reports by subject: the reference first, then the oracle, then the others by name."""
    order = {"reference": 0, "oracle": 1}
    reports = _folder("subjects")
    return dict(sorted(reports.items(), key=lambda kv: (order.get(kv[1]["subject"]["role"], 2), kv[0])))


def load_experiments() -> dict[str, dict]:
    """Outcomes by experiment id."""
    return _folder("experiments")


def load_benchmarks() -> dict[str, dict]:
    """Benchmark files by machine."""
    return _folder("benchmarks")


def load_mutants() -> dict:
    """The kill table, ``{"instances": {}}`` where none was recorded."""
    found: dict = {"schema": "nnspec-mutants/1", "instances": {}}
    for root in results_dirs():
        if (root / "mutants.json").is_file():
            found = read_json(root / "mutants.json")
    return found
