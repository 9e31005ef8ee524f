"""The benchmarks: what is timed is the same function, costs are what the formulas say, results fit their schema.

No test looks at how long anything takes.
"""

import importlib.resources
import json
import re
import subprocess
import sys

import jsonschema
import numpy as np
import pytest

from nnspec_conformance import cli, results
from nnspec_conformance.benchmarks import command, core, machine, peers, processes, sets
from nnspec_conformance.benchmarks.components import activations, layers
from nnspec_conformance.benchmarks.components.activations import BOTH, COSTS, FORWARD, ROW
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.results import read_benchmark, read_json

COMMITTED = sorted(path.parent for path in results.COMMITTED.glob("benchmarks/*/machine.json"))
SCHEMA = json.loads(
    importlib.resources.files("nnspec_conformance.benchmarks").joinpath("benchmark.schema.json").read_text()
)


def main(arguments):
    """``nnspec bench`` with these arguments."""
    return cli.main(["bench", *arguments])


def programs(name, direction, size=4 * ROW):
    return activations.builder(name, size, direction)(machine.find_device("cpu"))


def test_every_set_has_its_chart_on_a_page():
    pages = [path.read_text(encoding="utf-8") for path in own_spec().root.rglob("*.md")]
    shown = {name for page in pages for name in re.findall(r"^/// benchmark \| (\w+)$", page, re.MULTILINE)}
    assert set(sets.discover()) - shown == set()


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


def test_peers_of_an_optimizer_take_the_same_steps():
    import optax

    torch = pytest.importorskip("torch")

    start, slope = np.array([1.0, -2.0], np.float32), np.array([0.5, 0.25], np.float32)
    leaf = torch.from_numpy(start.copy()).requires_grad_()

    def backward():
        leaf.grad = torch.from_numpy(slope.copy())
        return torch.tensor(0.0)

    device = machine.find_device("cpu")
    ours = peers.optimizer_step(
        optax.sgd(0.1, momentum=0.9), lambda w, g: (0.0, {"w": g}), {"w": start}, slope, device=device
    )
    theirs = peers.torch_optimizer_step(torch.optim.SGD([leaf], lr=0.1, momentum=0.9), backward, "cpu")
    for step in range(1, 4):
        (weights, _, _), ((found,), _, _) = ours.call(), theirs.call()
        np.testing.assert_allclose(np.asarray(weights["w"]), found.numpy(), rtol=1e-6)
        moved = sum((1 - 0.9**k) / (1 - 0.9) for k in range(1, step + 1))
        np.testing.assert_allclose(found.numpy(), start - 0.1 * moved * slope, rtol=1e-5)


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
            "versions": {"jax": f"0.{seconds}", f"peer of {name}": "1"},
            "ceilings": {"copy_bytes_per_s": copy, "matmul_flop_per_s": 1.0},
            "workloads": [entry | {"nnspec": {"seconds": seconds}}],
        }

    found = command.merged(report("relu", 2, 4.0), report("gelu", 1, 2.0))
    assert [(w["name"], w["nnspec"]["share_of_copy"]) for w in found["workloads"]] == [("relu", 1.0), ("gelu", 2.0)]
    assert found["workloads"][0]["date"] == "2026-01-02"
    assert found["versions"] == {"jax": "0.1", "peer of relu": "1", "peer of gelu": "1"}


# How it is measured


def test_variants_alternate_in_another_order_each_round_and_each_slot_starts_untimed(monkeypatch):
    seen = []
    monkeypatch.setattr(core, "GAP", 0.0)
    monkeypatch.setattr(core, "LEAST", 0.0)
    core.interleave({name: lambda name=name: seen.append(name) for name in "abc"}, rounds=8)
    rounds = ["".join(seen[9 + 6 * i : 15 + 6 * i]) for i in range(8)]  # three calls to size a slot, then two a slot
    assert "".join(seen[:9]) == "aaabbbccc"
    assert all(
        sorted(slots[::2]) == sorted(slots[1::2]) == list("abc") and slots[::2] == slots[1::2] for slots in rounds
    )
    assert len(set(rounds)) > 2


def test_interleave_gives_medians(monkeypatch):
    clock = iter([0, 1, 1, 2, 10, 13, 20, 21, 30, 130])  # sizing; slots of 3, 1 and 100 seconds
    monkeypatch.setattr(core.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(core.time, "sleep", lambda seconds: None)
    assert core.interleave({"only": lambda: None}, rounds=3) == {"only": 3}


def entry(size, runs, *, name="relu", peer=None, operations=1):
    """One workload's entry of one process or several."""
    return {
        "set": "activations",
        "name": name,
        "pass": FORWARD,
        "size": size,
        "operations": operations,
        "nnspec": {"seconds": float(np.median(runs)), "runs": list(runs)},
        "peers": {} if peer is None else {"torch": {"seconds": peer, "runs": [peer]}},
        "ratio": {} if peer is None else {"torch": runs[0] / peer},
        "notes": f"of {runs[0]}",
    }


def test_the_median_process_counts_and_what_each_said_is_kept():
    runs = [[entry(1024, [seconds], peer=2.0)] for seconds in (16.0, 7.0, 7.5)]
    (found,) = processes.gathered(runs)
    assert found["nnspec"] == {"seconds": 7.5, "runs": [16.0, 7.0, 7.5]}
    assert found["peers"]["torch"]["runs"] == [2.0, 2.0, 2.0]
    assert found["ratio"] == {"torch": 3.75}
    assert found["notes"] == "of 7.5"


def test_a_smaller_size_that_takes_longer_is_impossible():
    wrong, slower = entry(1024, [16.0, 15.9, 16.1]), entry(16384, [7.4, 7.4, 9.0])
    assert list(processes.impossible([wrong, slower])) == [("activations", "relu", FORWARD)]
    assert processes.impossible([wrong, entry(16384, [7.4, 7.4, 17.0])]) == {}  # the spread allows it
    assert processes.impossible([wrong, entry(16384, [7.4], name="gelu")]) == {}
    assert processes.impossible([entry(1024, [16.0], operations=0), entry(16384, [7.4], operations=0)]) == {}
    assert "by torch" in processes.impossible([entry(1, [1], peer=3.0), entry(2, [2], peer=1.0)]).popitem()[1]


def test_an_impossible_timing_is_left_out_named_and_exits_2(monkeypatch, tmp_path, capsys):
    keys = [sets.key(w) for w in sets.select(["relu", "gelu"], quick=False) if w.direction == FORWARD]

    def run(keys, device, *, quick, number):
        made = []
        for _, name, _, size in keys:
            seconds = 2e-5 if (name, size) == ("relu", 1024) else 1e-6 + 1e-9 * size
            program = {"compile_seconds": 1.0, "peak_bytes": 1, "instructions": {}}
            cost = {"dtype": "float32", "least_bytes": 8}
            made.append(entry(size, [seconds], name=name) | cost)
            made[-1]["nnspec"] |= program
        about = {"name": "box", "device": "cpu", "processor": "P", "cores": 2, "platform": "L"}
        return {
            "machine": about,
            "versions": {},
            "ceilings": {"copy_bytes_per_s": 1.0, "matmul_flop_per_s": 1.0},
            "workloads": made,
        }

    monkeypatch.setattr(processes, "elsewhere", lambda function, **arguments: run(**arguments))
    monkeypatch.setattr(sets, "select", lambda only, quick, every=sets.select: [
        w for w in every(only, quick=quick) if sets.key(w) in keys
    ])  # fmt: skip
    path = tmp_path / "r.json"
    assert main(["--only", "relu", "--only", "gelu", "--out", str(path)]) == 2
    report = json.loads(path.read_text())
    jsonschema.validate(report, SCHEMA)
    assert {w["name"] for w in report["workloads"]} == {"gelu"}
    assert [len(w["nnspec"]["runs"]) for w in report["workloads"]] == [processes.PROCESSES] * 5
    assert capsys.readouterr().err.splitlines() == [
        "nnspec: refused, as a smaller size takes longer: relu, forward, by nnspec: 20.0 µs for 1024 elements, "
        "at most 17.4 µs for 16384; measure it again"
    ]


def test_a_run_in_a_process_of_its_own_comes_back():
    assert processes.elsewhere(pow, 2, 5) == 32


def test_no_work_has_no_ratio(monkeypatch):
    monkeypatch.setattr(core, "interleave", lambda calls, **_: dict.fromkeys(calls, 1.0))
    found = {
        name: core.measure(next(w for w in sets.select([name], quick=True)), machine.find_device("cpu"), rounds=1)
        for name in ("identity", "relu")
    }
    assert found["identity"]["ratio"] == {}
    assert found["relu"]["ratio"]["jax.nn"] == 1.0


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
        processes.note(entry)
        == "instructions of the compiled programs: nnspec 0 tanh, 9 divide; jax.nn 1 tanh, 0 divide"
    )
    assert processes.note(entry | {"ratio": {"jax.nn": 0.9}}) is None


# Results


def test_a_run_fits_the_schema(tmp_path, capsys):
    path = tmp_path / "r.json"
    assert main(["--quick", "--only", "relu", "--out", str(path)]) == 0
    report = json.loads(path.read_text())
    jsonschema.validate(report, SCHEMA)
    assert {(w["name"], w["pass"]) for w in report["workloads"]} == {("relu", FORWARD), ("relu", BOTH)}
    assert "relu" in capsys.readouterr().out


def test_a_run_by_topic_is_read_as_one_file(tmp_path):
    report = read_benchmark(COMMITTED[-1])
    for name in ("r.json", "r"):
        results.write_benchmark(report, tmp_path / name, sets.pages())
        assert read_benchmark(tmp_path / name) == report
    assert sorted(p.stem for p in tmp_path.glob("r/components/*.json")) == ["activations", "layers"]


@pytest.mark.parametrize("path", COMMITTED, ids=[path.stem for path in COMMITTED])
def test_committed_results_are_not_quick_and_of_known_workloads_in_order(path):
    report = read_benchmark(path)
    for file in path.rglob("*.json"):
        jsonschema.validate(read_json(file), SCHEMA)
    assert (report["machine"]["name"], report["quick"]) == (path.stem, False)
    measured = [sets.key_of(entry) for entry in report["workloads"]]
    assert measured == [key for key in map(sets.key, sets.select(None, quick=False)) if key in measured]
    assert all(not entry["ratio"] for entry in report["workloads"] if not entry["operations"])


def test_sets_are_found_by_their_folders():
    assert {"activations", "layers"} <= set(sets.discover())


def test_entries_come_in_the_order_of_the_sets_and_the_unknown_last():
    keys = [sets.key(workload) for workload in sets.select(["relu", "dense"], quick=False)]
    entries = {k: {"key": k} for k in [("gone", "gone", FORWARD, 1), *reversed(keys)]}
    assert [entry["key"] for entry in sets.ordered(entries)] == [*keys, ("gone", "gone", FORWARD, 1)]


def test_two_sets_of_one_name_are_refused(monkeypatch):
    monkeypatch.setattr(layers, "SET", "activations")
    with pytest.raises(ValueError, match="the set 'activations' exists already"):
        sets.discover()


def test_a_cpu_is_committed():
    assert any(read_benchmark(path)["machine"]["device"] == "cpu" for path in COMMITTED)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "abacus"], "unknown device 'abacus'; use one of cpu, gpu, tpu"),
        (["--device", "tpu"], "JAX finds no tpu here; run on a machine that has one, with a jaxlib built for it"),
        (["--merge"], "--merge needs --out with a report that exists; leave it out for a new one"),
        (["--only", "relo"], "unknown workload 'relo'; known: "),
        (["--out", "/dev/null/r.json"], "/dev/null/r.json: /dev/null is not a folder that can be written; choose"),
        (["--out", "/dev/null/r"], "/dev/null/r/machine.json: /dev/null is not a folder that can be written; choose"),
    ],
)
def test_bad_input_is_one_line_and_exits_2(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"nnspec: {message}")
    assert error.count("\n") == 1


def test_importing_benchmarks_imports_no_framework():
    light = (
        "import sys; from nnspec_conformance.benchmarks import sets; sets.select(None, quick=False); "
        "print({'jax', 'torch', 'nnspec'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
