"""``/// benchmark | activations``: a chart and a table from the committed measurements.

``/// benchmark | sets`` shows every set below a heading of its own, ``/// benchmark | machines`` lists the machines,
``/// benchmark | comparison`` puts them side by side.
"""

from __future__ import annotations

from nnspec_conformance.benchmarks import sets
from nnspec_conformance.benchmarks.processes import impossible
from nnspec_site import comparison
from nnspec_site import data as site_data
from nnspec_site.blocks.base import SiteBlock, options
from nnspec_site.chart import Row, chart
from nnspec_site.comparison import command, of_what, share, size
from nnspec_site.data import Report
from nnspec_site.html import Element, code, folded, make, number, plural, table

VIEWS = ("sets", "machines", "comparison")


class BenchmarkBlock(SiteBlock):
    """One part a machine; where nothing was measured, the command that does it."""

    NAME = "benchmark"
    OPTIONS = options("benchmark")

    def on_create(self, parent: Element) -> Element:
        reports, known = site_data.current().benchmarks, in_order()
        if self.argument not in [*known, *VIEWS]:
            raise self.fail(f"no such set or view; known: {', '.join([*known, *VIEWS])}")
        holder = make("div", "nn-benchmark")
        parent.append(holder)
        if self.argument == "machines":
            holder.extend(machine(report) for report in reports.values())
        elif self.argument == "comparison":
            holder.extend(comparison.ceilings(reports))
        elif self.argument in known:
            holder.extend(of_set(reports, self.argument, full=False))
        if self.argument == "sets":
            holder.extend(missing(reports))
        for name in known if self.argument in ("sets", "comparison") else []:
            parent.append(make("h2", "", title_of(name), id=name))
            holder = make("div", "nn-benchmark")
            parent.append(holder)
            full = self.argument == "sets"
            holder.extend(of_set(reports, name, full=True) if full else comparison.of_set(reports, name))
        return holder


def in_order() -> list[str]:
    """The sets in the order of the pages that they belong to, as everywhere on the site."""
    place = {page: at for at, page in enumerate(site_data.current().spec.pages)}
    pages = sets.pages()
    return sorted(sets.discover(), key=lambda name: (place.get(pages[name], len(place)), pages[name]))


def missing(reports: dict[str, Report]) -> list[Element]:
    """The kinds of device that nobody has measured, with the command that does it."""
    names = comparison.missing(reports)
    if not names:
        return []
    words = f"No result on a {' or '.join(name.upper() for name in names)} yet. Measure yours: "
    return [make("p", "nn-provenance", words, code(command(names[0])))]


def title_of(name: str) -> str:
    """The title of the topic that a set is named after, else its name in words."""
    pages = site_data.current().spec.pages.values()
    found = [page.title for page in pages if page.name.rpartition("/")[2] == name]
    return found[0] if found else name.replace("_", " ").capitalize()


def of_set(reports: dict[str, Report], name: str, *, full: bool) -> list[Element]:
    """What each machine has measured of a set and what not, and the command for whoever has another machine.

    Args:
        reports: by machine.
        name: of the set.
        full: with the times at every size; else with a link to them.
    """
    parts, shown = [], 0
    for report in reports.values():
        if found := [work for work in report["workloads"] if work["set"] == name]:
            parts.append(measured(report, found, full=full))
            shown += 1
        absent = unmeasured(report, name)
        if absent and found:
            words = f"Not measured on this machine ({report['machine']['name']}): {'; '.join(absent)}."
            parts.append(make("p", "nn-provenance", words))
    owner = sets.pages()[name]
    if full and owner in site_data.current().spec.pages:
        link = make("a", "", "what bounds it, and why we are slower or faster", href=f"/spec/{owner}.md#cost")
        parts.insert(0, make("p", "nn-provenance", "On the topic's page: ", link, "."))
    if not shown:
        parts.append(make("p", "nn-unproven", "Not measured on any machine yet. Measure yours: ", code(command("cpu"))))
    elif not full:
        parts += missing(reports)
    return parts


def unmeasured(report: Report, name: str) -> list[str]:
    """The operations of a set of which the machine's file lacks a workload."""
    found = {sets.key_of(work) for work in report["workloads"]}
    wanted = [work for work in comparison.planned() if work.set == name]
    return list(dict.fromkeys(work.name for work in wanted if sets.key(work) not in found))


def seconds(value: float | None) -> str:
    """A time in the unit that suits it."""
    if value is None:
        return "–"
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1:
            return f"{number(value * factor)} {unit}"
    return f"{number(value * 1e9)} ns"


def spread(program: Report) -> str:
    """The median over processes, with the least and the largest of them where there were several."""
    runs = program.get("runs") or []
    between = f" ({seconds(min(runs))} to {seconds(max(runs))})" if len(runs) > 1 else ""
    return seconds(program.get("seconds")) + between


def machine(report: Report) -> Element:
    """What was measured on, and its ceilings."""
    about, ceilings = report["machine"], report.get("ceilings", {})
    rows = [
        ["device", about["device"]],
        ["processor", f"{about.get('processor', '–')}, {about.get('cores', '–')} cores"],
        ["vector instructions", about.get("vector", "not recorded")],
        ["platform", str(about.get("platform", "–"))],
        ["copy", f"{number(ceilings.get('copy_bytes_per_s', 0) / 1e9)} GB/s"],
        ["copy in place, all cores", f"{number(ceilings.get('copy_in_place_bytes_per_s', 0) / 1e9)} GB/s"],
        ["matrix product", f"{number(ceilings.get('matmul_flop_per_s', 0) / 1e9)} GFLOP/s"],
        ["load while measuring", " to ".join(map(str, about.get("load_average") or [])) or "–"],
        ["versions", ", ".join(f"{name} {version}" for name, version in report.get("versions", {}).items())],
        ["workloads", ", ".join(sorted({work["set"] for work in report["workloads"]}))],
        ["measured", str(report.get("date", "–"))],
    ]
    return make("div", "", make("p", "nn-proof-title", about["name"]), table(["", "this machine"], rows))


def measured(report: Report, workloads: list[Report], *, full: bool) -> Element:
    """Chart at the largest size; the times at every size folded, or where they are told."""
    largest = max(work["size"] for work in workloads)
    top = [work for work in workloads if work["size"] == largest]
    about = report["machine"]
    title = f"{about['name']}: {about['device'].upper()}, {about.get('processor', '')}"
    panel = make("div", "nn-machine", make("p", "nn-proof-title", title))
    for name in dict.fromkeys(work["pass"] for work in top):
        panel.append(drawn(report, [work for work in top if work["pass"] == name], name, largest))
    if full:
        panel.append(folded(["Times and ratios at every size"], numbers(workloads)))
    else:
        link = make("a", "", "Times and ratios at every size", href=f"/results/benchmarks.md#{workloads[0]['set']}")
        panel.append(make("p", "nn-provenance", link))
    versions = ", ".join(f"{name} {version}" for name, version in report.get("versions", {}).items())
    date = max((work["date"] for work in workloads if "date" in work), default=report.get("date", "–"))
    count = max(len(work["nnspec"].get("runs") or [0]) for work in workloads)
    with_versions = "" if full else f" with {versions}"  # the page of all sets tells them once, with the machine
    words = f"Measured {date} in {plural(count, 'process', 'processes')}{with_versions}."
    panel.append(make("p", "nn-provenance", words))
    if wrong := impossible(workloads):
        words = "These times cannot be right, as a smaller size takes longer: " + "; ".join(wrong.values())
        panel.append(make("p", "nn-unproven", f"{words}."))
    return panel


def drawn(report: Report, workloads: list[Report], name: str, count: int) -> Element:
    """The chart of one pass: share of what bounds it, ours and each peer's."""
    dtype = workloads[0].get("dtype", "")
    title = [f"{name.capitalize()}, ", size(count), f" elements, {dtype}: {of_what(workloads[0])}"]
    rows = []
    for work in workloads:
        others = work["peers"] if work["operations"] else {}  # no work, nothing to compare
        peers = {peer: share(report, work, found) for peer, found in others.items()}
        known = {peer: value for peer, value in peers.items() if value is not None}
        rows.append(Row(work["name"], share(report, work, work["nnspec"]), known))
    return chart(title, rows)


def numbers(workloads: list[Report]) -> Element:
    """Every workload: times, and how many times a peer's time ours is."""
    peers = list(dict.fromkeys(peer for work in workloads for peer in work.get("peers", {})))
    limit = workloads[0].get("ceiling", "copy")
    rows = []
    for work in sorted(workloads, key=lambda work: (work["name"], work["pass"], work["size"])):
        ours = work["nnspec"]
        row: list[Element | str] = [work["name"], work["pass"], size(work["size"]), work.get("dtype", ""), spread(ours)]
        row += [seconds(ours.get("compile_seconds")), f"{100 * (ours.get(f'share_of_{limit}') or 0):.0f} %"]
        row += [number(work.get("ratio", {}).get(peer)) for peer in peers]
        rows.append([*row, work.get("notes") or ""])
    ratios = [f"time / {peer}'s" for peer in peers]
    head = [
        "operation",
        "pass",
        "elements",
        "dtype",
        "time",
        "compile",
        "of product" if limit == "matmul" else "of copy",
        *ratios,
        "why slower",
    ]
    return table(head, rows, "nn-times")
