"""A run: every workload in several processes, in another order in each, and no timing that cannot be right.

What a process finds at its start (where its memory lies, which neighbour is at work) stays with it: one process that is
slow says the same in every round. So the median over processes counts, and what each of them said is kept beside it.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from nnspec_conformance.benchmarks import core, machine, sets
from nnspec_conformance.benchmarks.sets import Key
from nnspec_conformance.results import versions

PROCESSES = 3
LARGE = 2**22  # from here on a call takes tens of milliseconds, and fewer rounds do
Entry = dict[str, Any]


def elsewhere(function: Callable, *arguments: Any, **keywords: Any) -> Any:
    """``function``'s result, from a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **keywords).result()


def described(device: str) -> dict[str, Any]:
    """The machine, as ``run`` describes it."""
    return machine.describe(machine.find_device(device))


def run(keys: Sequence[Key], device: str, *, quick: bool, number: int) -> dict[str, Any]:
    """What one process measures: ``machine``, ``versions``, ``ceilings`` and one entry a workload.

    Args:
        keys: of the workloads.
        device: cpu, gpu or tpu.
        quick: few rounds.
        number: of this process; each has an order of its own.
    """
    from nnspec_conformance.progress import progress

    place, order = machine.find_device(device), random.Random(number)
    chosen = [workload for workload in sets.select(None, quick=quick) if sets.key(workload) in set(keys)]
    order.shuffle(chosen)
    limits, entries = machine.ceilings(place, quick=quick), []
    names = [f"{workload.name}, {workload.direction}, {workload.size}" for workload in chosen]
    for workload, _ in zip(chosen, progress(names, f"process {number}", slowest=number == 1), strict=True):
        rounds = 3 if quick else 5 if workload.size >= LARGE else 9
        entry = core.measure(workload, place, rounds=rounds, order=order)
        entry["notes"] = note(entry, workload, place)
        entries.append(entry)
    # Again, when the process has warmed up: a ceiling is the best that was reached.
    again = machine.ceilings(place, quick=quick)
    limits = {name: max(value, again[name]) for name, value in limits.items()}
    return {"machine": machine.describe(place), "versions": versions(), "ceilings": limits, "workloads": entries}


def gathered(runs: Iterable[Iterable[Entry]]) -> list[Entry]:
    """One entry a workload from one a workload and process, in the order of the sets.

    Times and ratios are medians over the processes; ``runs`` has the time of each. Everything else is from the process
    whose time is the median.
    """
    by_key: dict[Key, list[Entry]] = defaultdict(list)
    for entries in runs:
        for entry in entries:
            by_key[sets.key_of(entry)].append(entry)
    return sets.ordered({key: _median(entries) for key, entries in by_key.items()})


def _median(entries: list[Entry]) -> Entry:
    def over(values: Iterable[Any]) -> dict[str, Any]:
        times = list(values)
        return {"seconds": statistics.median(times), "runs": times}

    middle = sorted(entries, key=lambda entry: entry["nnspec"]["seconds"])[len(entries) // 2]
    peers = {
        name: peer | over(entry["peers"][name]["seconds"] for entry in entries)
        for name, peer in middle["peers"].items()
    }
    return middle | {
        "nnspec": middle["nnspec"] | over(entry["nnspec"]["seconds"] for entry in entries),
        "peers": peers,
        "ratio": {name: statistics.median(entry["ratio"][name] for entry in entries) for name in middle["ratio"]},
    }


def impossible(entries: Iterable[Entry]) -> dict[tuple[str, str, str], str]:
    """The operations of which a smaller size took longer than a larger one in its slowest process, with a sentence.

    Where there is no work the size does not matter: a peer may hand the same array on.
    """
    found: dict[tuple[str, str, str], str] = {}
    series: dict[tuple[str, str, str, str], list[tuple[int, Entry]]] = defaultdict(list)
    for entry in filter(lambda entry: entry["operations"], entries):
        for variant, program in {"nnspec": entry["nnspec"], **entry["peers"]}.items():
            series[(*sets.key_of(entry)[:3], variant)].append((entry["size"], program))
    for (*key, variant), sizes in series.items():
        for (size, small), (larger, large) in itertools.combinations(sorted(sizes, key=lambda one: one[0]), 2):
            least, most = small["seconds"], max(large.get("runs") or [large["seconds"]])
            if least > most:
                times = f"{1e6 * least:.1f} µs for {size} elements, at most {1e6 * most:.1f} µs for {larger}"
                found.setdefault((key[0], key[1], key[2]), f"{key[1]}, {key[2]}, by {variant}: {times}")
    return found


def note(entry: Entry, workload: core.Workload | None = None, device: Any = None) -> str | None:
    """Where ours takes longer: the workload's own profile, or how ours and jax.nn's compiled programs differ."""
    if workload and workload.profile:
        return workload.profile(device, entry)
    if entry["ratio"].get("jax.nn", 0) <= 1.05:
        return None
    ours, theirs = entry["nnspec"]["instructions"], entry["peers"]["jax.nn"]["instructions"]
    differs = [name for name in core.HLO if ours.get(name, 0) != theirs.get(name, 0)]
    if not differs:
        return "the two compiled programs have the same instructions: noise, or their order"

    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{counts.get(name, 0)} {name}" for name in differs)

    return f"instructions of the compiled programs: nnspec {listed(ours)}; jax.nn {listed(theirs)}"
