"""Search and keys of the built site in a browser, read from file://."""

from __future__ import annotations

import pytest

HOME, TOPIC = "index.html", "spec/components/activations.html"
CLAUSE = "relu.gradient-at-zero"
FIELD = ".nn-find-dialog input[type=text]"


def hash_of(page) -> str:
    return page.evaluate("decodeURIComponent(location.hash.slice(1))")


def test_search_loads_when_it_is_asked_and_finds_a_clause_by_its_id(visit):
    page = visit(HOME)
    page.wait_for_timeout(200)
    assert not [url for url in page.seen if "/search/" in url or "minisearch" in url]
    page.locator(".nn-find").click()
    page.locator(FIELD).press_sequentially(CLAUSE, delay=5)
    page.locator(f".nn-find-dialog li:first-child a[href*='#{CLAUSE}']").wait_for(timeout=15_000)
    assert next(url.rsplit("/", 1)[1] for url in page.seen if "/search/" in url) == "titles.js"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{TOPIC}*#{CLAUSE}")
    assert page.errors == []


def test_hits_are_walked_with_arrows_and_text_is_loaded_behind_the_first(visit):
    page = visit(TOPIC)
    page.keyboard.press("/")
    page.locator(FIELD).fill("rumelhart hinton")
    page.locator(".nn-find-dialog li a").first.wait_for(timeout=15_000)  # which no title says
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('.nn-find-dialog li') !== null")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.type") == "text"
    page.keyboard.press("Escape")
    assert not page.locator(FIELD).is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_search_has_a_name_fits_the_page_and_says_how_many(visit, width):
    page = visit(HOME, width=width)
    page.locator(".nn-find").click()
    dialog = page.get_by_role("dialog", name="Search")
    page.locator(FIELD).fill("zyzzyva")
    dialog.get_by_role("status").filter(has_text="Nothing found").wait_for(timeout=15_000)
    page.locator(FIELD).fill("dropout")
    dialog.locator("li a").first.wait_for()
    box = dialog.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 900


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_search_and_keys_have_no_accessibility_violation(visit, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(HOME, scheme=scheme)
    page.keyboard.press("/")
    page.locator(FIELD).fill("dropout")
    page.locator(".nn-find-dialog li a").first.wait_for(timeout=15_000)
    found = Axe().run(page, context=".nn-find-dialog").response["violations"]
    page.keyboard.press("Escape")
    page.locator(FIELD).wait_for(state="hidden")
    page.keyboard.press("?")
    page.locator(".nn-keys").wait_for()
    found += Axe().run(page, context=".nn-keys").response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found] == []


def test_keys_lead_from_clause_to_clause_also_into_what_is_folded(visit):
    page = visit(TOPIC)
    ids = page.evaluate("[...document.querySelectorAll('.nn-clause-head > [id], .nn-fine-id')].map(head => head.id)")
    for name in ids[:3]:
        page.keyboard.press("j")
        assert hash_of(page) == name
        assert page.evaluate("document.activeElement.id") == name
        assert 48 <= page.locator(f"[id='{name}']").bounding_box()["y"] < 300  # below the header
    page.keyboard.press("k")
    assert hash_of(page) == ids[1]
    for _ in ids:
        page.keyboard.press("j")
    assert hash_of(page) == ids[-1]
    assert page.locator(f"[id='{ids[-1]}']").is_visible()


def test_keys_are_told_and_can_be_switched_off(visit):
    page = visit(TOPIC)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    assert "next, previous clause" in dialog.inner_text()
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    for key in ("j", "n", "/"):
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert page.url.endswith(TOPIC)
    assert not page.locator(FIELD).is_visible()
    page.evaluate("localStorage.clear()")


def test_a_letter_in_the_search_is_no_key(visit):
    page = visit(TOPIC)
    page.keyboard.press("/")
    page.keyboard.type("jk?n")
    assert page.locator(FIELD).input_value() == "jk?n"
    assert hash_of(page) == ""


def test_keyboard_skips_to_the_first_clause(visit):
    page = visit(TOPIC)
    first = page.evaluate("document.querySelector('.nn-clause-head > [id]').id")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the first clause"
    page.keyboard.press("Enter")
    assert hash_of(page) == first
    assert 48 <= page.locator(f"[id='{first}']").bounding_box()["y"] < 300


def test_search_opens_from_a_page_without_one(visit):
    page = visit("clauses/components/activations/activation.limits.html")
    page.locator(".bar a[href*='#find']").click()
    page.locator(FIELD).wait_for()
