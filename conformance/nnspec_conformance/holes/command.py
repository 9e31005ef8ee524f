"""``nnspec holes``: under which conditions nothing is asked, and whether the list says so."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from nnspec_conformance.dependencies import topic_hash
from nnspec_conformance.errors import HarnessError, did_you_mean
from nnspec_conformance.holes import conditions, recorder
from nnspec_conformance.holes.table import (
    Hole,
    listed,
    merged,
    pages_of,
    problems,
    read_record,
    record_of,
    write_list,
    write_record,
)
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.operations import Operation
from nnspec_conformance.progress import progress
from nnspec_conformance.suite_loader import Suite, load_suite

ASKED_BY = {  # kind of conditions -> the duty
    "contents": "nan", "keyword": "attributes", "layout": "layouts", "length": "sizes", "dtype": "sizes",
    "pair": "attributes", "tree": "sizes",
}  # fmt: skip
OWN = (conditions.__file__, recorder.__file__)


def holes(options: argparse.Namespace) -> int:
    """``nnspec holes``: status 1 if a hole is not on the list, or the list has one that is closed."""
    suite = load_suite()
    found = []
    chosen = select(suite, options.topics)
    if options.if_stale:
        chosen = [page for page in chosen if not is_current(suite, page)]
        if not chosen:
            print("the record of holes is current")
            return 0
    for page in progress(chosen, "holes"):
        count, kinds = look(suite, page)
        open_ = [sum(hole.plan == plan for hole in kinds) for plan in ("full", "lean")]
        print(f"{page}: {count} conditions, {open_[0]} open, {open_[1]} more for a subject that compiles")
        if options.record or options.add:
            write_list(merged(page, kinds.items(), add=options.add), listed(page))
            write_record(kinds, count, inputs(suite, page), record_of(page))
        found += problems(page, {*kinds})
    for line in found:
        print(f"nnspec: {line}", file=sys.stderr)
    return 1 if found else 0


def select(suite: Suite, patterns: list[str]) -> list[str]:
    """The pages with operations that match: in full, a section, or a page's last word.

    Raises:
        HarnessError: a pattern matches none.
    """
    pages = pages_of(suite)
    for pattern in patterns:
        if not any(pattern in names(page) for page in pages):
            raise HarnessError(f"no topic '{pattern}' has operations{did_you_mean(pattern, pages)}")
    return [page for page in pages if not patterns or {*patterns} & {*names(page)}]


def names(page: str) -> tuple[str, ...]:
    """How a page may be named."""
    return page, page.split("/")[0], page.split("/")[-1]


def look(suite: Suite, page: str) -> tuple[int, dict[Hole, str]]:
    """How many conditions the operations of a page have, and which are open, each with its kind.

    What is open in the full plan is so in the lean one, and is not named there again.
    """
    met = {plan: recorder.recorded(suite, ORACLE, page, plan) for plan in recorder.PLANS}
    count, found = 0, dict[Hole, str]()
    for operation in (o for o in suite.spec.operations.values() if o.page == page):
        for what, kinds in recorder.expected(suite, ORACLE, operation).items():
            count += len(kinds)
            for condition, kind in kinds.items():
                fact = recorder.Fact(operation.name, what, condition)
                plan = next((plan for plan in recorder.PLANS if fact not in met[plan]), None)
                if plan:
                    found[Hole(plan, what, condition, operation.name)] = kind + said(operation, kind)
    return count, found


def said(operation: Operation, kind: str) -> str:
    """Whether the page exempts the operation from the duty that asks for conditions of a kind, with a reason there."""
    return " (exempt)" if ASKED_BY.get(kind) in operation.exempt else ""


# ---- the record


def inputs(suite: Suite, page: str) -> str:
    """The hash of all that the holes of a page depend on."""
    digest = hashlib.sha256(topic_hash(suite, page, ORACLE).encode())
    for path in sorted(map(Path, OWN)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def is_current(suite: Suite, page: str) -> bool:
    """Whether the record of a page is of all files as they are now, and the list agrees with it."""
    try:
        made_of, _, found = read_record(record_of(page))
    except HarnessError:
        return False
    return made_of == inputs(suite, page) and not any(problems(page, found))
