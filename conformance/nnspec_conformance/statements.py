"""What proves the reference statements: tests of the reference, found by their mark and without running them.

    @pytest.mark.statement("hidden-scan.recursion", of=hidden_scan, mutants=[scans_backwards])
    def test_scanned_equals_the_recursion(implementation): ...

The test is run on ``of``, and must fail on each of ``mutants`` (``reference/tests/conftest.py``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nnspec_conformance.errors import SpecError

MARK = "pytest.mark.statement"


@dataclass(frozen=True)
class StatementTest:
    """A test that proves a statement.

    Attributes:
        statement: the statement's id.
        name: file and function, for instance ``test_loop.py::test_resumes``.
        mutants: wrong implementations on which it must fail, with the first line of what each says of itself.
    """

    statement: str
    name: str
    mutants: dict[str, str] = field(default_factory=dict)


def find_tests(folder: Path | None = None) -> list[StatementTest] | None:
    """Every test that is marked as the proof of a statement; None where there are no tests, in an installed wheel.

    Raises:
        SpecError: a mark that cannot be read without running it.
    """
    folder = folder or Path(__file__).resolve().parents[2] / "reference" / "tests"
    if not folder.is_dir():
        return None
    return [test for path in sorted(folder.rglob("test_*.py")) for test in _of_file(path, folder)]


def _of_file(path: Path, folder: Path) -> Iterator[StatementTest]:
    text = path.read_text(encoding="utf-8")
    if MARK not in text:  # most have none, and every start of a program comes here
        return
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    said = {node.name: (ast.get_docstring(node) or "").partition("\n")[0] for node in functions}
    for node in functions:
        for mark in node.decorator_list:
            if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != MARK:
                continue
            given = {keyword.arg: keyword.value for keyword in mark.keywords}
            mutants = given.get("mutants", ast.List([]))
            statement = mark.args[0] if len(mark.args) == 1 else None
            if not (isinstance(statement, ast.Constant) and isinstance(statement.value, str)):
                raise SpecError(path, mark.lineno, "the mark of a statement has its id as the first argument, as text")
            if not (isinstance(mutants, ast.List) and all(isinstance(mutant, ast.Name) for mutant in mutants.elts)):
                raise SpecError(path, mark.lineno, "mutants is a list of functions of this file, by name")
            names = [ast.unparse(mutant) for mutant in mutants.elts]
            if unsaid := [name for name in names if not said.get(name)]:
                problem = f"the wrong implementation {unsaid[0]} does not say what it does wrong; give it a docstring"
                raise SpecError(path, mark.lineno, problem)
            name = f"{path.relative_to(folder).as_posix()}::{node.name}"
            yield StatementTest(statement.value, name, {mutant: said[mutant] for mutant in names})
