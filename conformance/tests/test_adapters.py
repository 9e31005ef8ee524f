"""The adapters that come with the suite: thin, honest about defaults, one Keras backend a process."""

import importlib.util
import inspect
import re
import subprocess
import sys

import pytest

from nnspec_conformance.engine import validate
from nnspec_conformance.loading import built_in, load_subject

NEEDS = {
    "torch": ["torch"],
    "keras_torch": ["keras", "torch"],
    "keras_jax": ["keras"],
    "keras_tensorflow": ["tensorflow"],
}
FRAMEWORKS = [name for name in built_in() if name not in ("numpy_oracle", "keras_torch", "keras_tensorflow")]


def needs(package):
    """Skip where a package is missing; found, not imported: Keras takes its backend when it is imported."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


def defaults_of_its_own(adapter):
    """Keywords that stand before the framework's default, as ``operation(keyword)``."""
    own = [
        (name, f)
        for name, f in vars(adapter).items()
        if inspect.isfunction(f) and f.__module__.startswith(("nnspec_conformance.adapters", "adapter_under_test"))
    ]
    return [
        f"{name}({parameter.name})"
        for name, f in own
        for parameter in inspect.signature(f).parameters.values()
        if parameter.default not in (parameter.empty, None)
    ]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_no_default_stands_before_the_frameworks(name):
    for package in NEEDS.get(name, []):
        needs(package)
    hidden = defaults_of_its_own(importlib.import_module(f"nnspec_conformance.adapters.{name}"))
    assert not hidden, f"{hidden}: take **given instead, so that what the suite leaves out reaches the framework"


def test_a_default_of_its_own_is_found(tmp_path, monkeypatch):
    (tmp_path / "adapter_under_test.py").write_text(
        "def gelu(x, *, form='exact'): return x\ndef relu(x): return x\ndef dense(x, kernel, bias=None): return x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert defaults_of_its_own(importlib.import_module("adapter_under_test")) == ["gelu(form)"]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_declares_what_the_specification_knows(suite, name):
    for package in NEEDS.get(name, []):
        needs(package)
    validate(suite, load_subject(name))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_known_failure_says_what_was_right_and_where_it_is_told(name):
    for package in NEEDS.get(name, []):
        needs(package)
    for instance, value in load_subject(name).known_failures.items():
        reason = value[0] if isinstance(value, tuple) else value
        assert re.search(r"\bright (is|with)\b|is off by", reason), f"{instance}: say what the right value is: {reason}"
        assert re.search(r"https://\S+", reason), f"{instance}: link the report, or the source with 'not reported'"
        assert "/issues/" in reason or "/pull/" in reason or "not reported" in reason, f"{instance}: {reason}"


def test_keras_has_one_backend_a_process():
    needs("keras")
    needs("torch")
    code = "from nnspec_conformance.adapters import keras_torch, keras_jax"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "ImportError: Keras already runs on torch in this process, not on jax" in ran.stderr
