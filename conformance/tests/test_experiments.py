"""The experiments: their statistics, their verdicts, the command, and that the short form repeats what is committed."""

import dataclasses
import importlib.resources
import json
import subprocess
import sys

import jsonschema
import numpy as np
import pytest

from nnspec_conformance.clauses import load_spec
from nnspec_conformance.experiments import Effect, Finding, command, core, main, statistics
from nnspec_conformance.experiments.components.activations import (
    affine_collapse,
    first_layer_gradient,
    relu_cost,
    sigmoid_binary,
    tanh_zero_centred,
    xor,
)
from nnspec_conformance.results import load_experiments

KNOWN = core.discover()
COMMITTED = load_experiments()
SCHEMA = json.loads(
    importlib.resources.files("nnspec_conformance.experiments").joinpath("experiment.schema.json").read_text()
)


# Results


@pytest.mark.parametrize("id", sorted(KNOWN))
def test_short_form_repeats_the_committed_outcome(id):
    text = core.block(load_spec(), id)
    result = core.run(KNOWN[id], text, slow=False)
    jsonschema.validate(result, SCHEMA)
    assert (result["outcome"], result["when"]) == (COMMITTED[id]["outcome"], COMMITTED[id]["when"])


@pytest.mark.parametrize("id", sorted(KNOWN))
def test_committed_result_is_full_valid_and_of_this_text(id):
    jsonschema.validate(COMMITTED[id], SCHEMA)
    assert COMMITTED[id]["form"] == "full"
    assert COMMITTED[id]["text_hash"] == core.block(load_spec(), id).text_hash


def test_every_block_has_an_experiment_and_every_experiment_a_block():
    assert set(load_spec().experiments) == set(KNOWN)


# Statistics


def test_mean_interval_is_students():
    mean, low, high = statistics.mean_interval([1.0, 2.0, 3.0])
    assert (mean, high - mean) == (
        2.0,
        pytest.approx(4.302653 / np.sqrt(3), rel=1e-6),
    )  # t(2 degrees, 0.975) = 4.302653
    assert mean - low == pytest.approx(high - mean)


def test_mean_interval_covers_as_often_as_it_says():
    samples = np.random.default_rng(0).normal(5.0, 2.0, (4_000, 6))
    intervals = [statistics.mean_interval(sample) for sample in samples]
    covered = np.mean([low <= 5.0 <= high for _, low, high in intervals])
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 4_000))


def test_geometric_interval_of_decades():
    mean, low, high = statistics.geometric_interval([1e-3, 1e-2, 1e-1])
    assert mean == pytest.approx(1e-2)
    assert low * high == pytest.approx(1e-4)


@pytest.mark.parametrize(("successes", "low", "high"), [(0, 0.0, 1 - 0.025 ** (1 / 20)), (20, 0.025 ** (1 / 20), 1.0)])
def test_proportion_interval_at_its_ends(successes, low, high):
    assert statistics.proportion_interval(successes, 20) == pytest.approx((successes / 20, low, high))


def test_proportion_interval_never_covers_less_than_it_says():
    from scipy import stats

    inside = [
        k
        for k in range(21)
        if statistics.proportion_interval(k, 20)[1] <= 0.3 <= statistics.proportion_interval(k, 20)[2]
    ]
    assert stats.binom.pmf(inside, 20, 0.3).sum() >= 0.95


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (statistics.mean_interval, ([1.0],), "at least two values, got 1"),
        (statistics.geometric_interval, ([1.0, 0.0],), "needs positive values, got 0"),
        (statistics.proportion_interval, (3, 2), "got 3 of 2"),
        (statistics.proportion_interval, (0, 0), "got 0 of 0"),
    ],
)
def test_statistics_refuse(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


# Verdicts: what each rule says of numbers that speak against the hypothesis, and of some that speak for a condition

HE, RELU, SIGMOID = first_layer_gradient.HE, "relu", "sigmoid"
FIRST = {
    (RELU, HE): 0.7,
    (SIGMOID, HE): 7e-16,
    (RELU, 1.0): 3e-5,
    (SIGMOID, first_layer_gradient.CRITICAL_SIGMOID): 0.1,
}
SOLVED = {"identity-8": 0, "tanh-8": 20, "relu-8": 20, "tanh-2": 20, "relu-2": 20}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (affine_collapse.judge(0.5, 1e-29, 0.5), "holds"),
        (affine_collapse.judge(1.5, 1e-29, 0.5), "does not hold"),
        (affine_collapse.judge(0.5, 1e-29, 1e-29), "does not hold"),
        (xor.judge(14, 3, 3, SOLVED, 20)[0], "holds"),
        (xor.judge(14, 3, 3, SOLVED | {"relu-2": 4}, 20)[0], "holds when"),
        (xor.judge(14, 3, 4, SOLVED, 20)[0], "does not hold"),
        (xor.judge(16, 4, 3, SOLVED, 20)[0], "does not hold"),
        (xor.judge(14, 3, 3, dict.fromkeys(SOLVED, 0), 20)[0], "does not hold"),
        (first_layer_gradient.judge(FIRST)[0], "holds when"),
        (first_layer_gradient.judge(FIRST | {(RELU, 1.0): 0.7, (SIGMOID, 103.0): 1e-9})[0], "holds"),
        (first_layer_gradient.judge(FIRST | {(SIGMOID, HE): 0.7})[0], "does not hold"),
        (sigmoid_binary.judge(3.0, 0.1, 0.05)[0], "holds when"),
        (sigmoid_binary.judge(3.0, 0.0, 0.05)[0], "holds"),
        (sigmoid_binary.judge(30.0, 0.1, 0.05)[0], "does not hold"),
        (tanh_zero_centred.judge(200.0, 20.0)[0], "holds when"),
        (tanh_zero_centred.judge(200.0, 1.0)[0], "holds"),
        (tanh_zero_centred.judge(0.9, 20.0)[0], "does not hold"),
        (relu_cost.judge(2.5, 1.1)[0], "holds when"),
        (relu_cost.judge(2.5, 1.7)[0], "holds"),
        (relu_cost.judge(1.1, 1.7)[0], "does not hold"),
    ],
)
def test_rule(outcome, expected):
    assert outcome == expected


def test_bound_of_the_collapse_catches_a_wrong_map(monkeypatch):
    monkeypatch.setattr(affine_collapse, "EXAMPLES", 500)
    assert affine_collapse._one_seed(0)[0] < 1e-2
    monkeypatch.setattr(affine_collapse, "gamma", lambda n: 1e-14 * n * affine_collapse.UNIT)
    assert affine_collapse._one_seed(0)[0] > 1


# Theory: the predictions against closed forms


def test_one_relu_layer_leaves_what_its_moments_say():
    # variance 1/2 - 1/(2 pi), of which the linear part has 1/4
    assert affine_collapse.unexplained_share(8, 1) == pytest.approx(1 - 0.25 / (0.5 - 0.5 / np.pi), rel=1e-6)


def test_mean_field_of_relu_is_constant_with_he_and_halves_with_half_of_it():
    assert first_layer_gradient.mean_field("relu", 2.0) == pytest.approx(np.full(30, np.sqrt(0.5)))
    assert first_layer_gradient.mean_field("relu", 1.0)[0] == pytest.approx(2.0**-15)


def test_moments_of_the_hidden_units():
    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-(z**2) / 2)
    density /= density.sum()
    for name, function in {"tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}.items():
        mean = density @ function(z)
        assert tanh_zero_centred.MOMENTS[name] == pytest.approx((mean, density @ (function(z) - mean) ** 2), abs=1e-6)


def test_fourteen_of_sixteen_labelings_are_affine():
    separable = [labels for labels in np.ndindex(2, 2, 2, 2) if xor.separation(labels)]
    assert len(separable) == 14
    assert (0, 1, 1, 0) not in separable
    assert (1, 0, 0, 1) not in separable


def test_posterior_of_equal_covariances_is_affine():
    x = np.random.default_rng(0).normal(size=(5, 2))
    assert sigmoid_binary.Classes(1.0).log_odds(x) == pytest.approx(x @ [4 / 3, 1 / 3] - 0.5)


def test_floor_of_unequal_covariances_is_the_minimum():
    from scipy.optimize import minimize

    classes = sigmoid_binary.Classes(4.0)
    best = minimize(lambda w: sigmoid_binary.divergence(classes, lambda x: x @ w[:2] + w[2]), np.zeros(3))
    assert best.fun == pytest.approx(sigmoid_binary.FLOOR, abs=1e-4)


# The command


@pytest.fixture
def toy(monkeypatch):
    """One experiment of our own whose outcome the test sets."""
    spec = load_spec()
    text = dataclasses.replace(next(iter(spec.experiments.values())), id="toy", seeds=7)
    spec.experiments["toy"] = text
    committed = {}

    def put(outcome, when=None, recorded=None):
        def run(seeds):
            if outcome is None:
                raise RuntimeError("no\nluck")
            return Finding(outcome, Effect("size", 0.5, (0.25, np.inf)), [{"seeds": seeds}], when)

        monkeypatch.setattr(core, "discover", lambda: {"toy": core.Registered("toy", run, 2)})
        if recorded:
            committed["toy"] = {"outcome": recorded, "when": None, "date": "2026-01-01", "text_hash": text.text_hash}

    monkeypatch.setattr(command, "load_spec", lambda: spec)
    monkeypatch.setattr(command, "load_experiments", lambda: committed)
    return put


def test_a_wrong_hypothesis_is_reported(toy, capsys):
    toy("does not hold")
    assert main(["toy"]) == 0
    assert "  does not hold  (short form" in capsys.readouterr().out


def test_an_outcome_that_contradicts_the_committed_one_exits_1(toy, capsys):
    toy("does not hold", recorded="holds")
    assert main([]) == 1
    assert "CONTRADICTS the committed outcome of 2026-01-01: holds" in capsys.readouterr().out


def test_out_writes_valid_json_with_the_seeds_of_the_block(toy, tmp_path):
    toy("holds when", "it rains", recorded="holds when")
    assert main(["--slow", "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "toy.json").read_text())
    jsonschema.validate(result, SCHEMA)
    assert (result["form"], result["seeds"], result["rows"]) == ("full", 7, [{"seeds": 7}])
    assert result["effect"]["interval"] == [0.25, "inf"]


def test_an_experiment_that_breaks_is_one_line_and_exits_2(toy, capsys):
    toy(None)
    assert main(["toy"]) == 2
    assert capsys.readouterr().err == "nnspec experiments: toy broke: RuntimeError: no luck\n"


def test_an_unknown_id_is_one_line_and_exits_2(capsys):
    assert main(["xor-needs"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("nnspec experiments: unknown experiment 'xor-needs'; known: affine-collapse, ")
    assert error.count("\n") == 1


def test_list_marks_a_stale_result(toy, capsys):
    toy("holds", recorded="holds")
    command.load_experiments()["toy"]["text_hash"] = "old"
    assert main(["--list"]) == 0
    assert "holds, stale: the text has changed since" in capsys.readouterr().out


def test_a_condition_belongs_to_holds_when_alone():
    with pytest.raises(ValueError, match="only 'holds when' has a condition"):
        Finding("holds", Effect("size", 1.0, (0.0, 2.0)), [], "it rains")
    with pytest.raises(ValueError, match="none of"):
        Finding("perhaps", Effect("size", 1.0, (0.0, 2.0)), [])


def test_discovery_imports_no_framework():
    discover = "from nnspec_conformance.experiments import core; core.discover()"
    light = f"import sys; {discover}; print({{'jax', 'torch', 'nnspec'}} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, check=True).stdout.strip()
        == "set()"
    )
