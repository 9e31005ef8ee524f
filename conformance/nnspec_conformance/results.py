"""Where results lie, how they are written and how they are read. Results are JSON: loading them executes nothing.

Every kind lies in files by topic, ``<kind>/.../<section>/<topic>.json``, one line for each thing measured, so that two
topics never meet in a file and a line that changed is a result that changed.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from nnspec_conformance.errors import HarnessError, one_line

COMMITTED = Path(__file__).resolve().parent / "results"
EXPERIMENTS_SCHEMA = "nnspec-experiments/3"
BENCHMARK_SCHEMA, MACHINE_SCHEMA, WORKLOADS_SCHEMA = "nnspec-benchmark/1", "nnspec-machine/1", "nnspec-workloads/1"
SAID = frozenset({"schema", "id", "page", "kind", "hypothesis", "predicted", "measure", "seconds"})
OTHER_NAMES = {"tensorflow": ("tensorflow-cpu", "tensorflow-macos", "tensorflow-intel", "tf-nightly")}
WRITABLE = "choose a file in a folder that can be written"
PACKAGES = (
    "nnspec", "numpy", "scipy", "ml_dtypes", "sklearn", "jax", "jaxlib", "flax", "optax", "torch", "keras", "tensorflow"
)  # fmt: skip
OF_SUITE = ("numpy", "scipy", "ml_dtypes")  # every expected value depends on these


def results_dirs() -> list[Path]:
    """The committed results, then a checkout's own fresh ones (``build/results``), which win."""
    overlay = Path(__file__).resolve().parents[2] / "build" / "results"
    return [COMMITTED] + ([overlay] if overlay.is_dir() else [])


# ---- what every record holds
def today() -> str:
    """The date, or the one that SOURCE_DATE_EPOCH names.

    Raises:
        HarnessError: it is no number of seconds since 1970, or too many.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        now = datetime.datetime.fromtimestamp(time.time() if epoch is None else int(epoch), datetime.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise HarnessError(
            f"SOURCE_DATE_EPOCH is {one_line(epoch, 40)!r}, expected whole seconds since 1970; unset it or correct it"
        ) from error
    return now.date().isoformat()


def versions(declared: tuple[str, ...] | None = None) -> dict[str, str]:
    """Python's, and those of the packages that a result depends on, so that it names no others.

    Args:
        declared: those beside the suite's own; whatever was imported if nobody says.
    """
    names = (name for name in PACKAGES if name in sys.modules) if declared is None else _in_order(declared)
    return {"python": platform.python_version()} | installed(names)


def _in_order(declared: tuple[str, ...]) -> list[str]:
    known = [name for name in PACKAGES if name in OF_SUITE or name in declared]
    return known + [name for name in declared if name not in known]


def installed(names: Any) -> dict[str, str]:
    """The versions of these packages, without those that are not installed."""
    found = {}
    for name in names:
        try:
            package = "scikit-learn" if name == "sklearn" else name
            found[package] = platform.python_version() if name == "python" else _version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _version(package: str) -> str:
    """A package's version, under whichever name it was installed.

    Raises:
        PackageNotFoundError: it is not installed.
    """
    for name in (package, *OTHER_NAMES.get(package, ())):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    raise metadata.PackageNotFoundError(package)


def jsonable(x: Any, digits: int | None = None) -> Any:
    """A value as JSON can hold it: built-in types; floats not finite as text, others rounded to ``digits``."""
    if isinstance(x, Mapping):
        return {str(k): jsonable(v, digits) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [jsonable(v, digits) for v in x]
    if hasattr(x, "tolist") and hasattr(x, "dtype"):
        return jsonable(x.tolist() if getattr(x, "shape", None) else x.item(), digits)
    if isinstance(x, float) and not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    if isinstance(x, float) and digits:
        return float(f"{x:.{digits}g}")
    return x if isinstance(x, bool | int | float | str | None) else one_line(repr(x))


# ---- writing
def as_text(data: Any, depth: int, indent: str = "") -> str:
    """JSON with one line for each entry down to a depth, and everything below on its line."""
    if depth and isinstance(data, dict) and data:
        lines = [f"{indent} {json.dumps(k)}: {as_text(v, depth - 1, indent + ' ')}" for k, v in data.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if depth and isinstance(data, list) and data:
        return "[\n" + ",\n".join(f"{indent} {as_text(v, depth - 1, indent + ' ')}" for v in data) + f"\n{indent}]"
    return json.dumps(data, allow_nan=False, ensure_ascii=False)


def write(data: dict, path: Path, depth: int = 2) -> None:
    """Write JSON; folders are made, and an interrupted write leaves the old file.

    Raises:
        HarnessError: the file cannot be written.
    """
    write_text(as_text(data, depth) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write text; folders are made, and an interrupted write leaves the old file.

    Raises:
        HarnessError: the file cannot be written.
    """
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write to, which takes its place at the end; a link is followed.

    Raises:
        HarnessError: it cannot be written; what was there is there still.
    """
    try:
        target = path.resolve()
        scratch = target.with_name(target.name + ".part")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield scratch
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror or error}; {WRITABLE}") from error


def check_writable(path: Path) -> None:
    """See before a long run whether its results can be written.

    Raises:
        HarnessError: they cannot.
    """
    try:
        if path.is_dir():
            raise HarnessError(f"{path}: is a folder; {WRITABLE}")
        if path.exists() and not path.is_file():
            raise HarnessError(f"{path}: is no regular file; {WRITABLE}")
        parent = next(p for p in path.absolute().parents if p.exists())
    except OSError as error:  # a name too long, a circle of links
        raise HarnessError(f"{one_line(path, 100)}: {error.strerror}; {WRITABLE}") from error
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise HarnessError(f"{path}: {parent} is not a folder that can be written; {WRITABLE}")


# ---- reading
def read_json(path: Path) -> dict:
    """One result file.

    Raises:
        HarnessError: the file is missing or is not JSON.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: no such file") from error
    except OSError as error:
        raise HarnessError(f"{one_line(path, 100)}: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HarnessError(f"{path}: not JSON ({error}); write it again with the command that made it") from error
    if not isinstance(data, dict):
        raise HarnessError(f"{path}: expected a JSON object; write it again with the command that made it")
    return data


def by_topic(folder: Path) -> dict[str, Path]:
    """The files of the topics below a folder, by the name of their page."""
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.glob("*/**/*.json"))}


def write_experiment(result: dict, folder: Path) -> Path:
    """Write what came of one experiment to the file of its page; returns its path.

    Left out are what the page says (hypothesis, measure, prediction: their hashes are kept), and what is empty.

    Raises:
        HarnessError: the file cannot be written, or is none of experiments.
    """
    path = folder / f"{result['page']}.json"
    known = _experiments_in(path) if path.is_file() else {}
    known[result["id"]] = {k: v for k, v in result.items() if k not in SAID and v is not None and v != {} and v != []}
    shown = {"schema": EXPERIMENTS_SCHEMA, "experiments": dict(sorted(known.items()))}
    write(shown, path, depth=3)
    return path


def load_experiments() -> dict[str, dict]:
    """Outcomes by experiment id, each with ``id`` and ``page``.

    Raises:
        HarnessError: a file is none of experiments.
    """
    found: dict[str, dict] = {}
    for root in results_dirs():
        for page, path in by_topic(root / "experiments").items():
            found |= {id: {"id": id, "page": page} | result for id, result in _experiments_in(path).items()}
    return found


def _experiments_in(path: Path) -> dict[str, dict]:
    data = read_json(path)
    if data.get("schema") != EXPERIMENTS_SCHEMA or not isinstance(data.get("experiments"), dict):
        raise HarnessError(
            f"{path}: schema is {data.get('schema')!r}, expected {EXPERIMENTS_SCHEMA!r}; record it again"
        )
    return data["experiments"]


def write_benchmark(report: dict, path: Path, pages: dict[str, str]) -> None:
    """Write a machine's measurements to one file, whose name ends in .json, or to a folder, a file for each topic.

    Args:
        report: the machine, and its workloads in order.
        path: the file or folder.
        pages: the page of each set of workloads.

    Raises:
        HarnessError: it cannot be written.
    """
    if path.suffix == ".json":
        write(report, path)
        return
    shared = {key: value for key, value in report.items() if key not in ("workloads", "seconds", "schema")}
    write({"schema": MACHINE_SCHEMA} | shared, path / "machine.json")
    for page in dict.fromkeys(pages[entry["set"]] for entry in report["workloads"]):
        entries = [entry for entry in report["workloads"] if pages[entry["set"]] == page]
        write({"schema": WORKLOADS_SCHEMA, "workloads": entries}, path / f"{page}.json")


def read_benchmark(path: Path) -> dict:
    """A machine's measurements, of one file or of a folder.

    Raises:
        HarnessError: there are none, or they are malformed.
    """
    if path.is_file():
        report = read_json(path)
    else:
        report = read_json(path / "machine.json") | {"schema": BENCHMARK_SCHEMA}
        files = [read_json(file) for file in by_topic(path).values()]
        report["workloads"] = [entry for file in files for entry in file.get("workloads", [])]
    for name in ("machine", "versions", "date", "ceilings", "workloads"):
        if report.get("schema") != BENCHMARK_SCHEMA or name not in report:
            raise HarnessError(f"{path}: no measurements of nnspec bench; measure again")
    return report


def load_benchmarks() -> dict[str, dict]:
    """Measurements by machine.

    Raises:
        HarnessError: those of a machine are malformed.
    """
    found = {}
    for root in results_dirs():
        folder = root / "benchmarks"
        for path in [*sorted(folder.glob("*.json")), *sorted(p.parent for p in folder.glob("*/machine.json"))]:
            found[path.stem] = read_benchmark(path)
    return found
