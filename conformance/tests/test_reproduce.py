"""A failing case as a script: it runs without the suite, and says what came and what is right."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from nnspec_conformance import cli, reproduce, reproduce_case
from nnspec_conformance.cases import Case
from nnspec_conformance.compare import Finding
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.inlining import Inliner
from nnspec_conformance.loading import load_subject
from nnspec_conformance.reproduce_script import Failing, script
from nnspec_conformance.setting import Setting
from nnspec_conformance.suite_loader import load_suite
from nnspec_conformance.tolerance import Shape, Want

TOLD_NOTHING = Setting({}, {})


def wanted(value):
    """An expected array of which nothing but the value matters here."""
    value = np.asarray(value)
    return Want(value, np.zeros(value.shape), np.zeros(value.shape), "float32", "exact")


SCRIPTS = """
import contextlib, io, json, sys, traceback

for line in sys.stdin:
    said, error = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(said), open(json.loads(line), encoding="utf-8") as file:
            exec(compile(file.read(), file.name, "exec"), {"__name__": "__main__"})
    except BaseException:
        error = traceback.format_exc()
    print(json.dumps([said.getvalue(), error]), flush=True)
"""


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    """Runs scripts one after the other, with names of their own, without a look into a folder of ours or PYTHONPATH."""
    command = [sys.executable, "-I", "-c", SCRIPTS]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=tmp_path_factory.mktemp("elsewhere"), **pipes) as started:
        yield started
        started.stdin.close()


@pytest.fixture
def run(interpreter, tmp_path):
    """What a script prints in that interpreter."""

    def printed(text: str) -> str:
        assert "nnspec_conformance" not in text
        path = tmp_path / "case.py"
        path.write_text(text, encoding="utf-8")
        print(json.dumps(str(path)), file=interpreter.stdin, flush=True)
        said, error = json.loads(interpreter.stdout.readline())
        assert error == ""
        return said

    return printed


@pytest.fixture
def write(run):
    """The output of the script that is written for a question to the reference, wrong or not."""
    suite, subject = load_suite(), load_subject("reference")

    def asked(instance: str, case: Case, *, refusal: bool = False, message: str = "off") -> str:
        one = Failing(case, TOLD_NOTHING, Finding(np.inf, message), refusal=refusal)
        return run(script(suite, subject, "reference", instance, one))

    return asked


def test_a_script_that_ends_with_an_error_or_takes_names_of_another_fails(run):
    run("x = 1")
    for text in ("print(x)", "import test_reproduce", "raise SystemExit(1)"):
        with pytest.raises(AssertionError, match="Traceback"):
            run(text)


def test_script_of_a_call_tells_the_worst_place(write):
    case = Case(operation="relu", arrays=(np.float32([-1, 2, 3]),), want=wanted([0.0, 2.0, 5.0]))
    assert "answer[2]: 3.0, right is 5.0" in write("relu.value", case)


def test_script_knows_nan_and_infinity(write):
    case = Case(operation="relu", arrays=(np.float32([np.nan, np.inf]),), want=wanted([0.0, np.inf]))
    assert "answer[0]: nan, right is 0.0" in write("relu.value", case)


def test_script_of_many_numbers_has_their_bytes(write):
    x = np.linspace(-3, 3, 500, dtype=np.float32)
    said = write("relu.value", Case(operation="relu", arrays=(x,), want=wanted(np.maximum(x, 0) + (x > 2.9))))
    assert "answer[491]: 2.9" in said
    assert "right is 3.9" in said


def test_script_of_half_precision_needs_ml_dtypes_and_says_so(run):
    suite, subject = load_suite(), load_subject("reference")
    import ml_dtypes

    x = np.array([1, -2], ml_dtypes.bfloat16)
    one = Failing(Case(operation="relu", arrays=(x,), want=wanted([1.0, 1.0])), TOLD_NOTHING, Finding(np.inf, "off"))
    text = script(suite, subject, "reference", "relu.value", one)
    assert "and ml_dtypes, since NumPy has no bfloat16" in text
    assert "answer[1]: 0.0, right is 1.0" in run(text)


def test_script_of_a_refusal_shows_what_was_accepted(write):
    case = Case(operation="relu", arrays=(np.float32([1.0]),))
    said = write("relu.value", case, refusal=True, message="accepted what it must refuse (nothing)")
    assert "accepted: [1.]" in said
    assert "accepted what it must refuse (nothing)" in said


def test_script_of_a_stepper_takes_every_step(write):
    params, grads = {"w": np.float32([1.0])}, [{"w": np.float32([1.0])}, {"w": np.float32([2.0])}]
    want = [{"w": wanted([0.5])}, {"w": wanted([0.0])}]
    attributes = {"learning_rate": 0.5}
    case = Case(
        operation="gradient_descent", what="trajectory", arrays=(params,), grads=grads, attributes=attributes, want=want
    )
    assert "answer[1]['w'][0]: -0.5, right is 0.0" in write("gradient-descent.trajectory", case)


def test_layouts_and_closed_loops_are_left_to_the_suite(write):
    with pytest.raises(HarnessError, match="how arrays lie in memory; nnspec check"):
        write("relu.value", Case(operation="relu", arrays=(np.float32([1]),), layout="sliced"))
    with pytest.raises(HarnessError, match="follow the steps"):
        write("gradient-descent.trajectory", Case(operation="gradient_descent", what="trajectory", grads=lambda p: p))


def test_what_is_right_is_no_case(capsys):
    assert cli.main(["reproduce", "numpy_oracle", "relu.value"]) == 1
    assert "there is nothing to reproduce" in capsys.readouterr().out


def test_unknown_names_are_refused_with_what_is_near(capsys):
    assert cli.main(["reproduce", "numpy_oracle", "relu.values"]) == 2
    assert "relu.value" in capsys.readouterr().err
    assert cli.main(["reproduce", "torhc", "relu.value"]) == 2
    assert "torch" in capsys.readouterr().err


def test_real_case_of_a_framework_is_found_and_shown(run, tmp_path):
    pytest.importorskip("torch")
    out = tmp_path / "case.py"
    words = ["reproduce", "torch", "duty.nan[gelu]", "--given", "form=tanh", "--out", str(out)]
    assert cli.main(words) == 0
    assert "nan, right is 0.0" in run(out.read_text(encoding="utf-8"))


def test_gradients_of_a_framework_go_through_its_own_vjp(run):
    pytest.importorskip("torch")
    suite, subject = load_suite(), load_subject("torch")
    x = np.float32([1.0, -1.0])
    case = Case(
        operation="relu", what="gradient", arrays=(x,), cotangents=np.float32([2, 2]), want=(wanted([2.0, 1.0]),)
    )
    text = script(suite, subject, "torch", "relu.value", Failing(case, TOLD_NOTHING, Finding(np.inf)))
    assert "answer[1]: 0.0, right is 1.0" in run(text)


def test_operation_without_arrays_is_called_by_keywords_alone(write):
    attributes = {"layer": "dense", "in_features": 2, "out_features": 3}
    attributes |= dict.fromkeys(("rnn_biases", "lstm_biases", "gru_biases"), "one")
    case = Case(operation="parameter_count", attributes=attributes, want=wanted(10))
    assert "answer[]: 9.0, right is 10.0" in write("parameter-count.dense", case)


def test_gradients_of_a_table_are_told_by_name(run):
    suite, subject = load_suite(), load_subject("reference")
    table = {"kernel_0": np.float32([[1, 2]]), "bias_0": np.float32([0, 0])}
    right = (wanted([[3.0]]), {"kernel_0": wanted([[2.0, 2.0]]), "bias_0": wanted([1.0, 7.0])})
    case = Case(
        operation="mlp", what="gradient", arrays=(np.float32([[2.0]]), table), cotangents=np.float32([[1, 1]]),
        attributes={"activation": "relu"}, want=right,
    )  # fmt: skip
    text = script(suite, subject, "reference", "mlp.value", Failing(case, TOLD_NOTHING, Finding(np.inf)))
    assert run(text).splitlines() == ["answer[1]['bias_0'][1]: 1.0, right is 7.0"]


def test_place_is_the_one_that_is_furthest_off_by_what_is_allowed(write):
    want = Want(np.float64([0, 2, 100]), np.float64([0, 0.1, 200]), np.zeros(3), "float32", "value")
    said = write("relu.value", Case(operation="relu", arrays=(np.float32([-1, 3, 4]),), want=want))
    assert said.splitlines()[1:] == ["answer[1]: 3.0, right is 2.0"]


def test_infinity_is_taken_where_a_result_rounds_past_the_largest_number(write):
    want = Want(np.float64([3.4e38, 1]), np.float64([1e37, 0]), np.zeros(2), "float32", "value")
    said = write("relu.value", Case(operation="relu", arrays=(np.float32([np.inf, 2]),), want=want))
    assert said.splitlines()[1:] == ["answer[1]: 2.0, right is 1.0"]


def test_form_alone_is_compared_in_the_script(write):
    x = np.float32([1, 2])
    assert "answer: float32 of shape (2,), right is float32 of shape (3,)" in write(
        "relu.value", Case(operation="relu", arrays=(x,), want=Shape((3,), "float32"))
    )
    assert "right is float16 of shape any" in write(
        "relu.value", Case(operation="relu", arrays=(x,), want=Shape(None, "float16"))
    )


def test_case_that_reports_state_comes_first_then_the_smallest_in_float32():
    sizes = [("float64", 1, 2.0), ("float32", 9, 3.0), ("float32", 3, 2.0), ("float64", 5, 3.0)]
    found = [
        Failing(Case(operation="relu", arrays=(np.ones(n, d),)), TOLD_NOTHING, Finding(ratio)) for d, n, ratio in sizes
    ]
    places = {id(one): place for place, one in enumerate(found)}
    assert [places[id(one)] for one in reproduce.in_order(found)] == [1, 2, 0, 3]


def test_next_case_is_written_where_the_first_has_no_script():
    suite, subject = load_suite(), load_subject("numpy_oracle")
    x = np.float32([1.0, 2.0])
    cases = [Case(operation="relu", arrays=(x,), layout="sliced"), Case(operation="relu", arrays=(x[:1],), want=None)]
    found = [Failing(case, TOLD_NOTHING, Finding(ratio)) for case, ratio in zip(cases, (9.0, 2.0), strict=True)]
    assert reproduce.written(load_suite(), load_subject("reference"), "reference", "relu.value", found)[1] is found[1]
    with pytest.raises(HarnessError, match="how arrays lie in memory"):
        reproduce.written(suite, subject, "numpy_oracle", "relu.value", found[:1])


def test_cases_of_one_test_dtype_and_reading_are_asked_for():
    found = [
        Failing(Case(operation="relu", arrays=(np.ones(1, dtype),)), Setting({"form": form}, {}), Finding(2.0), test)
        for dtype, test, form in [("float32", "a", "tanh"), ("float64", "a", "exact"), ("float64", "a", "tanh")]
    ]
    assert reproduce.among(found) == found
    assert reproduce.among(found, "b") == []
    assert reproduce.among(found, "a", "float64") == found[1:]
    assert reproduce.among(found, "a", "float64", ["form=tanh"]) == found[2:]


def test_numbers_that_a_test_makes_of_answers_are_told_apart_from_those_of_an_answer():
    subject = load_subject("numpy_oracle")
    trial = reproduce.Watched(subject, "relu", TOLD_NOTHING, "test_it")
    answer = trial.call(np.float32([1.0, -1.0]))
    trial.expect(answer, wanted([1.0, 5.0]), "the answer")
    trial.call(np.float32([1.0, -1.0]))
    trial.expect(answer + 1, wanted([1.0, 5.0]), "what is made of it")
    assert [one.derived for one in trial.failing] == [False, True]


def test_definitions_of_two_modules_of_one_name_stay_apart(tmp_path):
    (tmp_path / "shared.py").write_text("import math\n\ndef part(x):\n    return math.sqrt(x)\n", encoding="utf-8")
    (tmp_path / "topic.py").write_text(
        "from nnspec_conformance.adapters import shared\n\n"
        "def part(x):\n    return shared.part(x) + 1\n\n\ndef whole(x: float) -> float:\n    return part(x)\n",
        encoding="utf-8",
    )
    base = "nnspec_conformance.adapters"
    files = {f"{base}.{path.stem}": path for path in tmp_path.glob("*.py")}
    inliner = Inliner(files.get, lambda _: None)
    assert inliner.add(f"{base}.topic", "whole") == "whole"
    assert Inliner(files.get, lambda _: None, ["whole"]).add(f"{base}.topic", "whole") == "topic_whole"
    names: dict = {}
    exec(inliner.text(), names)
    assert names["whole"](9.0) == 4.0


def test_module_that_is_imported_and_set_up_by_its_parts_keeps_its_name(tmp_path):
    path = tmp_path / "topic.py"
    lines = ["import json", "import json.decoder", "import json.encoder", "", "json.decoder.LENGTH = 3"]
    lines += ["", "", "def written(x):"]
    lines += ["    return json.encoder.JSONEncoder().encode(json.decoder.scanstring(x, 1)[0])"]
    path.write_text("\n".join(lines), encoding="utf-8")
    inliner = Inliner({"nnspec_conformance.adapters.topic": path}.get, lambda _: None)
    inliner.add("nnspec_conformance.adapters.topic", "written")
    text = inliner.text()
    assert text.splitlines()[:3] == ["import json", "import json.decoder", "import json.encoder"]
    names: dict = {}
    exec(text, names)
    assert names["written"]('"a"') == '"a"'


def test_what_a_compiler_makes_of_an_operation_is_left_to_the_suite(capsys):
    pytest.importorskip("torch")
    instance = "activation.limits[gelu]"
    assert cli.main(["reproduce", "torch_compiled", instance]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].endswith(f"nnspec check torch_compiled '{instance}' shows it")
    case = Case(operation="gelu", arrays=(np.float32([1]),))
    with pytest.raises(HarnessError, match="not what a compiler makes of it"):
        script(
            load_suite(), load_subject("torch_compiled"), "torch_compiled", instance,
            Failing(case, TOLD_NOTHING, Finding(np.inf)),
        )  # fmt: skip


def test_argument_hides_no_definition_of_another_module(tmp_path):
    (tmp_path / "shared.py").write_text("def part(x):\n    return x + 1\n", encoding="utf-8")
    (tmp_path / "topic.py").write_text(
        "from nnspec_conformance.adapters import shared\n\n"
        "def first(x):\n    return shared.part(x)\n\n\ndef second(part):\n    return shared.part(part)\n",
        encoding="utf-8",
    )
    base = "nnspec_conformance.adapters"
    files = {f"{base}.{path.stem}": path for path in tmp_path.glob("*.py")}
    for asked in (["first", "second"], ["second", "first"]):
        inliner = Inliner(files.get, lambda _: None)
        called = [inliner.add(f"{base}.topic", name) for name in asked]
        names: dict = {}
        exec(inliner.text(), names)
        assert [names[name](1) for name in called] == [2, 2]


def test_integer_of_numpy_among_parameters_stays_an_array(write):
    grads = [{"c": np.float32(1.0)}]
    case = Case(
        operation="gradient_descent",
        arrays=({"c": np.int32(2)},),
        attributes={"learning_rate": 0.5},
        what="trajectory",
        grads=grads,
    )
    assert "no attribute" not in write("optimizer.integer-parameters[gradient_descent]", case, refusal=True)


@pytest.mark.parametrize(("call", "place"), [("second", 1), ("none of these", 2)])
def test_case_that_the_published_report_states_comes_first(call, place):
    case = Case(operation="relu", arrays=(np.float32([1]),))
    found = [
        Failing(case, TOLD_NOTHING, Finding(ratio, "off", call=text), "test")
        for ratio, text in [(np.inf, "first"), (5.0, "second"), (np.inf, "third")]
    ]
    found[0].finding.ratio = 2.0
    entries = [{"test": "another", "worst": {"call": "third"}}, {"test": "test", "worst": {"call": call}}]
    assert reproduce_case.stated(found, entries) is found[place]


def test_long_arrays_are_asked_at_a_few_entries_with_the_worst_among_them():
    subject = load_subject("numpy_oracle")
    x = np.linspace(-1, 1, 5_000, dtype=np.float32)
    right = np.maximum(x, 0).astype(np.float64)
    right[3_001] = 9.0
    want = Want(right, np.full(x.shape, 1e-3), np.zeros(x.shape), "float32", "ulp")
    case = Case(operation="relu", arrays=(x,), want=want)
    finding = case.judge(case.ask(subject, {}), {})
    few = reproduce_case.shortened(subject, Failing(case, TOLD_NOTHING, finding))
    assert few is not None
    assert few.case.arrays[0].size <= reproduce_case.KEPT
    assert few.finding.expected == "9"


def test_operation_along_a_whole_slice_is_asked_no_part_of_it():
    subject = load_subject("numpy_oracle")
    x = np.linspace(-1, 1, 5_000, dtype=np.float32)
    right = np.zeros(x.shape)
    case = Case(operation="softmax", arrays=(x,), attributes={"axis": -1}, want=wanted(right))
    finding = case.judge(case.ask(subject, {}), {})
    assert finding.ratio > 1
    assert reproduce_case.shortened(subject, Failing(case, TOLD_NOTHING, finding)) is None
