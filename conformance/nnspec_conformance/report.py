"""Results of a run as data: the report's JSON, JUnit XML, and the hash that tells whether a report is still current."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import math
import os
import platform
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from nnspec_conformance import __version__
from nnspec_conformance.clauses import find_spec
from nnspec_conformance.errors import HarnessError, one_line
from nnspec_conformance.outcome import FAIL, HARNESS_ERROR, KNOWN, NOT_IMPLEMENTED, OUTCOMES, Result
from nnspec_conformance.subject import Subject

SCHEMA = "nnspec-report/1"
PACKAGES = (
    "numpy", "scipy", "ml_dtypes", "jax", "jaxlib", "flax", "optax", "torch", "keras", "tensorflow", "tensorflow_cpu"
)  # fmt: skip


def finite(x: Any) -> Any:
    """Floats that JSON cannot hold become the strings inf, -inf and nan, in nested data too; foreign objects, text."""
    if isinstance(x, dict):
        return {str(k): finite(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [finite(v) for v in x]
    if hasattr(x, "dtype") and getattr(x, "shape", None) == ():
        return finite(x.item())
    if isinstance(x, float) and not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    return x if isinstance(x, bool | int | float | str | None) else one_line(repr(x))


def tree_hash(adapter: Any = None) -> str:
    """Of everything a report depends on: specification, suite, reference, and the adapter's own file."""
    here = Path(__file__).resolve().parent
    roots = [find_spec(), here, here.parents[1] / "reference" / "nnspec"]
    files = [p for root in roots if root.is_dir() for p in root.rglob("*") if p.suffix in (".py", ".md", ".toml")]
    files = [p for p in files if "benchmarks" not in p.parts and "experiments" not in p.parts]
    own = getattr(adapter, "__file__", None)
    digest = hashlib.sha256()
    for path in sorted(set(files) | ({Path(own)} if own else set()), key=lambda p: (p.name, str(p))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Installed versions of the packages a result may depend on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def today() -> str:
    """The date, or the one that SOURCE_DATE_EPOCH names."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC) if epoch else datetime.datetime.now(datetime.UTC)
    return now.date().isoformat()


def as_report(subject: Subject, results: list[Result], *, complete: bool) -> dict:
    """The report of a run, JSON-ready."""
    device = getattr(subject.adapter, "DEVICE", "cpu")
    return finite(
        {
            "schema": SCHEMA,
            "subject": {
                "name": subject.name,
                "version": subject.version,
                "role": subject.role,
                "dtypes": list(subject.dtypes),
                "variants": subject.variants,
                "defaults": subject.defaults,
            },
            "environment": {
                "python": platform.python_version(),
                "platform": f"{platform.system()}-{platform.machine()}",
                "device": str(device() if callable(device) else device),
                "packages": versions(),
            },
            "date": today(),
            "suite": {
                "version": __version__,
                "tree": tree_hash(subject.adapter),
                "tier": "normal",
                "complete": complete,
            },
            "results": {r.instance: r.as_dict() for r in results},
        }
    )


def write(data: dict, path: Path) -> None:
    """Write JSON; folders are made, and an interrupted write leaves the old file.

    Raises:
        HarnessError: the file cannot be written.
    """
    write_text(json.dumps(data, indent=1, allow_nan=False, sort_keys=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Likewise, of any text."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + ".part")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}; {WRITABLE}") from error


WRITABLE = "choose a file in a folder that can be written"


def check_writable(path: Path) -> None:
    """See before a long run whether its results can be written.

    Raises:
        HarnessError: they cannot.
    """
    if path.is_dir():
        raise HarnessError(f"{path}: is a folder; {WRITABLE}")
    parent = next(p for p in path.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise HarnessError(f"{path}: {parent} is not a folder that can be written; {WRITABLE}")


def junit(subject: Subject, results: list[Result]) -> str:
    """JUnit XML: a test case for every instance."""
    suites = ElementTree.Element("testsuites")
    counts = {
        "tests": str(len(results)),
        "failures": str(sum(r.outcome == FAIL for r in results)),
        "errors": str(sum(r.outcome == HARNESS_ERROR for r in results)),
        "skipped": str(sum(r.outcome in (NOT_IMPLEMENTED, KNOWN) for r in results)),
        "time": f"{sum(r.seconds for r in results):.3f}",
    }
    suite = ElementTree.SubElement(suites, "testsuite", {"name": f"nnspec {subject.name}"} | counts)
    for r in results:
        place = {"classname": r.clause.page.replace("/", "."), "name": r.instance, "time": f"{r.seconds:.3f}"}
        case = ElementTree.SubElement(suite, "testcase", place)
        kinds = {FAIL: "failure", HARNESS_ERROR: "error", NOT_IMPLEMENTED: "skipped", KNOWN: "skipped"}
        if r.outcome in kinds:
            text = one_line(r.message or "", 1000)
            told = {"message": one_line(r.reason, 1000) if r.reason else text}
            ElementTree.SubElement(case, kinds[r.outcome], told).text = text
        if r.not_run:
            ElementTree.SubElement(case, "system-out").text = one_line(f"not run {', '.join(r.not_run)}", 1000)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def counts(results: list[Result]) -> dict[str, int]:
    """How many of each outcome; outcomes that did not occur are left out."""
    return {o: n for o in OUTCOMES if (n := sum(r.outcome == o for r in results))}
