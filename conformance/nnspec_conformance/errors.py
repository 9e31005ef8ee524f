"""The errors a user of the suite can meet, each one line that names what, where and the likely fix."""

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path

SLIPS = (TypeError, NameError, AttributeError)
REFUSING = ("/oracles/", "/numpy_oracle/")  # whose tables and axes a mutant asks for in vain, as anybody does


def one_line(text: object, longest: int = 300) -> str:
    """Foreign text, fit for a terminal, JSON and XML: one line, no control characters, not too long."""
    try:
        words = " ".join(str(text).split())
    except Exception:
        return f"{type(text).__name__} that cannot be printed"
    return "".join(c if c.isprintable() else "?" for c in words)[:longest]


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "; nnspec clauses lists them all") -> str:
    """``; did you mean a, b?`` with the nearest known words; the last argument if none is near."""
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=0.6)
    return f"; did you mean {', '.join(near)}?" if near else otherwise


def is_slip(error: BaseException) -> bool:
    """Whether who wrote a mutant made another mistake than its name says, so that it cannot run.

    A look-up that fails in the mutant's own code is one; where the oracle looks in vain it refuses what it was handed.
    """
    if not isinstance(error, LookupError):
        return isinstance(error, SLIPS)
    files = [frame.filename.replace("\\", "/") for frame in traceback.extract_tb(error.__traceback__)]
    return not any(part in file for file in files for part in REFUSING)


def fault(error: BaseException) -> str:
    """An exception that nobody expected, in one line: what it is, and where in this package it came."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(Path(__file__).parent)] or frames
    place = f" in {own[-1].filename}:{own[-1].lineno}" if own else ""
    text = one_line(error)
    return f"a fault of nnspec: {type(error).__name__}{place}{f': {text}' if text else ''}; report it"


class HarnessError(Exception):
    """The suite could not run: exit status 2. Nothing is said about the subject's conformance."""


class SpecError(HarnessError):
    """The specification's text is malformed.

    Args:
        path: the spec file.
        line: line number, from 1.
        problem: what is wrong; ends with the likely fix after a semicolon.
    """

    def __init__(self, path: object, line: int, problem: str):
        self.path, self.line, self.problem = path, line, problem
        super().__init__(f"{path}:{line}: {problem}")


class NotImplementedBySubject(Exception):
    """The subject has no such operation, or raised NotImplementedError for these attributes."""


class NotAsked(NotImplementedBySubject):
    """A question was not put: the adapter does not offer what it takes, or it was given up before."""


class Refused(Exception):
    """The subject raised in a call; ``original`` is what it raised."""

    call: str | None = None  # the question, as a line of code

    def __init__(self, operation: str, original: BaseException):
        self.operation, self.original = operation, original
        super().__init__(f"{operation} raised {type(original).__name__}: {one_line(original) or 'no message'}")


class ClauseFailed(Exception):
    """A clause does not hold, whatever the numbers."""

    call: str | None = None  # the question, as a line of code


class TookTooLong(ClauseFailed):
    """The subject did not return in time."""
