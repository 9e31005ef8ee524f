"""The verdict in words: what the clause says, what came, and which known bug fits."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from nnspec_conformance.outcome import FAIL, HARNESS_ERROR, Result
from nnspec_conformance.subnormals import WORDS

WIDTH = 100
WEAK = "weak evidence"
# How the simple TeX of the clauses reads in a terminal; a command that is not listed loses its backslash only.
SYMBOLS = {
    "infty": "inf", "pm": "±", "cdot": "·", "odot": "·", "times": "×", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥",
    "ne": "≠", "neq": "≠", "approx": "≈", "in": " in ", "to": "→", "mid": "|", "partial": "d", "nabla": "grad ",
    "langle": "⟨", "rangle": "⟩", "ldots": "...", "dots": "...", "cdots": "...", "top": "T", "prod": "product",
    "leftarrow": "←", "quad": " ", "qquad": " ", "left": "", "right": "", "bigl": "", "bigr": "", "displaystyle": "",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "varphi": "φ", "psi": "ψ", "omega": "ω", "Delta": "Δ", "Phi": "Φ", "Sigma": "Σ", "Omega": "Ω",
}  # fmt: skip
GROUP = r"\{([^{}]*)\}"


def plain_tex(tex: str) -> str:
    r"""TeX for a terminal: ``\max(|f(x)|, 2^{-4})`` reads max(|f(x)|, 2^-4)."""
    text = re.sub(r"\\[,;:!> ]", " ", tex).replace(r"\{", "⦃").replace(r"\}", "⦄").replace("~", " ")
    while True:  # from the innermost braces outwards
        before = text
        text = re.sub(r"\\d?frac" + GROUP + GROUP, lambda m: f"{_operand(m[1])}/{_operand(m[2])}", text)
        text = re.sub(r"\\sqrt" + GROUP, r"sqrt(\1)", text)
        text = re.sub(r"\\(?:operatorname|text|mathrm|mathbf|mathbb|mathcal)\*?" + GROUP, r"\1", text)
        text = re.sub(r"([\^_])" + GROUP, lambda m: m[1] + _operand(m[2]), text)
        if text == before:
            break
    text = re.sub(r"\\([A-Za-z]+)", lambda m: SYMBOLS.get(m[1], m[1]), text)
    text = text.replace("{", "").replace("}", "").replace("⦃", "{").replace("⦄", "}").replace("\\", "")
    return " ".join(text.split()).replace("± inf", "±inf").replace("⟨ ", "⟨").replace(" ⟩", "⟩")


def _operand(text: str) -> str:
    """An operand in parentheses, unless it is one number, name or call."""
    return text if re.fullmatch(r"-?[\w.\\]+|\\?\w+\([^()]*\)", text.strip()) else f"({text})"


def plain(markdown: str) -> str:
    """A clause's text for a terminal: bold marks, links and TeX turned into words, on one line."""
    text = re.sub(r"\[([^\]]+)\](\[\]|\([^)]*\))", r"\1", markdown)
    text = re.sub(r"\$([^$]+)\$", lambda m: plain_tex(m[1]), text)
    return " ".join(text.replace("**", "").split())


def number(x: float | None) -> str:
    """Three digits, for people."""
    return "unknown" if x is None else f"{x:.3g}"


def _row(label: str, text: str | None) -> list[str]:
    return _wrapped(text or "", f"  {label:<9} ", " " * 12)


def _wrapped(text: str, first: str, further: str) -> list[str]:
    """Lines of the width; ids, which hold hyphens, stay whole."""
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=further, break_on_hyphens=False)


def covered(result: Result) -> str:
    """The outcome, what it does not cover, and by which declaration it holds: ``pass, not in float64``."""
    return ", ".join(
        [
            ", not ".join([result.outcome, *result.not_run]),
            *(WORDS[r] for r in result.subnormals),
            *([WEAK] if result.weak else []),
        ]
    )


def explanation(result: Result) -> list[str]:
    """Lines that tell why an instance failed."""
    clause = result.clause
    said = covered(result).replace(result.outcome, result.outcome.upper(), 1)
    lines = [f"{said}  {result.instance}  ({clause.level}, {clause.page})"]
    lines += _wrapped(plain(clause.text), "  | ", "  | ")
    found = result.finding
    lines += _row("call", found.call if found else None)
    if found and found.got is not None:
        lines += [*_row("input", found.input), *_row("got", found.got), *_row("expected", found.expected)]
        if found.error is not None and found.error < float("inf"):
            times = f", {found.ratio:.3g} times what is allowed" if 1 < found.ratio < float("inf") else ""
            lines += _row("error", f"{number(found.error)}, allowed {number(found.allowed)}{times}")
    if result.message and (found is None or found.got is None or found.message or result.reason):
        lines += _row("found", result.message)
    lines += _row("alone", found.alone if found else None)
    for fit in result.fits[:3]:
        lines += _row("fits", fit)
    return lines + _row("reason", result.reason)


def _together(result: Result) -> tuple | None:
    """What results must share to be told once: the operation, and a known cause or the words in which it fails."""
    if result.outcome != FAIL or result.reason:
        return None
    if result.fits:
        return result.operation, "fits", result.fits[0]
    told_by_words = result.finding is None or result.finding.got is None
    return (result.operation, "found", result.message) if told_by_words else None


def explanations(results: Iterable[Result]) -> list[list[str]]:
    """One explanation for each failure; those of one cause stand under the first, those in the same words as one."""
    groups: dict[object, list[Result]] = {}
    for number, result in enumerate(failed(results)):
        groups.setdefault(_together(result) or number, []).append(result)
    told = []
    for group in groups.values():
        if len(group) == 1:
            told.append(explanation(group[0]))
            continue
        first = group[0]
        if first.fits:
            more = f"{len(group) - 1} more of this cause: {', '.join(r.instance for r in group[1:])}"
            told.append([*explanation(first), *_row("and", more)])
            continue
        calls = [r.finding.call for r in group if r.finding and r.finding.call]
        call = min(calls, key=len, default=None)  # the easiest to try by hand
        told.append(
            [
                f"FAIL  {first.operation}: {len(group)} clauses fail in the same way",
                *_row("call", call),
                *_row("found", first.message),
                *_row("clauses", ", ".join(r.instance for r in group)),
            ]
        )
    return told


def failed(results: Iterable[Result]) -> list[Result]:
    """The results that must be told in full."""
    return [r for r in results if r.outcome in (FAIL, HARNESS_ERROR)]


def status(results: Iterable[Result]) -> int:
    """0: every clause put to the subject holds or is known not to; 1: one failed; 2: the suite could not ask."""
    outcomes = {entry.outcome for result in results for entry in result.entries}
    return 2 if HARNESS_ERROR in outcomes else 1 if FAIL in outcomes else 0
