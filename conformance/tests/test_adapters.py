"""The adapters that come with the suite: joined from topics, thin, honest about defaults, one backend a process."""

import importlib.util
import inspect
import json
import re
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

from nnspec_conformance import adapters
from nnspec_conformance.clauses import find_spec
from nnspec_conformance.engine import run_instance, validate
from nnspec_conformance.errors import NotImplementedBySubject, Refused
from nnspec_conformance.known_failures import instance_of, known_failures
from nnspec_conformance.loading import built_in, joined, load_subject
from nnspec_conformance.outcome import KNOWN, Entry
from nnspec_conformance.refusals import of_names
from nnspec_conformance.report import as_report, measured, read_report
from nnspec_conformance.results import results_dirs

importlib.import_module("multiprocessing.sharedctypes")  # not first where a test has another table of modules
NEEDS = {
    "torch": ["torch"],
    "torch_compiled": ["torch"],
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
    hidden = defaults_of_its_own(load_subject(name).adapter)
    assert not hidden, f"{hidden}: take **given instead, so that what the suite leaves out reaches the framework"


ADAPTERS = Path(adapters.__path__[0])


@pytest.mark.parametrize("name", built_in())
def test_a_report_names_the_packages_that_the_adapter_declares(name):
    text = (ADAPTERS / name / "__init__.py").read_text(encoding="utf-8")
    assert re.search(r"^PACKAGES = \(", text, re.MULTILINE), "without, its reports name whatever was imported"


def traced(subject):
    """A subject that is asked for shapes alone where it compiles, with what it raises then."""
    if hasattr(subject.adapter, "abstract"):
        jax = importlib.import_module("jax")
        subject.applied = lambda f, *arrays: jax.tree.map(
            lambda form: np.zeros(form.shape, form.dtype), jax.eval_shape(f, *arrays)
        )
    return subject


def refused_by(suite, subject):
    """Whose line each wrong name is refused by, as ``operation, what is wrong: file``."""
    for clause, operation in suite.instances.values():
        if clause.id != "duty.names" or not subject.has(operation):
            continue
        setting = subject.settings(suite.spec, clause, operation)[0]
        for case in of_names(operation, setting.readings):
            try:
                case.bad.ask(subject, setting.told)
            except Refused as error:
                line = traceback.extract_tb(error.original.__traceback__)[-1]
                yield f"{operation}, {case.note}", Path(line.filename)
            except NotImplementedBySubject:
                pass  # what cannot be handed on is not asked


LAYERS_OF_ITS_OWN = ADAPTERS / "reference" / "components" / "weight_layouts.py"  # no adapter, but the layers themselves
TABLED = [name for name in FRAMEWORKS if name != "torch_compiled"]  # which has the topics of torch


@pytest.mark.parametrize("name", TABLED)
def test_no_adapter_refuses_the_names_of_a_table_by_itself(suite, name):
    for package in NEEDS.get(name, []):
        needs(package)
    refused = list(refused_by(suite, traced(load_subject(name))))
    own = [f"{what}: {file}" for what, file in refused if ADAPTERS in file.parents and file != LAYERS_OF_ITS_OWN]
    assert len(refused) > 50
    assert not own, "hand the table on (adapters/tables.py); what cannot be told to the framework is not implemented"


@pytest.mark.parametrize("operation", ["gradient_descent", "adam"])
def test_what_pytorch_makes_of_a_missing_gradient_is_its_own(suite, operation):
    needs("torch")
    result = run_instance(suite, load_subject("torch"), f"optimizer.gradients-of-others[{operation}]")
    assert (result.outcome, result.message) == (KNOWN, "accepted what it must refuse (no gradient of 'b')")
    assert "left out, as the documentation" in result.reason


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


KNOWN_OF = """
import json, sys
from nnspec_conformance.loading import load_subject
known = load_subject(sys.argv[1]).known_failures
told = {key: value if isinstance(value, tuple) else (value, None) for key, value in known.items()}
elsewhere = {key for key, (reason, _) in told.items() if reason.startswith("not here: ")}
assert not (showing := [key for key in elsewhere if told[key][1]()]), f"it does here: {showing}"
print(json.dumps([(key, reason) for key, (reason, _) in told.items() if key not in elsewhere]))
"""
SAYS_RIGHT = re.compile(r"\bright (is|with)\b|is off by")
SAYS_IT_OTHERWISE = re.compile(r"\bright (are|to)\b|where .+ is right|are off by")  # in texts of two adapters


@pytest.mark.parametrize("name", [name for name in built_in() if name != "numpy_oracle"])
def test_a_known_failure_says_what_was_right_and_where_it_is_told(name):
    for package in NEEDS.get(name, []):
        needs(package)
    # Keras takes its backend when it is imported, so each is asked in a process of its own. What an adapter that this
    # one is built on says, and what does not hold here, is left out there.
    run = subprocess.run([sys.executable, "-c", KNOWN_OF, name], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for instance, reason in json.loads(run.stdout.splitlines()[-1]):
        told = SAYS_RIGHT.search(reason) or (name not in FRAMEWORKS and SAYS_IT_OTHERWISE.search(reason))
        assert told, f"{instance}: say what the right value is: {reason}"
        assert re.search(r"https://\S+", reason), f"{instance}: link the report, or the source if none was found"
        searched = re.search(r"searched \d{4}-\d\d-\d\d, not found", reason)
        assert "/issues/" in reason or "/pull/" in reason or searched, f"{instance}: say when it was searched: {reason}"


MOVING = re.compile(r"https?://\S+/(?:blob|tree|raw)/(?:main|master|dev|develop|HEAD|trunk)/\S*")


def test_no_link_leads_to_a_branch_that_moves():
    root = find_spec().parent
    places = [root / "spec", *(root / "conformance" / part for part in ("nnspec_conformance", "examples"))]
    files = [p for place in places for p in place.rglob("*") if p.suffix in (".py", ".md", ".toml")]
    found = [(p.name, link) for p in files for link in MOVING.findall(p.read_text(encoding="utf-8"))]
    assert len(files) > 500
    assert not found, "name the version that was measured, as in /blob/v2.13.0/"


def entries_of(suite, subject, instance, reports=()):
    """What an instance came to, as a report tells it, where one has it with the files as they are; asked otherwise."""
    page = suite.page_of(instance)
    told = (measured(suite, subject, page, report).get(instance) for report in reports)
    if record := next(filter(None, told), None):
        found = [Entry.from_record(data) for data in record["entries"]]
    else:
        found = run_instance(suite, subject, instance).entries
    return [entry for entry in found if entry.cases]


def wider_than_what_fails(suite, subject, reports=()):
    """What known failures claim and what holds: ``key: reading, dtype``; a key does not tell tests apart."""
    for instance in {instance_of(key) for key in subject.known_failures}:
        declared = known_failures(suite.spec, subject, instance)
        probed = any(isinstance(subject.known_failures[known.key], tuple) for known in declared)
        entries = entries_of(suite, subject, instance, () if probed else reports)  # a report is of its own machine
        failed = [(entry.readings, entry.dtype) for entry in entries if entry.failed]
        for known in declared:
            held = [entry for entry in entries if known.claims(entry) and (entry.readings, entry.dtype) not in failed]
            yield from (f"{known.key}: {entry.readings}, {entry.dtype}" for entry in held)


def test_a_known_failure_claims_no_more_than_what_fails(suite):
    needs("torch")
    reports = [read_report(path) for root in results_dirs() if (path := root / "subjects" / "torch").is_dir()]
    assert list(wider_than_what_fails(suite, load_subject("torch"), reports)) == []


def test_a_known_failure_that_claims_too_much_is_found(suite):
    needs("torch")
    subject = load_subject("torch")
    subject.known_failures = {"softplus.reflection; float32, float64": "right is something else; a link"}
    (found,) = wider_than_what_fails(suite, subject)
    assert found.endswith("float32")


def test_what_a_report_tells_is_what_was_asked(suite):
    needs("torch")
    subject, instance = load_subject("torch"), "activation.accuracy[gelu]"
    report = as_report(suite, subject, [run_instance(suite, subject, instance)])
    told, asked = (entries_of(suite, subject, instance, reports) for reports in ([report], []))
    assert [(e.readings, e.dtype, e.failed) for e in told] == [
        ({name: e.readings[name] for name in shown.readings}, e.dtype, e.failed)  # a report names those that are told
        for e, shown in zip(asked, told, strict=True)
    ]
    assert told


def test_keras_has_one_backend_a_process(monkeypatch):
    needs("keras")
    needs("torch")
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # which the second import changes, too late
    importlib.import_module("nnspec_conformance.adapters.keras_jax")
    with pytest.raises(ImportError, match="Keras already runs on jax in this process, not on torch"):
        importlib.import_module("nnspec_conformance.adapters.keras_torch")


def test_what_several_adapters_share_is_no_adapter():
    assert {"torch", "keras_jax"} <= set(built_in())
    assert not {"jax", "keras"} & set(built_in())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes packages as the built-in adapters are, and imports one."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("nnspec_conformance.loading.ADAPTERS", "trial")
    monkeypatch.setattr("nnspec_conformance.loading.built_in", lambda: ["mine"])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())

    def write(**files):
        for name, text in {"__init__": "", "mine.__init__": "NAME = 'mine'", "mine.components.__init__": ""}.items():
            files.setdefault(name, text)
        for name, text in files.items():
            path = tmp_path.joinpath("trial", *name.split(".")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return importlib.import_module("trial.mine")

    return write


def test_topic_modules_are_joined(package):
    adapter = joined(
        package(
            **{
                "mine.__init__": "NAME = 'mine'\nVARIANTS = {'a.b': 'c'}",
                "mine.transport": "def helper(f): return lambda x: f(x)",
                "mine.components.layers": (
                    "from trial.mine.transport import helper\nKNOWN_FAILURES = {'dense.value': 'r'}\n"
                    "dense = helper(abs)\nOTHER = {}\nclass Part: pass\ndef _own(x): return x"
                ),
                "mine.components.neurons": (
                    "from trial.mine.transport import helper\nVARIANTS = {'d.e': 'f'}\nneuron = helper(abs)\n"
                    "OTHER = {}\nclass Part: pass\ndef _own(x): return -x"
                ),
            }
        )
    )
    assert (adapter.NAME, adapter.dense(-1), adapter.neuron(-2)) == ("mine", 1, 2)
    assert (adapter.VARIANTS, adapter.KNOWN_FAILURES) == ({"a.b": "c", "d.e": "f"}, {"dense.value": "r"})
    assert not hasattr(adapter, "helper")


def test_shared_topics_stand_behind_its_own(package):
    adapter = joined(
        package(
            **{
                "mine.__init__": "NAME = 'mine'\nTOPICS = ('shared',)",
                "mine.components.layers": "DEFAULTS = {'a': 1}\ndef mlp(x): return 'mine'",
                "shared.__init__": "",
                "shared.components.__init__": "",
                "shared.components.layers": (
                    "DEFAULTS = {'a': 0, 'b': 0}\ndef mlp(x): return 'shared'\ndef dense(x): return 'shared'"
                ),
            }
        )
    )
    assert (adapter.mlp(0), adapter.dense(0), adapter.DEFAULTS) == ("mine", "shared", {"a": 1, "b": 0})


@pytest.mark.parametrize(
    ("declaration", "kind"),
    [
        ("def dense(x): return x", "operation 'dense'"),
        ("VARIANTS = {'a.b': 'c'}", "VARIANTS 'a.b'"),
        ("DEFAULTS = {'a.b': 1}", "DEFAULTS 'a.b'"),
        ("KNOWN_FAILURES = {'a.b': 'reason'}", "KNOWN_FAILURES 'a.b'"),
    ],
)
def test_what_two_topics_declare_is_refused(package, nnspec, declaration, kind):
    mine = package(**{"mine.components.layers": declaration, "mine.components.neurons": declaration})
    first, second = (f"{mine.__path__[0]}/components/{topic}.py" for topic in ("layers", "neurons"))
    ran = nnspec("check", "mine")
    assert (ran.status, ran.err) == (2, f"nnspec: {second}: {kind} is declared in {first} too; keep one\n")


def test_a_wrong_entry_is_told_with_the_line_of_its_topic(package, nnspec):
    mine = package(**{"mine.components.layers": "\nKNOWN_FAILURES = {'dense.value; float8': 'why; a link'}"})
    ran = nnspec("check", "mine")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert ran.err.startswith(
        f"nnspec: {mine.__path__[0]}/components/layers.py:2: KNOWN_FAILURES['dense.value; float8']"
    )
