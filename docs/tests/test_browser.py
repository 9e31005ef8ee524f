"""The built site in a browser, read from file://: ``pytest docs/tests/test_browser.py --site site``.

Needs Debian's Chromium and the extra ``browser``. Without ``--site`` these tests are skipped, and say so.
"""

from __future__ import annotations

import re

import pytest

from nnspec_site import built

HOME, TOPIC, RESULTS = "index.html", "spec/components/activations.html", "results/index.html"
PROOF = "clauses/components/activations/activation.limits.html"
EXPERIMENT = "experiments/components/activations/first-layer-gradient.html"
PAGES = [
    HOME,
    TOPIC,
    RESULTS,
    "spec/index.html",
    "spec/notation.html",
    "spec/conformance.html",
    "guides/write-an-adapter.html",
    "guides/try-yours.html",
    "results/mutants.html",
    "results/readings.html",
    "results/experiments.html",
    "results/benchmarks.html",
    "results/machines.html",
    "results/data.html",
    "results/findings.html",
    "results/subjects/torch.html",
    "results/topics/components/activations.html",
    PROOF,
    EXPERIMENT,
    "api/components/activations.html",
]
SHEETS = 12
SCROLLED = 20  # displayed formulas that are wider than a phone, and scroll
CLAUSE = "relu.gradient-at-zero"


@pytest.mark.parametrize("address", PAGES)
def test_page_renders_without_a_script_error_or_an_outside_request(visit, address):
    page = visit(address)
    page.wait_for_timeout(200)
    assert page.locator("h1").first.is_visible()
    assert page.errors == []
    assert [url for url in page.seen if not url.startswith(("file:", "data:", "blob:", "about:"))] == []


def test_formulas_are_typeset_without_a_script(visit):
    page = visit(TOPIC)
    assert page.locator("math").count() > 50
    assert page.locator("merror").count() == 0
    assert page.evaluate("typeof temml") == "undefined"
    assert page.evaluate("document.fonts.check('16px \"STIX2\"')")
    root = page.locator("math msqrt").first
    assert root.evaluate("root => root.getBoundingClientRect().width > root.firstChild.getBoundingClientRect().width")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_those_of_the_scheme(visit, scheme):
    page = visit(TOPIC, scheme=scheme)
    images = page.locator(".nn-figure img:visible")
    assert images.count() > 0
    sources = [images.nth(i).get_attribute("src") for i in range(images.count())]
    assert all(source.endswith(f"-{scheme}.svg#only-{scheme}") for source in sources)
    images.first.scroll_into_view_if_needed()
    shown = images.first.element_handle()  # the other scheme's is hidden, and fetched only when it is shown
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=shown)


def test_dark_scheme_is_dark_and_can_be_switched(visit):
    page = visit(HOME, scheme="dark")
    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"
    page.locator("label[for=__palette_1]:visible").click()
    assert page.locator("body").get_attribute("data-md-color-scheme") == "default"
    page.evaluate("localStorage.clear()")


@pytest.mark.parametrize(("chosen", "shown"), [("slate", "rgb(26, 30, 39)"), ("default", "rgb(255, 255, 255)")])
def test_page_of_a_clause_has_the_scheme_that_was_chosen_on_the_site(visit, chosen, shown):
    page = visit(PROOF, scheme="light" if chosen == "slate" else "dark")
    color = {"media": f"(prefers-color-scheme: {chosen})", "scheme": chosen}
    page.evaluate("c => localStorage.setItem('/.__palette', JSON.stringify({index: 1, color: c}))", color)
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == shown
    page.evaluate("localStorage.clear()")


def test_arrow_keys_lead_to_the_clauses_beside_this_one(visit):
    page = visit(PROOF)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/activation.accuracy.html")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/{PROOF}")


def test_data_is_there_as_scripts(visit):
    page = visit("results/data.html")
    page.add_script_tag(url=page.url.replace("results/data.html", "data/clauses.js"))
    assert page.evaluate("nnspecData.clauses.clauses['gelu.form'].level") == "MUST"


def test_clause_permalink_leads_to_the_clause(visit):
    page = visit(TOPIC)
    heading = page.locator(f"[id='{CLAUSE}']")
    link = heading.locator("a.headerlink")
    assert link.get_attribute("href") == f"#{CLAUSE}"
    link.click()
    page.wait_for_function("scrollY > 1000")
    box = heading.bounding_box()
    assert 48 <= box["y"] < 300  # below the header


def test_claim_leads_to_how_it_was_measured_and_back(visit):
    page = visit(TOPIC)
    experiment = page.locator(".nn-experiment").first
    experiment.locator(".nn-more").click()
    page.wait_for_url("**/experiments/components/activations/*.html")
    assert page.locator("h1").is_visible()
    page.locator(".bar a").nth(1).click()
    page.wait_for_url(f"**/{TOPIC}#*")


@pytest.mark.parametrize("address", PAGES)
def test_no_sideways_scroll(visit, address):
    page = visit(address, width=390)
    page.evaluate("document.querySelectorAll('details').forEach(box => box.open = true)")
    for width in (390, 768, 1280, 1680):
        page.set_viewport_size({"width": width, "height": 900})
        # the drawer of the narrow page slides away first
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width, timeout=5000)


KINDS = [  # a page of each kind: axe takes time with the square of a page's elements
    HOME,
    "guides/learning-path.html",
    "guides/glossary.html",
    "guides/try-yours.html",
    "spec/index.html",
    "spec/components/layers.html",
    PROOF,
    EXPERIMENT,
    RESULTS,
    "results/machines.html",
    "results/findings.html",
    "results/subjects/torch.html",
    "results/topics/components/activations.html",
    "api/components/neurons.html",
    "404.html",
]
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
    "rules": {
        "empty-table-header": {"enabled": False}
    },  # it takes a formula for nothing; test_heads looks for empty ones
}


@pytest.fixture(scope="module")
def served(serve):
    """The site's address on a server: the page of a wrong address has links that begin at the root."""
    return serve()


@pytest.mark.parametrize("address", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_accessibility_violation(visit, tabs, served, address, scheme):
    from axe_playwright_python.sync_playwright import Axe

    if address == "404.html":
        page = tabs[scheme]
        page.goto(f"{served}/{address}", wait_until="load")
    else:
        page = visit(address, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((box, i) => box.open = i < 2)")
    page.wait_for_timeout(100)
    found = Axe().run(page, options=AXE).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]} ({len(v['nodes'])})" for v in found] == []


HEAD = """box => {
    box.scrollTop = box.scrollHeight;
    box.scrollLeft = box.scrollWidth;
    const at = part => part.getBoundingClientRect(), frame = at(box);
    const head = box.querySelector("thead th:nth-child(2)"), first = box.querySelector("tbody tr:last-child th");
    return {
        longer: box.scrollTop > 50, wider: box.scrollLeft > 50,
        down: at(head).top - frame.top, across: at(first).left - frame.left,
        order: [...box.querySelectorAll("thead .nn-subject")].map(name => name.textContent.split(" ")[0]),
    };
}"""


@pytest.mark.parametrize(("address", "kind"), [(RESULTS, ".nn-sections"), ("results/readings.html", ".nn-scroll")])
def test_head_and_first_column_of_a_long_table_stay_and_frameworks_come_first(visit, address, kind):
    page = visit(address, width=390)
    found = page.locator(kind).first.evaluate(HEAD)
    assert found["longer"]
    assert found["wider"]
    assert abs(found["down"]) <= 2
    assert abs(found["across"]) <= 2
    assert found["order"][-2:] == ["reference", "numpy_oracle"]


BESIDE = """box => {
    const [equation, code] = [...box.children].map(part => part.getBoundingClientRect());
    const cut = [...box.querySelectorAll(".nn-display, pre > code")].filter(part => part.checkVisibility());
    return {
        beside: equation.bottom > code.top + 4 && equation.right <= code.left + 1,
        cut: cut.some(part => part.scrollWidth > part.clientWidth + 1),
    };
}"""


def test_equation_stands_beside_its_code_where_both_fit_and_above_it_elsewhere(visit):
    sides = {}
    for width in (390, 1280, 1680):
        page = visit(TOPIC, width=width)
        boxes = page.locator(".nn-reference:has(> .nn-equation)")
        sides[width] = [boxes.nth(i).evaluate(BESIDE) for i in range(boxes.count())]
    assert not any(box["beside"] for box in sides[390])
    assert any(box["beside"] for box in sides[1280])
    assert not any(box["beside"] and box["cut"] for boxes in sides.values() for box in boxes)


SQUEEZED = """([most, least]) => [...document.querySelectorAll(".nn-equation p")]
    .filter(words => words.getBoundingClientRect().height > most && words.getBoundingClientRect().width < least)
    .map(words => words.textContent.slice(0, 40))"""


def test_words_over_code_are_never_squeezed_into_a_column_of_letters(visit, site):
    squeezed = {}
    for path in sorted(site.rglob("*.html")):
        if built.is_topic(name := path.relative_to(site).as_posix()):
            page = visit(name)
            for width in (1280, 1680):
                page.set_viewport_size({"width": width, "height": 900})
                squeezed[name, width] = page.evaluate(SQUEEZED, [100, 200])
    assert squeezed
    assert {name: found for name, found in squeezed.items() if found} == {}


APART = """() => [...document.querySelectorAll("math")].filter(formula => {
    const next = formula.nextSibling?.data?.match(/^[.,;:?)]/) ? formula.nextSibling : null;
    if (!next || !formula.checkVisibility()) return false;
    const range = document.createRange();
    range.setStart(next, 0);
    range.setEnd(next, 1);
    return range.getBoundingClientRect().top > formula.getBoundingClientRect().bottom - 2;
}).map(formula => formula.parentElement.textContent)"""


def test_no_line_begins_with_the_punctuation_of_a_formula(visit):
    page = visit(TOPIC, width=390)
    page.evaluate("document.querySelectorAll('details').forEach(box => box.open = true)")
    for width in range(390, 600, 15):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(APART) == []


PAPER = 688  # CSS pixels between the margins of an A4 sheet
BEYOND = """right => [...document.querySelectorAll(".md-content *")]
    .filter(part => part.getBoundingClientRect().width && part.getBoundingClientRect().right > right + 1)
    .map(part => part.textContent.trim().slice(0, 40))"""


def test_topics_take_at_most_twelve_sheets_and_none_is_cut(visit, site, tabs):
    sheets, cut = {}, {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if built.is_topic(name):
            page = visit(name)
            sheets[name] = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True)))
            page.emulate_media(media="print")
            page.set_viewport_size({"width": PAPER, "height": 1000})
            cut[name] = page.evaluate(BEYOND, PAPER)
            page.emulate_media(media="null")
    assert sheets
    assert {name: count for name, count in sheets.items() if count > SHEETS} == {}
    assert {name: found for name, found in cut.items() if found} == {}


OFF = """() => {
    const edge = document.documentElement.clientWidth + 1, right = part => part.getBoundingClientRect().right;
    const scrolls = part => /auto|scroll/.test(getComputedStyle(part).overflowX) && right(part) <= edge;
    const inside = part => part.parentElement && (scrolls(part.parentElement) || inside(part.parentElement));
    return [...document.querySelectorAll(":is(.md-content, main) :not(svg *)")]
        .filter(part => part.getBoundingClientRect().width && right(part) > edge && part.checkVisibility())
        .filter(part => ![...part.children].some(child => right(child) > edge) && !inside(part))
        .map(part => part.textContent.trim().slice(0, 60));
}"""
WIDE = """() => [...document.querySelectorAll(".nn-display")]
    .filter(box => box.scrollWidth > box.clientWidth + 1)
    .map(box => box.textContent.slice(0, 60))"""


def test_nothing_stands_beyond_the_edge_of_a_phone(visit, site):
    off, wide = {}, {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if not name.startswith(("clauses/", "experiments/", "api/")) or name in PAGES:
            page = visit(name, width=390)
            page.evaluate("document.querySelectorAll('details').forEach(box => box.open = true)")
            off[name], wide[name] = page.evaluate(OFF), page.evaluate(WIDE)
    assert len(off) > 100
    assert {name: found for name, found in off.items() if found} == {}
    assert sum(map(len, wide.values())) <= SCROLLED, wide


CUT = """() => [...document.querySelectorAll(".nn-findings")]
    .filter(box => box.scrollWidth > box.clientWidth + 1).length"""


@pytest.mark.parametrize("width", [1280, 1680])
def test_what_is_wrong_is_read_without_scrolling_sideways(visit, width):
    page = visit("results/findings.html", width=width)
    assert page.locator(".nn-findings").count() > 10
    assert page.evaluate(CUT) == 0


def test_on_paper_each_framework_stands_above_its_code(visit):
    page = visit(TOPIC)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    names = page.locator(".nn-write .nn-print-title")
    assert names.count()
    assert all(names.nth(i).is_visible() for i in range(names.count()))
    assert not any(label.is_visible() for label in page.locator(".nn-write .tabbed-labels > label").all())
    assert page.evaluate(SQUEEZED, [60, 100]) == []
    page.emulate_media(media="null")


OPTIONS = {"spec/duties.html", "results/benchmarks.html"}  # pages that tell of --slow and --device
SPLIT = r"""() => [...document.querySelectorAll(".md-content code:not(pre code)")].flatMap(name => {
    const walker = document.createTreeWalker(name, NodeFilter.SHOW_TEXT), found = [];
    for (let text; (text = walker.nextNode()); ) {
        for (const word of text.data.matchAll(/(?<![\w-])-*[A-Za-z0-9]+|[A-Za-z0-9]+/g)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const boxes = [...range.getClientRects()].filter(box => box.width > 0);
            if (new Set(boxes.map(box => Math.round(box.top))).size > 1) found.push(name.textContent);
        }
    }
    return found;
})"""


def test_no_name_is_broken_inside_a_word_on_a_phone(visit, site):
    broken = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if built.is_topic(name) or name in OPTIONS:
            page = visit(name, width=390)
            page.evaluate("document.querySelectorAll('details').forEach(box => box.open = true)")
            broken[path.name] = page.evaluate(SPLIT)
    assert broken
    assert {name: found for name, found in broken.items() if found} == {}
