"""Draws the figures that are new: those whose code, or whose data, has changed since they were drawn."""

from __future__ import annotations

import ast
import importlib.metadata
import json
from pathlib import Path

from nnspec_conformance import results
from nnspec_site import cores, figures
from nnspec_site.assets import GENERATED, ROOT
from nnspec_site.kept import digest

STAMPS = ROOT / "build" / "figures.json"
PACKAGES = {  # where the sources of each package lie
    "nnspec": ROOT / "reference" / "nnspec",
    "nnspec_conformance": ROOT / "conformance" / "nnspec_conformance",
    "nnspec_site": ROOT / "docs" / "nnspec_site",
}
LIBRARIES = ("jax", "matplotlib", "numpy", "scipy")


def draw_figures(folder: Path = GENERATED / "figures", stamps: Path = STAMPS) -> list[str]:
    """Draw what is new; returns the names."""
    known = json.loads(stamps.read_text(encoding="utf-8")) if stamps.is_file() else {}
    fresh = {name: stamp(module) for name, module in figures.makers().items()}
    new = [
        name
        for name, found in fresh.items()
        if known.get(name) != found or not all(path.is_file() for path in figures.files(name, folder))
    ]
    if new:
        print(f"site: drawing {', '.join(new)}", flush=True)
    cores.spread(lambda name: figures.draw(name, folder), new, apart=True)  # a figure may import JAX, which has threads
    stamps.parent.mkdir(parents=True, exist_ok=True)
    stamps.write_text(json.dumps(fresh, indent=1), encoding="utf-8")
    return new


def stamp(module: str) -> str:
    """A hash of all that a figure depends on: the sources it imports, libraries, recorded experiments it reads."""
    files = sources_of(module)
    if PACKAGES["nnspec_conformance"] / "results.py" in files:
        recorded = [path for root in results.results_dirs() for path in root.rglob("experiments/**/*.json")]
        files = [*files, *sorted(recorded)]
    return digest([*(path.read_bytes() for path in files), *map(importlib.metadata.version, LIBRARIES)])


def sources_of(module: str) -> list[Path]:
    """The files of a module and of all modules of this project that it imports, directly or not."""
    found: dict[Path, None] = {}
    queue = [module]
    while queue:
        name = queue.pop()
        path = _path(name)
        if path is None or path in found:
            continue
        found[path] = None
        if path == Path(figures.__file__):
            found[path.with_name("_light.py")] = None
            continue  # every figure has its theme from there, which makes it light; none has other modules from it
        queue.append(name.rpartition(".")[0])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                queue += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                queue += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return sorted(found)


def _path(name: str) -> Path | None:
    """The file of a module of this project; None of any other name."""
    package, _, rest = name.partition(".")
    if package not in PACKAGES:
        return None
    base = PACKAGES[package].joinpath(*rest.split(".")) if rest else PACKAGES[package]
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
