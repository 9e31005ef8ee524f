"""The commands that put clauses to implementations, with their progress and their words."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from functools import partial
from pathlib import Path

from nnspec_conformance.asking import ask
from nnspec_conformance.checking import Checking
from nnspec_conformance.compiled import collect_rarely
from nnspec_conformance.described import Described
from nnspec_conformance.engine import validate
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.identify import Identified, identify
from nnspec_conformance.isolation import Workers
from nnspec_conformance.kill_table import is_current, write_kills
from nnspec_conformance.limits import watchdog
from nnspec_conformance.loading import load_subject
from nnspec_conformance.mutation import Kill, blunt_dtypes, kills_of, power, weak
from nnspec_conformance.outcome import FAIL, NOT_IMPLEMENTED, PASS
from nnspec_conformance.output import own_output
from nnspec_conformance.progress import progress
from nnspec_conformance.report import check_report_writable, read_report, stale_pages
from nnspec_conformance.results import check_writable, results_dirs, today
from nnspec_conformance.side_by_side import Arriving
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite, load_suite
from nnspec_conformance.vectors import load, replay


def check(options: argparse.Namespace) -> int:
    """``nnspec check``: the verdict, in words or as JSON, and the files that were asked for."""
    suite = load_suite()
    chosen = suite.select(options.clauses)
    _check_files(options)
    how = {"call_limit": options.call_limit, "first_call_limit": options.first_call_limit, "slow": options.slow}
    with own_output() as out, contextlib.ExitStack() as stack:
        if options.isolate:
            workers = stack.enter_context(Workers(suite, options.adapter, **how))
            subject, put = workers.subject, workers.ask
        else:
            subject = load_subject(options.adapter, **how)
            validate(suite, subject)
            collect_rarely()
            put = partial(ask, suite, subject)
        if options.if_stale:
            crash = getattr(options, "crash", None)
            stale = stale_pages(suite, subject, chosen, _recorded(subject, options.report))
            if crash and crash.instance:  # its result may have been written before
                stale.append(suite.page_of(crash.instance))
            chosen = [instance for instance in chosen if suite.page_of(instance) in stale]
            if not chosen:
                print(f"{options.report or subject.name} is current", file=out)
                return 0
        checking = Checking(suite, subject, chosen, options, out)
        start = partial(Workers, suite, options.adapter, **how)
        beside = partial(Arriving, suite, workers, start, options.jobs) if options.jobs > 1 else None
        return checking.run(put, start, beside)


def _check_files(options: argparse.Namespace) -> None:
    """See before the run whether what is asked for can be written; a path is where it is, whatever an adapter does."""
    today()
    for name in ("report", "junit", "record"):
        path = getattr(options, name)
        setattr(options, name, path and path.absolute())
    if options.report:
        check_report_writable(options.report)
    if options.junit:
        check_writable(options.junit)
    if options.record:
        check_writable(options.record / "manifest.json")
    for path in (options.report, options.junit):
        if path and path.resolve() == Path(options.adapter).resolve():
            raise HarnessError(f"{path}: is the adapter itself; choose another file")
    if options.report and options.junit and options.report.resolve() == options.junit.resolve():
        raise HarnessError(f"{options.junit}: is where --report writes, too; choose another file for one of them")
    if options.resume and not options.report:
        raise HarnessError("--resume goes on with a report; name it with --report")
    for other in ("if_stale", "record"):
        if options.resume and getattr(options, other):
            raise HarnessError(f"--resume and --{other.replace('_', '-')} exclude each other; leave one out")
    if options.isolate and options.record:
        name = "--jobs" if options.jobs > 1 else "--isolate"
        raise HarnessError(f"{name} and --record exclude each other: questions are recorded where they are asked")


def _recorded(subject: Subject | Described, path: Path | None) -> list[dict]:
    """The reports that may still be current: the one that is to be written, else those that lie beside the suite."""
    found = []
    for place in [path] if path else [root / "subjects" / subject.name for root in results_dirs()]:
        with contextlib.suppress(HarnessError, OSError):  # none, or none that can be read: then it is measured again
            found.append(read_report(place))
    return found


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
    table: dict[str, list[Kill]] = {}
    pages = _by_page(suite, chosen)
    for instance in progress([instance for page in pages.values() for instance in page], "mutants"):
        table[instance] = kills_of(suite, instance)
        if options.record and instance == pages[page := suite.page_of(instance)][-1]:
            write_kills(suite, {name: table[name] for name in pages[page]}, options.record)
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
    total = sum(map(len, table.values()))
    print(f"{sum(k.caught for kills in table.values() for k in kills)} of {total} mutants caught")
    return 1 if problems else 0


def _without_current(suite: Suite, chosen: list[str], folders: list[Path]) -> list[str]:
    """The chosen instances of the pages whose kills none of the folders has as the files are now."""
    pages = _by_page(suite, chosen).items()
    return [name for page, names in pages if not is_current(suite, page, {*names}, folders) for name in names]


def _by_page(suite: Suite, instances: list[str]) -> dict[str, list[str]]:
    """The instances of each page, duties on the pages of their operations."""
    pages: dict[str, list[str]] = {}
    for instance in instances:
        pages.setdefault(suite.page_of(instance), []).append(instance)
    return pages


def identify_readings(options: argparse.Namespace) -> int:
    """``nnspec identify``: status 1 if a declaration is not what was found, 2 if something could not be asked."""
    suite = load_suite()
    rows: list[Identified] = []

    def tell_json() -> None:
        if options.json:
            print(json.dumps([vars(r) for r in rows], indent=1), file=out, flush=True)

    with own_output() as out:
        subject = load_subject(options.adapter)
        validate(suite, subject)
        watchdog.on_hang = lambda _: tell_json()
        try:
            for row in identify(suite, subject):
                rows.append(row)
                if not options.json:
                    print(in_words([row]), file=out, flush=True)
        except KeyboardInterrupt:
            tell_json()
            print(f"nnspec: interrupted after {len(rows)} instances; these are told", file=sys.stderr)
            return 2
        finally:
            watchdog.on_hang = None
        tell_json()
    return 2 if any(row.fault for row in rows) else 1 if any(row.is_wrong for row in rows) else 0


def in_words(rows: list[Identified]) -> str:
    """A line for each instance: what was found, what the definition has, and what is declared where that is not it."""
    lines = []
    for row in rows:
        none = "a known failure" if row.known_failure else "none of them" if row.implemented else "not implemented"
        none = f"could not be asked: {row.fault}" if row.fault else none
        found = ", ".join(map(str, row.found)) or none
        note = f"  <- declares {', '.join(map(str, row.declared))}" if row.is_wrong else ""
        known = row.implemented and not row.fault and row.definition not in row.found
        mark = f"  (the definition has {row.definition})" if known else ""
        beside = ", ".join(f"{name} = {value}" for name, value in row.beside.items())
        lines.append(f"{row.instance:<40} {found}{f'  with {beside}' if beside else ''}{mark}{note}")
    return "\n".join(lines)


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
                print(f"FAIL  {item.instance}  {item.message}", flush=True)  # the next call may end the process
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
