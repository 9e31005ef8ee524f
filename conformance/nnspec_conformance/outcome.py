"""What came of one instance of a clause: an entry for each test, reading and dtype, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nnspec_conformance.clauses import Clause
from nnspec_conformance.compare import Finding, sentence, worst

PASS, VARIANT, KNOWN, FAIL = "pass", "variant", "known failure", "fail"
NOT_IMPLEMENTED, NOT_ASKED, HARNESS_ERROR = "not implemented", "not asked", "harness error"
OUTCOMES = (PASS, VARIANT, KNOWN, FAIL, NOT_IMPLEMENTED, NOT_ASKED, HARNESS_ERROR)


@dataclass(frozen=True)
class Missing:
    """A question that could not be asked: what was its own (``activation=selu``), and what the subject said.

    Attributes:
        words: what tells it from others.
        message: why.
        put: whether the subject was asked, and lacks it; else its adapter does not offer what the question takes.
    """

    words: tuple[str, ...]
    message: str
    put: bool = True


@dataclass
class Entry:
    """What one test came to in one dtype, under one combination of readings.

    Attributes:
        test: name of the test.
        readings: the subject's reading of each keyword.
        dtype: of the arrays asked with; None where there were none.
        attributes: those that a known failure names, of questions that are judged apart for it.
        cases: how many questions were answered, rightly or wrongly.
        finding: the worst of them.
        asked: what the questions that were answered had as attributes, ``activation=relu``.
        missing: the questions that could not be asked, since the subject says that it lacks what they ask for.
        fault: why the suite could not ask; says nothing about the subject.
        reason: of the known failure that covers a failure here.
        subnormals: the declared reading by which some answer was right that would not have been else.
        values: how many numbers were compared.
        telling: how many of them were expected to be neither zero nor infinite nor NaN, nor of one size.
        question: the case, or the test that asks for itself, and the setting that the finding is of, while the run may
            ask it once more.
    """

    test: str
    readings: dict[str, str] = field(default_factory=dict)
    dtype: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    cases: int = 0
    finding: Finding | None = None
    asked: set[str] = field(default_factory=set)
    missing: list[Missing] = field(default_factory=list)
    fault: str | None = None
    reason: str | None = None
    subnormals: str | None = None
    values: int = 0
    telling: int = 0
    question: Any = field(default=None, repr=False, compare=False)

    def note(self, finding: Finding, words: Iterable[str] = ()) -> None:
        """Count one answer to a question of some attributes, and keep the worst."""
        self.cases += 1
        self.asked |= set(words)
        self.subnormals = self.subnormals or finding.subnormals
        self.values, self.telling = self.values + finding.values, self.telling + finding.telling
        self.finding = worst([f for f in (self.finding, finding) if f])

    @property
    def failed(self) -> bool:
        """Whether an answer was wrong, known or not."""
        return self.finding is not None and self.finding.ratio > 1

    @property
    def is_weak(self) -> bool:
        """Whether most of what was expected is zero, infinite, NaN or of one size, where a stuck answer passes."""
        return 2 * self.telling < self.values

    @property
    def outcome(self) -> str:
        """A failure is never overwritten; what holds counts although something is missing."""
        if self.failed:
            return KNOWN if self.reason else FAIL
        if self.fault is not None:
            return HARNESS_ERROR
        if self.cases:
            return PASS
        return NOT_ASKED if self.missing and not any(missing.put for missing in self.missing) else NOT_IMPLEMENTED

    @property
    def message(self) -> str | None:
        """Why it does not hold, in a line."""
        if self.failed and self.finding:
            return self.finding.message or sentence(self.finding)
        return self._unasked()

    def _unasked(self) -> str | None:
        """Why nothing was asked: the suite's fault, else what the subject said."""
        return self.fault or next((missing.message for missing in self.missing if not self.cases), None)

    def as_record(self, told: Iterable[str], *, measured: bool = True) -> dict:
        """JSON-ready; of the readings those of the keywords that the subject is told, the others never change."""
        shown = {
            "test": self.test,
            "readings": {keyword: self.readings[keyword] for keyword in told if keyword in self.readings},
            "dtype": self.dtype,
            "attributes": self.attributes,
            "outcome": None if self.outcome == PASS else self.outcome,
            "ratio": (self.finding.ratio if self.finding and (measured or self.failed) else 0) or None,
            "cases": self.cases or None,
            "message": self.finding.message if self.finding and self.failed else self._unasked(),
            "reason": self.reason,
            "worst": dict(self.finding.as_dict()) if self.finding and self.failed else None,
            "missing": self.lacking,
            "subnormals": self.subnormals,
            "weak": (measured and self.is_weak) or None,
        }
        return filled(shown)

    @classmethod
    def from_record(cls, data: dict) -> Entry:
        """The entry that a record tells of."""
        finding, message, worst = None, data.get("message"), data.get("worst", {})
        if data.get("cases"):
            numbers = {name: float(worst[name]) for name in ("error", "allowed") if name in worst}
            finding = Finding(float(data.get("ratio", 0)), message, **(worst | numbers))
        put = data.get("outcome") != NOT_ASKED
        missing = [Missing((what,), what, put) for what in data.get("missing", [])]
        if data.get("outcome") in (NOT_IMPLEMENTED, NOT_ASKED) and message and missing:
            missing[0] = Missing(missing[0].words, message, put)
        return cls(
            test=data["test"],
            readings=data.get("readings", {}),
            dtype=data.get("dtype"),
            attributes=data.get("attributes", {}),
            cases=data.get("cases", 0),
            finding=finding,
            missing=missing,
            fault=message if data.get("outcome") == HARNESS_ERROR else None,
            reason=data.get("reason"),
            subnormals=data.get("subnormals"),
            values=int(data.get("weak", False)),
        )

    @property
    def lacking(self) -> list[str]:
        """What tells the questions that could not be asked from those that were, else what the subject said."""
        found: dict[str, None] = {}
        for missing in self.missing:
            own = [word for word in missing.words if word not in self.asked]
            found |= dict.fromkeys([" and ".join(own) or missing.message])
        return list(found)


def verdict(entries: Iterable[Entry], *, variant: bool = False) -> str:
    """The outcome of an instance: its worst entry decides; what could not be asked does not, where anything was.

    Args:
        entries: every test in every reading and dtype.
        variant: whether what holds is not the definition's reading.
    """
    found = {entry.outcome for entry in entries}
    for outcome in (FAIL, HARNESS_ERROR, KNOWN):
        if outcome in found:
            return outcome
    if PASS not in found:
        return NOT_ASKED if NOT_ASKED in found and NOT_IMPLEMENTED not in found else NOT_IMPLEMENTED
    return VARIANT if variant else PASS


def not_run(entries: list[Entry]) -> list[str]:
    """What a verdict does not cover, in words that follow "not": ``in float64``, ``for activation=selu``."""
    ran = [entry for entry in entries if entry.cases]
    found: dict[str, None] = {}
    for entry in entries if ran else []:
        readings = [f"{k}={r}" for k, r in entry.readings.items() if all(e.readings.get(k) != r for e in ran)]
        if not entry.missing:
            continue
        if entry.cases:
            words = [f"for {what}" for what in entry.lacking]
        elif readings:
            words = [f"for {' and '.join(readings)}"]
        elif entry.dtype and all(e.dtype != entry.dtype for e in ran):
            words = [f"in {entry.dtype}"]
        else:
            words = [f"for {what}" + (f" in {entry.dtype}" if entry.dtype else "") for what in entry.lacking]
        found |= dict.fromkeys(words)
    return list(found)


def filled(data: dict) -> dict:
    """The same data without what is None or empty, also inside."""
    kept = {key: filled(value) if isinstance(value, dict) else value for key, value in data.items()}
    return {key: value for key, value in kept.items() if value is not None and value not in ({}, [])}


@dataclass
class Summary:
    """What follows from the entries of one instance.

    Attributes:
        entries: one for each test, reading and dtype.
        variant: whether the subject's reading, or default, is not the definition's.
    """

    entries: list[Entry] = field(default_factory=list)
    variant: bool = False

    def entry(
        self, test: str, readings: dict | None = None, dtype: str | None = None, attributes: dict | None = None
    ) -> Entry:
        """The entry of a test in a dtype under some readings and attributes, a new one if there is none yet."""
        own = (test, readings or {}, dtype, attributes or {})
        if (known := self.found(*own)) is not None:
            return known
        self.entries.append(Entry(*own))
        return self.entries[-1]

    def found(self, test: str, readings: dict, dtype: str | None, attributes: dict) -> Entry | None:
        """The same, None if there is none yet."""
        own = (test, readings, dtype, attributes)
        return next((e for e in self.entries if (e.test, e.readings, e.dtype, e.attributes) == own), None)

    @property
    def outcome(self) -> str:
        return verdict(self.entries, variant=self.variant)

    @property
    def not_run(self) -> list[str]:
        """What the verdict does not cover; see ``not_run``."""
        return not_run(self.entries)

    @property
    def subnormals(self) -> dict[str, list[str]]:
        """The declared readings by which something was right that would not have been else, each with its dtypes."""
        found: dict[str, list[str]] = {}
        for entry in self.entries:
            if entry.subnormals and entry.dtype and entry.dtype not in found.setdefault(entry.subnormals, []):
                found[entry.subnormals].append(entry.dtype)
        return found

    @property
    def weak(self) -> bool:
        """Whether it holds, and every entry is weak evidence of that."""
        ran = [entry for entry in self.entries if entry.cases]
        return bool(ran) and self.outcome in (PASS, VARIANT) and all(entry.is_weak for entry in ran)

    @property
    def deciding(self) -> list[Entry]:
        """The entries that the outcome follows from."""
        outcome = self.outcome
        return [entry for entry in self.entries if entry.outcome == (PASS if outcome == VARIANT else outcome)]

    @property
    def finding(self) -> Finding | None:
        """The worst of the deciding entries' findings."""
        found = [entry.finding for entry in self.deciding if entry.finding]
        return worst(found) if found else None

    @property
    def ratio(self) -> float:
        """Error / allowed at its worst."""
        return self.finding.ratio if self.finding else 0.0

    @property
    def message(self) -> str | None:
        """Why it does not hold; of several reasons the worst."""
        if self.outcome in (PASS, VARIANT):
            return None
        told = next((e.message for e in self.deciding if e.finding and e.finding is self.finding), None)
        return told or next((e.message for e in self.deciding if e.message), None)

    @property
    def reason(self) -> str | None:
        """The reasons of the known failures that decide, each once."""
        return " / ".join(dict.fromkeys(e.reason for e in self.deciding if e.reason)) or None

    @property
    def cases(self) -> int:
        return sum(entry.cases for entry in self.entries)

    @property
    def dtypes(self) -> list[str]:
        """Every dtype in which something was answered."""
        return list(dict.fromkeys(e.dtype for e in self.entries if e.dtype and e.cases))


@dataclass(kw_only=True)
class Result(Summary):
    """What one instance of a clause came to.

    Attributes:
        instance: for instance ``activation.nan[relu]``.
        clause: the clause.
        operation: the operation it is put to.
        readings: clause id -> the subject's readings of it.
        told: the keywords of the readings that the subject is told.
        apart: keyword -> the values with which questions are judged apart, as known failures name them.
        fits: readings and mutants that answer as the subject did; the first may be one that answers so elsewhere in the
            run, and fails here too.
        seconds: how long it took.
        answers: what was asked and answered, for ``explain``.
    """

    instance: str
    clause: Clause
    operation: str
    readings: dict[str, list] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    apart: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fits: list[str] = field(default_factory=list)
    seconds: float = 0.0
    answers: list[tuple[Any, dict, Any]] = field(default_factory=list, repr=False)

    @property
    def weak(self) -> bool:
        """Whether it holds, an error was measured, and every entry is weak evidence."""
        return self.clause.measured and super().weak

    @property
    def page(self) -> str:
        """The page to which the instance belongs."""
        return self.clause.page_of(self.operation)

    @classmethod
    def from_record(cls, instance: str, clause: Clause, operation: str, record: dict) -> Result:
        """The result that a record tells of."""
        entries = [Entry.from_record(data) for data in record["entries"]]
        return cls(
            entries,
            variant=record["outcome"] == VARIANT,
            instance=instance,
            clause=clause,
            operation=operation,
            readings=record.get("readings", {}),
            told=tuple({keyword: None for entry in entries for keyword in entry.readings}),
            fits=record.get("fits", []),
        )

    def forget(self) -> None:
        """Let go of the questions and answers, once nothing is asked about them any more."""
        self.answers.clear()
        for entry in self.entries:
            entry.question = None

    def as_record(self) -> dict:
        """JSON-ready: what was found and cannot be derived, and the outcome; a clause's own data are its page's."""
        return filled(
            {
                "outcome": self.outcome,
                "text_hash": self.clause.text_hash,
                "readings": self.readings,
                "fits": self.fits,
                "entries": [entry.as_record(self.told, measured=self.clause.measured) for entry in self.entries],
            }
        )


def summary_of(record: dict) -> dict:
    """A record with what follows from its entries: ratio, cases, dtypes, message, reason, what was not run.

    Raises:
        ValueError: its outcome is not the one that its entries come to.
    """
    summary = Summary(list(map(Entry.from_record, record["entries"])), variant=record["outcome"] == VARIANT)
    if summary.outcome != record["outcome"]:
        raise ValueError(f"outcome {record['outcome']!r}, but its entries come to {summary.outcome!r}")
    shown = {
        "ratio": summary.ratio if summary.cases else None,
        "cases": summary.cases,
        "dtypes": summary.dtypes,
        "message": summary.message,
        "reason": summary.reason,
        "not_run": summary.not_run,
        "subnormals": summary.subnormals,
        "weak": summary.weak or None,
        "worst": summary.finding.as_dict() if summary.finding and summary.outcome in (FAIL, KNOWN) else None,
    }
    return filled(shown) | record  # a converted result says itself in which dtypes it was found
