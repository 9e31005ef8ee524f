"""One run of ``nnspec check``: instance by instance, with what was obtained written as it comes and told at the end."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Collection
from typing import TextIO

from nnspec_conformance.causes import share_causes
from nnspec_conformance.compare import Finding
from nnspec_conformance.described import Described
from nnspec_conformance.in_front import Crash, asks
from nnspec_conformance.isolation import Workers
from nnspec_conformance.limits import watchdog
from nnspec_conformance.outcome import FAIL, KNOWN, NOT_ASKED, NOT_IMPLEMENTED, Result
from nnspec_conformance.progress import EVERY, progress, tell_slowest
from nnspec_conformance.report import ONE_LINE_EACH, as_report, counts, junit, write_report
from nnspec_conformance.results import as_text, write_text
from nnspec_conformance.resume import AsTheyCome, Mark, earlier
from nnspec_conformance.side_by_side import Arrived
from nnspec_conformance.signals import check_stopped
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite
from nnspec_conformance.vectors import Recorder
from nnspec_conformance.verdict import covered, explanations, status


class Checking:
    """What one run has obtained, and where it goes.

    Args:
        suite: tests and specification.
        subject: the implementation, here or in another process.
        chosen: the instances that are asked for, in their order.
        options: those of the command.
        out: where the verdict is printed.
    """

    def __init__(
        self, suite: Suite, subject: Subject | Described, chosen: list[str], options: argparse.Namespace, out: TextIO
    ):
        self.suite, self.subject, self.options, self.out = suite, subject, options, out
        self.order = {instance: place for place, instance in enumerate(chosen)}
        self.mark, self.recorder = Mark(options.report), Recorder() if options.record else None
        self.crash: Crash | None = getattr(options, "crash", None)  # what ended the run that this one goes on with
        self.kept = earlier(suite, subject, chosen, options.report) if options.resume else []
        if self.crash:  # it is asked again, however far the report came
            self.kept = [result for result in self.kept if result.instance != self.crash.instance]
        self.found, self.asking, self.hashes = list(self.kept), "", dict[str, str]()
        self.kept_so_far = AsTheyCome(lambda: self._write(self.report()))

    def run(
        self,
        ask: Callable[..., Result],
        apart: Callable[[], Workers],
        beside: Callable[[list[str]], Collection[Arrived]] | None = None,
    ) -> int:
        """Ask for what is not there yet; whatever ends the run, what was obtained is told and kept.

        Args:
            ask: gives the result of an instance.
            apart: starts a process of its own, for what ended an earlier run.
            beside: gives the results of many as they come, from several processes; then none of the two is needed.
        """
        done = {result.instance for result in self.kept}
        remaining = [instance for instance in self.order if instance not in done]
        ended = self.crash.instance if self.crash else self.mark.get() if self.options.resume else ""
        if self.kept:
            text = f"{len(self.kept)} of {len(self.order)} instances are kept from {self.options.report}"
            print(f"nnspec: {text}", file=sys.stderr)
        watchdog.on_hang = self._hung
        try:
            if beside:
                self._take(beside(remaining))
            else:
                for instance in progress(remaining, self.subject.name):
                    check_stopped()
                    self._put(instance, ask, apart if instance == ended else None)
        except KeyboardInterrupt:
            self.tell()
            words = f"interrupted after {len(self.found)} of {len(self.order)} instances; these are kept"
            print(f"nnspec: {words}", file=sys.stderr)
            return 2
        except Exception:  # of whatever kind: what was obtained is no less right
            self.tell()
            raise
        finally:
            watchdog.on_hang = None
            self.mark.clear()
        share_causes(self.suite, self.found)
        self.tell()
        if self.found and all(result.outcome in (NOT_IMPLEMENTED, NOT_ASKED) for result in self.found):
            words = f"implements none of the {len(self.found)} instances that were asked"
            print(f"nnspec: {self.subject.name} {words}", file=sys.stderr)
            return 2
        return status(self.found)

    def _put(self, instance: str, ask: Callable[..., Result], apart: Callable[[], Workers] | None) -> None:
        self.asking = instance
        self.mark.set(instance)
        asks(instance)
        if apart:
            with apart() as workers:
                result = workers.ask(instance, self.crash.told if self.crash else "")
        else:
            result = ask(instance, record=self.recorder) if self.recorder else ask(instance)
        self._keep(result)

    def _take(self, results: Collection[Arrived]) -> None:
        """Keep them as they come, while standard error shows how far they are."""
        begun, before = time.perf_counter(), len(self.found)
        try:
            for arrived in progress(results, self.subject.name, slowest=False):
                check_stopped()
                self._keep(arrived.result)
        finally:
            if time.perf_counter() - begun >= EVERY:
                tell_slowest([(r.seconds, r.instance) for r in self.found[before:]], self.subject.name)

    def _keep(self, result: Result) -> None:
        self.found.append(result)
        if self.options.report:
            self.kept_so_far.one_more()

    # ---- where it goes
    def report(self) -> dict:
        """The report of what was obtained so far, in the order of the suite."""
        found = sorted(self.found, key=lambda result: self.order[result.instance])
        return as_report(self.suite, self.subject, found, self.hashes)

    def tell(self) -> None:
        """Write the files that were asked for, and print the verdict.

        Raises:
            HarnessError: a file cannot be written; the verdict was printed all the same.
        """
        wanted = self.options.report or self.options.json  # otherwise not: to hash what it depends on takes time
        made = self.report() if wanted else {}
        try:
            self._write(made)
            if self.options.junit:
                write_text(junit(self.subject, self.found), self.options.junit)
            if self.recorder:
                self.recorder.write(self.options.record)
        finally:  # what cannot be written is at least shown
            try:
                if self.options.json:
                    print(as_text(made, ONE_LINE_EACH), file=self.out)
                else:
                    print_verdict(self.subject, self.found, self.options.all, self.out)
                self.out.flush()
            except BrokenPipeError:  # nobody reads on; the status tells it
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())

    def _write(self, made: dict) -> None:
        if self.options.report:
            keep, found = self.options.if_stale or self.options.resume, {result.instance for result in self.found}
            unfinished = frozenset(map(self.suite.page_of, self.order.keys() - found))
            write_report(made, self.options.report, keep=keep, unfinished=unfinished)

    def _hung(self, operation: str) -> None:
        """The watchdog ends the process: what was obtained is told first."""
        clause, name = self.suite.instances[self.asking]
        result = Result(instance=self.asking, clause=clause, operation=name)
        words = f"did not return within {self.subject.call_limit:g} s, in native code that nothing can stop"
        result.entry("").note(Finding(float("inf"), f"{operation} {words}"))
        self.found.append(result)
        self.tell()


def print_verdict(subject: Subject | Described, results: list[Result], everything: bool, out: TextIO) -> None:
    """Failures in full, then one line for each section and the total."""
    lines = [line for told in explanations(results) for line in (*told, "")]
    for result in results:
        if result.outcome == KNOWN:
            lines.append(f"{covered(result)}  {result.instance}: {result.reason}")
        elif (everything and result.outcome != FAIL) or result.not_run:
            shown = result.outcome not in (NOT_IMPLEMENTED, NOT_ASKED) and result.clause.measured
            ratio = f"  {result.ratio:.3g} of allowed" if shown else ""
            lines.append(f"{covered(result):<15} {result.instance}{ratio}")
    for page in dict.fromkeys(r.page for r in results):
        topic = [r for r in results if r.page == page]
        lines.append(f"{page}: {summary(topic)} ({seconds(topic)})")
    if subject.printed:
        lines.append(f"the adapter printed while it was called; its first line: {subject.printed[0][:100]!r}")
    if subject.calls and not subject.returned:
        lines.append("no call of this adapter returned an array; call one of its functions by hand first")
    if not subject.calls and results and all(result.outcome == NOT_IMPLEMENTED for result in results):
        lines.append("this adapter has none of the operations asked for; nnspec new-adapter shows how they are called")
    version = "" if subject.version == "unknown" else f" {subject.version}"
    total = f"{len(results)} instances in {seconds(results)}"
    print("\n".join([*lines, f"{subject.name}{version}: {summary(results)} ({total})"]), file=out)


def seconds(results: list[Result]) -> str:
    """How long the instances took, in words."""
    return f"{sum(r.seconds for r in results):.1f} s"


def summary(results: list[Result]) -> str:
    """The counts in words, ``130 pass, 2 variant, 1 fail``; a variant has a reading other than the definition's."""
    told = ", ".join(f"{n} {outcome}" for outcome, n in counts(results).items()) or "nothing was put to it"
    partly = sum(bool(result.not_run) for result in results)
    return f"{told} ({partly} in part)" if partly else told
