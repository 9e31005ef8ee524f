"""Runs the script of every finding of a subject: ``python -m nnspec_site.findings_run torch [--seconds 600]``.

With ``--snippets`` it runs the lines that stand on the subject's page instead; a finding without any is passed over.
A line for each finding whose script does not show it: there is nothing to reproduce, no script can be written, it ends
with an error, or it prints something else than the page states. Exit status 1 where there is such a line. Scripts run
one after the other in this process, each with names of its own, since importing a framework takes longer than most.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import re
import sys
import time
import warnings
from typing import Any

from nnspec_conformance.errors import HarnessError
from nnspec_conformance.loading import load_subject
from nnspec_conformance.reproduce import among, failing, written
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite, load_suite
from nnspec_site import data, finding_snippets, result_pages
from nnspec_site.data import Report

BEGINS = 40  # letters of a message that a script has to print
TOLD = re.compile(r": (?P<got>\S+), right is (?P<right>\S+)")
RAISED = re.compile(r"\w+ raised (?P<kind>\w+): (?P<text>.*)", re.S)
PRINTED = re.compile(r"-?(?:\d[\d.]*(?:e[+-]?\d+)?|inf|nan)|True|False")
FORM = re.compile(r"has (?:shape|dtype) (?P<form>\(.*?\)|\w+), expected")


def shown(text: str, stated: Report) -> str | None:
    """What is amiss with a script; None where it runs and tells of the answer that the page states.

    Args:
        text: the Python of the script.
        stated: the entry of a report that the page shows: message, and at its worst what came and what is right.
    """
    out = io.StringIO()
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(text, "<script>", "exec"), names)  # the script is the suite's own
    except Exception as error:
        return f"the script ends with {type(error).__name__}: {' '.join(str(error).split())[:120]}"
    told = out.getvalue().strip()
    if "refused, as it should be" in told:
        return "the framework refuses what it should"
    if not told:
        return "the script prints nothing"
    return None if as_stated(told, stated) else f"the script prints {' '.join(told.split())[:160]}"


def tells(text: str, stated: Report) -> str | None:
    """What is amiss with a snippet; None where it raises or prints what the page states.

    Args:
        text: its Python.
        stated: the entry of a report that the page shows.
    """
    out = io.StringIO()
    names: dict[str, Any] = {"__name__": "__main__"}
    error = RAISED.search(str(stated.get("message", "")))
    try:
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a framework may warn of what it does wrongly
            exec(compile(text, "<snippet>", "exec"), names)
    except Exception as came:
        said = f"{type(came).__name__}: {_plain(str(came))}"
        same = error and said.startswith(f"{error['kind']}: {_plain(error['text'])}"[:BEGINS])
        return None if same else f"the snippet ends with {said[:120]}"
    told, worst = out.getvalue(), stated.get("worst", {})
    if error:
        return f"the snippet raises nothing, and prints {_plain(told)[:120]}"
    if worst.get("expected") == "an exception" or "got" not in worst:
        return None if told.strip() else "the snippet prints nothing"
    if any(_agree(one, str(worst["got"]), str(worst["expected"])) for one in PRINTED.findall(told)):
        return None
    return f"the snippet prints {_plain(told)[:160]}"


def as_stated(told: str, stated: Report) -> bool:
    """Whether what a script prints is what a page states.

    Of numbers the deviation has to be the same to three digits, since an answer may depend on the machine; of what is
    no number, the form or the kind of error and how its message begins; of a refusal that is missing, that it is.
    """
    worst, message = stated.get("worst", {}), str(stated.get("message", ""))
    got, right = str(worst.get("got")), str(worst.get("expected"))
    if right == "an exception":
        return told.startswith("accepted:")
    if "got" in worst:
        return any(_agree(one["got"], got, right) and _agree(one["right"], right, got) for one in TOLD.finditer(told))
    if error := RAISED.search(message):
        return f"raised {error['kind']}: {error['text'][:BEGINS]}".strip() in told
    if form := FORM.search(message):
        return any(part in told for part in (f"of shape {form['form']}", f"shape {form['form']}", form["form"]))
    return _plain(message)[:BEGINS] in _plain(told)


def _agree(one: str, other: str, beside: str) -> bool:
    """Whether two texts are the same number, to three digits of its distance from the one beside it."""
    try:
        a, b, c = float(one), float(other), float(beside)
    except ValueError:
        return one == other
    if not (math.isfinite(a) and math.isfinite(b)):
        return repr(a) == repr(b)
    if math.isnan(c):  # any number is as far from it as any other: of memory that was never written, say
        return True
    distance = abs(b - c) if math.isfinite(c) else abs(b)
    return abs(a - b) <= 1e-3 * distance + 1e-8 * abs(b)


def _plain(text: str) -> str:
    return " ".join(text.split())


def amiss(
    name: str, seconds: float = float("inf"), only: str | None = None, *, snippets: bool = False
) -> tuple[int, int, list[str]]:
    """How many findings a subject has, how many scripts were run in the time, and what is amiss with which.

    Args:
        name: of the subject.
        seconds: after which no further script is begun.
        only: the one instance whose findings are run, if it is given.
        snippets: whether the lines on the page are run, and not the scripts.
    """
    suite, subject, reports = load_suite(), load_subject(name), data.load()
    causes = [cause for cause in result_pages.found(reports, name) if only in (None, cause.case[0])]
    ends, count, lines = time.monotonic() + seconds, 0, []
    for cause in causes:
        if time.monotonic() > ends:
            break
        if not result_pages.has_script(name, cause):
            continue  # whose page names the check
        if snippets:
            text = finding_snippets.make(suite, reports.subjects[name], cause.case[0], cause.entry)
            problem = tells(text, cause.entry) if text else None
            count += bool(text)
        else:
            problem = _problem(suite, subject, name, cause)
            count += 1
        if problem:
            told = result_pages.options_of(cause)
            lines.append(f"{cause.case[0]}{told}: {problem}; stated: {_stated(cause.entry)}")
            print(lines[-1], flush=True)
    return len(causes), count, lines


def _problem(suite: Suite, subject: Subject, name: str, cause: result_pages.Finding) -> str | None:
    instance = cause.case[0]
    try:
        if found := among(failing(suite, subject, instance), **cause.options):
            return shown(written(suite, subject, name, instance, found)[0], cause.entry)
    except (HarnessError, SyntaxError) as error:  # of a question that cannot be written down
        return f"no script: {error}"
    return "nothing to reproduce"


def _stated(entry: Report) -> str:
    worst = entry.get("worst", {})
    return f"{worst['got']}, right is {worst['expected']}" if "got" in worst else str(entry.get("message", ""))[:160]


def main(arguments: list[str]) -> int:
    """Exit status 0: every script that was run shows its finding; 1: not every one."""
    parser = argparse.ArgumentParser(prog="python -m nnspec_site.findings_run", description=__doc__)
    parser.add_argument("subject")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further script after so long")
    parser.add_argument("--only", metavar="INSTANCE", help="the findings of this instance alone")
    parser.add_argument("--snippets", action="store_true", help="run the lines on the page, and not the scripts")
    given = parser.parse_args(arguments)
    causes, count, lines = amiss(given.subject, given.seconds, given.only, snippets=given.snippets)
    what = "snippets" if given.snippets else "scripts"
    print(f"{given.subject}: {causes} findings, {count} {what} run, {len(lines)} amiss")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
