"""Recorded vectors: what is written is plain data, replays as it was asked, and catches a wrong implementation."""

import json
import math
import re

import numpy as np
import pytest
from safetensors.numpy import load_file

from nnspec_conformance.cases import call
from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.mutant import ORACLE
from nnspec_conformance.mutation import mutants_of
from nnspec_conformance.setting import Setting
from nnspec_conformance.subject import Subject
from nnspec_conformance.tolerance import exact
from nnspec_conformance.vectors import Recorder, load, replay

CHOSEN = [
    "activation.shape[relu]",
    "activation.subnormals[sigmoid]",
    "activation.nan[tanh]",
    "gelu.form",
    "gelu.default-form",
    "relu.gradient-at-zero",
    "softmax.value[softmax]",
    "log-softmax.large",
    "perceptron.update",
]


@pytest.fixture(scope="module")
def folder(suite, tmp_path_factory):
    recorder = Recorder()
    for name in CHOSEN:
        run_instance(suite, Subject(ORACLE), name, record=recorder)
    recorder.write(path := tmp_path_factory.mktemp("vectors"))
    return path


def replayed(suite, folder, subject):
    """Every recorded case that could be put to the subject, with what came of it."""
    return list(replay(load(folder, suite.spec), subject, suite.spec))


def outcomes(suite, folder, subject):
    return [item.outcome for item in replayed(suite, folder, subject)]


def test_every_recorded_case_replays(suite, folder, oracle):
    assert outcomes(suite, folder, oracle) == ["pass"] * len(load(folder, suite.spec))


def test_instances_are_listed_once_for_all_cases(suite, folder, oracle, monkeypatch):
    listed, instances = [], type(suite.spec).instances
    monkeypatch.setattr(type(suite.spec), "instances", lambda self: listed.append(0) or instances(self))
    replayed(suite, folder, oracle)
    assert len(listed) == 2  # to load them, and to replay them


def test_every_chosen_instance_is_recorded(suite, folder):
    assert list(dict.fromkeys(r.instance for r in load(folder, suite.spec))) == CHOSEN


@pytest.mark.parametrize("instance", sorted({*CHOSEN} - {"activation.subnormals[sigmoid]", "gelu.default-form"}))
def test_a_wrong_implementation_fails_on_replay(suite, folder, instance):
    mutant = mutants_of(suite, instance)[0]
    found = {item.instance for item in replayed(suite, folder, mutant.subject()) if item.outcome == "fail"}
    assert instance in found


def test_nothing_is_called_for_a_manifest_that_is_refused(suite, broken, nnspec, adapter):
    path = adapter("""
        import pathlib

        def system(*arrays, **attributes):
            pathlib.Path(__file__).with_name("ran").touch()
    """)
    folder = broken(lambda m: m["cases"][0].update(operation="system", arrays={"list": []}))
    ran = nnspec("replay", folder, path)
    assert (ran.status, ran.err.count("\n"), path.with_name("ran").exists()) == (2, 1, False)


def test_a_trajectory_replays_with_its_rates(suite, folder):
    (first, *_) = [r.case for r in load(folder, suite.spec) if r.case.what == "trajectory"]
    assert first.grads
    assert set(first.arrays[0]) == {"weights", "bias"}


def test_other_default_is_not_asked_for_this_one(suite, folder):
    single = Subject(ORACLE)
    single.variants = single.variants | {"gelu.form": "tanh"}
    single.defaults = {"gelu.default-form": "tanh"}
    asked = {item.instance for item in replayed(suite, folder, single)}
    assert "gelu.default-form" not in asked


def test_wrong_default_fails_on_replay(suite, folder, subject_of):
    def gelu(x, form="tanh"):
        return ORACLE.gelu(x, form=form)

    subject = subject_of(gelu, VARIANTS={"gelu.form": ("exact", "tanh")})
    found = [i.outcome for i in replayed(suite, folder, subject) if i.instance == "gelu.default-form"]
    assert set(found) == {"fail"}


def test_missing_operation_is_not_implemented(suite, folder, subject_of):
    assert set(outcomes(suite, folder, subject_of())) == {"not implemented"}


def test_failure_says_call_input_got_and_expected(suite, folder, subject_of):
    def log_softmax(x, *, axis):
        return np.zeros_like(x)

    item = next(i for i in replayed(suite, folder, subject_of(log_softmax)) if i.instance == "log-softmax.large")
    assert item.message == (
        "log_softmax(float32[6, 7], axis=-1): at input 10000 at index (0, 0): got 0, expected -10000 (float32)"
    ).replace("\\n", "")


def numbers(x):
    """Every number in nested data."""
    if isinstance(x, dict | list):
        for inner in x.values() if isinstance(x, dict) else x:
            yield from numbers(inner)
    elif isinstance(x, int | float):
        yield x


def test_manifest_has_finite_numbers_only(folder):
    manifest = json.loads((folder / "manifest.json").read_text(), parse_constant=float)
    assert all(math.isfinite(x) for x in numbers(manifest))


def test_arrays_are_safetensors_in_the_dtypes_asked(folder):
    kinds = {str(a.dtype) for a in load_file(str(folder / "arrays.safetensors")).values()}
    assert kinds == {"float16", "bfloat16", "float32", "float64"}


def test_rank_0_is_kept(suite, folder):
    assert () in {x.shape for r in load(folder, suite.spec) for x in r.case.arrays if isinstance(x, np.ndarray)}


def test_an_attribute_that_is_no_number_is_refused():
    case = call("clip", np.zeros(1), largest=math.nan, want=exact(np.zeros(1)))
    with pytest.raises(HarnessError, match=r"clip\.value: attribute largest=nan is no number and cannot be recorded"):
        Recorder()("clip.value", case, Setting({}, {}))


@pytest.mark.parametrize("instance", ["clip.range[clip_by_norm]", "adam.first-step[adam]"])
def test_an_infinite_limit_and_a_single_number_replay(suite, tmp_path, instance):
    recorder = Recorder()
    assert run_instance(suite, Subject(ORACLE), instance, record=recorder).outcome == "pass"
    recorder.write(tmp_path)
    assert {*outcomes(suite, tmp_path, Subject(ORACLE))} == {"pass"}


@pytest.fixture
def broken(folder, tmp_path):
    """A copy of the vectors, with the manifest changed by a function."""

    def make(change):
        for name in ("manifest.json", "arrays.safetensors"):
            (tmp_path / name).write_bytes((folder / name).read_bytes())
        manifest = json.loads((tmp_path / "manifest.json").read_text())
        change(manifest)
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        return tmp_path

    return make


def first_gelu(manifest):
    return next(case for case in manifest["cases"] if case["operation"] == "gelu")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(schema="nnspec-vectors/9"), "schema is 'nnspec-vectors/9', expected 'nnspec-vectors/1'"),
        (lambda m: m.pop("cases"), "has no list 'cases'; record again"),
        (lambda m: m["cases"][3].pop("want"), "case 3: KeyError('want'); record again"),
        (lambda m: m["cases"][2].update(arrays={"list": [{"array": "gone"}]}), "case 2: KeyError('gone'); record"),
        (lambda m: m["cases"].insert(1, "text"), "case 1: "),
        (lambda m: m["cases"][0].update(arrays=5), "case 0: "),
        (
            lambda m: m["cases"][0]["arrays"]["list"][0].update(layout="spiral"),
            "case 0: ValueError('an entry of array, layout')",
        ),
        (
            lambda m: m["cases"][0]["arrays"]["list"].append(m["cases"][0]["arrays"]["list"][0]),
            "case 0: relu is handed 2 arrays, and takes x; ",
        ),
        (lambda m: m["cases"][0]["readings"].update(form="exact"), "case 0: relu has no readings of 'form'; "),
        (
            lambda m: first_gelu(m)["attributes"].update(form="spline"),
            "gelu: form: 'spline' is none of exact, tanh, sigmoid; ",
        ),
        (lambda m: first_gelu(m)["readings"].update(form="spline"), "form has no reading 'spline'; "),
        (lambda m: m["cases"][0].update(operation="system"), "case 0: no operation 'system'; "),
        (lambda m: m["cases"][0].update(operation="rellu"), "case 0: no operation 'rellu'; did you mean relu"),
        (lambda m: m["cases"][0].update(operation="__import__"), "case 0: no operation '__import__'; replay calls no"),
        (lambda m: m["cases"][1].update(instance="relu.valeu"), "case 1: no instance 'relu.valeu'; did you mean relu"),
        (
            lambda m: m["cases"][0]["want"].update(dtype="complex64"),
            "case 0: ValueError(\"dtype 'complex64'; an",
        ),
        (lambda m: m["cases"][0].update(what="guess"), "case 0: 'guess' is no question; use one of call, gradient, "),
        (
            lambda m: m["cases"][0].update(attributes={"shell": True}),
            "case 0: relu has no attribute 'shell'; record ag",
        ),
    ],
)
def test_broken_manifest_is_one_line(suite, broken, change, words):
    with pytest.raises(HarnessError) as caught:
        load(broken(change), suite.spec)
    assert re.search(rf"manifest\.json: (case \d+: )?{re.escape(words)}", str(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all"])
def test_broken_arrays_are_one_line(suite, broken, content):
    path = broken(lambda m: None) / "arrays.safetensors"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HarnessError, match=r"arrays\.safetensors: .*; record the vectors again"):
        load(path.parent, suite.spec)


def test_missing_folder_is_one_line(suite, tmp_path):
    with pytest.raises(HarnessError, match=r"nowhere/manifest\.json: no such file"):
        load(tmp_path / "nowhere", suite.spec)


def test_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="choose a file in a folder that can be written"):
        Recorder().write(tmp_path / "file" / "vectors")
