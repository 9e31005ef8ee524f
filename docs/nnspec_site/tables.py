"""Tables of results over many clauses: what the ``matrix`` block shows."""

from __future__ import annotations

from nnspec_conformance.clauses import Clause
from nnspec_site import tryouts
from nnspec_site.blocks.experiment import badge, effect, prediction
from nnspec_site.data import Data
from nnspec_site.differences import rows
from nnspec_site.html import Element, code, folded, make, plural, prose, table
from nnspec_site.outcomes import MEANING, OUTCOMES, chip, tally, worst
from nnspec_site.proof import (
    caught_by,
    distance,
    of_operations,
    readings_of,
    share,
    subject_name,
    subjects_in_order,
)


def anchor(page: str, target: str, text: Element | str) -> Element:
    """A link to an id on a spec page; MkDocs resolves it and fails the build where it leads nowhere."""
    return make("a", "", text, href=f"/spec/{page}.md#{target}" if target else f"/spec/{page}.md")


def legend(outcomes: set[str]) -> Element:
    items = [
        make("li", "", chip(name), f" {MEANING[name]}") for name in OUTCOMES if name in outcomes and name in MEANING
    ]
    return make("ul", "nn-legend", *items)


def clauses_by_page(data: Data) -> dict[str, list[Clause]]:
    pages: dict[str, list[Clause]] = {}
    for clause in data.spec.clauses.values():
        pages.setdefault(clause.page, []).append(clause)
    return pages


def sections(data: Data) -> Element | None:
    """Spec pages down, subjects across; in a cell how many instances have which outcome."""
    if not data.subjects:
        return None
    seen: set[str] = set()
    rows = []
    for name, clauses in clauses_by_page(data).items():
        row: list[Element | str] = [anchor(name, "", data.spec.pages[name].title)]
        for subject in subjects_in_order(data):
            outcomes = [outcome for clause in clauses for outcome in data.outcomes(subject, clause)]
            seen |= set(outcomes)
            row.append(counts(outcomes))
        rows.append(row)
    head = ["section", *(subject_name(data, name) for name in subjects_in_order(data))]
    return make("div", "", table(head, rows, "nn-sections"), legend(seen))


def frameworks(data: Data) -> Element | None:
    """A line for each subject, all clauses together: it needs no more room than a phone has."""
    if not data.subjects:
        return None
    seen: set[str] = set()
    lines = make("ul", "nn-frameworks")
    for subject in subjects_in_order(data):
        outcomes = [one for clause in data.spec.clauses.values() for one in data.outcomes(subject, clause)]
        seen |= set(outcomes)
        lines.append(make("li", "", subject_name(data, subject), counts(outcomes)))
    return make("div", "", lines, legend(seen))


def counts(outcomes: list[str]) -> Element:
    """A bar of shares, and every count with its word."""
    bar = make("span", "nn-bar", aria_hidden="true")
    lines = make("span", "nn-counts")
    for outcome, count in tally(outcomes):
        css = OUTCOMES.get(outcome, ("?", "error"))[1]
        bar.append(make("span", f"nn-{css}", style=f"flex-grow:{count}"))
        lines.append(chip(outcome, f"{count} {outcome}"))
    return make("span", "nn-tally", bar, lines)


def page(data: Data, name: str) -> Element | None:
    """The clauses of one page down in which somebody differs; subjects across."""
    clauses = [clause for clause in data.spec.clauses.values() if clause.page == name]
    if not data.subjects or not clauses:
        return None
    subjects = subjects_in_order(data)
    rows, agreed, missing, seen = [], 0, 0, set()
    for clause in clauses:
        outcomes = [data.outcomes(subject, clause) for subject in subjects]
        met = {one for found in outcomes for one in found}
        if met <= {"pass", "not implemented"}:  # that it lacks an operation is no difference
            agreed += met == {"pass"}
            missing += met != {"pass"}
            continue
        seen |= met
        rows.append([anchor(name, clause.id, code(clause.id)), *(_summary(clause, found) for found in outcomes)])
    made = make("div")
    if rows:
        head = ["clause", *(subject_name(data, subject) for subject in subjects)]
        made.extend([table(head, rows, "nn-page-matrix"), legend(seen)])
    if agreed:
        every = "Everybody passes every clause." if not rows and not missing else ""
        made.append(make("p", "nn-provenance", every or f"Everybody passes {plural(agreed, 'other clause')}."))
    if missing:
        words = f"In {plural(missing, 'clause')} more, everybody who has the operation passes: "
        whole = make("a", "", "all results of this topic", href=f"/results/topics/{name}.html")
        made.append(make("p", "nn-provenance", words, whole, "."))
    return made


def explore(data: Data) -> Element | None:
    """Where the table that is asked comes to stand; without scripts, a page for each subject and each topic."""
    if not data.subjects:
        return None
    asked = make(
        "div",
        "nn-explore",
        make("p", "nn-provenance", "Loading the results."),
        data_source="../data/differences.js",
        data_words="../data/words.js",
    )
    script = make("script", "", src="../assets/results.js", defer="defer")
    return make("div", "", asked, script)


def tryout(data: Data) -> Element | None:
    """Where a reader's own function is tried; the list of operations is there without scripts."""
    groups = [
        make("optgroup", "", *(_option(name) for name in names), label=title)
        for title, names in tryouts.operations(data.spec).items()
    ]
    if not groups:
        return None
    box = make(
        "div", "nn-try", make("label", "", "Operation ", make("select", "", *groups)), data_source="../data/points/"
    )
    return make("div", "", box, make("script", "", src="../assets/try.js", defer="defer"))


def _option(name: str) -> Element:
    chosen = {"selected": "selected"} if name == "relu" else {}  # the function that most readers know
    return make("option", "", name, value=name, **chosen)


def result_lists(data: Data) -> Element | None:
    """Links to the results of each subject and of each topic."""
    if not data.subjects:
        return None
    who = [make("a", "", name, href=f"/results/subjects/{name}.html") for name in subjects_in_order(data)]
    made = make("div", "", make("p", "", "A subject: ", *[part for one in who for part in (", ", one)][1:], "."))
    sections: dict[str, list[Element]] = {}
    for name in dict.fromkeys(row.topic for row in rows(data)):
        link = make("a", "", data.spec.pages[name].title, href=f"/results/topics/{name}.html")
        sections.setdefault(name.partition("/")[0], []).append(link)
    for section, links in sections.items():
        made.append(
            make("p", "", f"{section.capitalize()}: ", *[part for one in links for part in (", ", one)][1:], ".")
        )
    return made


def _summary(clause: Clause, outcomes: list[str]) -> Element:
    """The symbol of the worst outcome and the operations that have it; words for readers by ear."""
    outcome = worst(outcomes)
    symbol, css = OUTCOMES[outcome]
    of = share(clause, outcomes, outcome).strip(" ()")
    word = None if outcome == "pass" else make("span", "nn-word", f"{outcome} ")
    return make("td", f"nn-{css}", f"{symbol} ", word, of, title=outcome)


def subjects(data: Data) -> Element | None:
    """Who was measured, with which versions, where and when."""
    if not data.subjects:
        return None
    rows = []
    for name in subjects_in_order(data):
        report = data.subjects[name]
        where = report.get("environment", {})
        packages = ", ".join(f"{package} {version}" for package, version in where.get("packages", {}).items())
        rows.append(
            [
                code(name),
                f"{report['subject'].get('role', '')}",
                str(report["subject"].get("version", "–")),
                ", ".join(report["subject"].get("dtypes", [])),
                ", ".join(part for part in (where.get("platform"), where.get("device")) if part),
                packages or "–",
                str(report.get("date", "–")),
            ]
        )
    head = ["subject", "role", "version", "dtypes", "machine", "packages", "measured"]
    return table(head, rows, "nn-subjects", labelled=True)


def data_files(data: Data) -> Element | None:
    """The files of results, one a subject."""
    if not data.subjects:
        return None
    rows = []
    for name, report in data.subjects.items():
        links = [make("a", "", f"{name}.{kind}", href=f"/data/results/{name}.{kind}") for kind in ("json", "js")]
        rows.append([code(name), make("span", "", links[0], ", ", links[1]), plural(len(report["results"]), "result")])
    return table(["subject", "files", "holds"], rows)


def readings(data: Data) -> Element | None:
    """Clauses with more than one reading, and defaults, down; subjects across."""
    clauses = [clause for clause in data.spec.clauses.values() if clause.variants or clause.kind == "default"]
    if not clauses or not data.subjects:
        return None
    rows = []
    for clause in clauses:
        row: list[Element | str] = [anchor(clause.page, clause.id, code(clause.id))]
        row.append(code(str(clause.default if clause.kind == "default" else clause.definition)))
        row += [", ".join(readings_of(data, clause, name)) or "–" for name in subjects_in_order(data)]
        rows.append(row)
    head = ["clause", "definition", *(subject_name(data, name) for name in subjects_in_order(data))]
    return table(head, rows, "nn-readings-table")


def mutants(data: Data) -> Element | None:
    """The kill table: clause, what was done wrong, and how far beyond the tolerance it lands; folded by page."""
    head = ["clause", "wrong implementation", "of", "what it does", "its error"]
    made = make("div")
    for name, clauses in clauses_by_page(data).items():
        rows = _caught(data, clauses)
        if rows:
            title = [data.spec.pages[name].title, make("small", "", f" {len(rows)}")]
            made.append(folded(title, table(head, rows, "nn-kill-table")))
    return made if len(made) else None


def _caught(data: Data, clauses: list[Clause]) -> list[list[Element | str]]:
    rows: list[list[Element | str]] = []
    for clause in clauses:
        for (name, story), found in caught_by(data, clause).items():
            link = anchor(clause.page, clause.id, code(clause.id))
            of = of_operations(clause, list(found))
            rows.append([link, code(name), of, prose("span", story), distance(found.values())])
    return rows


def experiments(data: Data) -> Element | None:
    """Every measured claim with its outcome and effect."""
    rows = []
    for experiment in data.spec.experiments.values():
        result = data.experiments.get(experiment.id)
        effects = make("span", "", *effect(result)) if result else "–"
        when = str(result.get("date", "–")) if result else "–"
        link = anchor(experiment.page, experiment.id, code(experiment.id))
        said = prediction(data, experiment, "")
        rows.append(
            [
                link,
                prose("span", experiment.text),
                badge(data, experiment),
                "–" if said is None else said,
                effects,
                when,
            ]
        )
    if not rows:
        return None
    head = ["experiment", "hypothesis", "outcome", "prediction", "measured", "date"]
    return table(head, rows, "nn-experiments", labelled=True)
