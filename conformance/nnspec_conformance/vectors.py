"""Recorded questions and answers: a JSON manifest with finite attributes, and the arrays as safetensors.

They come from the same generators as the tests, and are data: loading them executes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnspec_conformance.cases import Case
from nnspec_conformance.clauses import Clause, Spec
from nnspec_conformance.compare import KINDS, Finding, sentence
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import (
    ClauseFailed,
    HarnessError,
    NotImplementedBySubject,
    Refused,
    did_you_mean,
    one_line,
)
from nnspec_conformance.results import read_json, replacing, write
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.subnormals import in_dtype
from nnspec_conformance.tolerance import Shape, Want

SCHEMA = "nnspec-vectors/1"
QUESTIONS = ("call", "gradient", "second derivative", "trajectory")
INFINITE = {"inf": math.inf, "-inf": -math.inf}
ENTRIES = ({"array"}, {"want", "dtype", "tolerance"}, {"shape", "dtype"}, {"dict"}, {"list"}, {"plain"})


class Recorder:
    """Collects cases while a suite runs, then writes ``manifest.json`` and ``arrays.safetensors``."""

    def __init__(self) -> None:
        self.cases: list[dict] = []
        self.arrays: dict[str, np.ndarray] = {}

    def __call__(self, instance: str, case: Case, setting: Setting) -> None:
        """Keep a case; one whose gradients are a function of the parameters is no data and has no vector."""
        if callable(case.grads):
            return
        prefix = f"{len(self.cases):05d}"
        self.cases.append(
            {
                "instance": instance,
                "operation": case.operation,
                "what": case.what,
                "readings": in_dtype(setting.readings, setting.subnormals, case.dtype),
                "default": setting.default,
                "attributes": self._plain(case.attributes, instance),
                "arrays": self._store(case.arrays, f"{prefix}.in"),
                "cotangents": self._store(case.cotangents, f"{prefix}.cotangents"),
                "grads": self._store(case.grads, f"{prefix}.grads"),
                "rates": case.rates,
                "want": self._store(case.want, f"{prefix}.want"),
                "catches": case.note or None,
                "may_refuse": case.may_refuse or None,
            }
        )

    def _plain(self, attributes: dict, instance: str) -> dict:
        """The attributes as JSON has them: an infinite number, which JSON lacks, as a word."""
        words = {number: word for word, number in INFINITE.items()}
        for name, value in attributes.items():
            entries = value if isinstance(value, tuple | list) else () if value in words else (value,)
            if not all(math.isfinite(entry) for entry in entries if not isinstance(entry, str | None)):
                raise HarnessError(f"{instance}: attribute {name}={value!r} is no number and cannot be recorded")
        return {k: list(v) if isinstance(v, tuple) else words.get(v, v) for k, v in attributes.items()}

    def _store(self, x: Any, name: str) -> Any:
        """A JSON description of nested arrays; the arrays themselves are kept under their names."""
        if isinstance(x, np.ndarray):
            self.arrays[name] = np.array(x, order="C")  # which unlike ascontiguousarray keeps rank 0
            return {"array": name}
        if isinstance(x, Want):
            self._store(np.asarray(x.value), f"{name}.value")
            self._store(np.asarray(x.allowed), f"{name}.allowed")
            self._store(np.asarray(x.flushed), f"{name}.flushed")
            return {"want": name, "dtype": x.dtype, "tolerance": x.tolerance}
        if isinstance(x, Shape):
            return {"shape": None if x.shape is None else list(x.shape), "dtype": x.dtype}
        if isinstance(x, dict):
            return {"dict": {k: self._store(v, f"{name}.{k}") for k, v in x.items()}}
        if isinstance(x, tuple | list):
            return {"list": [self._store(v, f"{name}.{i}") for i, v in enumerate(x)]}
        return {"plain": x}

    def write(self, folder: Path) -> int:
        """Write both files; returns the number of cases.

        Raises:
            HarnessError: the folder cannot be written.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        manifest = {"schema": SCHEMA, "arrays": "arrays.safetensors", "cases": self.cases}
        try:
            with replacing(folder / "arrays.safetensors") as scratch:
                save_file(self.arrays, str(scratch))
                write(manifest, folder / "manifest.json")
        except SafetensorError as error:
            raise HarnessError(f"{folder}: {one_line(error)}; choose a folder that can be written") from error
        return len(self.cases)


@dataclass(frozen=True)
class Replayed:
    """One recorded case put to a subject."""

    instance: str
    outcome: str
    finding: Finding | None
    message: str | None


@dataclass(frozen=True)
class Recorded:
    """One recorded case, the readings for which it holds, and the default that it takes for granted."""

    instance: str
    case: Case
    readings: dict
    default: Any

    def setting(self, subject: Subject, spec: Spec, clause: Clause, operation: str) -> Setting | None:
        """The one of a subject's settings in which the case holds; None if it has other readings or another default."""
        for setting in subject.settings(spec, clause, operation):
            readings = in_dtype(setting.readings, setting.subnormals, self.case.dtype)
            if (readings, setting.default) == (self.readings, self.default):
                return setting
        return None


def load(folder: Path, spec: Spec) -> list[Recorded]:
    """Every recorded case.

    A manifest is data from anywhere: what it names is looked up in the specification before anything is called.

    Raises:
        HarnessError: a file is missing or not what ``--record`` writes, or a case names an instance, an operation, an
            attribute or a question that the specification does not have; names the file and case.
    """
    manifest = read_json(folder / "manifest.json")
    if manifest.get("schema") != SCHEMA:
        raise HarnessError(f"{folder / 'manifest.json'}: schema is {manifest.get('schema')!r}, expected {SCHEMA!r}")
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / "arrays.safetensors"
    try:
        arrays = load_file(str(path))
    except (OSError, SafetensorError, AttributeError, KeyError, ValueError) as error:  # a dtype that NumPy lacks, too
        raise HarnessError(f"{path}: {one_line(error)}; record the vectors again") from error
    if not isinstance(manifest.get("cases"), list):
        raise HarnessError(f"{folder / 'manifest.json'}: has no list 'cases'; record again")
    cases, instances = [], spec.instances()
    for number, data in enumerate(manifest["cases"]):
        try:
            cases.append(_case(data, arrays))
            problem = _unknown(cases[-1], spec, instances)
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            text = one_line(repr(error), 100)
            raise HarnessError(f"{folder / 'manifest.json'}: case {number}: {text}; record again") from error
        if problem:
            raise HarnessError(f"{folder / 'manifest.json'}: case {number}: {problem}")
    return cases


def _unknown(recorded: Recorded, spec: Spec, instances: dict[str, tuple[Clause, str]]) -> str | None:
    """What a case names that the specification, whose instances are given, does not have."""
    case = recorded.case
    if recorded.instance not in instances:
        return f"no instance '{recorded.instance}'{did_you_mean(recorded.instance, instances)}"
    operations = {operation for _, operation in instances.values()} | {*spec.operations}
    if case.operation not in operations:
        return f"no operation '{case.operation}'{did_you_mean(case.operation, operations, '; replay calls no other')}"
    if case.what not in QUESTIONS:
        return f"'{case.what}' is no question; use one of {', '.join(QUESTIONS)}"
    if case.operation not in spec.operations:
        return None
    return _misread(recorded.readings, spec, case.operation) or _miscalled(case, spec)


def _misread(readings: dict, spec: Spec, operation: str) -> str | None:
    """Which readings of a case the operation has none of."""
    known = {clause.keyword: clause.variants for clause in spec.governing(operation)}
    for keyword, reading in readings.items():
        if keyword not in known:
            return f"{operation} has no readings of '{keyword}'{did_you_mean(keyword, known, '; record again')}"
        if reading not in known[keyword]:
            return f"{keyword} has no reading '{reading}'{did_you_mean(str(reading), known[keyword], '; record again')}"
    return None


def _miscalled(case: Case, spec: Spec) -> str | None:
    """Which keyword, or how many arrays, the operation of a case does not take."""
    operation = spec.operations[case.operation]
    taken = {attribute.name: attribute for attribute in operation.attributes}
    known = [*taken, *(clause.keyword for clause in spec.governing(case.operation))]
    for name, value in case.attributes.items():
        if name not in known:
            return f"{case.operation} has no attribute '{name}'{did_you_mean(name, known, '; record again')}"
        if name in taken and taken[name].kind == "choice" and value is not None and taken[name].fault(value):
            return f"{case.operation}: {name}: {taken[name].fault(value)}; record again"
    least = sum(not argument.optional for argument in operation.arguments)
    if not least <= len(case.arrays) <= len(operation.arguments):
        names = ", ".join(argument.name for argument in operation.arguments)
        return f"{case.operation} is handed {len(case.arrays)} arrays, and takes {names or 'none'}; record again"
    return None


def _case(data: dict, arrays: dict[str, np.ndarray]) -> Recorded:
    def restore(x: dict) -> Any:
        if {*x} not in ENTRIES:
            raise ValueError(f"an entry of {', '.join(map(str, x))}")
        if "array" in x:
            return arrays[x["array"]]
        if "want" in x:
            value, allowed, flushed = (arrays[f"{x['want']}.{part}"] for part in ("value", "allowed", "flushed"))
            if np.broadcast_shapes(value.shape, allowed.shape, flushed.shape) != value.shape:
                raise ValueError(f"{x['want']}: the tolerance has not the shape of the answer")
            return Want(value, allowed, flushed, _known(x["dtype"]), x["tolerance"])
        if "shape" in x:
            return Shape(None if x["shape"] is None else tuple(x["shape"]), _known(x["dtype"]))
        if "dict" in x:
            return {k: restore(v) for k, v in x["dict"].items()}
        if "list" in x:
            return tuple(restore(v) for v in x["list"])
        return x["plain"]

    attributes = {
        k: tuple(v) if isinstance(v, list) else INFINITE.get(v, v) if isinstance(v, str) else v
        for k, v in data["attributes"].items()
    }
    case = Case(
        operation=data["operation"],
        what=data["what"],
        arrays=restore(data["arrays"]),
        attributes=attributes,
        cotangents=restore(data["cotangents"]),
        grads=restore(data["grads"]),
        rates=data["rates"],
        want=restore(data["want"]),
        note=data["catches"] or "",
        may_refuse=data.get("may_refuse") or "",
    )
    return Recorded(data["instance"], case, data["readings"], data["default"])


def _known(dtype: Any) -> Any:
    if dtype in (None, *DTYPES, *KINDS) or np.dtype(dtype).kind in "biu":
        return dtype
    raise ValueError(f"dtype {dtype!r}; an answer is in {', '.join(DTYPES)}, whole numbers or truth values")


def replay(cases: list[Recorded], subject: Subject, spec: Spec) -> Iterator[Replayed]:
    """Put recorded cases to a subject, in the dtypes and readings that it has."""
    instances = spec.instances()
    for recorded in cases:
        instance, case = recorded.instance, recorded.case
        setting = recorded.setting(subject, spec, *instances[instance])
        if setting is None or (case.dtype and case.dtype not in subject.dtypes_of(case.operation)):
            continue
        try:
            finding = case.judge(case.ask(subject, setting.told), setting.told, subnormals=setting.subnormals)
            message = f"{finding.call}: {finding.message or sentence(finding)}"
            yield Replayed(instance, "fail" if finding.ratio > 1 else "pass", finding, message)
        except NotImplementedBySubject as error:
            yield Replayed(instance, "not implemented", None, str(error))
        except (Refused, ClauseFailed) as error:
            yield Replayed(instance, "fail", None, str(error))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            text = f"{type(error).__name__}: {one_line(error, 100)}"
            raise HarnessError(f"a recorded case of {instance} cannot be asked ({text}); record it again") from error
