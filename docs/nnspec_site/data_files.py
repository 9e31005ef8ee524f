"""The site's data as files: clauses, results, wrong implementations and the schemas, for programs that read the site.

Each is JSON, and once more as a script that puts the same object into ``nnspecData``: a browser refuses to fetch a file
from file://, but loads a script.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnspec_conformance.clauses import as_dict
from nnspec_conformance.results import as_text, jsonable
from nnspec_site import differences, tryouts
from nnspec_site.assets import ROOT
from nnspec_site.data import Data
from nnspec_site.rendering import clause_address

REPORT = ("schema", "subject", "environment", "suite", "topics")
OWN = Path(__file__).resolve().parent / "schemas"
SHARED = ROOT / "conformance" / "nnspec_conformance" / "schemas"
SCHEMAS = [
    OWN / "clauses.schema.json",
    OWN / "caught.schema.json",
    OWN / "differences.schema.json",
    OWN / "words.schema.json",
    OWN / "points.schema.json",
    SHARED / "report.schema.json",
]


def clauses(data: Data) -> dict:
    """Every clause with its tests and the address of its page."""
    found = {
        clause.id: as_dict(clause)
        | {"tests": data.tests.get(clause.id, []), "address": clause_address(clause.page, clause.id)[1:]}
        for clause in data.spec.clauses.values()
    }
    return {"schema": "nnspec-clauses/1", "clauses": jsonable(found)}


def caught(data: Data) -> dict:
    """What every instance catches."""
    return {"schema": "nnspec-caught/1", "instances": data.mutants}


def files(data: Data) -> Iterator[tuple[str, Any]]:
    """Name below ``data/`` without suffix, and content."""
    yield "clauses", clauses(data)
    yield "mutants", caught(data)
    if data.subjects:
        yield "differences", differences.content(data)
        yield "words", differences.words(data)
    yield from tryouts.files(data)
    for name, report in data.subjects.items():
        yield f"results/{name}", {key: report[key] for key in REPORT if key in report}


def stage(data: Data, folder: Path) -> None:
    """Write every file, as JSON and as a script, and copy the schemas."""
    for name, content in files(data):
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = as_text(content, 3)
        path.write_text(text + "\n", encoding="utf-8")
        script = f"(globalThis.nnspecData ??= {{}})[{json.dumps(name)}] = {text};\n"
        path.with_suffix(".js").write_text(script, encoding="utf-8")
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    for schema in SCHEMAS:
        (folder / "schemas" / schema.name).write_bytes(schema.read_bytes())
