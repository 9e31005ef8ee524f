"""The commands that put clauses to implementations, with their progress and their words."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from nnspec_conformance.compare import Finding
from nnspec_conformance.engine import run_instance, validate
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.identify import identify
from nnspec_conformance.kill_table import is_current, write_kills
from nnspec_conformance.limits import watchdog
from nnspec_conformance.loading import load_subject
from nnspec_conformance.mutation import blunt_dtypes, explain, kills_of, power, weak
from nnspec_conformance.outcome import FAIL, KNOWN, NOT_IMPLEMENTED, PASS, Result
from nnspec_conformance.progress import progress
from nnspec_conformance.report import (
    ONE_LINE_EACH,
    as_report,
    check_report_writable,
    counts,
    junit,
    read_report,
    stale_pages,
    write_report,
)
from nnspec_conformance.results import as_text, check_writable, results_dirs, write_text
from nnspec_conformance.signals import check_stopped
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite, load_suite
from nnspec_conformance.vectors import Recorder, load, replay
from nnspec_conformance.verdict import covered, explanations, status

WRITING = 0.05  # share of the time that writing results as they come may take


def run_suite(
    suite: Suite,
    subject: Subject,
    chosen: list[str],
    results: list[Result],
    record: Callable | None,
    keep: Callable[[], None],
) -> None:
    """Append the result of every chosen instance, and call ``keep`` after each; what was obtained stays."""
    for instance in progress(chosen, subject.name):
        check_stopped()
        result = run_instance(suite, subject, instance, record=record)
        result.fits = explain(suite, subject, result)
        result.answers.clear()
        results.append(result)
        keep()


def check(options: argparse.Namespace) -> int:
    """``nnspec check``: the verdict, in words or as JSON, and the files that were asked for."""
    suite = load_suite()
    chosen = suite.select(options.clauses)
    if options.report:
        check_report_writable(options.report)
    if options.junit:
        check_writable(options.junit)
    if options.record:
        check_writable(options.record / "manifest.json")
    for path in (options.report, options.junit):
        if path and path.resolve() == Path(options.adapter).resolve():
            raise HarnessError(f"{path}: is the adapter itself; choose another file")
    with own_output() as out:
        subject = load_subject(options.adapter, call_limit=options.call_limit)
        validate(suite, subject)
        if options.if_stale:
            stale = stale_pages(suite, subject, chosen, _recorded(subject, options.report))
            chosen = [instance for instance in chosen if suite.page_of(instance) in stale]
            if not chosen:
                print(f"{options.report or subject.name} is current", file=out)
                return 0
        return _put_and_tell(suite, subject, chosen, options, out)


def _recorded(subject: Subject, path: Path | None) -> list[dict]:
    """The reports that may still be current: the one that is to be written, else those that lie beside the suite."""
    found = []
    for place in [path] if path else [root / "subjects" / subject.name for root in results_dirs()]:
        with contextlib.suppress(HarnessError):  # none, or none that can be read: then it is measured again
            found.append(read_report(place))
    return found


def _put_and_tell(suite: Suite, subject: Subject, chosen: list[str], options: argparse.Namespace, out: TextIO) -> int:
    """Put the chosen instances to the subject; whatever ends the run, tell and keep what was obtained."""
    results: list[Result] = []
    recorder = Recorder() if options.record else None
    last, took = time.monotonic(), 0.0

    def tell() -> None:
        made = as_report(suite, subject, results)
        try:
            if options.report:
                write_report(made, options.report, keep=options.if_stale)
            if options.junit:
                write_text(junit(subject, results), options.junit)
            if recorder:
                recorder.write(options.record)
        finally:  # what cannot be written is at least shown
            if options.json:
                print(as_text(made, ONE_LINE_EACH), file=out)
            else:
                print_verdict(subject, results, options.all, out)
            out.flush()

    def keep() -> None:
        """Write the results so far, so that a process that is killed leaves them; writing takes a share of the time."""
        nonlocal last, took
        if not options.report or time.monotonic() - last < took / WRITING:
            return
        begun = time.monotonic()
        with contextlib.suppress(HarnessError):  # the end says that it cannot be written
            write_report(as_report(suite, subject, results), options.report, keep=options.if_stale)
        last = time.monotonic()
        took = last - begun

    def hung(operation: str) -> None:
        clause, name = suite.instances[instance := chosen[len(results)]]
        message = f"{operation} did not return within {subject.call_limit:g} s, in native code that nothing can stop"
        results.append(Result(instance=instance, clause=clause, operation=name))
        results[-1].entry("").note(Finding(float("inf"), message))
        tell()

    watchdog.on_hang = hung
    try:
        run_suite(suite, subject, chosen, results, recorder, keep)
    except KeyboardInterrupt:
        tell()
        print(f"nnspec: interrupted after {len(results)} of {len(chosen)} instances; these are kept", file=sys.stderr)
        return 2
    finally:
        watchdog.on_hang = None
    tell()
    if results and all(result.outcome == NOT_IMPLEMENTED for result in results):
        print(
            f"nnspec: {subject.name} implements none of the {len(results)} instances that were asked", file=sys.stderr
        )
        return 2
    return status(results)


@contextlib.contextmanager
def own_output() -> Iterator[TextIO]:
    """Standard output for our words only: what an adapter prints, also from native code, goes to standard error."""
    ours = sys.stdout
    if not faulthandler.is_enabled():
        with contextlib.suppress(OSError, ValueError):  # a stream of somebody's own
            faulthandler.enable()  # a crash in native code says in which function
    with contextlib.redirect_stdout(sys.stderr):
        try:
            descriptor, errors = ours.fileno(), sys.stderr.fileno()
        except (OSError, ValueError):  # a stream of somebody's own
            yield ours
            return
        ours.flush()
        with os.fdopen(os.dup(descriptor), "w", encoding=ours.encoding, errors="backslashreplace") as private:
            os.dup2(errors, descriptor)
            try:
                yield private
            finally:
                os.dup2(private.fileno(), descriptor)


def print_verdict(subject: Subject, results: list[Result], everything: bool, out: TextIO) -> None:
    """Failures in full, then one line for each section and the total."""
    lines = [line for told in explanations(results) for line in (*told, "")]
    for result in results:
        if result.outcome == KNOWN:
            lines.append(f"{covered(result)}  {result.instance}: {result.reason}")
        elif (everything and result.outcome != FAIL) or result.not_run:
            shown = result.outcome != NOT_IMPLEMENTED and result.clause.measured
            ratio = f"  {result.ratio:.3g} of allowed" if shown else ""
            lines.append(f"{covered(result):<15} {result.instance}{ratio}")
    for page in dict.fromkeys(r.page for r in results):
        topic = [r for r in results if r.page == page]
        lines.append(f"{page}: {summary(topic)} ({seconds(topic)})")
    if subject.printed:
        lines.append(f"the adapter printed while it was called; its first line: {subject.printed[0][:100]!r}")
    if subject.calls and not subject.returned:
        lines.append("no call of this adapter returned an array; call one of its functions by hand first")
    if not subject.calls:
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


def mutants(options: argparse.Namespace) -> int:
    """``nnspec mutants``: the kill table; status 1 if a mutant survives or a clause is too weak."""
    suite = load_suite()
    chosen = suite.select(options.clauses)
    if options.record:
        check_writable(options.record / "any.json")
    if options.if_stale:
        # what is to be written, else what lies beside the suite, as for a report
        folders = [options.record] if options.record else [root / "mutants" for root in results_dirs()]
        chosen = _without_current(suite, chosen, folders)
        if not chosen:
            print(f"{options.record or 'the kill table'} is current")
            return 0
    table = {}
    for instance in progress(chosen, "mutants"):
        table[instance] = kills_of(suite, instance)
    for instance, kills in table.items():
        nearest = min(kills, key=lambda k: k.distance, default=None)
        if nearest is None:
            continue
        caught = sum(k.caught for k in kills)
        near = f"nearest {power(kills):>8.3g} tolerances: {nearest.mutant.name}"
        blunt = "".join(f"; {distance:.3g} in {dtype}" for dtype, distance in blunt_dtypes(kills).items())
        print(f"{instance:<46} {caught} of {len(kills)} caught, {near}{blunt}")
        for k in kills if options.all else [k for k in kills if not k.caught]:
            how = "caught" if k.caught else "BROKE" if k.broke else "SURVIVES"
            print(f"    {how:<9} {k.mutant.name}: {k.mutant.story}")
    problems = weak(suite, table)
    for problem in problems:
        print(f"nnspec: {problem}", file=sys.stderr)
    if options.record:
        write_kills(suite, table, options.record)
    total = sum(map(len, table.values()))
    print(f"{sum(k.caught for kills in table.values() for k in kills)} of {total} mutants caught")
    return 1 if problems else 0


def _without_current(suite: Suite, chosen: list[str], folders: list[Path]) -> list[str]:
    """The chosen instances of the pages whose kills none of the folders has as the files are now."""
    pages: dict[str, list[str]] = {}
    for instance in chosen:
        pages.setdefault(suite.page_of(instance), []).append(instance)
    stale = [instances for page, instances in pages.items() if not is_current(suite, page, {*instances}, folders)]
    return [instance for instances in stale for instance in instances]


def identify_readings(options: argparse.Namespace) -> int:
    """``nnspec identify``: status 1 if a declaration is not what was found."""
    suite = load_suite()
    with own_output():
        subject = load_subject(options.adapter)
        validate(suite, subject)
        rows = list(identify(suite, subject))
    wrong = [r for r in rows if r.implemented and not r.known_failure and not set(r.declared) <= set(r.found)]
    if options.json:
        print(json.dumps([vars(r) for r in rows], indent=1))
        return 1 if wrong else 0
    for r in rows:
        none = "a known failure" if r.known_failure else "none of them" if r.implemented else "not implemented"
        found = ", ".join(map(str, r.found)) or none
        note = f"  <- declares {', '.join(map(str, r.declared))}" if r in wrong else ""
        mark = "" if not r.implemented or r.definition in r.found else f"  (the definition has {r.definition})"
        print(f"{r.instance:<40} {found}{mark}{note}")
    return 1 if wrong else 0


def replay_vectors(options: argparse.Namespace) -> int:
    """``nnspec replay``: status 1 if an answer is outside what the vectors allow."""
    suite = load_suite()
    cases = load(options.folder, suite.spec)
    subject = load_subject(options.adapter)
    validate(suite, subject)
    outcomes, stopped = [], False
    try:
        for item in replay(cases, subject, suite.spec):
            outcomes.append(item)
            if item.outcome == FAIL:
                print(f"FAIL  {item.instance}  {item.message}")
    except KeyboardInterrupt:
        stopped = True
        print(f"nnspec: interrupted after {len(outcomes)} cases", file=sys.stderr)
    tally = {o: sum(i.outcome == o for i in outcomes) for o in (PASS, FAIL, NOT_IMPLEMENTED)}
    counts = ", ".join(f"{n} {o}" for o, n in tally.items() if n) or "none was in a dtype or reading it has"
    print(f"{subject.name} {subject.version}: {len(outcomes)} of {len(cases)} recorded cases: {counts}")
    if stopped:
        return 2
    if not outcomes:
        raise HarnessError("no recorded case could be put to this subject; check its DTYPES and VARIANTS")
    return 1 if tally[FAIL] else 0
