"""What every figure that moves owes, on a page of its own in a browser: readable, usable by keyboard, printed still."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnspec_site import figures

NAMES = sorted(path.stem for path in figures.SCRIPTS.glob("*.js"))
WIDTHS = (358, 700)  # of a phone's column and of the widest one
LETTERS = """() => [...document.querySelectorAll('.nn-canvas text')].map(text => {
    const box = text.getBoundingClientRect();
    const all = text.closest('.nn-canvas').getBoundingClientRect();
    const wide = box.left >= all.left && box.right <= all.right;
    const high = box.top >= all.top - 1 && box.bottom <= all.bottom + 1;
    return [text.textContent, parseFloat(getComputedStyle(text).fontSize), wide && high];
})"""


@pytest.mark.parametrize("name", NAMES)
def test_script_is_small_and_alone(name):
    script = (figures.SCRIPTS / f"{name}.js").read_text(encoding="utf-8")
    assert len(script.encode()) <= 5 * 1024
    assert f'nnFigure("{name}"' in script
    assert "http" not in script
    assert name in figures.makers()  # the still picture


@pytest.mark.parametrize("name", NAMES)
def test_a_module_of_its_topic_holds_it_to_the_reference(name):
    tests = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    assert any(f'show_figure("{name}"' in text for text in tests)


# Questions to one figure come one after the other and take the page that the one before them opened, in this order:
# those that need the sliders as they stand at first, then those that set them.
of_each = pytest.mark.parametrize("name", NAMES, scope="module")


@pytest.mark.parametrize("scheme", ["slate", "default"])
@of_each
def test_no_accessibility_violation(show_figure, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = show_figure(name, scheme=scheme)
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = {"runOnly": levels, "preload": False}  # it would fetch the style sheets again
    found = axe.Axe().run(page, options=options).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found] == []


@pytest.mark.parametrize("width", WIDTHS)
@of_each
def test_letters_are_large_enough_and_inside_wherever_the_sliders_stand(show_figure, name, width):
    page = show_figure(name, width=width, again=True)
    for end in ("start", "min", "max"):
        for slider in page.locator("input[type=range]").all() if end != "start" else []:
            slider.evaluate(
                "(input, end) => { input.value = input[end]; input.dispatchEvent(new Event('input')); }", end
            )
        letters = page.evaluate(LETTERS)
        assert letters
        assert [found for found in letters if found[1] < 10 or not found[2]] == [], end
        assert page.evaluate("document.querySelector('main').scrollWidth") <= width


@of_each
def test_every_slider_moves_by_keyboard_and_is_named(show_figure, name):
    page = show_figure(name, width=WIDTHS[-1], again=True)
    sliders = page.locator("input[type=range]")
    assert sliders.count() > 0
    for slider in sliders.all():
        assert slider.evaluate("input => input.labels[0].firstChild.textContent")
        before = slider.input_value(), page.locator(".nn-stage").inner_html()
        slider.focus()
        page.keyboard.press("ArrowRight" if float(before[0]) < float(slider.get_attribute("max")) else "ArrowLeft")
        assert slider.input_value() != before[0]
        assert page.locator(".nn-stage").inner_html() != before[1]
        assert slider.get_attribute("aria-valuetext") in page.locator(".nn-controls").inner_text()


@of_each
def test_print_and_no_script_show_the_still_picture(show_figure, chromium, name):
    page = show_figure(name, width=WIDTHS[-1], again=True)
    still = page.locator("figure > img").first
    assert not still.is_visible()
    page.emulate_media(media="print")
    still.wait_for()  # its file is fetched only now
    printed = page.locator(".nn-stage").is_visible()
    page.emulate_media(media="screen")
    assert not printed
    context = chromium.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(page.url)
    plain.locator("figure > img").first.wait_for()
    shown = plain.locator(".nn-stage").count()
    context.close()
    assert shown == 0
