"""Results without scripts: a page for each topic, a page for each subject, and the list of all findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nnspec_conformance.clauses import Clause
from nnspec_site import cores, finding_snippets, proof, since, subject_readings
from nnspec_site.data import Data, Report
from nnspec_site.differences import Row, rows
from nnspec_site.html import Element, code, make, plural, table
from nnspec_site.kept import digest
from nnspec_site.outcomes import OUTCOMES, chip, tally, worst
from nnspec_site.own_page import section, way, whole
from nnspec_site.rendering import Renderer, clause_address

# What a deviation does to whoever relies on the clause, by the kind of the clause; the worst first.
CONSEQUENCES = {
    "Other numbers": ("value", "exact", "shape", "trajectory", "convergence", "statistical", "cost"),
    "Other gradients": ("gradient",),
    "Bad input is taken": ("error",),
    "Other defaults": ("default",),
}
UNWRITTEN = {"duty.layouts", "duty.programs"}  # layouts in memory and compiled programs are no part of a script
COMPILED = {"torch_compiled"}  # a script has the source of an operation, and not what a compiler makes of it
WITHOUT_SCRIPT = {  # arrays of millions of letters, and gradients that follow the steps
    "add-noise.moments",
    "duty.sizes[attention]",
    "duty.sizes[convolutional_autoencoder]",
    "duty.sizes[encoder_decoder]",
    "duty.sizes[tied_convolutional_autoencoder]",
    "gradient-descent.running-mean",
    "nesterov.quadratic",
}
UNREPORTED = "not found"  # a reason says so where a search for a report had no result


@dataclass
class Finding:
    """One cause of a deviation that is an error and no reading.

    Attributes:
        text: the reason or, of a failure that nobody has declared, what was seen.
        outcome: known failure or fail.
        page: the topic of the first operation that was met with it.
        where: clause id and operation, of every instance with this cause.
        instances: their names.
        case: the first instance and its result.
    """

    text: str
    outcome: str
    page: str
    clause: Clause
    case: tuple[str, Report]
    where: list[tuple[str, str]] = field(default_factory=list)
    instances: list[str] = field(default_factory=list)

    @property
    def entry(self) -> Report:
        """The entry of the first instance that this is about: of those with this reason the one furthest off."""
        mine = [one for one in self.case[1].get("entries", []) if one.get("reason") == self.text]
        return max(mine, key=_ratio, default=self.case[1])

    @property
    def options(self) -> Report:
        """What ``nnspec reproduce`` has to be told, where another entry of the instance is further off."""
        entry, others = self.entry, self.case[1].get("entries", [])
        if "test" not in entry or entry is max(others, key=_ratio):
            return {}
        told: Report = {
            name: entry[name]
            for name in ("test", "dtype")
            if entry.get(name) and any(one.get(name) != entry[name] for one in others)
        }
        given = entry.get("readings", {}) | entry.get("attributes", {})
        return told | ({"given": [f"{name}={value}" for name, value in given.items()]} if given else {})

    @property
    def consequence(self) -> str:
        return next(name for name, kinds in CONSEQUENCES.items() if self.clause.kind in kinds)


def _ratio(entry: Report) -> float:
    return float(entry.get("ratio", 0))


# ------------------------------------------------------------------ addresses
def subject_address(name: str) -> str:
    """Where the page of a subject lies."""
    return f"/results/subjects/{name}.html"


def topic_address(page: str) -> str:
    """Where the results of a topic lie."""
    return f"/results/topics/{page}.html"


FINDINGS = "/results/findings.html"


def pages(data: Data) -> Iterable[tuple[str, str]]:
    """Address below the site's root and HTML of every page."""
    if not data.subjects:
        return
    by_topic: dict[str, list[Row]] = {}
    for row in rows(data):
        by_topic.setdefault(row.topic, []).append(row)
    names = proof.subjects_in_order(data)
    causes = {name: found(data, name) for name in names}
    wanted = [
        finding_snippets.Wanted(name, anchor(one), one.page, one.case[0], one.entry)
        for name in names
        for one in causes[name]
        if has_script(name, one)
    ]
    snippets = finding_snippets.of(data, wanted)
    work = [("topic", name) for name in by_topic] + [("subject", name) for name in names]

    def made(item: tuple[str, str]) -> tuple[str, str]:
        kind, name = item
        if kind == "topic":
            return topic_address(name)[1:], topic(data, name, by_topic[name])
        its = {anchor: text for (who, anchor), text in snippets.items() if who == name}
        return subject_address(name)[1:], subject(data, name, causes[name], its)

    yield from cores.spread(made, work)
    yield FINDINGS[1:], findings(data)


# ------------------------------------------------------------------ topics
def topic(data: Data, name: str, its: list[Row]) -> str:
    """Every clause of a topic, and every duty of its operations, by subjects."""
    title = data.spec.pages[name].title
    head = ["clause", *(proof.subject_name(data, one) for one in proof.subjects_in_order(data))]
    lines = []
    for row in its:
        link = make("a", "", code(row.clause.id), href=clause_address(row.clause.page, row.clause.id))
        lines.append([link, *(_cell(data, one, row.clause) for one in proof.subjects_in_order(data))])
    parts = [
        _bar(),
        make("main", "", _head(f"{title}: results"), make("p", "", *_intro(name, title)), table(head, lines)),
    ]
    renderer = Renderer(data.spec, topic_address(name)[1:], f"spec/{name}.md")
    return whole(f"{title}: results", "Results", f"What was measured of {title}, clause by clause.", parts, renderer)


def _intro(name: str, title: str) -> list[Element | str]:
    return [
        "What the clauses say stands on ",
        make("a", "", title, href=f"/spec/{name}.md"),
        "; a clause's own page has its worst case, the tests and how to run it.",
    ]


def _cell(data: Data, name: str, clause: Clause) -> Element:
    outcomes = data.outcomes(name, clause)
    outcome = worst(outcomes)
    symbol, css = OUTCOMES[outcome]
    return make("td", f"nn-{css}", f"{symbol} {outcome}{proof.share(clause, outcomes, outcome)}")


def _head(title: str) -> Element:
    return make("div", "head", make("h1", "words", title))


def _bar() -> Element:
    return way(make("a", "", "Results", href="/results/index.md"))


# ------------------------------------------------------------------ findings
def found(data: Data, name: str) -> list[Finding]:
    """What a subject gets wrong, once a cause; its readings and what it lacks are no such thing."""
    causes: dict[tuple[str, str], Finding] = {}
    for row in rows(data):
        clause = row.clause
        for instance, operation in zip(clause.instances, clause.operations, strict=True):
            result = data.result(name, clause, instance)
            if result["outcome"] not in ("known failure", "fail"):
                continue
            for text in _texts(result):
                one = causes.get((text, clause.kind))
                if one is None:
                    one = Finding(text, result["outcome"], row.topic, clause, (instance, result))
                    causes[text, clause.kind] = one
                one.where.append((clause.id, operation))
                one.instances.append(instance)
    return list(causes.values())


def _texts(result: Report) -> list[str]:
    """Every reason of a result; of a failure without one, its message."""
    told = [entry.get("reason") for entry in result.get("entries", [])] + [result.get("reason")]
    return list(dict.fromkeys(text for text in told if text)) or [str(result.get("message", ""))]


def is_reported(text: str) -> bool:
    """Whether the project concerned has a report of it that a reason links to."""
    return "http" in text and UNREPORTED not in text


def entry(data: Data, name: str, finding: Finding, snippet: str = "") -> Element:
    """A finding as an article: what is wrong, where, what came and what is right, and what shows it."""
    instance = finding.case[0]
    worst_case = finding.entry.get("worst", {})
    clause = finding.clause
    link = make("a", "", code(clause.id), href=clause_address(clause.page, clause.id))
    made = make("article", "finding", make("p", "reason", link, ": ", *proof.reason(finding.text)), id=anchor(finding))
    operations = list(dict.fromkeys(operation for _, operation in finding.where))
    others = list(dict.fromkeys(one for one, _ in finding.where if one != clause.id))
    lines = [
        make("li", "", "Of ", *[part for one in operations[:12] for part in (", ", code(one))][1:], _rest(operations))
    ]
    if others:
        lines.append(
            make("li", "", "Also ", *[part for one in others[:6] for part in (", ", code(one))][1:], _rest(others, 6))
        )
    if worst_case.get("got") is not None:
        lines.append(make("li", "", code(str(worst_case.get("call", instance)))))
        lines.append(
            make("li", "", "Came: ", code(str(worst_case["got"])), ", right is ", code(str(worst_case["expected"])))
        )
    if measured := since.said(data, name, finding.page, finding.instances):
        lines.append(make("li", "", measured))
    made.append(make("ul", "about", *lines))
    if snippet:
        made.append(make("details", "", make("summary", "", "Show it in Python"), make("pre", "", code(snippet))))
    command = "reproduce" if has_script(name, finding) else "check"
    told = "" if command == "check" else options_of(finding)
    made.append(make("pre", "", code(f"nnspec {command} {name} '{instance}'{told}")))
    return made


def options_of(finding: Finding) -> str:
    """The options of ``nnspec reproduce`` as they are typed."""
    words = ""
    for option, value in finding.options.items():
        words += "".join(f" --{option} {one}" for one in (value if isinstance(value, list) else [value]))
    return words


def has_script(name: str, finding: Finding) -> bool:
    """Whether ``nnspec reproduce`` writes a script of a subject's finding."""
    return name not in COMPILED and finding.clause.id not in UNWRITTEN and finding.case[0] not in WITHOUT_SCRIPT


def _rest(names: list[str], shown: int = 12) -> str:
    return f" and {len(names) - shown} more" if len(names) > shown else ""


def findings(data: Data) -> str:
    """A line a finding, topic after topic, with who has it and where it was reported."""
    merged: dict[tuple[str, str], tuple[Finding, list[str]]] = {}
    for name in proof.subjects_in_order(data):
        if data.role(name) == "oracle":
            continue
        for one in found(data, name):
            merged.setdefault((one.text, one.clause.kind), (one, []))[1].append(name)
    by_topic: dict[str, list[tuple[Finding, list[str]]]] = {}
    for one, names in merged.values():
        by_topic.setdefault(one.page, []).append((one, names))
    head = ["clause", "who", "what is wrong, and where it was reported"]
    body: list[Element] = [_head("Findings"), make("p", "", *_findings_intro(data, merged))]
    for page in (name for name in data.spec.pages if name in by_topic):
        lines = []
        for one, names in by_topic[page]:
            who = [
                part
                for name in names
                for part in (", ", make("a", "", name, href=f"{subject_address(name)}#{anchor(one)}"))
            ][1:]
            link = make("a", "", code(one.clause.id), href=clause_address(one.clause.page, one.clause.id))
            lines.append([link, make("span", "", *who), make("span", "", *proof.reason(one.text))])
        body.extend(
            section(
                data.spec.pages[page].title,
                table(head, lines, "nn-expected nn-findings", labelled=True),
            )
        )
    renderer = Renderer(data.spec, FINDINGS[1:], "results/index.md")
    text = "Every deviation of a framework that is an error rather than a reading, with what is right."
    return whole("Findings", "Results", text, [_bar(), make("main", "", *body)], renderer)


def _findings_intro(data: Data, merged: dict[tuple[str, str], tuple[Finding, list[str]]]) -> list[Element | str]:
    reported = sum(is_reported(one.text) for one, _ in merged.values())
    names = dict.fromkeys(name for _, names in merged.values() for name in names)
    versions = ", ".join(f"{name} {data.subjects[name]['subject'].get('version', '')}" for name in names)
    return [
        f"{plural(len(merged), 'cause')} of wrong answers. {reported} link to a report or to the lines of the framework"
        " that cause it; of the others a search found no report. Choose a subject in a row: its page has what came, "
        "what is right, the lines of Python that show it, and the command that writes a script which does so with the "
        "framework and NumPy alone and compares every number. "
        f"Measured were {versions}.",
    ]


def anchor(finding: Finding) -> str:
    """Where a finding stands on the page of each subject that has it."""
    return f"finding-{digest([finding.text, finding.clause.kind])[:8]}"


# ------------------------------------------------------------------ subjects
def subject(data: Data, name: str, causes: list[Finding], snippets: Mapping[str, str]) -> str:
    """Where a subject differs: what is wrong by consequence, its readings with what to write, what it lacks.

    Args:
        data: with its report.
        name: of the subject.
        causes: what it gets wrong.
        snippets: by the anchors of findings, where there are any.
    """
    about = data.subjects[name]["subject"]
    title = f"{name}: where it differs"
    body: list[Element] = [_head(title), _measured(data, name)]
    outcomes = [one for clause in data.spec.clauses.values() for one in data.outcomes(name, clause)]
    body.append(make("p", "", *[part for one, count in tally(outcomes) for part in (" ", chip(one, f"{count} {one}"))]))
    body.extend(section("Version by version", versions(data, name)))
    for consequence in CONSEQUENCES:
        its = [one for one in causes if one.consequence == consequence]
        if its:
            listed = make("div", "", *(entry(data, name, one, snippets.get(anchor(one), "")) for one in its))
            body.extend(section(f"{consequence}: {plural(len(its), 'cause')}", listed))
    body.extend(section("Other readings", subject_readings.listed(data, name)))
    body.extend(section("What it does not have", lacking(data, name)))
    renderer = Renderer(data.spec, subject_address(name)[1:], "results/index.md")
    text = f"Where {name} {about.get('version', '')} differs from the specification, by consequence."
    return whole(title, "Results", text, [_bar(), make("main", "", *body)], renderer)


def _measured(data: Data, name: str) -> Element:
    report = data.subjects[name]
    where = report.get("environment", {})
    packages = ", ".join(f"{package} {version}" for package, version in where.get("packages", {}).items())
    dates = sorted({topic["date"] for topic in report.get("topics", {}).values()})
    when = f", measured {' to '.join(dict.fromkeys([dates[0], dates[-1]]))}" if dates else ""
    words = f"{packages or '–'}, on {where.get('platform', '–')}, {where.get('device', '–')}{when}. "
    return make("p", "small", words, make("a", "", "All that was recorded", href=f"/data/results/{name}.json"), ".")


def versions(data: Data, name: str) -> Element | None:
    """A bar for each version that was measured, the newest first; nothing where none was kept."""
    lines = make("ul", "history")
    for one in reversed(data.history.get(name, [])):
        counts = tally([outcome for outcome, count in one["outcomes"].items() for _ in range(count)])
        bar = make("span", "bar-of", aria_hidden="true")
        for outcome, count in counts:
            bar.append(make("span", f"nn-{OUTCOMES[outcome][1]}", style=f"flex-grow:{count}"))
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts)
        lines.append(make("li", "", f"{one['version']} (suite {one['suite']}, {one['date']}): {told}", bar))
    return lines if len(lines) else None


def lacking(data: Data, name: str) -> Element | None:
    """The operations that it does not have, topic after topic."""
    missing: dict[str, list[str]] = {}
    for operation in data.spec.operations.values():
        instances = [
            (clause, instance)
            for clause in data.spec.clauses.values()
            if not clause.forms
            for instance, one in zip(clause.instances, clause.operations, strict=True)
            if one == operation.name
        ]
        outcomes = {data.result(name, clause, instance)["outcome"] for clause, instance in instances}
        if outcomes == {"not implemented"}:
            missing.setdefault(operation.page, []).append(operation.name)
    if not missing:
        return None
    lines = [
        make(
            "li",
            "",
            make("a", "", data.spec.pages[page].title, href=f"/spec/{page}.md"),
            ": ",
            *[part for one in names for part in (", ", code(one))][1:],
        )
        for page, names in missing.items()
    ]
    return make("ul", "", *lines)
