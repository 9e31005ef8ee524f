"""Finds an adapter: a built-in name, a module, or a path to a .py file; joins the topic modules of a built-in one."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nnspec_conformance.adapters
from nnspec_conformance.errors import HarnessError, did_you_mean, one_line
from nnspec_conformance.limits import IMPORT, CallTimeout, limit
from nnspec_conformance.output import lent_streams
from nnspec_conformance.pages import SECTIONS
from nnspec_conformance.progress import waiting
from nnspec_conformance.signals import from_outside
from nnspec_conformance.subject import TABLES, Subject
from nnspec_conformance.suite_loader import modules

ROLES = {"reference": "reference", "numpy_oracle": "oracle"}
ADAPTERS = "nnspec_conformance.adapters"
LOAD_LIMIT = 300.0  # seconds; a framework with a device of its own may take a minute
RELOAD = 1.0  # seconds; what takes longer to load is loaded once more only once
OF_REFERENCE = ("jax", "jaxlib", "flax", "optax", "jaxtyping", "beartype")


def to_install(package: str) -> str:
    """The command that brings a package: what the reference needs comes as one."""
    return "pip install 'nnspec[reference]'" if package in OF_REFERENCE else f"pip install {package}"


def built_in() -> list[str]:
    """Names of the adapters that come with the suite; a package without a NAME is what several of them share."""
    found = [path for folder in nnspec_conformance.adapters.__path__ for path in Path(folder).glob("*/__init__.py")]
    return sorted(path.parent.name for path in found if "\nNAME = " in path.read_text(encoding="utf-8"))


def load_subject(
    name: str, *, call_limit: float = 30.0, first_call_limit: float | None = None, slow: bool = False
) -> Subject:
    """The subject behind an adapter.

    Raises:
        HarnessError: the adapter is missing, does not import, or raises in its set-up.
    """
    role = ROLES.get(name, "framework") if name in built_in() else "user"
    try:
        with waiting(f"{IMPORT} {name}", LOAD_LIMIT), limit(LOAD_LIMIT, f"{IMPORT} {name}"):
            adapter = _load_adapter(name)
            return Subject(adapter, call_limit=call_limit, first_call_limit=first_call_limit, role=role, slow=slow)
    except CallTimeout as error:
        raise HarnessError(f"{name}: its import did not end within {LOAD_LIMIT:g} s; see what it waits for") from error


def _load_adapter(name: str) -> ModuleType:
    if name.endswith(".py") or "/" in name:
        return _from_path(Path(name))
    if name in built_in():
        return _import(name, lambda: joined(importlib.import_module(f"{ADAPTERS}.{name}")))
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None or found.loader is None or found.origin is None:  # a mere folder is found as a namespace
        raise HarnessError(
            f"no adapter '{name}': it is no built-in ({', '.join(built_in())}), no module and no path to a .py file"
            f"{did_you_mean(name, built_in(), '')}"
        )
    return _import(name, lambda: importlib.import_module(name))


def joined(package: ModuleType) -> ModuleType:
    """A built-in adapter as one plain module: its own names, and the operations and tables of its topic modules.

    ``TOPICS`` names packages whose topic modules it shares; what a topic module of its own says stands before theirs.
    """
    own = _topics(package.__name__)
    shared = [module for name in getattr(package, "TOPICS", ()) for module in _topics(f"{ADAPTERS}.{name}")]
    entries = _entries(shared) | _entries([package, *own])
    tables: dict[str, dict] = {table: {} for table in TABLES}
    operations = {}
    for (table, name), value in entries.items():
        tables.get(table, operations)[name] = value
    made = ModuleType(package.__name__)
    vars(made).update(vars(package) | operations | tables, TOPIC_FILES=[module.__file__ for module in own + shared])
    return made


def _topics(package: str) -> list[ModuleType]:
    folders = [f"{package}.{section}" for section in SECTIONS]
    return [module for folder in folders if importlib.util.find_spec(folder) for module in modules(folder)]


def _entries(declaring: list[ModuleType]) -> dict[tuple[str, str], Any]:
    """Operations, as (``operation``, name), and the entries of the tables, as (table, key).

    Raises:
        HarnessError: two modules declare the same one.
    """
    found: dict[tuple[str, str], Any] = {}
    where: dict[tuple[str, str], ModuleType] = {}
    for module in declaring:
        entries = {("operation", name): f for name, f in vars(module).items() if _is_operation(module, name, f)}
        for table in TABLES:
            entries |= {(table, key): value for key, value in getattr(module, table, {}).items()}
        for entry, value in entries.items():
            first = where.setdefault(entry, module)
            if first is not module:
                kind, name = entry
                raise HarnessError(f"{module.__file__}: {kind} '{name}' is declared in {first.__file__} too; keep one")
            found[entry] = value
    return found


def _is_operation(module: ModuleType, name: str, value: Any) -> bool:
    """A public function that is not merely imported from another module of the adapters."""
    home = sys.modules.get(getattr(value, "__module__", None) or "", module)
    helper = home is not module and home.__name__.startswith(ADAPTERS) and getattr(home, name, None) is value
    return name[0] != "_" and callable(value) and not isinstance(value, type) and not helper


def _from_path(path: Path) -> ModuleType:
    if path.is_dir():
        raise HarnessError(f"{path}: a folder; name the adapter's .py file in it")
    if not path.is_file():
        raise HarnessError(f"{path}: no such file; nnspec new-adapter {path} writes one to start from")
    if path.stem in sys.stdlib_module_names or _is_installed(path.stem):
        raise HarnessError(f"{path}: hides the module {path.stem}, which it or others may need; give it another name")
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


def fresh(subject: Subject) -> Subject | None:
    """A user's adapter loaded once more, without what earlier calls left in it; None where that cannot be done.

    It is not done again for one that took long or raised: it may hold a device, or register something for good.
    """
    path, name = getattr(subject.adapter, "__file__", None), getattr(subject.adapter, "__name__", "")
    spec = importlib.util.spec_from_file_location(name, path) if subject.reloads and path else None
    if spec is None or spec.loader is None:
        return None
    module, before, started = importlib.util.module_from_spec(spec), sys.modules.get(name), time.monotonic()
    try:
        sys.modules[name] = module
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            limit(subject.call_limit, f"{IMPORT} {name}"),
        ):
            spec.loader.exec_module(module)
            made = Subject(module, call_limit=subject.call_limit)
    except BaseException as error:
        if from_outside(error):
            raise
        subject.reloads = False
        return None
    finally:
        sys.modules.update({name: before} if before else {})
    subject.reloads = time.monotonic() - started < RELOAD
    return made


def _is_installed(name: str) -> bool:
    """Whether a package of this name is installed, rather than lying in somebody's folder."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return bool(found and found.origin and "site-packages" in Path(found.origin).parts)


def _import(name: str, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        with lent_streams():
            return load()
    except (HarnessError, CallTimeout):
        raise
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        raise HarnessError(
            f"{_place(error, name)}: needs the package '{missing}', which is not installed; {to_install(missing)}"
        ) from error
    except SyntaxError as error:
        place = f"{error.filename or name}:{error.lineno or 1}"
        raise HarnessError(f"{place}: {one_line(error.msg)}; the adapter is not valid Python") from error
    except BaseException as error:
        if from_outside(error):
            raise
        text = f"{type(error).__name__}: {one_line(error, 200)}"
        raise HarnessError(f"{_place(error, name)}: {text}; the adapter must import without an error") from error


def _place(error: BaseException, name: str) -> str:
    """File and line of the innermost frame that is the adapter's own."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).name == Path(name).name or "/adapters/" in f.filename]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else name
