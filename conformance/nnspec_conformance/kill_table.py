"""The kill table as a record: which wrong implementations every clause catches, and how far beyond what it allows.

A file by topic holds the story of each mutant once and a line for each instance. A mutant is caught where its distance
is above 1; the nearest one is the clause's power.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from nnspec_conformance.dependencies import kills_hash
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.mutation import LEAST_POWER, Kill, mutants_of, weak
from nnspec_conformance.old_results import old_kills
from nnspec_conformance.report import same_packages
from nnspec_conformance.results import by_topic, installed, jsonable, read_json, results_dirs, today, write
from nnspec_conformance.suite_loader import Suite

SCHEMA = "nnspec-mutants/2"
DIGITS = 4  # of a distance
DEPENDS = ("python", "numpy", "scipy", "ml_dtypes")


def as_record(suite: Suite, page: str, rows: dict[str, list[dict]]) -> dict:
    """The kill table of one page, JSON-ready.

    Args:
        suite: tests and specification.
        page: for instance ``components/layers``.
        rows: instance -> the name, story and distance of each of its mutants.

    Raises:
        HarnessError: two mutants of one instance have the same name.
    """
    labels = _labels(suite, rows)
    stories: dict[str, str] = {}
    instances: dict[str, dict] = {}
    for instance, mutants in rows.items():
        if twice := [name for name, count in Counter(mutant["name"] for mutant in mutants).items() if count > 1]:
            raise HarnessError(f"{instance} has several mutants named '{twice[0]}'; give each a name of its own")
        for mutant in mutants:
            label = labels[instance, mutant["name"]]
            stories[label] = mutant["story"]
            instances.setdefault(instance, {})[label] = mutant["distance"]
    record = {
        "schema": SCHEMA,
        "date": today(),
        "inputs": kills_hash(suite, page),
        "packages": installed(DEPENDS),
        "stories": stories,
        "instances": instances,
    }
    return jsonable(record, DIGITS)


def _labels(suite: Suite, rows: dict[str, list[dict]]) -> dict[tuple[str, str], str]:
    """Instance and mutant -> its name, and as much more of where it stands as tells it from others of another story."""
    stories: dict[str, set[str]] = defaultdict(set)
    found = {}
    for instance, mutants in rows.items():
        for name, story in ((mutant["name"], mutant["story"]) for mutant in mutants):
            found[instance, name] = (name, f"{name} | {suite.instances[instance][1]}", f"{name} | {instance}")
            for label in found[instance, name]:
                stories[label].add(story)
    return {key: next((one for one in given if len(stories[one]) == 1), given[-1]) for key, given in found.items()}


def write_kills(suite: Suite, table: dict[str, list[Kill]], folder: Path) -> None:
    """Write the table in files by topic; what a file has of the same inputs and was not asked again stays.

    Raises:
        HarnessError: a file cannot be written.
    """
    for page in dict.fromkeys(map(suite.page_of, table)):
        rows = {
            instance: [{"name": k.mutant.name, "story": k.mutant.story, "distance": k.distance} for k in kills]
            for instance, kills in table.items()
            if suite.page_of(instance) == page
        }
        path = folder / f"{page}.json"
        if _same_inputs(suite, page, path):
            kept = {instance: row["mutants"] for instance, row in read_kills(path).items()}
            rows = {name: (kept | rows)[name] for name in suite.instances if name in kept or name in rows}
        write(as_record(suite, page, rows), path)


def _same_inputs(suite: Suite, page: str, path: Path) -> bool:
    """Whether a file is a kill table made of the files and packages as they are now."""
    try:
        data = read_json(path)
    except HarnessError:
        return False
    if not same_packages(data.get("packages"), installed(DEPENDS)):
        return False
    return (data.get("schema"), data.get("inputs")) == (SCHEMA, kills_hash(suite, page))


def load_mutants() -> dict[str, dict]:
    """Instance -> ``power``, ``nearest`` and ``mutants``, each with name, story, caught and distance.

    Raises:
        HarnessError: a file is no kill table.
    """
    found: dict[str, dict] = {}
    for root in results_dirs():
        if (old := root / "mutants.json").is_file():
            found |= old_kills(read_json(old), old)
        for path in by_topic(root / "mutants").values():
            found |= read_kills(path)
    return found


def read_kills(path: Path) -> dict[str, dict]:
    """The rows of one file.

    Raises:
        HarnessError: it is no kill table.
    """
    data = read_json(path)
    if data.get("schema") != SCHEMA:
        raise HarnessError(f"{path}: schema is {data.get('schema')!r}, expected {SCHEMA!r}; write it again")
    found = {}
    try:
        for instance, distances in data["instances"].items():
            mutants = [
                {
                    "name": name.partition(" | ")[0],
                    "story": data["stories"][name],
                    "caught": float(distance) > 1,
                    "distance": distance,
                }
                for name, distance in distances.items()
            ]
            nearest = min(mutants, key=lambda mutant: float(mutant["distance"]))
            found[instance] = {"power": nearest["distance"], "nearest": nearest["name"], "mutants": mutants}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HarnessError(f"{path}: no kill table ({error!r}); write it again with nnspec mutants --record") from error
    return found


def is_current(suite: Suite, page: str, instances: set[str], folders: list[Path]) -> bool:
    """Whether a folder has the kills of a page's instances as all files are now, and none of the clauses is weak."""
    without = {instance: [] for instance in instances if not mutants_of(suite, instance)}
    if weak(suite, without):
        return False
    for path in (folder / f"{page}.json" for folder in folders):
        if _same_inputs(suite, page, path):
            rows = read_kills(path)
            sharp = all(float(row["power"]) >= LEAST_POWER for row in rows.values())
            if sharp and instances - set(without) <= set(rows):
                return True
    return False
