"""What XLA compiled is let go when there is much of it, and only then."""

import subprocess
import sys
import textwrap

import pytest

from nnspec_conformance import asking, compiled

PROGRAMS = """
    import sys
    import jax
    from nnspec_conformance.compiled import let_go, mappings

    start = mappings()
    programs = [jax.jit(lambda x, c=c: x * c) for c in range(40)]
    results = [float(program(1.0)) for program in programs]
    full = mappings()
    assert full > start + 40, (start, full)
    assert not let_go(full + 1000) and mappings() >= full
    assert let_go(start + 40)
    assert mappings() < start + 40, (start, full, mappings())
    assert [float(program(1.0)) for program in programs] == results
"""


@pytest.mark.skipif(not compiled.MAPPINGS.exists(), reason="the system does not list the mappings of a process")
def test_programs_are_let_go_and_compiled_again():
    # warm: what a first program and a first clearing leave behind is no part of the count
    warm = "import jax; jax.jit(lambda x: x + 1)(1.0); jax.clear_caches()\n"
    code = warm + textwrap.dedent(PROGRAMS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_is_imported_for_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    assert not compiled.let_go(-1)
    assert "jax" not in sys.modules


def test_a_system_that_does_not_say(monkeypatch, tmp_path):
    monkeypatch.setattr(compiled, "MAPPINGS", tmp_path / "none")
    assert compiled.mappings() == 0


def test_it_is_done_between_questions(monkeypatch, toys, subject_of):
    seen = []
    monkeypatch.setattr(asking, "let_go", lambda: seen.append(1))

    def scale(x, *, offset=0):
        return x * 2 + offset

    subject = subject_of(scale, VARIANTS={"scale.factor": "two", "scale.sign": "kept"})
    for _ in range(2 * asking.BETWEEN):
        asking.ask(toys, subject, "scale.factor")
    assert len(seen) == 2


RARELY = """
    import gc
    import weakref
    from nnspec_conformance.compiled import RARELY, collect_rarely

    collect_rarely()
    assert gc.isenabled() and gc.get_threshold() == RARELY
    assert gc.get_freeze_count() > 1000, gc.get_freeze_count()

    class Ring: pass

    ring = Ring()
    ring.itself, seen = ring, weakref.ref(ring)
    del ring
    gc.collect()
    assert seen() is None, "what is made afterwards is not collected"
"""


def test_what_is_loaded_is_not_looked_through_again_and_what_comes_after_is():
    code = textwrap.dedent(RARELY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


RARE_ADAPTER = """
    import gc
    import numpy as np

    NAME, VERSION, DTYPES = "rare", "1", ("float32",)

    def relu(x):
        assert gc.get_threshold() == (100_000, 20, 50), gc.get_threshold()
        return np.maximum(x, 0)
"""


@pytest.mark.parametrize("isolate", [False, True])
def test_every_process_that_asks_collects_rarely(isolate, tmp_path):
    adapter = tmp_path / "mine.py"
    adapter.write_text(textwrap.dedent(RARE_ADAPTER))
    command = [sys.executable, "-m", "nnspec_conformance.cli", "check", str(adapter), "activation.shape[relu]"]
    done = subprocess.run(
        [*command, *["--isolate"] * isolate], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 pass" in done.stdout
