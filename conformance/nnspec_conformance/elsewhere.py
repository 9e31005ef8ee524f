"""Asks a subject in a process of its own, in which nothing was asked before.

The module is also what that process runs: questions come and answers go as pickles, by standard input and output.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from nnspec_conformance.cases import Case
from nnspec_conformance.errors import ClauseFailed, HarnessError, NotAsked, NotImplementedBySubject, Refused
from nnspec_conformance.loading import LOAD_LIMIT, built_in, load_subject
from nnspec_conformance.subject import Subject

COMMAND = (sys.executable, "-m", "nnspec_conformance.elsewhere")


def ask_elsewhere(subject: Subject, cases: list[Case], told: Mapping[str, str]) -> list[Any]:
    """The answers to some questions, which a fresh process is asked in this order.

    Args:
        subject: is loaded anew there.
        cases: without a function among what they hand over.
        told: readings that the subject is told.

    Raises:
        NotAsked: the subject has no file from which it could be loaded.
        ClauseFailed: there it is refused, or the process gives no answer at all.
    """
    name = _name_of(subject)
    if name is None:
        raise NotAsked("a fresh process, which has no file to load it from")
    told_once = pickle.dumps((name, subject.call_limit, cases, dict(told)))
    patience = LOAD_LIMIT + 2 * subject.patience.limit(None) * len(cases)
    try:
        process = subprocess.run(COMMAND, input=told_once, capture_output=True, timeout=patience, check=False)
        answers, refusal = pickle.loads(process.stdout)
    except (subprocess.TimeoutExpired, pickle.UnpicklingError, EOFError) as error:
        raise ClauseFailed(f"{cases[0].operation} gives no answer in a fresh process") from error
    if refusal is not None:
        raise ClauseFailed(f"in a fresh process: {refusal}")
    return answers


def _name_of(subject: Subject) -> str | None:
    """What the subject's adapter is loaded by: a built-in name, or the path of a file."""
    short = getattr(subject.adapter, "__name__", "").rpartition(".")[2]
    if subject.role != "user":
        return short if short in built_in() else None
    return getattr(subject.adapter, "__file__", None)


def _answered(name: str, call_limit: float, cases: list[Case], told: dict) -> tuple[list, str | None]:
    """The answers, and why there are no more."""
    answers = []
    try:
        subject = load_subject(name, call_limit=call_limit)
        for case in cases:
            answers.append(case.ask(subject, told))
    except (NotImplementedBySubject, ClauseFailed, Refused, HarnessError) as error:
        return answers, str(error)
    return answers, None


def main() -> None:
    """Answer what standard input asks, and nothing else on standard output."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what an adapter prints
        out.write(pickle.dumps(_answered(*pickle.load(sys.stdin.buffer))))


if __name__ == "__main__":
    main()
