"""Machines side by side, and the charts of shares."""

from __future__ import annotations

import re

import pytest

from nnspec_conformance.benchmarks import sets
from nnspec_site.assets import PAGES
from nnspec_site.chart import Row, Share, chart
from nnspec_site.comparison import share
from nnspec_site.data import load
from nnspec_site.errors import SiteError


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def work(name="gelu", *, runs, size=2**24, **more):
    middle = sorted(runs)[len(runs) // 2]
    one = {"set": "activations", "name": name, "pass": "forward", "size": size, "dtype": "float32", "ceiling": "copy"}
    program = {"seconds": middle, "runs": runs}
    return one | {"operations": size, "least_bytes": 8 * size, "nnspec": program, "peers": {}} | more


def report(*workloads, copy, product=1e12, device="cpu", processor="P", **more):
    name = f"{processor.lower()}-{device}"
    machine = {"name": name, "device": device, "processor": processor, "cores": 2, "platform": "Linux"}
    limits = {"copy_bytes_per_s": copy, "matmul_flop_per_s": product}
    return {"machine": machine, "ceilings": limits, "workloads": [*workloads], "date": "2026-01-02"} | more


COUNT = 8 * 2**24  # bytes that gelu moves at least


@pytest.fixture
def shown(convert, data):
    """The page's block with these machines: rows of cells of the table of activations, and all its text."""

    def run(**reports):
        data.benchmarks.update(reports)
        html = convert("/// benchmark | comparison\n///")
        tables = re.findall(r"<table.*?</table>", html, re.DOTALL)
        rows = [
            [text_of(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)]
            for one in tables
            for row in re.findall(r"<tr>.*?</tr>", one, re.DOTALL)
        ]
        return html, rows

    return run


def test_each_machine_is_held_to_its_own_ceiling(shown):
    slow = report(work(runs=[COUNT / 5e9]), copy=1e10, processor="Slow")  # moves 5 of 10 GB/s
    fast = report(work(runs=[COUNT / 5e11]), copy=2e12, processor="Fast", device="gpu")  # moves 500 of 2,000 GB/s
    _, rows = shown(fast=fast, slow=slow)
    head = next(row for row in rows if row[0] == "operation")
    assert head == ["operation", "pass", "elements", "Slow, 2 cores (CPU)", "Fast (GPU)", "TPU"]
    assert ["gelu", "forward", "2 24", "50 %", "25 %", "not measured"] in rows


def test_products_are_held_to_the_product(shown):
    dense = work("dense", runs=[0.5], set="layers", ceiling="matmul", operations=10**12)
    _, rows = shown(box=report(dense, copy=1e10, product=8e12))
    assert any(row[:2] == ["dense", "forward"] and "25 %" in row for row in rows)


def test_a_step_in_place_is_held_to_the_copy_in_place_where_there_is_one():
    step, program = work(runs=[1.0], ceiling="copy_in_place"), {"seconds": COUNT / 1e9}
    both = report(copy=2e9)
    both["ceilings"]["copy_in_place_bytes_per_s"] = 4e9
    assert share(both, step, program) == at(0.25)
    assert share(report(copy=2e9), step, program) == at(0.5)  # an accelerator


def test_ceilings_are_listed_and_what_nobody_measured_has_the_command(shown):
    html, rows = shown(box=report(work(runs=[0.1]), copy=4e9, product=1e11))
    assert ["P, 2 cores (CPU)", "4 GB/s", "–", "100 GFLOP/s", "25", "2026-01-02"] in rows
    for device in ("gpu", "tpu"):
        assert [device.upper(), *["not measured"] * 5] in rows
        assert f"nnspec bench --device {device} --out r.json" in re.sub("<[^>]*>", "", html)


def test_a_measured_device_is_not_called_missing(shown):
    html, _ = shown(box=report(work(runs=[0.1]), copy=4e9, device="gpu"))
    text = re.sub("<[^>]*>", "", html)
    assert "--device gpu" not in text
    assert "--device cpu" in text


def test_what_one_machine_lacks_is_said_in_its_column(shown):
    one = report(work(runs=[COUNT / 1e9]), work("relu", runs=[COUNT / 1e9]), copy=2e9, processor="One")
    two = report(work(runs=[COUNT / 1e9]), copy=4e9, processor="Two")
    _, rows = shown(one=one, two=two)
    assert ["relu", "forward", "2 24", "50 %", "not measured", "not measured", "not measured"] in rows


def test_noise_is_a_spread(shown):
    html, rows = shown(box=report(work(runs=[COUNT / 4e9, COUNT / 5e9, COUNT / 8e9]), copy=1e10))
    assert any(row[0] == "gelu" and row[3] == "50 % (40 to 80 %)" for row in rows)
    assert "--nn-from-0:40.0%;--nn-to-0:80.0%" in html
    assert "slowest to fastest process" in text_of(html)


def test_a_quick_look_is_not_published(shown):
    html, _ = shown(box=report(work(runs=[0.1]), copy=4e9, quick=True))
    assert "P, 2 cores" not in html
    assert "Not measured on any machine yet." in text_of(html)


def test_a_machine_that_is_measured_again_stands_there_once(shown):
    old, new = (report(work(runs=[COUNT / speed]), copy=1e10) for speed in (1e9, 5e9))
    _, rows = shown(**{"p-cpu": old, "this-machine-cpu": new})
    assert next(row for row in rows if row[0] == "operation").count("P, 2 cores (CPU)") == 1
    assert any(row[0] == "gelu" and row[3] == "50 %" for row in rows)


def test_exponents_are_raised(shown):
    html, _ = shown(box=report(work(runs=[0.1]), copy=4e9))
    assert "2<sup>24</sup></span> elements" in html
    assert "2^24" not in html


def test_workloads_are_made_once_for_all_sets(shown, monkeypatch):
    shown(box=report(work(runs=[0.1]), copy=4e9))
    monkeypatch.setattr(sets, "select", None)
    _, rows = shown(box=report(work(runs=[0.1]), copy=4e9))
    assert any(row[0] == "gelu" for row in rows)


def test_unknown_set_stops_the_build(convert):
    with pytest.raises(SiteError, match=r"benchmark \| activation: no such set or view; known: .*convolution"):
        convert("/// benchmark | activation\n///")


def test_the_committed_machines_stand_on_the_page(shown):
    committed = load().benchmarks
    html, _ = shown(**committed)
    assert committed
    for one in committed.values():
        assert one["quick"] or one["machine"]["processor"] in text_of(html)


# ---- charts
def at(value, least=None, most=None):
    return Share(value, value if least is None else least, value if most is None else most)


def drawn(*rows):
    import xml.etree.ElementTree as etree

    return etree.tostring(chart(["Title"], rows), encoding="unicode")


def ticks(html):
    return re.findall(r"left:([\d.]+)%\">(\d+ %)", html.split("nn-scale")[1])


def test_scale_ends_at_the_ceiling_where_nothing_is_beyond():
    assert ticks(drawn(Row("a", at(0.5), {}))) == [("0.0", "0 %"), ("50.0", "50 %"), ("100.0", "100 %")]


def test_scale_reaches_150_where_a_share_does():
    html = drawn(Row("a", at(0.75), {"torch": at(3.0)}))
    assert [tick for _, tick in ticks(html)] == ["0 %", "50 %", "100 %", "150 %"]
    assert ticks(html)[-1][0] == "100.0"
    assert "--nn-bar:50.0%" in html  # 75 of 150
    assert "◆›" in html
    assert "more than 150 %" in html


def test_scale_keeps_its_ticks_in_place_where_it_ends_between_two():
    html = drawn(Row("a", at(1.25), {}))
    assert ticks(html) == [("0.0", "0 %"), ("40.0", "50 %"), ("80.0", "100 %")]
    assert "--nn-step:20.00%" in html  # the ceiling stands at the fourth step


def test_spread_is_cut_off_at_the_edge():
    assert "--nn-from-bar:50.0%;--nn-to-bar:100.0%" in drawn(Row("a", at(1.5, 0.75, 9.0), {}))


def test_one_process_has_no_spread():
    html = drawn(Row("a", at(0.5), {"torch": at(0.25)}))
    assert "--nn-from" not in html
    assert "fastest" not in html


def test_a_long_name_breaks_after_an_underscore():
    assert "softmax_<wbr />cross_<wbr />entropy, 10 classes" in drawn(
        Row("softmax_cross_entropy, 10 classes", at(0.5), {})
    )


def test_every_mark_has_a_style_for_its_spread():
    style = (PAGES / "assets" / "results.css").read_text(encoding="utf-8")
    html = drawn(Row("a", at(0.5, 0.4, 0.6), {name: at(0.5, 0.4, 0.6) for name in "bcde"}))
    used = re.findall(r"(--nn-(?:from|to)-\w+):", html)
    assert len(used) == 10
    assert [name for name in used if f"var({name}," not in style] == []


def test_share_of_several_processes():
    found = share(report(copy=1e10), work(runs=[COUNT / 4e9, COUNT / 5e9, COUNT / 8e9]), {"seconds": 1.0})
    assert found == at(COUNT / 1e10)
    assert share(report(copy=0), work(runs=[1.0]), {"seconds": 1.0}) is None
    assert at(0.5, 0.4, 0.8).words() == "50 % (40 to 80 %)"
    assert at(0.5, 0.499, 0.501).words() == "50 %"
