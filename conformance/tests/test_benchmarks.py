"""The benchmarks: what is timed is the same function, costs are what the formulas say, results fit their schema.

No test looks at how long anything takes.
"""

import importlib.resources
import json
import subprocess
import sys

import jsonschema
import numpy as np
import pytest

from nnspec_conformance import results
from nnspec_conformance.benchmarks import command, core, machine, main
from nnspec_conformance.benchmarks.components import activations, layers
from nnspec_conformance.benchmarks.components.activations import BOTH, COSTS, FORWARD, ROW
from nnspec_conformance.results import read_json

COMMITTED = sorted((results.COMMITTED / "benchmarks").glob("*.json"))
SCHEMA = json.loads(
    importlib.resources.files("nnspec_conformance.benchmarks").joinpath("benchmark.schema.json").read_text()
)


def programs(name, direction, size=4 * ROW):
    return activations.builder(name, size, direction)(machine.find_device("cpu"))


# What is timed


@pytest.mark.parametrize("name", COSTS)
def test_peers_compute_the_same_function_and_gradient(name):
    results = {variant: program.call() for variant, program in programs(name, BOTH).items()}
    ours = results.pop("nnspec")
    assert "jax.nn" in results
    for theirs in results.values():
        for got, expected in zip(theirs, ours, strict=True):
            np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=2e-5, atol=2e-6)


def test_forward_is_the_value_alone():
    (y, _), forward = programs("silu", BOTH)["nnspec"].call(), programs("silu", FORWARD)["nnspec"].call()
    np.testing.assert_allclose(np.asarray(forward), np.asarray(y), rtol=1e-6)


def test_inputs_reach_both_tails():
    x, g = activations.inputs(2**14)
    assert x.min() < -6 < 6 < x.max()
    assert x.dtype == g.dtype == np.float32


# What it costs


@pytest.mark.parametrize(
    ("name", "direction", "operations"),
    [
        ("identity", BOTH, 0),
        ("relu", FORWARD, 1024),
        ("relu", BOTH, 2 * 1024),
        ("sigmoid", FORWARD, 4 * 1024),
        ("softmax", FORWARD, 5 * 1024 - 2 * 4),  # 4 rows; a maximum or sum of m numbers takes m - 1
        ("log_softmax", BOTH, 9 * 1024 - 2 * 4),
    ],
)
def test_operations(name, direction, operations):
    assert COSTS[name].operations(1024, direction) == operations


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "hard_sigmoid", "softmax"])
def test_operations_are_those_of_the_textbook_formula(name):
    import jax
    import jax.numpy as jnp

    formula = {
        "relu": lambda x: jnp.maximum(x, 0),
        "leaky_relu": lambda x: jnp.maximum(x, 0.01 * x),
        "sigmoid": lambda x: 1 / (1 + jnp.exp(-x)),
        "hard_sigmoid": lambda x: jnp.maximum(jnp.minimum(x / 6 + 0.5, 1), 0),
        "softmax": lambda x: (e := jnp.exp(x - jnp.max(x, -1, keepdims=True))) / jnp.sum(e, -1, keepdims=True),
    }[name]
    rows = 4
    equations = jax.make_jaxpr(formula)(jnp.ones((rows, ROW))).eqns
    count = 0
    for equation in equations:
        if equation.primitive.name.startswith("reduce"):
            count += rows * (ROW - 1)
        elif equation.primitive.name not in ("broadcast_in_dim", "reshape", "stop_gradient"):
            count += rows * ROW
    assert COSTS[name].operations(rows * ROW, FORWARD) == count


@pytest.mark.parametrize(("direction", "streams"), [(FORWARD, 2), (BOTH, 4)])
def test_least_bytes_are_those_of_the_arrays(direction, streams):
    assert activations.least_bytes(2**20, direction) == streams * 4 * 2**20


def test_xla_counts_the_same_bytes_for_relu():
    import jax

    from nnspec.components.activations import relu

    x, _ = activations.inputs(2**14)
    analysis = jax.jit(relu).lower(x).compile().cost_analysis()
    assert analysis["bytes accessed"] == activations.least_bytes(2**14, FORWARD)


@pytest.mark.parametrize("direction", [layers.FORWARD, layers.BOTH])
def test_peers_of_a_dense_layer_compute_the_same(direction):
    results = {k: program.call() for k, program in layers.builder(8, direction)(machine.find_device("cpu")).items()}
    ours = results.pop("nnspec")
    assert "flax" in results
    for theirs in results.values():
        theirs, expected = (x if isinstance(x, tuple) else (x,) for x in (theirs, ours))
        for got, wanted in zip(theirs, expected, strict=True):
            np.testing.assert_allclose(np.asarray(got), np.asarray(wanted), rtol=2e-5, atol=2e-6)


def test_peers_of_a_training_step_take_the_same_steps():
    found = layers.builder(8, layers.STEP)(machine.find_device("cpu"))
    assert set(found) >= {"nnspec", "flax"}
    losses = {k: [float(program.call()[2]) for _ in range(3)] for k, program in found.items()}
    for values in losses.values():
        np.testing.assert_allclose(values, losses["nnspec"], rtol=1e-5)
    assert losses["nnspec"][0] > losses["nnspec"][2]


def test_operations_of_a_dense_layer_are_xlas():
    import jax

    from nnspec.components.layers import dense

    x, _, kernel, *_ = layers.draws(16)
    cost = jax.jit(dense).lower(x, kernel, x[0]).cost_analysis()
    assert abs(cost["flops"] - layers.operations(16, layers.FORWARD)) <= 16**2  # XLA counts a sum's first term


def test_a_merged_report_keeps_the_rest_and_takes_the_better_ceilings():
    def report(name, seconds, copy):
        entry = {"set": "activations", "name": name, "pass": FORWARD, "size": 1, "least_bytes": 8}
        return {
            "date": f"2026-01-0{seconds}",
            "quick": False,
            "ceilings": {"copy_bytes_per_s": copy, "matmul_flop_per_s": 1.0},
            "workloads": [entry | {"nnspec": {"seconds": seconds}}],
        }

    found = command.merged(report("relu", 2, 4.0), report("gelu", 1, 2.0))
    assert [(w["name"], w["nnspec"]["share_of_copy"]) for w in found["workloads"]] == [("relu", 1.0), ("gelu", 2.0)]
    assert found["workloads"][0]["date"] == "2026-01-02"


# How it is measured


def test_variants_alternate_and_each_slot_starts_untimed():
    seen = []
    calls = {name: lambda name=name: seen.append(name) for name in "ab"}
    core.GAP, gap = 0.0, core.GAP
    try:
        core.LEAST, least = 0.0, core.LEAST
        core.interleave(calls, rounds=2)
    finally:
        core.GAP, core.LEAST = gap, least
    assert "".join(seen) == "aaabbb" + "aabb" + "bbaa"  # three calls to size a slot, then two a slot, in turns


def test_interleave_gives_medians(monkeypatch):
    clock = iter([0, 1, 1, 2, 10, 13, 20, 21, 30, 130])  # sizing; slots of 3, 1 and 100 seconds
    monkeypatch.setattr(core.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(core.time, "sleep", lambda seconds: None)
    assert core.interleave({"only": lambda: None}, rounds=3) == {"only": 3}


def test_instructions_are_counted_in_the_programs_text():
    text = """
      %a = f32[4]{0} exponential(f32[4]{0} %x)
      %b.1 = (f32[4]{0}, f32[4]{0}) fusion(%a), kind=kLoop
      ROOT %d = f32[4]{0} divide(f32[4]{0} %a, %a)
      %e = f32[] exponential(%y)"""
    assert core.instructions(text) == {"exponential": 2, "divide": 1, "fusion": 1}


def test_note_names_what_differs():
    entry = {
        "ratio": {"jax.nn": 1.5},
        "nnspec": {"instructions": {"divide": 9, "fusion": 1}},
        "peers": {"jax.nn": {"instructions": {"tanh": 1, "fusion": 1}}},
    }
    assert (
        command.note(entry) == "instructions of the compiled programs: nnspec 0 tanh, 9 divide; jax.nn 1 tanh, 0 divide"
    )
    assert command.note(entry | {"ratio": {"jax.nn": 0.9}}) is None


# Results


def test_a_run_fits_the_schema(tmp_path, capsys):
    path = tmp_path / "r.json"
    assert main(["--quick", "--only", "relu", "--out", str(path)]) == 0
    report = json.loads(path.read_text())
    jsonschema.validate(report, SCHEMA)
    assert {(w["name"], w["pass"]) for w in report["workloads"]} == {("relu", FORWARD), ("relu", BOTH)}
    assert "relu" in capsys.readouterr().out


@pytest.mark.parametrize("path", COMMITTED, ids=[path.stem for path in COMMITTED])
def test_committed_results_are_complete_and_not_quick(path):
    report = read_json(path)
    jsonschema.validate(report, SCHEMA)
    assert (report["machine"]["name"], report["quick"]) == (path.stem, False)
    measured = [(w["set"], w["name"], w["pass"], w["size"]) for w in report["workloads"]]
    assert measured == [(w.set, w.name, w.direction, w.size) for w in command.select(None, quick=False)]


def test_a_cpu_is_committed():
    assert any(read_json(path)["machine"]["device"] == "cpu" for path in COMMITTED)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "abacus"], "unknown device 'abacus'; use one of cpu, gpu, tpu"),
        (["--device", "tpu"], "JAX finds no tpu here; run on a machine that has one, with a jaxlib built for it"),
        (["--merge"], "--merge needs --out with a report that exists; leave it out for a new one"),
        (["--only", "relo"], "unknown workload 'relo'; known: identity, relu, "),
        (["--out", "/no/such/folder/r.json"], "/no/such/folder/r.json: its folder does not exist; make it first"),
    ],
)
def test_bad_input_is_one_line_and_exits_2(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"nnspec bench: {message}")
    assert error.count("\n") == 1


def test_importing_benchmarks_imports_no_framework():
    light = "import sys; import nnspec_conformance.benchmarks; print({'jax', 'torch', 'nnspec'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, check=True).stdout.strip()
        == "set()"
    )
