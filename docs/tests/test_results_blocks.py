"""Figures, benchmarks and tables of results."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as etree

import pytest

from nnspec_site.errors import SiteError
from nnspec_site.proof import of_operations


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_figure_of_unknown_name_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"no figure maker docs/nnspec_site/figures/no_such\.py"):
        convert("/// figure | no-such\n    alt: nothing\n///")


def test_benchmark_without_results_gives_the_command(convert):
    html = re.sub("</?span[^>]*>", "", convert("/// benchmark | activations\n///"))
    assert "<code>nnspec bench --device cpu --out r.json</code>" in html


def test_benchmark_draws_share_of_copy_and_marks_peers(convert, data):
    work = {
        "set": "activations",
        "name": "gelu",
        "pass": "forward",
        "size": 1024,
        "dtype": "float32",
        "operations": 1024,
        "least_bytes": 8192,
    }
    work |= {
        "nnspec": {"seconds": 1.6e-6, "share_of_copy": 0.5},
        "peers": {"torch": {"seconds": 3.2e-6}},
        "ratio": {"torch": 0.5},
    }
    machine = {"name": "box", "device": "cpu", "processor": "P", "cores": 2, "platform": "Linux"}
    data.benchmarks["box"] = {
        "machine": machine,
        "ceilings": {"copy_bytes_per_s": 1e10},
        "workloads": [work],
        "date": "2026-01-02",
    }
    html = convert("/// benchmark | activations\n///")
    assert "--nn-bar:51.2%" in html
    assert "left:25.6%" in html
    assert "1.6 µs" not in html
    assert '<a href="/results/benchmarks.md#activations">' in html
    assert "1.6 µs" in convert("/// benchmark | sets\n///")
    assert "2<sup>10</sup>" in html
    assert "No result on a GPU or TPU yet." in text_of(html)
    assert "Not measured on this machine (box): identity; relu; leaky_relu" in text_of(html)
    assert "Measured 2026-01-02 in 1 process" in text_of(html)


def test_benchmark_names_times_that_cannot_be_right(convert, data):
    def work(size, seconds, runs):
        cost = {"set": "activations", "name": "gelu", "pass": "forward", "operations": 1, "least_bytes": 1}
        return cost | {"size": size, "nnspec": {"seconds": seconds, "runs": runs}, "peers": {}}

    machine = {"name": "box", "device": "cpu", "processor": "P", "cores": 2, "platform": "Linux"}
    workloads = [work(1024, 1.6e-5, [1.6e-5] * 3), work(16384, 7e-6, [7e-6, 7e-6, 8e-6])]
    data.benchmarks["box"] = {"machine": machine, "ceilings": {"copy_bytes_per_s": 1e9}, "workloads": workloads}
    text = text_of(convert("/// benchmark | activations\n///"))
    assert "gelu, forward, by nnspec: 16.0 µs for 1024 elements, at most 8.0 µs for 16384." in text
    assert "in 3 processes" in text


def test_benchmark_of_a_set_that_no_machine_has_says_so(convert, data):
    machine = {"name": "box", "device": "cpu", "processor": "P", "cores": 2, "platform": "Linux"}
    data.benchmarks["box"] = {"machine": machine, "ceilings": {}, "workloads": [], "date": "2026-01-02"}
    text = text_of(convert("/// benchmark | layers\n///"))
    assert "Not measured on this machine" not in text  # said once
    assert "Not measured on any machine yet." in text


def test_benchmark_of_all_sets_has_a_heading_for_each(convert):
    html = convert("/// benchmark | sets\n///")
    assert '<h2 id="activations">Activations</h2>' in html
    assert '<h2 id="layers">Layers</h2>' in html


def test_sets_stand_in_the_order_of_their_pages(convert, data, monkeypatch):
    from nnspec_conformance.benchmarks import sets

    pages = {name: f"nowhere/{name}" for name in sets.discover()} | {"layers": "components/topic"}
    monkeypatch.setattr(sets, "pages", lambda: pages)
    html = convert("/// benchmark | sets\n///")
    assert re.findall(r'<h2 id="(\w+)"', html) == ["layers", *sorted(pages.keys() - {"layers"})]
    assert 'href="/spec/components/topic.md#cost"' in html


def test_time_of_several_processes_shows_its_spread():
    from nnspec_site.blocks.benchmark import spread

    assert spread({"seconds": 2e-6, "runs": [1e-6, 2e-6, 4e-6]}) == "2 µs (1 µs to 4 µs)"
    assert spread({"seconds": 2e-6}) == "2 µs"


def test_matrix_of_all_sections_counts_instances(convert):
    text = text_of(convert("/// matrix | all\n///"))
    assert "Topic ✓ 1 pass ◐ 2 variant ! 1 known failure ✓ 4 pass" in text


def test_matrix_of_a_page_links_each_clause(convert):
    html = convert("/// matrix | components/topic\n///")
    assert '<a href="/spec/components/topic.md#gelu.form"><code>gelu.form</code></a>' in html
    assert text_of(html).count("! known failure relu") == 1


def test_matrix_of_a_page_leaves_out_what_everybody_passes(data, convert):
    data.subjects["torch"]["results"]["act.nan[relu]"]["outcome"] = "pass"
    html = convert("/// matrix | components/topic\n///")
    assert "act.nan" not in html
    assert "Everybody passes 1 other clause." in html


def test_matrix_of_a_page_leaves_out_what_somebody_merely_lacks(data, convert):
    for instance in ("act.nan[relu]", "act.nan[tanh]"):
        data.subjects["torch"]["results"][instance]["outcome"] = "not implemented"
    html = convert("/// matrix | components/topic\n///")
    assert "act.nan" not in html
    assert "In 1 clause more, everybody who has the operation passes" in text_of(html)
    assert 'href="/results/topics/components/topic.html"' in html


def test_matrix_of_an_unknown_page_stops_the_build(convert):
    with pytest.raises(SiteError, match="no such view or spec page; known: all, frameworks, explore, lists"):
        convert("/// matrix | components/nothing\n///")


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("lists", "Components: Topic"),
        ("explore", "Loading the results"),
        ("subjects", "2026-01-02"),
        ("readings", "exact, tanh"),
        ("mutants", "drops-nan"),
        ("experiments", "vanishing"),
    ],
)
def test_other_views(convert, view, shown):
    assert shown in text_of(convert(f"/// matrix | {view}\n///"))


def test_experiments_say_whether_the_prediction_was_met(convert, data, outcome):
    data.experiments["vanishing"] = outcome()
    assert "✓ holds ✗ missed ratio" in text_of(convert("/// matrix | experiments\n///"))


def test_wrong_implementations_of_many_operations_count_them(data):
    many = tuple(f"f{i}" for i in range(20))
    clause = dataclasses.replace(data.spec.clauses["act.nan"], applies_to=many)
    shown = {
        count: text_of(etree.tostring(of_operations(clause, list(many[:count])), "unicode")) for count in (2, 12, 20)
    }
    assert shown == {2: "f0 , f1", 12: "12 of 20", 20: "all 20"}


@pytest.mark.parametrize("view", ["all", "frameworks", "lists", "subjects", "readings"])
def test_frameworks_come_first_reference_and_oracle_last(data, report, convert, view):
    held = data.subjects["reference"]["results"]
    data.subjects = {"numpy_oracle": report("numpy_oracle", "oracle", held), **data.subjects}
    html = convert(f"/// matrix | {view}\n///")
    whole = html.replace("<wbr />", "")  # names break after an underscore
    found = dict.fromkeys(re.findall(r"torch|reference|numpy_oracle", text_of(whole)))
    assert list(found) in (["torch", "reference", "numpy_oracle"], ["torch"]), html
