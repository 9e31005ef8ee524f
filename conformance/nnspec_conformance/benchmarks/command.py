"""``nnspec bench``: time the reference beside its peers on this machine."""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnspec_conformance.benchmarks import core, machine
from nnspec_conformance.benchmarks.components import activations, layers
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.results import read_json

SCHEMA = "nnspec-benchmark/1"
SETS = {module.SET: module.workloads for module in (activations, layers)}
LARGE = 2**22  # from here on a call takes tens of milliseconds, and fewer rounds do


def parser() -> argparse.ArgumentParser:
    """The command line of ``nnspec bench``."""
    made = argparse.ArgumentParser(
        prog="nnspec bench",
        description="Time the reference beside jax.nn, Flax and, where installed, PyTorch: compiled, blocked until "
        "ready, medians of interleaved rounds. Exit status: 0 done, 2 could not run.",
    )
    made.add_argument("--device", default="cpu", metavar="cpu|gpu|tpu", help="what to run on (default: cpu)")
    made.add_argument("--out", type=Path, metavar="FILE", help="write the measurements as JSON")
    made.add_argument("--quick", action="store_true", help="one size and few rounds: a first look, not for publishing")
    made.add_argument("--only", action="append", metavar="NAME", help="only this operation or set; may be repeated")
    made.add_argument("--merge", action="store_true", help="keep what FILE has of this machine and is not measured now")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``nnspec bench`` with these arguments; returns the exit status."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as done:
        return int(done.code or 0)
    try:
        chosen = select(options.only, quick=options.quick)
        device = machine.find_device(options.device)
        if options.out and not options.out.resolve().parent.is_dir():
            raise HarnessError(f"{options.out}: its folder does not exist; make it first")
        old = earlier(options.out, device) if options.merge else None
        report = run(chosen, device, quick=options.quick)
        report = merged(old, report) if old else report
    except HarnessError as error:
        print(f"nnspec bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nnspec bench: interrupted; nothing is written", file=sys.stderr)
        return 2
    if options.out:
        options.out.write_text(json.dumps(plain(report), indent=1) + "\n", encoding="utf-8")
        print(f"written: {options.out}")
    return 0


def select(only: Sequence[str] | None, *, quick: bool) -> list[core.Workload]:
    """The workloads to run.

    Raises:
        HarnessError: a name in ``only`` is no operation of any workload.
    """
    every = [w for workloads in SETS.values() for w in workloads(quick=quick)]
    known = dict.fromkeys([w.name for w in every] + list(SETS))
    for name in only or ():
        if name not in known:
            raise HarnessError(f"unknown workload '{name}'; known: {', '.join(known)}")
    return [w for w in every if not only or w.name in only or w.set in only]


def earlier(path: Path | None, device: Any) -> dict[str, Any]:
    """The report to merge with.

    Raises:
        HarnessError: there is none, or it is another machine's.
    """
    if path is None or not path.is_file():
        raise HarnessError("--merge needs --out with a report that exists; leave it out for a new one")
    report = read_json(path)
    name = machine.describe(device)["name"]
    if report["machine"]["name"] != name:
        raise HarnessError(f"{path}: measured on {report['machine']['name']}, this is {name}; write to another file")
    return report


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The new report with what the old one has besides, in the order of the sets, by the better ceilings of both."""

    def key(entry: dict[str, Any]) -> tuple:
        return entry["set"], entry["name"], entry["pass"], entry["size"]

    found = {key(entry): {"date": old["date"]} | entry for entry in old["workloads"]}
    found |= {key(entry): entry for entry in new["workloads"]}
    order = {(w.set, w.name, w.direction, w.size): i for i, w in enumerate(select(None, quick=new["quick"]))}
    workloads = [found[k] for k in sorted(found, key=lambda k: order.get(k, len(order)))]
    ceilings = {k: max(v, old["ceilings"].get(k, 0.0)) for k, v in new["ceilings"].items()}
    for entry in workloads:
        entry["nnspec"] |= core.shares(entry, ceilings)
    return new | {"ceilings": ceilings, "workloads": workloads}


def run(workloads: Sequence[core.Workload], device: Any, *, quick: bool) -> dict[str, Any]:
    """Measure the ceilings and every workload, printing a line each; returns the report."""
    start, load = time.perf_counter(), load_average()
    about = machine.describe(device)
    limits = machine.ceilings(device, quick=quick)
    print(f"{about['processor']}, {about['cores']} cores, {about['device']}")
    product = limits["matmul_flop_per_s"]
    print(f"copy {limits['copy_bytes_per_s'] / 1e9:.1f} GB/s, matrix product {product / 1e9:.0f} GFLOP/s")
    print(f"{'operation':14}{'pass':18}{'elements':>10}{'time':>12}{'of limit':>9}  time / peer's", flush=True)
    found = []
    for workload in workloads:
        rounds = 3 if quick else 5 if workload.size >= LARGE else 9
        entry = core.measure(workload, device, rounds=rounds)
        entry["notes"] = note(entry, workload, device)
        found.append(entry)
        share = [*core.shares(entry, limits).values()][-1]
        ratios = "  ".join(f"{name} {value:.2f}" for name, value in entry["ratio"].items())
        shown = f"{100 * share:.0f} %"
        micro = f"{entry['nnspec']['seconds'] * 1e6:.1f} µs"
        print(
            f"{workload.name:14}{workload.direction:18}{workload.size:>10}{micro:>12}{shown:>9}  {ratios}", flush=True
        )
    # Again, when the process has warmed up: a ceiling is the best that was reached.
    limits = {name: max(value, limits[name]) for name, value in machine.ceilings(device, quick=quick).items()}
    for entry in found:
        entry["nnspec"] |= core.shares(entry, limits)
        entry["date"] = datetime.date.today().isoformat()
    about |= {"load_average": [load, load_average()], "priority": priority()}
    return {
        "schema": SCHEMA,
        "machine": about,
        "versions": machine.versions(),
        "date": datetime.date.today().isoformat(),
        "quick": quick,
        "seconds": round(time.perf_counter() - start, 1),
        "ceilings": limits,
        "workloads": found,
    }


def load_average() -> float | None:
    """Of the last minute; above 0 before a run, somebody else is at work too. None where the system has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def priority() -> str:
    """``real-time`` where the process runs before all others (``chrt -f 1``), else ``normal``."""
    realtime = {getattr(os, name, None) for name in ("SCHED_FIFO", "SCHED_RR")} - {None}
    return "real-time" if realtime and os.sched_getscheduler(0) in realtime else "normal"


def note(entry: dict[str, Any], workload: core.Workload | None = None, device: Any = None) -> str | None:
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


def plain(value: Any) -> Any:
    """As JSON can hold it, with four significant digits: a time has no more."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else str(value)
    return value
