"""Collects the tests and mutants of a suite and ties them to the clauses of a specification."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any

from nnspec_conformance.cases import Test
from nnspec_conformance.clauses import Spec, own_spec
from nnspec_conformance.errors import HarnessError, did_you_mean
from nnspec_conformance.statements import StatementTest, find_tests


@dataclass
class Suite:
    """A specification with the tests that prove it; ``statement_tests`` is None where those are not at hand."""

    spec: Spec
    tests: dict[str, list[Test]] = field(default_factory=dict)
    mutant_modules: Sequence[ModuleType] = field(default_factory=list)
    statement_tests: list[StatementTest] | None = field(default_factory=list)

    def add(self, module: ModuleType) -> None:
        """Collect every test of a module, in the order of its source."""
        for function in vars(module).values():
            test = getattr(function, "__nnspec__", None)
            if isinstance(test, Test) and test.function.__module__ == module.__name__:
                self.tests.setdefault(test.clause, []).append(test)

    @cached_property
    def instances(self) -> dict:
        return self.spec.instances()

    def page_of(self, instance: str) -> str:
        """The page to which an instance belongs."""
        clause, operation = self.instances[instance]
        return clause.page_of(operation)

    def select(self, patterns: Iterable[str] = ()) -> list[str]:
        """Instances that match clause ids, instances, pages or sections (all, if no pattern is given).

        A topic's page stands for the duties of its operations, too.

        Raises:
            HarnessError: a pattern matches nothing; names the nearest ids.
        """
        chosen: dict[str, None] = {} if list(patterns) else dict.fromkeys(self.instances)
        for pattern in patterns:
            found = [
                name
                for name, (clause, operation) in self.instances.items()
                if pattern in (name, clause.id, clause.page) or pattern in _names_of(clause.page_of(operation))
            ]
            if not found:
                raise HarnessError(self._without_clauses(pattern) or self._unknown(pattern))
            chosen |= dict.fromkeys(found)
        return list(chosen)

    def _unknown(self, pattern: str) -> str:
        known = [*self.spec.clauses, *self.spec.pages, *self.instances]
        return f"no clause, instance or section '{pattern}'{did_you_mean(pattern, known)}"

    def _without_clauses(self, pattern: str) -> str:
        """What a page without clauses, or a folder of pages, is told; empty if the pattern is neither."""
        page = next((page for page in self.spec.pages if pattern in _names_of(page)), None)
        folder = f"{page or pattern}/".removesuffix("index/")
        pages = dict.fromkeys(map(self.page_of, self.instances))
        below = ", ".join(name for name in pages if name.startswith(folder))
        if page is None and not below:
            return ""
        words = f"page '{page}' has no clauses" if page else f"'{pattern}' is a folder of pages"
        return f"{words}; {f'pages below it have: {below}' if below else 'nnspec clauses lists those that have'}"


def _names_of(page: str) -> tuple[str, ...]:
    """How a page may be named: in full, by its section, by its last word."""
    return page, page.split("/")[0], page.split("/")[-1]


def modules(package: str) -> list[ModuleType]:
    """Every module below a package that has the package's topic names."""
    root = importlib.import_module(package)
    names = [m.name for m in pkgutil.walk_packages(root.__path__, f"{package}.") if not m.ispkg]
    return [importlib.import_module(name) for name in sorted(names)]


class Modules(Sequence[ModuleType]):
    """The modules below a package, imported when they are first looked at: most runs need no mutant."""

    def __init__(self, package: str):
        self.package = package

    @cached_property
    def found(self) -> list[ModuleType]:
        return modules(self.package)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]


@lru_cache(maxsize=1)
def load_suite() -> Suite:
    """The project's own suite on the project's own specification."""
    suite = Suite(own_spec())
    for module in modules("nnspec_conformance.suite"):
        suite.add(module)
    suite.mutant_modules = Modules("nnspec_conformance.mutants")
    suite.statement_tests = find_tests()
    return suite
