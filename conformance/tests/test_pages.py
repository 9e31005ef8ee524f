"""A page's head, its first sentence, and the one order of topics."""

import math

import pytest

from nnspec_conformance.clauses import find_spec, load_spec
from nnspec_conformance.errors import SpecError
from nnspec_conformance.pages import SECTIONS, read_page


@pytest.fixture
def page(tmp_path):
    def write(text: str, name: str = "components/toys"):
        path = tmp_path / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read_page(path, tmp_path)

    return write


@pytest.fixture
def order(page, tmp_path):
    """The names of pages, in order, from their heads."""

    def run(**heads: str) -> list[str]:
        for name, head in heads.items():
            page(f"---\n{head}\n---\n\n# T\n" if head else "# T\n", name)
        return list(load_spec(tmp_path).pages)

    return run


def test_head_is_read_and_the_title_is_below_it(page):
    made = page("---\n# a remark\norder: 2\nneeds: [components/neurons]\nspecies: reference\n---\n\n# Toys\n")
    assert (made.title, made.order, made.needs, made.species) == ("Toys", 2, ("components/neurons",), "reference")


def test_page_without_a_head_comes_last(page):
    made = page("# Toys\n\n---\norder: 2\n---\n")
    assert (made.order, made.needs, made.species) == (math.inf, (), "")


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("A **toy** is\nplayed with, at $0.5$ a day. It breaks.\n\nSo.\n", "A **toy** is played with, at $0.5$ a day."),
        ("What is a toy? A thing.\n", "What is a toy?"),
        ("No full stop\n", ""),
        ("/// figure | x\n    alt: A toy.\n///\n", ""),
        ("", ""),
    ],
)
def test_summary_is_the_first_sentence_below_the_title(page, text, summary):
    assert page(f"# Toys\n\n{text}").summary == summary


@pytest.mark.parametrize(
    ("head", "line", "words"),
    [
        ("order: first", 2, "order is 'first'; write a number"),
        ("order: 1\nneeds: components/neurons", 3, "needs is 'components/neurons'; write a list of pages"),
        ("species: slow", 2, "species is 'slow'; use reference, or leave it out"),
        ("colour: red", 2, "unknown entry 'colour' of a page's head; known: order, needs, species"),
        ("order: 1\nneeds: [", 4, "the page's head is not YAML"),
        ("order: 1\norder: 2", 3, "the page's head: 'order' stands twice; keep one"),
        ("just words", 2, "the page's head must be 'name: value' lines"),
    ],
)
def test_wrong_head_is_one_line_with_its_place(page, head, line, words):
    with pytest.raises(SpecError) as caught:
        page(f"---\n{head}\n---\n\n# T\n")
    assert f"components/toys.md:{line}: {words}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_needed_comes_first_then_order_decides_then_the_name(order):
    found = order(
        **{
            "training/loop": "order: 1\nneeds: [training/adam]",
            "training/adam": "order: 3",
            "training/momentum": "order: 2",
            "training/schedules": "",
            "training/dropout": "",
        }
    )
    names = [name.removeprefix("training/") for name in found]
    assert names == ["momentum", "adam", "loop", "dropout", "schedules"]


def test_sections_come_in_their_order_and_the_pages_of_the_root_first(order):
    found = order(
        **{
            "training/adam": "",
            "applications/denoising": "",
            "components/losses": "order: 9",
            "architectures/gan": "needs: [training/adam]",
            "notation": "order: 1",
            "index": "",
        }
    )
    assert found == ["index", "notation", *[name for section in SECTIONS for name in found if name.startswith(section)]]


def test_a_folder_of_pages_stays_together_in_the_place_of_its_index(order):
    found = order(
        **{
            "architectures/gan": "order: 3",
            "architectures/convolutional/pooling": "order: 2",
            "architectures/convolutional/layers": "order: 7",
            "architectures/convolutional/index": "order: 2",
            "architectures/recurrent": "order: 1",
            "architectures/lstm": "order: 1\nneeds: [architectures/convolutional/pooling]",
        }
    )
    assert [name.removeprefix("architectures/") for name in found] == [
        "recurrent",
        "convolutional/index",
        "convolutional/pooling",
        "convolutional/layers",
        "lstm",
        "gan",
    ]


def test_topics_that_need_each_other_are_refused(order):
    with pytest.raises(SpecError) as caught:
        order(**{"training/adam": "needs: [training/loop]", "training/loop": "needs: [training/adam]"})
    assert "topics need each other in a circle: training/" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "topic"),
    [("components/neurons", True), ("components/index", False), ("training/deep/index", False), ("notation", False)],
)
def test_topics_are_the_pages_of_sections_that_are_no_index(page, name, topic):
    assert page("# T\n", name).is_topic is topic


def test_every_topic_of_the_project_has_a_summary_and_comes_after_what_it_needs():
    pages = load_spec(find_spec()).pages
    place = {name: at for at, name in enumerate(pages)}
    topics = [page for page in pages.values() if page.is_topic]
    assert all(page.summary for page in topics)
    assert all(place[need] < place[page.name] for page in topics for need in page.needs)
