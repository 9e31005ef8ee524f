"""The verdict in words: what the clause says, what came, and which known bug fits."""

from __future__ import annotations

import re
import textwrap

from nnspec_conformance.engine import FAIL, HARNESS_ERROR, Result

WIDTH = 100


def plain(markdown: str) -> str:
    """A clause's text for a terminal: bold marks and link brackets removed, on one line."""
    text = re.sub(r"\[([^\]]+)\]\[\]", r"\1", markdown)
    return " ".join(text.replace("**", "").split())


def number(x: float | None) -> str:
    """Three digits, for people."""
    return "unknown" if x is None else f"{x:.3g}"


def explanation(result: Result) -> list[str]:
    """Lines that tell why an instance failed."""
    clause = result.clause
    lines = [f"{result.outcome.upper()}  {result.instance}  ({clause.level}, {clause.page})"]
    lines += textwrap.wrap(plain(clause.text), WIDTH, initial_indent="  | ", subsequent_indent="  | ")
    found = result.finding
    if found and found.got is not None:
        rows = [("call", found.call), ("input", found.input), ("got", found.got), ("expected", found.expected)]
        lines += [f"  {label:<9} {value}" for label, value in rows if value]
        if found.error is not None:
            times = f", {found.ratio:.3g} times what is allowed" if 1 < found.ratio < float("inf") else ""
            lines.append(f"  {'error':<9} {number(found.error)}, allowed {number(found.allowed)}{times}")
    if found is None or found.got is None or result.message not in (None, ""):
        if found is None or found.got is None:
            lines += textwrap.wrap(
                result.message or "", WIDTH, initial_indent="  found     ", subsequent_indent="            "
            )
    for fit in result.fits[:3]:
        lines += textwrap.wrap(fit, WIDTH, initial_indent="  fits      ", subsequent_indent="            ")
    if result.reason:
        lines.append(f"  reason    {result.reason}")
    return lines


def failed(results: list[Result]) -> list[Result]:
    """Those that must be told in full."""
    return [r for r in results if r.outcome in (FAIL, HARNESS_ERROR)]


def status(results: list[Result]) -> int:
    """0: every clause put to the subject holds or is known not to; 1: one failed; 2: the suite could not run."""
    if any(r.outcome == HARNESS_ERROR for r in results):
        return 2
    return 1 if any(r.outcome == FAIL for r in results) else 0
