"""What a topic's results depend on: its own files and all that they import, and nothing of another topic."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from nnspec_conformance import dependencies
from nnspec_conformance.dependencies import HERE, closure, kills_hash, topic_hash, without_docstrings
from nnspec_conformance.loading import load_subject

ACTIVATIONS, LAYERS, NEURONS = (f"components/{topic}" for topic in ("activations", "layers", "neurons"))


@pytest.fixture
def changed(monkeypatch):
    """Lets one file of the project read as if a line had been added."""
    read = Path.read_bytes

    def change(path):
        assert path.is_file()
        monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + b"\n# changed\n" * (self == path))

    return change


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("suite/components/test_neurons.py", {NEURONS}),
        ("oracles/components/neurons.py", {NEURONS}),
        ("oracles/components/layers.py", {LAYERS}),
        ("adapters/numpy_oracle/__init__.py", {ACTIVATIONS, LAYERS, NEURONS}),
        ("oracles/components/activations.py", {ACTIVATIONS, LAYERS, NEURONS}),  # networks apply them
        ("engine.py", {ACTIVATIONS, LAYERS, NEURONS}),
        ("tolerance.py", {ACTIVATIONS, LAYERS, NEURONS}),
        ("mutants/components/neurons.py", set()),
        ("report.py", set()),
        ("cli.py", set()),
    ],
)
def test_reports_are_stale_where_their_files_changed(suite, oracle, changed, file, stale):
    pages = (ACTIVATIONS, LAYERS, NEURONS)
    before = {page: topic_hash(suite, page, oracle.adapter) for page in pages}
    changed(HERE / file)
    assert {page for page in pages if topic_hash(suite, page, oracle.adapter) != before[page]} >= stale
    if file.startswith(("suite", "mutants", "report", "cli")):
        assert {page for page in pages if topic_hash(suite, page, oracle.adapter) != before[page]} == stale


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("torch/components/neurons.py", {NEURONS}),
        ("torch/transport.py", {LAYERS, NEURONS}),
        ("numpy_oracle/__init__.py", {LAYERS, NEURONS}),  # what a program must give is made with the oracle
        ("keras/backend.py", set()),
    ],
)
def test_an_adapters_topic_counts_for_its_page(suite, changed, file, stale):
    torch = SimpleNamespace(__file__=str(HERE / "adapters" / "torch" / "__init__.py"))
    before = {page: topic_hash(suite, page, torch) for page in (LAYERS, NEURONS)}
    changed(HERE / "adapters" / file)
    assert {page for page in before if topic_hash(suite, page, torch) != before[page]} == stale


@pytest.fixture
def written(suite, monkeypatch):
    """Lets a block of the page on neurons read otherwise."""

    def write(name, **how):
        page, blocks = suite.spec.pages[NEURONS].path, list(suite.spec.blocks)
        place = next(i for i, block in enumerate(blocks) if (block.path, block.name) == (page, name))
        blocks[place] = replace(blocks[place], **how)
        monkeypatch.setattr(suite.spec, "blocks", blocks)

    return write


@pytest.mark.parametrize(
    ("block", "how", "stale"),
    [
        ("clause", {"text": "Another text."}, True),
        ("clause", {"options": {"kind": "value"}}, True),
        ("operation", {"options": {"form": "map"}}, True),
        ("exercise", {"text": "Another question."}, False),
        ("experiment", {"text": "Another claim."}, False),
    ],
)
def test_of_a_page_counts_what_is_asked(suite, oracle, written, block, how, stale):
    before = {page: topic_hash(suite, page, oracle.adapter) for page in (ACTIVATIONS, NEURONS)}
    written(block, **how)
    after = {page: topic_hash(suite, page, oracle.adapter) for page in (ACTIVATIONS, NEURONS)}
    assert (after[ACTIVATIONS] == before[ACTIVATIONS], after[NEURONS] == before[NEURONS]) == (True, not stale)


def test_the_lesson_of_a_page_does_not_count(suite, oracle, changed):
    before = topic_hash(suite, NEURONS, oracle.adapter)
    changed(suite.spec.pages[NEURONS].path)
    assert topic_hash(suite, NEURONS, oracle.adapter) == before


@pytest.mark.parametrize(("file", "same"), [("mutants/components/neurons.py", False), ("mutation.py", False)])
def test_kill_tables_depend_on_the_mutants(suite, changed, file, same):
    before = kills_hash(suite, NEURONS)
    changed(HERE / file)
    assert (kills_hash(suite, NEURONS) == before) is same


def test_an_adapter_of_ones_own_counts_with_its_file(suite, adapter):
    path = adapter("def identity(x):\n    return x\n")
    before = topic_hash(suite, NEURONS, load_subject(str(path)).adapter)
    path.write_text(path.read_text() + "# changed\n")
    assert topic_hash(suite, NEURONS, load_subject(str(path)).adapter) != before


def test_no_framework_is_read_for_the_oracle(suite, oracle):
    sources = dependencies._adapter_files(oracle.adapter, NEURONS) + dependencies._test_files(suite, NEURONS)
    assert not [path for path in closure(sources) if "reference" in path.parts or "torch" in path.parts]


def test_imports_inside_functions_count(tmp_path):
    (tmp_path / "a.py").write_text("def f():\n    from nnspec_conformance.limits import limit\n    return limit\n")
    assert HERE / "limits.py" in closure([tmp_path / "a.py"])


@pytest.mark.parametrize(
    ("source", "same", "other"),
    [
        ('"""One."""\nx = 1\n', '"""Two\nlines."""\nx = 1\n', '"""One."""\nx = 2\n'),
        ('def f():\n    """One."""\n    return 1\n', 'def f():\n    "É, more."\n    return 1\n',
         'def f():\n    x = """One."""\n    return 1\n'),
        ('class A:\n    """One."""\n    def f(self):\n        """Two."""\n',
         'class A:\n    """1."""\n    def f(self):\n        """2\n\n        """\n',
         'class A:\n    """One."""\n    def g(self):\n        """Two."""\n'),
        ('async def f():\n    """One."""; return 1\n', 'async def f():\n    """Two."""; return 1\n',
         'async def f():\n    """One."""; return 2\n'),
        ("def f(): # kept\n    'One.'\n", "def f(): # kept\n    'Two.'\n", "def f(): # lost\n    'One.'\n"),
    ],
)  # fmt: skip
def test_a_docstring_changes_no_result(source, same, other):
    code = without_docstrings(source.encode())
    assert without_docstrings(same.encode()) == code
    assert without_docstrings(other.encode()) != code


def test_a_file_that_counts_for_many_topics_is_parsed_once(suite, oracle, monkeypatch):
    before = topic_hash(suite, NEURONS, oracle.adapter)
    monkeypatch.setattr(dependencies, "_statements", None)
    assert topic_hash(suite, NEURONS, oracle.adapter) == before


@pytest.mark.parametrize(
    "inner",
    [
        "if 1:\n    {}\nelse:\n    pass\n",
        "if 0:\n    pass\nelse:\n    {}\n",
        "try:\n    pass\nexcept ValueError:\n    {}\n",
        "try:\n    pass\nfinally:\n    {}\n",
        "match 1:\n    case _:\n        {}\n",
        "class A:\n    async def f(self):\n        with self:\n            {}\n",
    ],
)
def test_statements_inside_others_are_seen(tmp_path, inner):
    (tmp_path / "a.py").write_text(inner.format("from nnspec_conformance.limits import limit"))
    assert HERE / "limits.py" in closure([tmp_path / "a.py"])
    one, other = (inner.format(f'def f(): "{text}"').encode() for text in ("One.", "Two."))
    assert without_docstrings(one) == without_docstrings(other)


def test_a_string_that_is_no_docstring_counts():
    assert b"text" in without_docstrings(b'x = """text"""\n"""no docstring"""\n')
    assert b"no docstring" in without_docstrings(b'x = 1\n"""no docstring"""\n')


def test_a_file_without_code_does_not_count(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "__init__.py").write_text('"""A package."""\n')
    alone = dependencies._hash([tmp_path / "a.py"], [])
    assert dependencies._hash([tmp_path / "a.py", tmp_path / "__init__.py"], []) == alone
    (tmp_path / "__init__.py").write_text('"""A package."""\n\ny = 1\n')
    assert dependencies._hash([tmp_path / "a.py", tmp_path / "__init__.py"], []) != alone
