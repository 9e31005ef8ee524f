"""One topic has one name in five places and in each adapter, and the conformance core stays light."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nnspec_conformance.clauses import load_spec
from nnspec_conformance.pages import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
CONFORMANCE = ROOT / "conformance" / "nnspec_conformance"
STRANDS = {
    "reference": ROOT / "reference" / "nnspec",
    "oracle": CONFORMANCE / "oracles",
    "mutants": CONFORMANCE / "mutants",
    "suite": CONFORMANCE / "suite",
}
FRAMEWORKS = ["nnspec", "nnspec_site", "jax", "jaxlib", "flax", "optax", "jaxtyping", "torch", "keras", "tensorflow"]
LOADED_BY_NAME = ["adapters", "experiments", "benchmarks"]


def topics(folder: Path, suffix: str, prefix: str = "") -> set[str]:
    """``components/activations`` for each file of a section; ``index`` and names with an underscore are no topics."""
    paths = [path for section in SECTIONS for path in (folder / section).rglob(f"{prefix}*{suffix}")]
    names = [path.relative_to(folder).with_name(path.stem.removeprefix(prefix)) for path in paths]
    return {name.as_posix() for name in names if name.name != "index" and not name.name.startswith("_")}


TOPICS = {name: page for name, page in load_spec(ROOT / "spec").pages.items() if page.is_topic}


def test_there_are_topics():
    assert "components/activations" in TOPICS


def is_of_a_page(name: str) -> bool:
    """A long topic may be several files: ``activations``, ``activations_softmax``."""
    return any(name == page or name.startswith(f"{page}_") for page in TOPICS)


@pytest.mark.parametrize("strand", STRANDS)
def test_every_page_has_its_strands_and_every_strand_its_page(strand):
    found = topics(STRANDS[strand], ".py", "test_" if strand == "suite" else "")
    homeless = {name for name in found if not is_of_a_page(name)}
    asked = {name for name, page in TOPICS.items() if strand == "reference" or page.species != "reference"}
    assert not asked - found, f"{STRANDS[strand]} lacks a module for these pages"
    assert not homeless, f"{STRANDS[strand]} has modules without a page in spec/"
    assert not found & TOPICS.keys() - asked, f"{STRANDS[strand]} has modules of pages about the reference alone"


@pytest.mark.parametrize("strand", STRANDS)
def test_every_folder_of_topics_is_a_package(strand):
    modules = [path for section in SECTIONS for path in (STRANDS[strand] / section).rglob("*.py")]
    assert not [path.parent for path in modules if not (path.parent / "__init__.py").is_file()]


def strays(adapter: Path) -> set[str]:
    """What stands in an adapter's folders under no topic's name; modules beside the folders are its own parts."""
    folders = {path.name for path in adapter.iterdir() if path.is_dir() and path.name != "__pycache__"}
    return (folders - set(SECTIONS)) | {name for name in topics(adapter, ".py") if not is_of_a_page(name)}


@pytest.mark.parametrize(
    "adapter", sorted(path.parent.name for path in (CONFORMANCE / "adapters").glob("*/__init__.py"))
)
def test_an_adapters_modules_are_topics(adapter):
    assert not strays(CONFORMANCE / "adapters" / adapter), "name the module after a page in spec/, or move it up"


def test_a_stray_module_of_an_adapter_is_found(tmp_path):
    for name in ("network.py", "components/__init__.py", "components/layers.py", "components/lairs.py", "extra/a.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert strays(tmp_path) == {"components/lairs", "extra"}


@pytest.mark.parametrize("strand", STRANDS)
def test_duties_have_tests_and_mutants_and_neither_oracle_nor_reference(strand):
    ids = [clause.id for clause in load_spec(ROOT / "spec").clauses.values() if clause.forms]
    duties = {name.removeprefix("duty.").replace("-", "_") for name in ids}
    found = {path.stem.removeprefix("test_") for path in (STRANDS[strand] / "duties").glob("*.py")} - {"__init__"}
    assert found == (duties if strand in ("suite", "mutants") else set())


def test_suite_modules_are_named_after_their_page():
    modules = topics(STRANDS["suite"], ".py")
    assert {name for name in modules if not name.rpartition("/")[2].startswith("test_")} == set()


def test_sections_of_the_specification_are_the_known_ones():
    assert {path.name for path in (ROOT / "spec").iterdir() if path.is_dir()} <= set(SECTIONS)


BLOCKED_IMPORT = """
import importlib, json, pathlib, sys

frameworks, loaded_by_name = json.loads(sys.argv[1])

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in frameworks:
            raise SystemExit(f"{name} is imported")

sys.meta_path.insert(0, Block())
package = importlib.import_module("nnspec_conformance")
root = pathlib.Path(package.__path__[0])
names = [path.relative_to(root.parent).with_suffix("").parts for path in sorted(root.rglob("*.py"))]
found = [".".join(part for part in name if part != "__init__") for name in names if name[1] not in loaded_by_name]
for name in found:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(json.dumps(found))
"""


def import_with_blocked(*frameworks: str) -> subprocess.CompletedProcess:
    arguments = json.dumps([frameworks, LOADED_BY_NAME])
    return subprocess.run(
        [sys.executable, "-c", BLOCKED_IMPORT, arguments], capture_output=True, text=True, check=False
    )


def test_conformance_imports_neither_the_reference_nor_a_framework():
    done = import_with_blocked(*FRAMEWORKS)
    assert done.returncode == 0, done.stderr
    assert {f"nnspec_conformance.{name}" for name in ("cli", "plugin", "engine")} <= set(json.loads(done.stdout))


def test_a_blocked_import_is_seen():
    done = import_with_blocked("numpy")
    assert (done.returncode, done.stderr.strip()) == (1, "numpy is imported")
