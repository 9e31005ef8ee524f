"""What a subject did on an instance, as shown: a symbol, a word and a colour, never the colour alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from nnspec_site.html import Element, make

# outcome -> (symbol, css name), best first: the order in which a summary lists them
OUTCOMES = {
    "pass": ("✓", "pass"),
    "variant": ("◐", "variant"),
    "known failure": ("!", "known"),
    "fail": ("✗", "fail"),
    "not implemented": ("–", "absent"),
    "not asked": ("○", "absent"),
    "harness error": ("⚠", "error"),
    "stale": ("↻", "stale"),
    "not run": ("·", "absent"),
}
WORST_FIRST = [
    "harness error",
    "fail",
    "known failure",
    "stale",
    "variant",
    "not implemented",
    "not asked",
    "not run",
    "pass",
]
EXPERIMENTS = {
    "holds": ("✓", "pass"),
    "does not hold": ("✗", "fail"),
    "holds when": ("◐", "variant"),
    "stale": ("↻", "stale"),
    "not run": ("·", "absent"),
}
PREDICTIONS = {"met": ("✓", "pass"), "missed": ("✗", "known")}
MEANING = {
    "pass": "the measured error is within the allowed one",
    "variant": "holds under another reading that the clause names, as the subject declares",
    "known failure": "fails as its adapter declares, with a reason and a link",
    "fail": "does not hold",
    "not implemented": "the subject has no such operation",
    "not asked": "the question was not put: the adapter lacks its dtype or layout, or no clause states the answer",
    "harness error": "the suite could not run it; says nothing about the subject",
    "stale": "measured against an earlier wording of the clause",
    "not run": "no result recorded",
}


def chip(outcome: str, text: str = "", *, kinds: dict[str, tuple[str, str]] = OUTCOMES) -> Element:
    """``✓ pass``; ``text`` stands in for the outcome's own word."""
    symbol, css = kinds.get(outcome, ("?", "error"))
    return make("span", f"nn-chip nn-{css}", f"{symbol} {text or outcome}")


def tally(outcomes: Iterable[str]) -> list[tuple[str, int]]:
    """Counts by outcome, best outcome first."""
    counts = Counter(outcomes)
    known = [(name, counts.pop(name)) for name in OUTCOMES if name in counts]
    return known + sorted(counts.items())


def worst(outcomes: Iterable[str]) -> str:
    """The outcome that a reader should hear about first."""
    found = set(outcomes)
    return next((name for name in WORST_FIRST if name in found), "not run")
