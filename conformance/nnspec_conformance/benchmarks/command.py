"""``nnspec bench``: time the reference beside its peers on this machine."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnspec_conformance.benchmarks import core, processes, sets
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.results import (
    BENCHMARK_SCHEMA,
    check_writable,
    jsonable,
    read_benchmark,
    today,
    write_benchmark,
)

DIGITS = 4  # of a time: it has no more
DESCRIPTION = (
    "Time the reference beside jax.nn, Flax and, where installed, PyTorch: compiled, blocked until ready, medians over "
    "several processes of medians of interleaved rounds. Exit status: 0 done, 2 could not run, or a timing cannot be "
    "right and is left out."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``nnspec bench``."""
    parser.description = DESCRIPTION
    parser.add_argument("--device", default="cpu", metavar="cpu|gpu|tpu", help="what to run on (default: cpu)")
    parser.add_argument(
        "--out", type=Path, metavar="PATH", help="write the measurements: a .json, or a folder by topic"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one size and few rounds: a first look, not for publishing"
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="only this operation or set; may be repeated")
    parser.add_argument(
        "--merge", action="store_true", help="keep what PATH has of this machine and is not measured now"
    )


def run(options: argparse.Namespace) -> int:
    """``nnspec bench``; returns the exit status."""
    chosen = sets.select(options.only, quick=options.quick)
    if options.out:
        check_writable(options.out if options.out.suffix == ".json" else options.out / "machine.json")
    old = earlier(options.out, options.device) if options.merge else None
    report, wrong = measure([sets.key(workload) for workload in chosen], options.device, quick=options.quick)
    if options.out:
        write_benchmark(jsonable(merged(old, report) if old else report, DIGITS), options.out, sets.pages())
        print(f"written: {options.out}")
    for sentence in wrong:
        print(f"nnspec: refused, as a smaller size takes longer: {sentence}; measure it again", file=sys.stderr)
    return 2 if wrong else 0


def earlier(path: Path | None, device: str) -> dict[str, Any]:
    """The report to merge with.

    Raises:
        HarnessError: there is none, or it is another machine's.
    """
    if path is None or not path.exists():
        raise HarnessError("--merge needs --out with a report that exists; leave it out for a new one")
    report = read_benchmark(path)
    name = processes.elsewhere(processes.described, device)["name"]
    if report["machine"]["name"] != name:
        raise HarnessError(f"{path}: measured on {report['machine']['name']}, this is {name}; write to another file")
    return report


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The new report with what the old one has besides, in the order of the sets, by the better ceilings of both.

    A package that only the old one's peers imported keeps its version.
    """
    kept = {sets.key_of(entry): {"date": old["date"]} | entry for entry in old["workloads"]}
    found = kept | {sets.key_of(entry): entry for entry in new["workloads"]}
    workloads = sets.ordered(found)
    ceilings = {k: max(v, old["ceilings"].get(k, 0.0)) for k, v in new["ceilings"].items()}
    for entry in workloads:
        entry["nnspec"] |= core.shares(entry, ceilings)
    return new | {"ceilings": ceilings, "workloads": workloads, "versions": old["versions"] | new["versions"]}


def measure(keys: Sequence[sets.Key], device: str, *, quick: bool) -> tuple[dict[str, Any], list[str]]:
    """Measure, in several processes unless ``quick``, and print a line a workload.

    Returns:
        the report, without the operations whose timings cannot be right, and a sentence on each of those.
    """
    start, load, runs = time.perf_counter(), load_average(), []
    count = 1 if quick else processes.PROCESSES
    for number in range(1, count + 1):
        begun = time.perf_counter()
        arguments = {"keys": keys, "device": device, "quick": quick, "number": number}
        runs.append(processes.run(**arguments) if quick else processes.elsewhere(processes.run, **arguments))
        print(f"process {number} of {count}: {len(keys)} workloads, {time.perf_counter() - begun:.0f} s", flush=True)
    limits = {name: max(one["ceilings"][name] for one in runs) for name in runs[0]["ceilings"]}
    entries = processes.gathered(one["workloads"] for one in runs)
    for entry in entries:
        entry["nnspec"] |= core.shares(entry, limits)
        entry["date"] = today()
    about = runs[0]["machine"] | {"load_average": [load, load_average()], "priority": priority()}
    show(about, limits, entries)
    wrong = processes.impossible(entries)
    report = {
        "schema": BENCHMARK_SCHEMA,
        "machine": about,
        "versions": runs[0]["versions"],
        "date": today(),
        "quick": quick,
        "seconds": round(time.perf_counter() - start, 1),
        "ceilings": limits,
        "workloads": [entry for entry in entries if sets.key_of(entry)[:3] not in wrong],
    }
    return report, list(wrong.values())


def show(about: dict[str, Any], limits: dict[str, float], entries: Sequence[dict[str, Any]]) -> None:
    """Print the machine and a line a workload."""
    product = limits["matmul_flop_per_s"]
    print(f"{about['processor']}, {about['cores']} cores, {about['device']}")
    print(f"copy {limits['copy_bytes_per_s'] / 1e9:.1f} GB/s, matrix product {product / 1e9:.0f} GFLOP/s")
    wide = max([13, *(len(entry["name"]) for entry in entries)]) + 1
    head = f"{'operation':{wide}}{'pass':18}{'elements':>10}{'time':>12}"
    print(f"{head}{'from':>11} to {'':9}{'of limit':>9}  time / peer's")
    for entry in entries:
        ours = entry["nnspec"]
        times = [f"{1e6 * value:.1f}" for value in (min(ours["runs"]), max(ours["runs"]))]
        reached = (ours.get(f"share_of_{limit}") for limit in ("matmul", "copy_in_place", "copy"))
        share = f"{100 * next(share for share in reached if share is not None):.0f} %"
        ratios = "  ".join(f"{name} {value:.2f}" for name, value in entry["ratio"].items())
        print(
            f"{entry['name']:{wide}}{entry['pass']:18}{entry['size']:>10}{1e6 * ours['seconds']:>9.1f} µs"
            f"{times[0]:>11} to {times[1]:9}{share:>9}  {ratios}"
        )


def load_average() -> float | None:
    """The load of the last minute: above 0 before a run, others are at work too. None where the system has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def priority() -> str:
    """``real-time`` where the process runs before all others (``chrt -f 1``), else ``normal``."""
    realtime = {getattr(os, name, None) for name in ("SCHED_FIFO", "SCHED_RR")} - {None}
    return "real-time" if realtime and os.sched_getscheduler(0) in realtime else "normal"
