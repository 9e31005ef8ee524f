"""What the machine's own tests share: the suite, adapters written to files, the command, and toy specifications."""

import inspect
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.cases import call, clause, refusal
from nnspec_conformance.clauses import load_spec
from nnspec_conformance.cli import main
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.subject import Subject
from nnspec_conformance.suite_loader import Suite, load_suite
from nnspec_conformance.tolerance import exact

HEADER = '"""An adapter of the tests."""\n\nimport numpy as np\n\nNAME = "mine"\nVERSION = "1.0"\n'


@pytest.fixture(scope="session")
def suite():
    return load_suite()


@pytest.fixture(scope="session")
def oracle():
    return Subject(ORACLE, role="oracle")


@pytest.fixture
def adapter(tmp_path):
    """Writes an adapter file and returns its path; ``whole`` is written as it is."""

    def write(body: str = "", *, whole: str | bytes | None = None, name: str = "mine.py") -> Path:
        path = tmp_path / name
        text = HEADER + textwrap.dedent(body) if whole is None else whole
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@dataclass(frozen=True)
class Ran:
    """Exit status and both streams of a command."""

    status: int
    out: str
    err: str


@pytest.fixture
def nnspec(capsys, monkeypatch):
    """Runs the command in this process, which says nothing on the way, however slow it is."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr("nnspec_conformance.progress.EVERY", 600.0)

    def run(*arguments: object) -> Ran:
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as error:  # argparse
            status = int(error.code or 0)
        out, err = capsys.readouterr()
        return Ran(status, out, err)

    return run


def start(*arguments: object, before: str = "", cwd: Path | None = None) -> subprocess.Popen:
    """The command in a process of its own, after the statements ``before``."""
    # A shell's background job ignores Ctrl-C, and one behind nohup a hang-up; so would their children.
    heard = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)"
    heard += "\nif hasattr(signal, 'SIGHUP'): signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    code = f"import sys\n{heard}\n{before}\nfrom nnspec_conformance.cli import main\nsys.exit(main(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
    )


@pytest.fixture
def process():
    """Runs the command in a process of its own."""

    def run(*arguments: object, before: str = "", cwd: Path | None = None) -> Ran:
        started = start(*arguments, before=before, cwd=cwd)
        out, err = started.communicate(timeout=60)
        return Ran(started.returncode, out, err)

    return run


SEVERAL = """
import contextlib, io, json, sys
{before}
from nnspec_conformance.cli import main
ran = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    ran.append((status, out.getvalue(), err.getvalue()))
print(json.dumps(ran))
"""


@pytest.fixture(scope="session")
def commands():
    """Runs several commands, one after the other, in one process of its own: its start is what takes the time."""

    def run(
        several: Sequence[Sequence[str]], *, before: str = "", cwd: Path | None = None, places: Sequence[Path] = ()
    ) -> list[Ran]:
        paths = {"PYTHONPATH": os.pathsep.join(map(str, places))} if places else {}
        done = subprocess.run(
            [sys.executable, "-c", SEVERAL.format(before=before), json.dumps(several)],
            cwd=cwd,
            env=os.environ | paths,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [Ran(*one) for one in json.loads(done.stdout.splitlines()[-1])]

    return run


@pytest.fixture
def background():
    """Starts the command in a process of its own and goes on."""
    return start


@pytest.fixture
def spec_of(tmp_path):
    """Parses a specification of one page, ``spec/toys.md``, and the tables that are given."""

    def write(page: str, **tables: str) -> object:
        root = tmp_path / "spec"
        root.mkdir(exist_ok=True)
        (root / "toys.md").write_text(textwrap.dedent(page), encoding="utf-8")
        for name, text in tables.items():
            (root / f"{name}.toml").write_text(textwrap.dedent(text), encoding="utf-8")
        return load_spec(root)

    return write


@pytest.fixture
def suite_of(spec_of):
    """A suite of a one-page specification and the tests that are given."""

    def make(page: str, *tests: Callable, **tables: str) -> Suite:
        made = Suite(spec_of(page, **tables))
        for test in tests:
            made.tests.setdefault(test.__nnspec__.clause, []).append(test.__nnspec__)
        return made

    return make


@pytest.fixture
def subject_of():
    """A subject from functions and declarations; functions are known by their names."""

    def make(*functions: Callable, **declared: object) -> Subject:
        named = {f.__name__: f for f in functions if inspect.isfunction(f)}
        return Subject(SimpleNamespace(**({"NAME": "toy", "VERSION": "1.0"} | named | declared)), call_limit=0.2)

    return make


@pytest.fixture
def f32():
    return lambda *values: np.array(values, np.float32)


FACTOR = """\
# Toys

/// clause | scale.factor
    kind: exact
    definition: two
    variants:
      two: x times 2
      three: x times 3

`scale` **MUST** multiply by the declared factor.
///
"""
TOYS = f"""{FACTOR}
/// clause | scale.sign
    kind: exact
    definition: kept
    variants:
      kept: x
      turned: -x

`scale` **MUST** keep the sign or turn it, as declared.
///

/// clause | scale.offset
    kind: default
    default: 0
    candidates: [0, 1]

Without `offset` nothing **SHOULD** be added.
///

/// clause | scale.refusal
    kind: error

`scale` **MUST** refuse an integer array.
///
"""


@pytest.fixture
def factor_page():
    """The page of one clause on ``scale``, its factor, which is a reading."""
    return FACTOR


@pytest.fixture
def toys(suite_of, f32):
    """The suite of four clauses on ``scale``: a factor and a sign that are readings, a default, a refusal."""
    x = f32(1, -2)
    times, sign = {"two": 2, "three": 3}, {"kept": 1, "turned": -1}

    def wanted(readings, x):
        return x * times[readings["factor"]] * sign[readings["sign"]]

    @clause("scale.factor")
    def proves_factor(readings):
        for dtype in ("float32", "float64"):
            y = x.astype(dtype)
            yield call("scale", y, offset=0, want=exact(wanted(readings, y), dtype))

    @clause("scale.sign")
    def proves_sign(readings):
        yield call("scale", x, offset=0, want=exact(wanted(readings, x)))

    @clause("scale.offset")
    def proves_offset(readings, default):
        yield call("scale", x, want=exact(wanted(readings, x) + default))

    @clause("scale.refusal")
    def proves_refusal():
        bad = np.array([1, 2])
        yield refusal("scale", bad, offset=0, valid=(x,), note="integers")

    return suite_of(TOYS, proves_factor, proves_sign, proves_offset, proves_refusal)
