"""The sets of workloads: every module below this package that has ``SET`` and ``workloads``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

from nnspec_conformance import benchmarks
from nnspec_conformance.benchmarks.core import Workload
from nnspec_conformance.errors import HarnessError

Key = tuple[str, str, str, int]


def discover() -> dict[str, Callable[..., Iterator[Workload]]]:
    """Set name -> ``workloads(quick=...)``, in the order of the modules. No framework is imported by that."""
    return {name: module.workloads for name, module in _modules().items()}


def pages() -> dict[str, str]:
    """Set name -> the page that its module is named as."""
    root = benchmarks.__name__ + "."
    return {name: module.__name__.removeprefix(root).replace(".", "/") for name, module in _modules().items()}


def _modules() -> dict[str, ModuleType]:
    found: dict[str, ModuleType] = {}
    for info in pkgutil.walk_packages(benchmarks.__path__, benchmarks.__name__ + "."):
        if info.ispkg or info.name.count(".") == benchmarks.__name__.count(".") + 1:
            continue  # this module and its neighbours; sets lie in the folder of their section
        module = importlib.import_module(info.name)
        if module.SET in found:
            raise ValueError(f"{info.name}: the set '{module.SET}' exists already; names of sets are unique")
        found[module.SET] = module
    return found


def select(only: Sequence[str] | None, *, quick: bool) -> list[Workload]:
    """The workloads to run.

    Raises:
        HarnessError: a name in ``only`` is no operation of any workload, and no set.
    """
    sets = discover()
    every = [workload for workloads in sets.values() for workload in workloads(quick=quick)]
    known = dict.fromkeys([workload.name for workload in every] + list(sets))
    for name in only or ():
        if name not in known:
            raise HarnessError(f"unknown workload '{name}'; known: {', '.join(known)}")
    return [workload for workload in every if not only or workload.name in only or workload.set in only]


def key(workload: Workload) -> Key:
    """The fields by which an entry of the results is found again."""
    return workload.set, workload.name, workload.direction, workload.size


def key_of(entry: dict) -> Key:
    """The ``key`` of the workload that an entry of the results is of."""
    return entry["set"], entry["name"], entry["pass"], entry["size"]


def ordered(entries: dict[Key, dict]) -> list[dict]:
    """The entries in the order of the sets; those of workloads that are no more come last."""
    known = dict.fromkeys(key(workload) for quick in (False, True) for workload in select(None, quick=quick))
    return [entries[k] for k in (*(k for k in known if k in entries), *(k for k in entries if k not in known))]
