"""Finds an adapter: a built-in name, a module, or a path to a .py file."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import nnspec_conformance.adapters
from nnspec_conformance.errors import HarnessError, did_you_mean, one_line
from nnspec_conformance.subject import Subject

ROLES = {"reference": "reference", "numpy_oracle": "oracle"}


def built_in() -> list[str]:
    """Names of the adapters that come with the suite."""
    return sorted(m.name for m in pkgutil.iter_modules(nnspec_conformance.adapters.__path__) if m.name[0] != "_")


def load_subject(name: str, *, call_limit: float = 30.0) -> Subject:
    """The subject behind an adapter.

    Raises:
        HarnessError: the adapter is missing, does not import, or raises in its set-up.
    """
    role = ROLES.get(name, "framework") if name in built_in() else "user"
    return Subject(_load_adapter(name), call_limit=call_limit, role=role)


def _load_adapter(name: str) -> ModuleType:
    if name.endswith(".py") or "/" in name:
        return _from_path(Path(name))
    module = f"nnspec_conformance.adapters.{name}" if name in built_in() else name
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None or found.loader is None or found.origin is None:  # a mere folder is found as a namespace
        raise HarnessError(
            f"no adapter '{name}': it is no built-in ({', '.join(built_in())}), no module and no path to a .py file"
            f"{did_you_mean(name, built_in(), '')}"
        )
    return _import(name, lambda: importlib.import_module(module))


def _from_path(path: Path) -> ModuleType:
    if path.is_dir():
        raise HarnessError(f"{path}: a folder; name the adapter's .py file in it")
    if not path.is_file():
        raise HarnessError(f"{path}: no such file; nnspec new-adapter {path} writes one to start from")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise HarnessError(f"{path}: not a Python file; an adapter's name ends in .py")
    module = importlib.util.module_from_spec(spec)

    def load() -> ModuleType:
        sys.path.insert(0, str(path.resolve().parent))  # stays: a function may import its neighbour when it is called
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        return module

    return _import(str(path), load)


def _import(name: str, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        raise HarnessError(
            f"{_place(error, name)}: needs the package '{missing}', which is not installed; pip install {missing}"
        ) from error
    except SyntaxError as error:
        place = f"{error.filename or name}:{error.lineno or 1}"
        raise HarnessError(f"{place}: {one_line(error.msg)}; the adapter is not valid Python") from error
    except (Exception, SystemExit) as error:
        text = f"{type(error).__name__}: {one_line(error, 200)}"
        raise HarnessError(f"{_place(error, name)}: {text}; the adapter must import without an error") from error


def _place(error: BaseException, name: str) -> str:
    """File and line of the innermost frame that is the adapter's own."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).name == Path(name).name or "/adapters/" in f.filename]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else name
