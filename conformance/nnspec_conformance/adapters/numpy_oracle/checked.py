"""The oracle's functions refuse what the declaration rules out: shapes, names, words and keywords."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nnspec_conformance.axes import names
from nnspec_conformance.declarations import rows_of
from nnspec_conformance.fitting import misfit
from nnspec_conformance.operations import Operation, Table


def as_declared(operation: Operation, function: Callable, others: Iterable[str] = ()) -> Callable:
    """The function with a check before it; shapes that were right once are not looked at again.

    Args:
        operation: as its page declares it.
        function: what computes it.
        others: keywords of clauses that are none of the declaration.
    """
    keywords = {attribute.name for attribute in operation.attributes} | {*others}
    keywords |= {"seed"} if operation.form.startswith("random") else set()
    choices = {attribute.name: attribute.values for attribute in operation.attributes if attribute.kind == "choice"}
    words = [axis for argument in operation.arguments for row in rows_of(argument) for axis in row.axes]
    tables = [argument for argument in operation.arguments if isinstance(argument, Table)]
    decisive = {name for axis in words for name in names(axis)} | {table.by for table in tables}
    decisive |= {attribute.name for attribute in operation.attributes if attribute.spares}
    fitting: set[Any] = set()

    @functools.wraps(function)
    def call(*arrays: Any, **given: Any) -> Any:
        if unknown := sorted(given.keys() - keywords):
            raise ValueError(f"{operation.name} has no keyword {unknown[0]!r}")
        for name, values in choices.items():
            if name in given and given[name] not in values:
                raise ValueError(f"{name} is {given[name]!r}, expected one of {', '.join(map(str, values))}")
        if operation.form == "random" or "broadcasting" in operation.exempt:  # what shapes mean is said elsewhere
            return function(*arrays, **given)
        shapes = tuple(map(_shape, arrays))
        key = tuple(tuple(shape.items()) if isinstance(shape, dict) else shape for shape in shapes)
        key += tuple((name, given[name]) for name in decisive & given.keys())
        if key not in fitting:
            if problem := misfit(operation, shapes, given):
                raise ValueError(problem)
            fitting.add(key)
        return function(*arrays, **given)

    return call


def _shape(x: Any) -> Any:
    return {name: np.shape(y) for name, y in x.items()} if isinstance(x, dict) else None if x is None else np.shape(x)
