"""Known failures: which part of an instance an adapter says to fail, and whether it does so here.

A key is an instance, then, after a semicolon, the readings, dtypes and attributes concerned: ``activation.tail[gelu];
form=tanh, float32`` or ``huber.range[huber]; delta=0``. Questions with a named attribute are judged apart from the
others. A value is the reason with a link, alone or with a probe that tells whether this machine shows the failure.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnspec_conformance.clauses import Spec
from nnspec_conformance.compare import Finding
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.errors import HarnessError, did_you_mean, one_line
from nnspec_conformance.limits import CallTimeout, limit
from nnspec_conformance.operations import Attribute
from nnspec_conformance.outcome import Entry, Result
from nnspec_conformance.subject import Subject

INF = float("inf")
EMPTY = "''"  # an empty word, as a key writes it
DECLARED = "KNOWN_FAILURES"  # the entry of a declaration that does not fit


@dataclass(frozen=True)
class KnownFailure:
    """One entry of ``KNOWN_FAILURES``.

    Attributes:
        key: as the adapter writes it.
        instance: the instance that fails.
        readings: keyword -> the readings concerned; a keyword that is absent restricts nothing.
        dtypes: those concerned; none restricts nothing.
        attributes: keyword -> the values concerned, as written; a keyword that is absent restricts nothing.
        reason: what fails and where it is told.
        holds: whether version and probe say that it fails here.
    """

    key: str
    instance: str
    readings: dict[str, tuple[str, ...]]
    dtypes: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]]
    reason: str
    holds: bool

    def claims(self, entry: Entry) -> bool:
        """Whether the entry is one that this says to fail."""
        if self.dtypes and entry.dtype not in self.dtypes:
            return False
        if any(entry.attributes.get(keyword) not in values for keyword, values in self.attributes.items()):
            return False
        return all(entry.readings.get(keyword) in readings for keyword, readings in self.readings.items())

    def parts(self) -> dict[str, Callable[[Entry], bool]]:
        """Each dtype, reading and attribute that the key names, in words; the whole instance if it names none."""
        named: dict[str, Callable[[Entry], bool]] = {d: lambda e, d=d: e.dtype == d for d in self.dtypes}
        for keyword, readings in self.readings.items():
            for r in readings:
                named[f"{keyword}={r}"] = lambda e, k=keyword, r=r: e.readings.get(k) == r
        for keyword, values in self.attributes.items():
            for v in values:
                named[f"{keyword}={v}"] = lambda e, k=keyword, v=v: e.attributes.get(k) == v
        return named or {"": lambda _: True}


def known_failures(spec: Spec, subject: Subject, instance: str) -> list[KnownFailure]:
    """What the subject declares of one instance and what holds here.

    Raises:
        HarnessError: a declaration of it is malformed; says how.
    """
    declared = subject.known_failures.items()
    found = [parse(spec, subject, key, value) for key, value in declared if instance_of(key) == instance]
    return [known for known in found if known.holds]


def apart(known: list[KnownFailure]) -> dict[str, tuple[str, ...]]:
    """The attributes whose questions are judged apart from the others: keyword -> values, as written."""
    found: dict[str, tuple[str, ...]] = {}
    for failure in known:
        for keyword, values in failure.attributes.items():
            found[keyword] = tuple(dict.fromkeys((*found.get(keyword, ()), *values)))
    return found


def is_value(written: str, value: Any) -> bool:
    """Whether a value is the one that a key names: a number by its value, anything else as Python writes it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(written) == value
        except ValueError:
            return False
    return str(value).replace(" ", "") == ("" if written == EMPTY else written.replace(" ", ""))


def instance_of(key: Any) -> str:
    """The instance that a key names, without its condition."""
    return str(key).partition(";")[0].strip()


def parse(spec: Spec, subject: Subject, key: Any, value: Any) -> KnownFailure:
    """Read one declaration.

    Raises:
        HarnessError: it names no instance, dtype, reading or attribute, has no reason, a probe that raises, or a
            version that cannot be compared.
    """
    declared, instance = f"KNOWN_FAILURES[{str(key)!r}]", instance_of(key)
    instances = spec.instances()
    if instance not in instances:
        if instance in spec.clauses:
            first = spec.clauses[instance].instances[0]
            raise HarnessError(f"{declared} is a family; name its instance, such as {first}")
        raise HarnessError(f"KNOWN_FAILURES names no clause: '{instance}'{did_you_mean(instance, instances)}")
    reason, probe = value if isinstance(value, tuple) and len(value) == 2 else (value, None)
    if not isinstance(reason, str) or not reason.strip():
        raise HarnessError(f"{declared} is {value!r}; give the reason and a link")
    if probe is not None and not callable(probe):
        raise HarnessError(f"{declared} has a probe that is {probe!r}; give a function of no arguments")
    readings, dtypes, attributes = _condition(spec, declared, str(key), instances[instance][1])
    told = with_version(reason, subject.version)
    holds = told is not None and (probe is None or probed(subject, probe, declared))
    return KnownFailure(str(key), instance, readings, dtypes, attributes, told or reason, holds)


def probed(subject: Subject, probe: Callable, where: str) -> bool:
    """What a known failure's probe says of this machine; each is asked once.

    Raises:
        HarnessError: it raises, or does not return in time.
    """
    if probe not in subject.probed:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), limit(subject.call_limit, "probe"):
                warnings.simplefilter("ignore")
                subject.probed[probe] = bool(probe())
        except (Exception, CallTimeout) as error:
            text = f"{type(error).__name__}: {one_line(error, 200)}"
            raise HarnessError(
                f"{where}: its probe raised {text}; it must say True where the failure occurs, else False"
            ) from error
    return subject.probed[probe]


def _condition(spec: Spec, declared: str, key: str, operation: str) -> tuple[dict, tuple[str, ...], dict]:
    """Readings by keyword, dtypes, and values of attributes by keyword, that follow the semicolon of a key."""
    if ";" not in key:
        return {}, (), {}
    known_attributes = (
        {a.name: a for a in spec.operations[operation].attributes} if operation in spec.operations else {}
    )
    attributes: dict[str, tuple[str, ...]] = {}
    choices = {clause.keyword: tuple(clause.variants) for clause in spec.governing(operation)}
    readings: dict[str, tuple[str, ...]] = {}
    dtypes: list[str] = []
    for word in (part.strip() for part in re.split(r",(?![^()]*\))", key.partition(";")[2])):
        if word in DTYPES:
            dtypes.append(word)
            continue
        keyword, _, reading = word.rpartition("=")
        having = [k for k, values in choices.items() if reading in values and keyword in ("", k)]
        if len(having) > 1:
            raise HarnessError(f"{declared}: '{word}' is a reading of {' and '.join(having)}; write {having[0]}={word}")
        if not having and keyword in known_attributes and keyword not in choices and reading:
            if wrong := _misspelt(known_attributes[keyword], reading):
                raise HarnessError(f"{declared}: {keyword}: {wrong}")
            attributes[keyword] = (*attributes.get(keyword, ()), reading)
            continue
        if not having:
            known = [f"{k}={r}" for k, values in choices.items() for r in values] + list(DTYPES)
            known += [f"{name}=..." for name in known_attributes if name not in choices]
            raise HarnessError(
                f"{declared}: '{word}' is no dtype and no reading or attribute of {operation}; use {', '.join(known)}"
            )
        readings[having[0]] = (*readings.get(having[0], ()), reading)
    return readings, tuple(dtypes), attributes


def _misspelt(attribute: Attribute, written: str) -> str:
    """What is wrong with the value that a key names for an attribute; one out of range may be what is not refused."""
    if attribute.kind in ("number", "integer"):
        try:
            float(written)
        except ValueError:
            return f"{written!r} is no {attribute.kind}"
    return ""


def with_version(reason: str, version: str) -> str | None:
    """The reason, if its version condition (``...; version<2.14``) holds or there is none.

    Raises:
        HarnessError: there is a condition, and the version cannot be compared with it.
    """
    found = re.search(r";\s*version\s*(<=|<|==|>=|>)\s*([0-9][\w.]*)\s*$", reason)
    if not found:
        return reason
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion, Version

    text = reason[: found.start()].strip()
    try:
        return text if Version(version) in SpecifierSet(found.group(1) + found.group(2), prereleases=True) else None
    except InvalidVersion as error:
        raise HarnessError(
            f"VERSION is {version!r}, with which '{found.group().strip('; ')}' of KNOWN_FAILURES cannot be compared; "
            f"set VERSION to a number such as '1.2'"
        ) from error


def apply(known: list[KnownFailure], result: Result) -> None:
    """Give failures that were declared their reason; a declaration of something that holds is a failure itself."""
    for failure in known:
        claimed = [entry for entry in result.entries if failure.claims(entry)]
        for entry in claimed:
            if entry.failed:
                entry.reason = entry.reason or failure.reason
        stale = [name for name, part in failure.parts().items() if _holds([e for e in claimed if part(e)])]
        if stale:
            where = f" in {', '.join(stale)}" if stale != [""] else ""
            text = f"declared as a known failure{where} but holds now; take it out of KNOWN_FAILURES['{failure.key}']"
            result.entry(DECLARED).note(Finding(INF, text))


def _holds(entries: list[Entry]) -> bool:
    """Whether something was asked and nothing failed."""
    return any(e.cases for e in entries) and not any(e.failed or e.fault for e in entries)
