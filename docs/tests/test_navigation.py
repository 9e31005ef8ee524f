"""A topic is on the site because its files are there: navigation, index pages, API pages, tables."""

from __future__ import annotations

import re

import pytest

from nnspec_conformance.clauses import Statement, load_spec
from nnspec_site import hooks, navigation
from nnspec_site.build import CONFIG, settings
from nnspec_site.data import Data
from nnspec_site.errors import SiteError

SPEC = {
    "index": "# Read the spec\n",
    "notation": "# Notation\n\nSymbols.\n",
    "components/neurons": "---\norder: 1\n---\n\n# Neurons\n\nA **neuron** fires. Or not.\n",
    "components/layers": "---\nneeds: [components/neurons]\n---\n\n# Layers\n\nMany neurons.\n",
    "architectures/recurrent": "# Recurrent networks\n\nThey remember.\n",
    "architectures/convolutional/index": "---\norder: 1\n---\n\n# Convolutional networks\n\nThey look.\n",
    "architectures/convolutional/pooling": "# Pooling\n\nIt shrinks.\n",
    "architectures/convolutional/convolution": "# Convolution\n\nIt slides.\n",
    "training/loop": "---\nspecies: reference\n---\n\n# The loop\n\nIt resumes.\n",
}
MODULES = {
    "components/neurons": '"""Neurons: `neuron`. And more."""\n',
    "components/layers": '"""Layers."""\n',
    "components/layers_modules": '"""Layers as modules."""\n',
    "components/_private": '"""Nobody sees this."""\n',
    "architectures/convolutional/pooling": "",
}


@pytest.fixture
def trial(tmp_path):
    """A small specification with a folder of topics, its reference, and the site's written pages."""
    for name, text in SPEC.items():
        write(tmp_path / "spec" / f"{name}.md", text)
    for name, text in MODULES.items():
        write(tmp_path / "reference" / "nnspec" / f"{name}.py", text)
    write(tmp_path / "pages" / "api" / "index.md", "# API reference\n")
    write(tmp_path / "pages" / "api" / "adapter.md", "# The adapter contract\n")
    (tmp_path / "pages" / "spec").symlink_to(tmp_path / "spec")
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def spec(trial):
    return load_spec(trial / "spec")


@pytest.fixture
def data(spec):
    return Data(spec=spec)


def test_navigation_follows_from_the_folders_and_the_heads(trial, spec):
    written = [{"Home": "index.md"}, {"Guides": ["guides/index.md"]}, {"Contributing": "contributing.md"}]
    made = navigation.navigation(written, spec, trial / "pages", trial / "reference")
    assert made == [
        {"Home": "index.md"},
        {"Read the spec": [{"Read the spec": "spec/index.md"}, {"Notation": "spec/notation.md"}]},
        {
            "Components": [
                "spec/components/index.md",
                {"Neurons": "spec/components/neurons.md"},
                {"Layers": "spec/components/layers.md"},
            ]
        },
        {
            "Architectures": [
                "spec/architectures/index.md",
                {
                    "Convolutional networks": [
                        "spec/architectures/convolutional/index.md",
                        {"Convolution": "spec/architectures/convolutional/convolution.md"},
                        {"Pooling": "spec/architectures/convolutional/pooling.md"},
                    ]
                },
                {"Recurrent networks": "spec/architectures/recurrent.md"},
            ]
        },
        {"Training": ["spec/training/index.md", {"The loop": "spec/training/loop.md"}]},
        {"Guides": ["guides/index.md"]},
        {
            "API reference": [
                "api/index.md",
                {"components.neurons": "api/components/neurons.md"},
                {"components.layers": "api/components/layers.md"},
                {"components.layers_modules": "api/components/layers_modules.md"},
                {"architectures.convolutional.pooling": "api/architectures/convolutional/pooling.md"},
                "api/adapter.md",
            ]
        },
        {"Contributing": "contributing.md"},
    ]


def files(entries) -> list[str]:
    """Every file of a navigation."""
    if isinstance(entries, str):
        return [entries]
    below = entries.values() if isinstance(entries, dict) else entries
    return [name for entry in below for name in files(entry)]


def test_what_is_staged_is_what_the_navigation_names(trial, spec):
    navigation.stage(spec, trial / "stage", trial / "pages", trial / "reference")
    staged = {path.relative_to(trial / "stage").as_posix() for path in (trial / "stage").rglob("*.md")}
    assert staged == set(files(navigation.navigation([], spec, trial / "pages", trial / "reference")))


def test_a_page_that_nobody_wrote_says_so_and_one_that_somebody_wrote_stays_a_link(trial, spec):
    navigation.stage(spec, trial / "stage", trial / "pages", trial / "reference")
    made = (trial / "stage" / "api" / "components" / "layers_modules.md").read_text(encoding="utf-8")
    head, _, body = made.partition("---\n\n")
    assert head.startswith(navigation.GENERATED)
    assert body.startswith("# nnspec.components.layers_modules\n")
    assert "[Layers](/spec/components/layers.md)" in made
    assert made.endswith("::: nnspec.components.layers_modules\n")
    index = (trial / "stage" / "spec" / "components" / "index.md").read_text(encoding="utf-8")
    told = navigation.INTRODUCTIONS["components"]
    head = f"{navigation.GENERATED}{navigation.BEHIND}---\n\n"
    assert index == f"{head}# Components\n\n{told}\n\n/// topics | components\n///\n"
    written = trial / "stage" / "spec" / "architectures" / "convolutional" / "index.md"
    assert written.resolve() == trial / "spec" / "architectures" / "convolutional" / "index.md"


def test_what_a_former_build_staged_is_gone(trial, spec):
    write(trial / "stage" / "api" / "components" / "removed.md", "# Removed\n")
    navigation.stage(spec, trial / "stage", trial / "pages", trial / "reference")
    assert not (trial / "stage" / "api" / "components" / "removed.md").exists()


def test_page_about_the_reference_alone_says_so_below_its_title(trial, spec):
    navigation.stage(spec, trial / "stage", trial / "pages", trial / "reference")
    text = (trial / "stage" / "spec" / "training" / "loop.md").read_text(encoding="utf-8")
    assert text == f"{navigation.HEAD}# The loop\n{navigation.ALONE}\nIt resumes.\n"
    assert (trial / "spec" / "training" / "loop.md").read_text(encoding="utf-8") == SPEC["training/loop"]


def test_topics_of_a_folder_with_their_first_sentence(convert):
    html = convert("/// topics | architectures\n///\n")
    names = ["Convolutional networks", "Convolution", "Pooling", "Recurrent networks"]
    assert [name for name in names if f">{name}</a>" in html] == names
    assert 'href="/spec/architectures/convolutional/pooling.md">Pooling</a></th>\n<td><span>It shrinks.' in html


def test_all_topics_stand_below_their_section(convert):
    html = convert("## Pages\n\n/// topics | all\n///\n")
    assert [html.index(f'id="{name}"') for name in ("components", "architectures", "training")] == sorted(
        html.index(f'id="{name}"') for name in ("components", "architectures", "training")
    )
    assert "<span>A <strong>neuron</strong> fires.</span>" in html


def test_statements_of_the_source_with_what_proves_them(convert, data):
    data.spec.source = {
        "A.6": {"statement": "a loss measures", "page": "components/losses"},
        "C.0": {"statement": "training goes on", "page": "training/index"},
    }
    data.spec.statements["loop.resumes"] = Statement("loop.resumes", "training/loop", 3, "", "MUST", proves=("C.0",))
    html = convert("/// topics | source\n///\n")
    assert re.search(r"A\.6</th>\s*<td><span>a loss measures</span></td>\s*<td>.*to come: components/losses", html)
    assert '<a href="/spec/training/loop.md#loop.resumes"><code>loop.resumes</code></a>' in html


def test_an_unknown_folder_stops_the_build(convert):
    with pytest.raises(
        SiteError, match=r"topics \| games: no such view or folder; known: all, api, source, components"
    ):
        convert("/// topics | games\n///\n")


def test_the_file_of_mkdocs_names_neither_a_topic_nor_a_module():
    text = CONFIG.read_text(encoding="utf-8")
    assert "spec/" not in text.partition("\nnav:")[2]
    assert "api/" not in text.partition("\nnav:")[2]


def test_the_projects_own_navigation_has_every_page_once():
    named = files(settings()["nav"])
    pages = [f"spec/{name}.md" for name in load_spec().pages]
    assert len(named) == len(set(named))
    assert set(pages) <= set(named)


def test_name_of_a_module_breaks_after_a_dot_or_an_underscore():
    shown = '<span class="md-ellipsis">\n  losses.cross_entropy\n</span><span class="md-ellipsis">Who has it</span>'
    made = hooks.on_post_page(shown, None, None)
    assert made == shown.replace("losses.cross_entropy", "losses.<wbr>cross_<wbr>entropy")
