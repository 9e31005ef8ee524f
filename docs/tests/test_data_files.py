"""The site's data: what is written is of the form that its schema says, as JSON and as a script."""

from __future__ import annotations

import json

import jsonschema
import pytest

from nnspec_conformance import report as reports
from nnspec_conformance import results
from nnspec_conformance.results import COMMITTED, read_json
from nnspec_site import data as site_data
from nnspec_site import data_files

SCHEMA_OF = {"clauses": "clauses", "mutants": "caught", "differences": "differences", "words": "words"}


def schema_of(name):
    return "points" if name.startswith("points/") else SCHEMA_OF.get(name, "report")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The project's own data, in a folder; a checkout's fresh results, which may be half written, are left out."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        for module in (reports, results):
            patch.setattr(module, "results_dirs", lambda: [COMMITTED])
        data_files.stage(site_data.load(), folder)
    return folder


def with_results_taken_out(name, report):
    """A report of which what each topic recorded is the committed file's, and taken out: its form is tested there."""
    for topic, recorded in report["topics"].items():
        assert recorded["results"] == read_json(COMMITTED / "subjects" / name / f"{topic}.json")["results"], topic
        recorded["results"] = {}
    return report


def test_every_file_is_of_the_form_of_its_schema(written):
    names = [path.relative_to(written).with_suffix("").as_posix() for path in sorted(written.rglob("*.js"))]
    assert {"clauses", "mutants", "results/reference"} <= set(names)
    for name in names:
        schema = json.loads((written / "schemas" / f"{schema_of(name)}.schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        content = json.loads((written / f"{name}.json").read_text("utf-8"))
        if name.startswith("results/"):
            content = with_results_taken_out(name.removeprefix("results/"), content)
        errors = [
            f"{e.json_path}: {e.message[:200]}" for e in jsonschema.Draft202012Validator(schema).iter_errors(content)
        ]
        assert errors == [], name


def test_script_has_the_same_object_below_the_name_of_the_file(written):
    script = (written / "results" / "reference.js").read_text("utf-8")
    start = '(globalThis.nnspecData ??= {})["results/reference"] = '
    assert script.startswith(start)
    assert json.loads(script[len(start) :].rstrip(";\n")) == json.loads(
        (written / "results" / "reference.json").read_text("utf-8")
    )


def test_a_clause_without_a_level_is_not_of_the_form(written):
    schema = json.loads((written / "schemas" / "clauses.schema.json").read_text("utf-8"))
    content = json.loads((written / "clauses.json").read_text("utf-8"))
    del next(iter(content["clauses"].values()))["level"]
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(content)) != []
