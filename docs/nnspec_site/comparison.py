"""Machines side by side: every time as a share of what the same machine can do, with its spread."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from nnspec_conformance.benchmarks import sets
from nnspec_conformance.benchmarks.core import Workload
from nnspec_conformance.benchmarks.machine import DEVICES
from nnspec_site.chart import Row, Share, chart
from nnspec_site.data import Report
from nnspec_site.html import Element, code, folded, make, number, table

LIMITS = {  # the field of the machine, what counts against it, in words
    "copy": ("copy_bytes_per_s", "least_bytes", "a plain copy"),
    "copy_in_place": ("copy_in_place_bytes_per_s", "least_bytes", "a copy in place by all cores"),
    "matmul": ("matmul_flop_per_s", "operations", "a large matrix product"),
}
NOTHING = "not measured"


def command(device: str) -> str:
    """What measures a machine, for whoever has one."""
    return f"nnspec bench --device {device} --out r.json"


def share(report: Report, workload: Report, program: Report) -> Share | None:
    """Achieved bytes a second of the measured copy's; where products bound it, operations of the measured product's.

    A device without a copy in place is held to its plain copy.
    """
    field, work, _ = LIMITS[workload.get("ceiling", "copy")]
    limits = report.get("ceilings", {})
    ceiling = limits.get(field) or (limits.get("copy_bytes_per_s") if work == "least_bytes" else None)
    if not ceiling or not program.get("seconds"):
        return None
    done = workload[work] / ceiling
    runs = program.get("runs") or [program["seconds"]]
    return Share(done / program["seconds"], done / max(runs), done / min(runs))


def of_what(workload: Report) -> str:
    """What 100 % means for a workload."""
    return f"share of the speed of {LIMITS[workload.get('ceiling', 'copy')][2]} (100 %)"


def size(count: int) -> Element:
    """1024 as 2 to the 10, with the exponent above the line."""
    power = count.bit_length() - 1
    return make("span", "", "2", make("sup", "", str(power))) if count == 1 << power else make("span", "", f"{count:,}")


def missing(reports: Mapping[str, Report]) -> list[str]:
    """The kinds of device that no machine has."""
    found = {report["machine"]["device"] for report in reports.values()}
    return [device for device in DEVICES if device not in found]


def machines(reports: Mapping[str, Report]) -> dict[str, Report]:
    """The machines by the words that a reader knows them by, kind after kind; measured twice, the last counts."""
    by_name = {report["machine"]["name"]: report for report in reports.values() if not report.get("quick")}
    ordered = sorted(by_name.values(), key=lambda report: DEVICES.index(report["machine"]["device"]))
    return {words(report): report for report in ordered}


def words(report: Report) -> str:
    """The fields that a machine's name is made of."""
    about = report["machine"]
    parts = [about["processor"]]
    if about["device"] == "cpu":
        parts += [part for part in (about.get("vector"), f"{about['cores']} cores") if part]
    return f"{', '.join(parts)} ({about['device'].upper()})"


def ceilings(reports: Mapping[str, Report]) -> list[Element]:
    """What each machine can do; a kind of device that nobody has measured has the command."""
    rows = []
    for label, report in machines(reports).items():
        limits = report["ceilings"]
        copy, product = limits["copy_bytes_per_s"], limits["matmul_flop_per_s"]
        beside = limits.get("copy_in_place_bytes_per_s")
        row = [f"{number(one / 1e9)} GB/s" if one else "–" for one in (copy, beside)]
        row += [f"{number(product / 1e9)} GFLOP/s", number(product / copy)]
        rows.append([label, *row, str(report.get("date", "–"))])
    rows += [[device.upper(), *[NOTHING] * 5] for device in missing(reports)]
    head = ["machine", "copy", "in place", "matrix product", "operations per byte", "measured on"]
    how = [
        make("p", "nn-provenance", f"No result on a {device.upper()} yet. Measure yours: ", code(command(device)))
        for device in missing(reports)
    ]
    return [table(head, rows, "nn-shares"), *how]


def of_set(reports: Mapping[str, Report], name: str) -> list[Element]:
    """The shares of a set at its largest size: a chart for each pass with a mark for each machine, then the numbers."""
    found = machines(reports)
    wanted = largest(found, name)
    have = [key for key in wanted if any(key in works(report) for report in found.values())]
    if not have:
        return [make("p", "nn-unproven", "Not measured on any machine yet. Measure yours: ", code(command(DEVICES[0])))]
    charts: dict[tuple, list[Row]] = {}
    sizes: dict[tuple, set[int]] = {}
    rows: list[list[Element | str]] = []
    for key in wanted:
        _, operation, direction, count = key
        reached = {
            label: value
            for label, report in found.items()
            if (work := works(report).get(key)) and (value := share(report, work, work["nnspec"]))
        }
        if reached:
            one = next(work for report in found.values() if (work := works(report).get(key)))
            group = (direction, one.get("dtype", ""), of_what(one))
            charts.setdefault(group, []).append(Row(operation, None, reached))
            sizes.setdefault(group, set()).add(count)
        told = [reached[label].words() if label in reached else NOTHING for label in found]
        rows.append([operation, direction, size(count), *told, *[NOTHING for _ in missing(reports)]])
    panels: list[Element] = []
    for (direction, dtype, limit), drawn in charts.items():
        counts = sizes[direction, dtype, limit]
        elements = [size(*counts), " elements, "] if len(counts) == 1 else []
        panels.append(chart([f"{direction.capitalize()}, ", *elements, f"{dtype}: {limit}"], drawn))
    head = ["operation", "pass", "elements", *found, *(device.upper() for device in missing(reports))]
    return [make("div", "nn-machine", *panels, folded(["The numbers"], table(head, rows, "nn-shares")))]


def works(report: Report) -> dict[sets.Key, Report]:
    """The workloads of a machine by their keys."""
    return {sets.key_of(work): work for work in report["workloads"]}


@cache
def planned() -> list[Workload]:
    """Every workload there is: to make them takes longer than to draw the chart of a set."""
    return sets.select(None, quick=False)


def largest(found: Mapping[str, Report], name: str) -> list[sets.Key]:
    """The workloads of a set at the largest size that a machine has or could have measured, in the set's order."""
    wanted = [sets.key(work) for work in planned() if work.set == name]
    recorded = [key for report in found.values() for key in works(report) if key[0] == name]
    best: dict[tuple[str, str, str], int] = {}
    for *key, count in [*wanted, *recorded]:
        best[key[0], key[1], key[2]] = max(count, best.get((key[0], key[1], key[2]), 0))
    return [(*key, count) for key, count in best.items()]
