"""Times the build of a site of many topics: ``python -m nnspec_site.grown 40``.

The checkout is copied, and there each topic once more under other names, with its clauses, results and figures, until
there are as many. Then the site is built twice, from nothing and with what the first build has kept. What counts are
seconds of the processor: other programs that run beside it do not change them.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nnspec_conformance.clauses import Spec, load_spec
from nnspec_site import figures
from nnspec_site.assets import CACHE, ROOT

PARTS = ("spec", "docs", "reference", "conformance", "mkdocs.yml", "CONTRIBUTING.md")
LEFT = shutil.ignore_patterns("__pycache__", "generated", ".pytest_cache")
RESULTS = Path("conformance/nnspec_conformance/results")
FIGURES = Path("docs/nnspec_site/figures")
INSIDE = r"(?<=[\[ ]){}(?=[,\]\n])"  # where a page names an operation in a block
ALONE = re.compile(r"(?m)^/// (?:write|reference|benchmark) .*$")  # lines that lead to code: it is not copied


def grow(root: Path, count: int) -> int:
    """Copy topics of the checkout ``root`` under other names until there are ``count``; returns how many there are."""
    spec = load_spec(root / "spec")
    topics = [page.name for page in spec.pages.values() if page.is_topic]
    have, round_ = len(topics), 0
    while have < count:
        round_ += 1
        for topic in topics[: count - have]:
            _copy(root, spec, topic, f"copy{round_}")
            have += 1
    return have


def _copy(root: Path, spec: Spec, topic: str, mark: str) -> None:
    """One topic once more: page, module, results, figures."""
    names = {entry.id: _named(entry.id, mark) for entry in spec.entries() if entry.page == topic}
    operations = {name: f"{name}_{mark}" for name, found in spec.operations.items() if found.page == topic}
    page = (root / "spec" / f"{topic}.md").read_text(encoding="utf-8")
    drawn = [name for name in figures.makers() if f"/// figure | {name}\n" in page]
    for name in drawn:
        module = name.replace("-", "_")
        shutil.copy(root / FIGURES / f"{module}.py", root / FIGURES / f"{module}_{mark}.py")
        page = page.replace(f"/// figure | {name}\n", f"/// figure | {name}-{mark}\n")
    page = page.replace(f"/// matrix | {topic}\n", f"/// matrix | {topic}_{mark}\n")
    (root / "spec" / f"{topic}_{mark}.md").write_text("".join(_pieces(page, names, operations)), encoding="utf-8")
    module = root / "reference" / "nnspec" / f"{topic}.py"
    if module.is_file():
        shutil.copy(module, module.with_stem(f"{module.stem}_{mark}"))
    for path in (root / RESULTS).rglob(f"{topic}.json"):
        if "benchmarks" not in path.parts:
            text = _renamed(path.read_text(encoding="utf-8"), names, operations, r"(?<=\[){}(?=\])")
            path.with_stem(f"{path.stem}_{mark}").write_text(text, encoding="utf-8")


def _named(identifier: str, mark: str) -> str:
    """``gelu-copy1.form`` for ``gelu.form``."""
    operation, dot, aspect = identifier.partition(".")
    return f"{operation}-{mark}{dot}{aspect}"


def _pieces(page: str, names: dict[str, str], operations: dict[str, str]) -> Iterator[str]:
    """The page with the other names, save in the lines that lead to code."""
    start = 0
    for found in ALONE.finditer(page):
        yield _renamed(page[start : found.start()], names, operations, INSIDE)
        yield found.group()
        start = found.end()
    yield _renamed(page[start:], names, operations, INSIDE)


def _renamed(text: str, names: dict[str, str], operations: dict[str, str], where: str) -> str:
    """The text with other ids, and with other names of operations where the pattern ``where`` finds them."""
    if names:
        ids = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        text = re.sub(rf"(?<![\w.-])(?:{ids})(?![\w-])", lambda found: names[found.group()], text)
    for name, other in operations.items():
        text = re.sub(where.format(name), lambda found, n=name, o=other: found.group().replace(n, o), text)
    return text


def build(root: Path) -> float:
    """Build the site of a checkout; returns the seconds of the processor that it took.

    Raises:
        subprocess.CalledProcessError: it could not be built, or has defects.
    """
    paths = os.pathsep.join(str(root / part) for part in ("docs", "reference", "conformance"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "nnspec_site.build"]
    subprocess.run(command, cwd=root, env=os.environ | {"PYTHONPATH": paths}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m nnspec_site.grown", description="Time the build of many topics.")
    parser.add_argument("topics", type=int, help="how many")
    parser.add_argument("--keep", type=Path, help="a folder to work in, which stays; a temporary one by default")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        root = (given.keep or Path(temporary) / "checkout").resolve()
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            more = {"symlinks": True, "ignore": LEFT} if (ROOT / part).is_dir() else {}
            root.mkdir(parents=True, exist_ok=True)
            copy(ROOT / part, root / part, **more)
        if CACHE.is_dir():
            shutil.copytree(CACHE, root / CACHE.relative_to(ROOT))
        topics = grow(root, given.topics)
        cold, warm = build(root), build(root)
    print(f"{topics} topics: {cold:.0f} s of the processor from nothing, {warm:.0f} s with what was kept")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
