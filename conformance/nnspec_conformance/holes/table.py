"""The list of holes: conditions under which nothing is asked, each with its reason, in one file for each topic.

What the tests leave open is recorded beside the other results, and the gate compares it with the list. Reasons are
written by hand; ``nnspec holes --record`` takes out of the list what is closed, and only with ``--add`` adds what is
new: with a common reason of ``reasons.toml`` where one is about it, else with an empty one, which the gate refuses.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from nnspec_conformance.errors import HarnessError
from nnspec_conformance.results import jsonable, read_json, results_dirs, today, write, write_text
from nnspec_conformance.suite_loader import Suite

LISTS = Path(__file__).resolve().parent
HEAD = (
    "# What no question of this topic tells. nnspec holes --record keeps the entries; the reasons are written here.\n"
)
SCHEMA = "nnspec-holes/1"
PLANS = {"full": "the full plan", "lean": "the lean plan"}
WIDTH = 116
MEND = "nnspec holes {}"


class Hole(NamedTuple):
    """A condition of an operation under which no expected number is compared.

    Attributes:
        plan: ``full``: of no subject; ``lean``: of none that compiles.
        what: ``value`` or ``gradient``.
        condition: in the words of ``conditions``.
        operation: its name.
    """

    plan: str
    what: str
    condition: str
    operation: str


@dataclass(frozen=True)
class Reason:
    """A reason of holes of many topics; which they are is told by patterns, each of the whole word.

    Attributes:
        name: by which lists refer to it.
        text: the reason.
        plan: in which plan.
        what: of value or gradient.
        kind: of conditions.
        condition: which.
        operation: of which operations.
    """

    name: str
    text: str
    plan: str = ".*"
    what: str = ".*"
    kind: str = ".*"
    condition: str = ".*"
    operation: str = ".*"

    def is_about(self, hole: Hole, kind: str) -> bool:
        """Whether it is a reason of this hole."""
        pairs = [(getattr(self, name), getattr(hole, name)) for name in Hole._fields] + [(self.kind, kind)]
        return all(re.fullmatch(pattern, word) for pattern, word in pairs)


@cache
def common_reasons() -> dict[str, Reason]:
    """The reasons of ``reasons.toml``, by name."""
    data = tomllib.loads((LISTS / "reasons.toml").read_text(encoding="utf-8"))
    return {name: Reason(name, **entry) for name, entry in data.items()}


# ---- the list of one topic


def read_list(path: Path) -> dict[Hole, str]:
    """Every hole on the list of one topic, with its reason.

    Raises:
        HarnessError: it is no such list, or names a hole twice.
    """
    found: dict[Hole, str] = {}
    try:
        for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("holes", []):
            for condition, operations in entry["open"].items():
                for operation in operations.split():
                    hole = Hole(entry["plan"], entry["what"], condition, operation)
                    if hole in found:
                        raise HarnessError(f"{path}: {words(hole)} with '{condition}' stands there twice; take one out")
                    found[hole] = entry["reason"]
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError) as error:
        raise HarnessError(f"{path}: no list of holes ({error}); nnspec holes --record writes one") from error
    return found


def write_list(holes: Mapping[Hole, str], path: Path) -> None:
    """Write the list of one topic: a group for each reason, plan and subject, a line for each condition."""
    groups: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for hole, reason in holes.items():
        groups.setdefault((hole.plan, reason, hole.what), {}).setdefault(hole.condition, []).append(hole.operation)
    lines = [HEAD]
    for (plan, reason, what), conditions in sorted(groups.items()):
        lines += ["[[holes]]", f"reason = {text(reason)}", f'plan = "{plan}"', f'what = "{what}"', "[holes.open]"]
        lines += [f"{text(condition)} = {text(' '.join(o))}" for condition, o in sorted(conditions.items())]
        lines.append("")
    write_text("\n".join(lines), path)


def text(words: str) -> str:
    """A text of TOML; a long one over several lines."""
    plain = json.dumps(words, ensure_ascii=False)
    if len(plain) < WIDTH - 30:
        return plain
    lines, line = [], ""
    for word in words.split():
        if len(line) + len(word) > WIDTH:
            lines, line = [*lines, line], ""
        line += f"{word} "
    return '"""\n' + " \\\n".join(part.rstrip() for part in [*lines, line]) + '"""'


def listed(page: str) -> Path:
    """The list of a topic."""
    return LISTS / f"{page}.toml"


def merged(page: str, holes: Iterable[tuple[Hole, str]], *, add: bool) -> dict[Hole, str]:
    """The holes that are open, each with its kind, with the reasons that the list has, else with common ones.

    Those that are not on the list are among them only with ``add``: a list is to shrink.
    """
    path = listed(page)
    known = read_list(path) if path.is_file() else {}
    return {hole: known.get(hole) or reason_for(hole, kind) for hole, kind in holes if add or hole in known}


def reason_for(hole: Hole, kind: str) -> str:
    """The first common reason about a hole; empty where there is none."""
    return next((reason.name for reason in common_reasons().values() if reason.is_about(hole, kind)), "")


# ---- the record of one topic


def write_record(holes: Iterable[Hole], conditions: int, inputs: str, path: Path) -> None:
    """Write which conditions were open, of how many, and what that depends on."""
    found: dict = {plan: {} for plan in PLANS}
    for plan, what, condition, operation in sorted(holes):
        found[plan].setdefault(what, {}).setdefault(condition, []).append(operation)
    shown = {
        plan: {what: {c: " ".join(o) for c, o in cs.items()} for what, cs in of.items()} for plan, of in found.items()
    }
    record = {"schema": SCHEMA, "date": today(), "inputs": inputs, "conditions": conditions, "open": shown}
    write(jsonable(record), path, depth=4)


def read_record(path: Path) -> tuple[str, int, set[Hole]]:
    """What a record depends on, how many conditions there are, and which are open.

    Raises:
        HarnessError: there is none, or it is malformed.
    """
    data = read_json(path)
    if data.get("schema") != SCHEMA:
        raise HarnessError(f"{path}: schema is {data.get('schema')!r}, expected {SCHEMA!r}; record it again")
    try:
        holes = {
            Hole(plan, what, condition, operation)
            for plan, of in data["open"].items()
            for what, conditions in of.items()
            for condition, operations in conditions.items()
            for operation in operations.split()
        }
        return data["inputs"], data["conditions"], holes
    except (AttributeError, KeyError) as error:
        raise HarnessError(f"{path}: no record of holes ({error!r}); record it again") from error


# ---- whether the two agree


def problems(page: str, holes: set[Hole]) -> Iterator[str]:
    """One line for each hole that is not on the list, for each that is closed, and for each without a reason."""
    path = listed(page)
    try:
        known = read_list(path) if path.is_file() else {}
    except HarnessError as error:
        yield str(error)
        return
    for whose, conditions in together(holes - known.keys()).items():
        yield f"{page}: {whose} with {conditions}; ask it, or list it with a reason: {MEND.format(page)} --add"
    for whose, conditions in together(known.keys() - holes).items():
        yield f"{path.name}: it is asked now: {whose} with {conditions}; unlist it: {MEND.format(page)} --record"
    for reason in sorted({r for r in known.values() if not r or (" " not in r and r not in common_reasons())}):
        count = sum(r == reason for r in known.values())
        said = f"the reason '{reason}', which reasons.toml does not have" if reason else "no reason"
        yield f"{path.name}: {count} holes of {page} have {said}; write why they are open"


def together(holes: Iterable[Hole]) -> dict[str, str]:
    """The conditions in words, by plan, subject and operation."""
    found: dict[str, list[str]] = {}
    for hole in sorted(holes):
        found.setdefault(words(hole), []).append(f"'{hole.condition}'")
    return {whose: ", ".join(conditions) for whose, conditions in found.items()}


def words(hole: Hole) -> str:
    """Whose hole it is."""
    return f"{PLANS[hole.plan]} compares no {hole.what} of {hole.operation}"


def out_of_step(suite: Suite) -> Iterator[str]:
    """One line for the gate on each topic without a record, each hole that is not listed, each list of no topic."""
    pages = pages_of(suite)
    for page in pages:
        try:
            _, _, found = read_record(record_of(page))
        except HarnessError as error:
            yield f"{page}: nobody looked for its holes ({error}); nnspec holes {page} --record"
            continue
        yield from problems(page, found)
    for path in sorted(LISTS.glob("*/**/*.toml")):
        page = path.relative_to(LISTS).with_suffix("").as_posix()
        if page not in pages:
            yield f"{path}: no topic '{page}' has operations; take it out"


def pages_of(suite: Suite) -> list[str]:
    """The pages that declare operations."""
    return list(dict.fromkeys(operation.page for operation in suite.spec.operations.values()))


def record_of(page: str) -> Path:
    """Where the record of a page lies: beside the other results of this checkout."""
    return results_dirs()[0] / "holes" / f"{page}.json"
