"""The errors a user of the suite can meet, each one line that names what, where and the likely fix."""


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


class Refused(Exception):
    """The subject raised in a call; ``original`` is what it raised."""

    def __init__(self, operation: str, original: BaseException):
        self.operation, self.original = operation, original
        text = " ".join(str(original).split()) or "no message"
        super().__init__(f"{operation} raised {type(original).__name__}: {text[:300]}")


class ClauseFailed(Exception):
    """A clause does not hold; ``finding`` is a dict for the report's field ``worst``, or None."""

    def __init__(self, message: str, finding: dict | None = None, ratio: float = float("inf")):
        self.finding, self.ratio = finding, ratio
        super().__init__(message)
