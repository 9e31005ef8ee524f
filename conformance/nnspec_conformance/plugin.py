"""The pytest plugin: every instance of a clause is a test item, put to the subject that ``--subject`` names."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--subject`` and the options of a run."""
    group = parser.getgroup("nnspec")
    group.addoption("--subject", default="reference", metavar="ADAPTER", help="built-in name, module, or path to a .py")
    group.addoption("--report", metavar="PATH", help="write the results: a .json, or a folder")
    group.addoption("--record", metavar="DIR", help="write the cases as vectors: a JSON manifest and safetensors")
    group.addoption("--slow", action="store_true", help="ask every size and dtype of the duties")
    group.addoption("--isolate", action="store_true", help="ask in a process of its own, which may crash or hang")
    group.addoption("--resume", action="store_true", help="go on with the report that --report names")
    group.addoption("--call-limit", type=float, default=30.0, metavar="SECONDS", help="time limit of one call (30)")


class Run:
    """What one pytest session shares: suite, subject, results."""

    def __init__(self, config: pytest.Config):
        from nnspec_conformance.asking import ask
        from nnspec_conformance.compiled import collect_rarely
        from nnspec_conformance.engine import validate
        from nnspec_conformance.errors import HarnessError
        from nnspec_conformance.isolation import Workers
        from nnspec_conformance.limits import watchdog
        from nnspec_conformance.loading import load_subject
        from nnspec_conformance.report import check_report_writable
        from nnspec_conformance.resume import AsTheyCome, Mark, earlier
        from nnspec_conformance.signals import orderly
        from nnspec_conformance.suite_loader import load_suite
        from nnspec_conformance.vectors import Recorder

        report, record = config.getoption("--report"), config.getoption("--record")
        self.report = Path(str(report)) if report else None
        self.record = Path(str(record)) if record else None
        isolate, resume = bool(config.getoption("--isolate")), bool(config.getoption("--resume"))
        if self.report:
            check_report_writable(self.report)
        if resume and not self.report:
            raise HarnessError("--resume goes on with a report; name it with --report")
        if self.record and (isolate or resume):
            raise HarnessError("--record excludes --isolate and --resume; leave it or them out")
        self.suite = load_suite()
        adapter = str(config.getoption("--subject"))
        how: dict[str, Any] = {"call_limit": float(config.getoption("--call-limit") or 30.0)}
        how |= {"slow": bool(config.getoption("--slow"))}
        self.ask: Callable[..., Any]
        self.workers = Workers(self.suite, adapter, **how) if isolate else None
        self.apart = partial(Workers, self.suite, adapter, **how)
        if self.workers:
            self.subject, self.ask = self.workers.subject, self.workers.ask
        else:
            self.subject = load_subject(adapter, **how)
            validate(self.suite, self.subject)
            collect_rarely()
            self.ask = partial(ask, self.suite, self.subject)
        self.mark = Mark(self.report)
        chosen = list(self.suite.instances)
        kept = earlier(self.suite, self.subject, chosen, self.report) if resume and self.report else []
        self.results: list = list(kept)
        self.kept = {result.instance: result for result in kept}
        self.ended = self.mark.get() if resume else ""  # what an earlier run was asking when it ended at once
        self.recorder = Recorder() if self.record else None
        watchdog.on_hang = lambda operation: self.write()
        self.kept_so_far = AsTheyCome(self.write_report)
        self.signals = contextlib.ExitStack()
        self.signals.enter_context(orderly())  # they end the session like ctrl-C: what was obtained is written

    def put(self, instance: str) -> Any:
        """The result of an instance: an earlier run's, or a new one."""
        from nnspec_conformance.signals import check_stopped

        check_stopped()
        if instance in self.kept:
            return self.kept[instance]
        self.mark.set(instance)
        if instance == self.ended:
            with self.apart() as workers:
                result = workers.ask(instance)
        else:
            result = self.ask(instance, record=self.recorder) if self.recorder else self.ask(instance)
        self.results.append(result)
        self.kept_so_far.one_more()
        return result

    def close(self) -> None:
        """End the process that was asked, if there is one."""
        self.mark.clear()
        self.signals.close()
        if self.workers:
            self.workers.__exit__()

    def write_report(self) -> None:
        """The report, if it was asked for, with what was obtained."""
        from nnspec_conformance.report import as_report, write_report

        if self.report:
            write_report(as_report(self.suite, self.subject, self.results), self.report, keep=bool(self.kept))

    def write(self) -> None:
        """The files that were asked for, with what was obtained."""
        self.write_report()
        if self.recorder and self.record:
            self.recorder.write(self.record)


RUN = pytest.StashKey[Run]()
TOLD = pytest.StashKey[bool]()  # why there is no run was said once


def shared(collector: Any) -> Run | None:
    """The session's run, made when the first clause is collected; None after the error that says why there is none."""
    from nnspec_conformance.errors import HarnessError

    stash = collector.config.stash
    if RUN not in stash and TOLD not in stash:
        try:
            stash[RUN] = Run(collector.config)
        except HarnessError as error:
            stash[TOLD] = True
            raise collector.CollectError(f"nnspec: {error}") from None
    return stash.get(RUN, None)


def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> list[pytest.Item] | None:
    """Turn a test that is bound to a clause into one item for each instance."""
    test = getattr(obj, "__nnspec__", None)
    if test is None:
        return None
    if test.function.__module__.rsplit(".", 1)[-1] != collector.path.stem:
        return []  # imported from another module, where it is collected
    run = shared(collector)
    if run is None:
        return []
    clause = run.suite.spec.clauses.get(test.clause)
    if clause is None:
        raise collector.CollectError(f"{test.name} proves '{test.clause}', which no page has")
    if run.suite.tests[test.clause][0].name != test.name:
        return []  # one item runs every test of its clause
    return [ClauseItem.from_parent(collector, name=instance) for instance in clause.instances]


class ClauseItem(pytest.Item):
    """One instance of a clause."""

    def runtest(self) -> None:
        from nnspec_conformance.outcome import FAIL, HARNESS_ERROR, KNOWN, NOT_ASKED, NOT_IMPLEMENTED

        result = self.config.stash[RUN].put(self.name)
        if result.outcome in (NOT_IMPLEMENTED, NOT_ASKED):
            pytest.skip(f"{result.outcome}: {result.message}")
        if result.outcome == KNOWN:
            pytest.xfail(f"known failure: {result.reason}")
        if result.outcome in (FAIL, HARNESS_ERROR):
            raise ClauseDoesNotHold(result)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        from nnspec_conformance.verdict import explanation

        if isinstance(excinfo.value, ClauseDoesNotHold):
            return "\n".join(explanation(excinfo.value.result))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


class ClauseDoesNotHold(Exception):
    """Carries the result of an instance that failed."""

    def __init__(self, result: Any):
        self.result = result
        super().__init__(result.message)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the subject."""
    if RUN in config.stash:
        subject = config.stash[RUN].subject
        return f"nnspec subject: {subject.name} {subject.version}"
    return None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report and the vectors that were asked for."""
    from nnspec_conformance.errors import HarnessError

    config = session.config
    if RUN not in config.stash:
        return
    run = config.stash[RUN]
    try:
        if run.results:
            run.write()
    except HarnessError as error:
        pytest.exit(f"nnspec: {error}", returncode=2)
    finally:
        run.close()
