"""Goes on with a run that ended early: what its report has is kept, and what it was asking is asked apart."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from nnspec_conformance.described import Described
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.outcome import HARNESS_ERROR, Result
from nnspec_conformance.report import measured, read_report
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite

WRITING = 0.02  # share of the time that writing results as they come may take


class AsTheyCome:
    """Writes the results so far, so that a process that is killed leaves them; writing takes a share of the time.

    Args:
        write: writes them all.
    """

    def __init__(self, write: Callable[[], None]):
        self.write, self.written, self.took = write, time.monotonic(), 0.0

    def one_more(self) -> None:
        """There is another result."""
        begun = time.monotonic()
        if begun - self.written < self.took / WRITING:
            return
        with contextlib.suppress(HarnessError):  # the end says that it cannot be written
            self.write()
        self.written = time.monotonic()
        self.took = self.written - begun


class Mark:
    """A small file beside a report that names the instance that is being asked; it stays where a run ends at once."""

    def __init__(self, report: Path | None):
        self.path = report and report.with_name(f"{report.name}.asking")

    def set(self, instance: str) -> None:
        """Say what is asked now."""
        if self.path:
            with contextlib.suppress(OSError):  # the report will say that it cannot be written
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.write_text(instance, encoding="utf-8")

    def get(self) -> str:
        """What was being asked when a run ended at once; empty if none did."""
        with contextlib.suppress(OSError, ValueError):
            return self.path.read_text(encoding="utf-8") if self.path else ""
        return ""

    def clear(self) -> None:
        """The run has ended in order."""
        if self.path:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


def earlier(suite: Suite, subject: Subject | Described, chosen: list[str], path: Path) -> list[Result]:
    """The results of a report that need not be asked again: of the same files, versions and texts.

    There are none where a run ended before its first result.

    Raises:
        HarnessError: the report cannot be read.
    """
    if not (path.is_file() or (path / "subject.json").is_file()):
        if Mark(path).get():
            return []
        raise HarnessError(f"{path}: there is no report to go on with; leave --resume out")
    report, found = read_report(path), []
    records: dict[str, dict] = {}
    for page in dict.fromkeys(map(suite.page_of, chosen)):
        records |= measured(suite, subject, page, report)
    for instance in chosen:
        record, (clause, operation) = records.get(instance), suite.instances[instance]
        if record is None or record["outcome"] == HARNESS_ERROR or record["text_hash"] != clause.text_hash:
            continue
        with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):  # no record: it is asked again
            result = Result.from_record(instance, clause, operation, record)
            if result.outcome == record["outcome"]:
                found.append(result)
    return found
