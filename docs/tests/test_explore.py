"""The table of results that is asked, in a browser, from file://: filters, two subjects, one's own report."""

from __future__ import annotations

import json

import pytest

PAGE = "results/index.html"


@pytest.fixture(scope="module")
def tab(chromium):
    """One tab for all of these tests."""
    page = chromium.new_context().new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    return page


@pytest.fixture
def ask(tab, site):
    """Open the page with some filters in its address; gives the tab when the rows are there."""

    def run(asked: str = "", *, width: int = 1280):
        tab.errors.clear()
        tab.set_viewport_size({"width": width, "height": 900})
        tab.goto("about:blank")
        tab.goto((site / PAGE).as_uri() + (f"#?{asked}" if asked else ""))
        tab.wait_for_selector(".nn-explore [role=status]:not(:empty)")
        assert tab.errors == []
        return tab

    return run


def rows(tab) -> list[str]:
    return tab.locator(".nn-asked tbody th code").all_inner_texts()


def count(tab) -> int:
    return int(tab.locator(".nn-explore [role=status]").inner_text().split()[0])


def columns(tab) -> list[str]:
    return [one.split()[0] for one in tab.locator(".nn-asked thead th").all_inner_texts()[1:]]


def test_it_shows_where_they_differ_and_everything_on_demand(ask):
    differing, every = count(ask()), count(ask("show=all"))
    assert 100 < differing < every


def test_row_in_which_all_pass_is_no_difference(ask):
    tab = ask("topic=components/activations&show=all")
    every, differing = rows(tab), rows(ask("topic=components/activations"))
    assert "gelu.default-form" in differing
    assert "relu.value" in every
    assert "relu.value" not in differing


def test_filters_are_in_the_address_and_come_back(ask):
    tab = ask()
    tab.select_option("select[name=topic]", "components/activations")
    tab.fill("input[name=text]", "gelu")
    tab.wait_for_url("**text=gelu**")
    assert "topic=components%2Factivations" in tab.url
    tab.wait_for_selector(".nn-explore [role=status]:not(:empty)")
    found = rows(tab)
    assert found
    tab.reload()
    tab.wait_for_selector(".nn-asked tbody tr")
    assert rows(tab) == found
    assert tab.input_value("input[name=text]") == "gelu"


def test_every_filter_leaves_fewer(ask):
    every = count(ask("show=all"))
    for one in ("topic=training/adam", "outcome=known+failure", "level=SHOULD", "kind=gradient", "text=nan"):
        assert 0 < count(ask(f"show=all&{one}")) < every, one


def test_outcome_is_asked_of_the_chosen_subject_alone(ask):
    tab = ask("outcome=known+failure&subject=torch")
    assert columns(tab) == ["torch"]
    cells = tab.locator(".nn-asked tbody td").all_inner_texts()
    assert cells
    assert all("known failure" in cell for cell in cells)


def test_two_subjects_are_held_against_each_other_in_readings_too(ask):
    tab = ask("subject=torch&against=keras_torch&topic=components/activations")
    assert columns(tab) == ["torch", "keras_torch"]
    pairs = [row.locator("td").all_inner_texts() for row in tab.locator(".nn-asked tbody tr").all()]
    assert pairs
    assert all(one != other for one, other in pairs)


def test_what_clauses_say_is_loaded_for_who_looks_for_a_word_or_points_at_a_clause(ask):
    tab = ask("topic=components/activations")
    loaded = "globalThis.nnspecData.words !== undefined"
    assert not tab.evaluate(loaded)
    tab.locator(".nn-asked tbody th a").first.hover()
    tab.wait_for_function("document.querySelector('.nn-asked tbody th a').title.includes('MUST')")
    assert tab.evaluate(loaded)
    assert "duty.nan" in rows(ask("topic=components/activations&text=infinity+in+one+entry"))


def test_nothing_found_is_said_and_the_filters_can_be_cleared(ask):
    tab = ask("text=nothinglikethis")
    assert "No clause is like this" in tab.locator(".nn-answer").inner_text()
    tab.locator(".nn-filters button").click()
    tab.wait_for_selector(".nn-asked")
    assert count(tab) > 100


def test_more_rows_come_when_asked_for(ask):
    tab = ask("show=all")
    first = len(rows(tab))
    tab.get_by_role("button", name="Show more").click()
    assert first < len(rows(tab)) <= 2 * first


@pytest.mark.parametrize("asked", ["topic=components/activations", ""])
def test_phone_shows_one_subject_and_no_sideways_scroll(ask, asked):
    tab = ask(asked, width=390)
    assert len(columns(tab)) == 1
    assert tab.evaluate("document.documentElement.scrollWidth <= 390")
    assert tab.evaluate("(box => box.scrollWidth <= box.clientWidth + 1)(document.querySelector('.nn-asked'))")


def test_own_report_is_a_column_and_a_wrong_file_is_told(ask, tmp_path):
    results = {"relu.value": {"outcome": "fail", "entries": []}, "gelu.form": {"outcome": "pass", "entries": []}}
    report = {"subject": {"name": "mine", "version": "0.1"}, "topics": {"components/activations": {"results": results}}}
    path, wrong = tmp_path / "mine.json", tmp_path / "notes.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    wrong.write_text("{}", encoding="utf-8")
    tab = ask()
    tab.set_input_files("input[name=report]", str(wrong))
    tab.wait_for_function("document.querySelector('.nn-explore [role=status]').textContent.includes('no report')")
    tab.set_input_files("input[name=report]", str(path))
    tab.wait_for_function("document.querySelector('.nn-asked thead').textContent.includes('mine (yours)')")
    assert rows(tab) == ["relu.value"]
    tab.select_option("select[name=against]", "torch")
    assert {"relu.value", "gelu.form"} <= set(rows(tab))


def test_two_versions_are_held_against_each_other_from_their_reports(ask, tmp_path):
    def report(version: str, **nan) -> str:
        results = {f"activation.nan[{name}]": {"outcome": "pass"} for name in ("relu", "gelu", "silu")}
        results |= {"gelu.default-form": nan, "relu.value": {"outcome": "pass"}}
        topics = {"components/activations": {"results": results}}
        path = tmp_path / f"{version}.json"
        path.write_text(json.dumps({"subject": {"name": "torch", "version": version}, "topics": topics}))
        return str(path)

    reading = {"outcome": "variant", "readings": {"gelu.default-form": ["tanh"]}}
    tab = ask()
    tab.set_input_files("input[name=report]", [report("2.13", outcome="pass"), report("2.14", **reading)])
    tab.wait_for_function("document.querySelector('.nn-asked thead').textContent.includes('torch 2.14 (yours)')")
    assert rows(tab) == ["gelu.default-form"]
    cells = tab.locator(".nn-asked tbody td").all_inner_texts()
    assert [cell.split()[-1] for cell in cells] == ["exact", "tanh"]


def test_report_like_the_recorded_one_does_not_differ_from_it(ask, site):
    tab = ask("topic=components/activations")
    tab.set_input_files("input[name=report]", str(site / "data/results/torch.json"))
    tab.wait_for_function("document.querySelector('.nn-asked thead').textContent.includes('torch (yours)')")
    tab.select_option("select[name=against]", "torch")
    tab.wait_for_function("document.querySelectorAll('.nn-asked thead th').length !== 2")
    assert "No clause is like this" in tab.locator(".nn-answer").inner_text()


STUCK = """box => {
    box.scrollTop = box.scrollLeft = 400;
    const at = part => part.getBoundingClientRect(), frame = at(box);
    const head = box.querySelector("thead th:nth-child(3)"), first = box.querySelector("tbody tr:last-child th");
    return [box.scrollTop, box.scrollLeft, at(head).top - frame.top, at(first).left - frame.left];
}"""


def test_head_and_first_column_stay_while_the_rows_scroll(ask):
    down, across, head, first = ask("show=all", width=640).locator(".nn-asked").evaluate(STUCK)
    assert down > 50
    assert across > 50
    assert abs(head) <= 2
    assert abs(first) <= 2


def test_keyboard_reaches_filters_and_rows(ask):
    tab = ask()
    tab.focus("select[name=show]")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.name") == "topic"
    assert tab.evaluate("document.querySelector('.nn-asked').tabIndex") == 0


def test_clause_leads_to_its_page(ask, site):
    tab = ask("topic=components/activations&text=gelu.default-form")
    tab.locator(".nn-asked tbody th a").first.click()
    tab.wait_for_url("**/clauses/**")
    assert tab.url == (site / "clauses/components/activations/gelu.default-form.html").as_uri()
