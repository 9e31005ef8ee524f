"""The experiments: their statistics, their verdicts, the command, and that the short form repeats what is committed."""

import importlib.resources
import json
import tomllib
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from nnspec_conformance import intervals
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.experiments import core, record, statistics
from nnspec_conformance.experiments.components.activations import (
    affine_collapse,
    first_layer_gradient,
    relu_cost,
    sigmoid_binary,
    tanh_zero_centred,
    xor,
)
from nnspec_conformance.intervals import Interval
from nnspec_conformance.results import COMMITTED as RESULTS
from nnspec_conformance.results import by_topic, load_experiments, read_json

KNOWN = core.discover()
COMMITTED = load_experiments()
SCHEMA = json.loads(
    importlib.resources.files("nnspec_conformance.experiments").joinpath("experiment.schema.json").read_text()
)


# Results


@pytest.mark.parametrize("path", by_topic(RESULTS / "experiments").values(), ids=lambda path: path.stem)
def test_committed_file_is_valid(path):
    jsonschema.validate(read_json(path), SCHEMA)


@pytest.mark.parametrize("id", sorted(KNOWN))
def test_committed_result_is_full_and_of_this_text(id):
    assert COMMITTED[id]["page"] == core.block(own_spec(), id).page
    assert COMMITTED[id]["form"] == "full"
    assert COMMITTED[id]["text_hash"] == core.block(own_spec(), id).text_hash
    assert COMMITTED[id]["recorded"]["hash"] == core.block(own_spec(), id).prediction_hash


@pytest.mark.parametrize("id", sorted(KNOWN))
def test_the_prediction_stood_in_the_commit_that_the_result_names(id):
    text = core.block(own_spec(), id)
    if (stood := record.stood(text, COMMITTED[id]["recorded"]["commit"], own_spec())) is None:
        pytest.skip("no whole history of git here")
    assert stood, "a commit that was rebased away? record it again: nnspec experiments --slow --record " + id


@pytest.mark.parametrize("id", sorted(KNOWN))
def test_committed_outcome_follows_from_the_committed_numbers(id):
    text, result = core.block(own_spec(), id), COMMITTED[id]
    assert (result["outcome"], result.get("when")) == intervals.outcome(text.holds, text.unless, result["came"])
    assert result["prediction"] == ("met" if intervals.met(text.expect, result["came"]) else "missed")


@pytest.mark.parametrize(
    ("id", "outcome", "prediction"),
    [
        ("stored-activations", "holds", "missed"),  # the loop stores twice what was predicted
        ("hidden-features", "holds when", "missed"),
        ("bias-separates", "holds", "met"),
        ("first-layer-gradient", "holds when", "met"),
    ],
)
def test_a_claim_may_hold_while_its_prediction_is_missed(id, outcome, prediction):
    assert (COMMITTED[id]["outcome"], COMMITTED[id]["prediction"]) == (outcome, prediction)


def test_results_that_were_known_when_their_numbers_were_written_say_so():
    assert {id for id, result in COMMITTED.items() if result["recorded"]["known"] == "2026-11-23"} == {
        "affine-collapse", "bias-separates", "first-layer-gradient", "forward-products", "hidden-features",
        "perceptron-mistakes", "relu-cost", "sigmoid-binary", "stored-activations", "tanh-zero-centred",
        "xor-needs-non-linearity",
    }  # fmt: skip


def test_every_block_has_an_experiment_and_every_experiment_a_block():
    assert set(own_spec().experiments) == set(KNOWN)


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


# Verdicts: each claim turns where its effect is taken away, and its condition falls where nothing speaks for it

TURNS = [  # by topic: experiment, number, value, outcome; numbers and values where a refuted claim needs several
    tuple(turn)
    for path in sorted((Path(__file__).parent / "turns").rglob("*.toml"))
    for turn in tomllib.loads(path.read_text(encoding="utf-8"))["turns"]
]


@pytest.mark.parametrize(("id", "number", "value", "outcome"), TURNS)
def test_claim_turns_with_its_effect(id, number, value, outcome):
    text, came = core.block(own_spec(), id), COMMITTED[id]["came"]
    changed = dict(zip(number, value, strict=True)) if isinstance(number, list) else {number: value}
    assert changed.keys() <= came.keys()
    assert intervals.outcome(text.holds, text.unless, came)[0] != outcome
    assert intervals.outcome(text.holds, text.unless, came | changed)[0] == outcome


def test_every_experiment_is_turned_by_a_number():
    refuted = {id for id in KNOWN if COMMITTED[id]["outcome"] == "does not hold"}
    assert {id for id, _, _, outcome in TURNS if id in refuted or outcome == "does not hold"} == set(KNOWN)


@pytest.mark.parametrize(
    ("came", "outcome"),
    [
        ({"ratio": 0.5, "rival": 0.0}, ("holds", None)),
        ({"ratio": 0.5, "rival": 0.9}, ("holds when", "alone")),
        ({"ratio": 0.4, "rival": 0.9}, ("does not hold", None)),
        ({"ratio": "nan", "rival": 0.0}, ("does not hold", None)),
        ({"ratio": "inf", "rival": 0.0}, ("holds", None)),
    ],
)
def test_outcome_follows_from_the_intervals(came, outcome):
    holds, unless = {"ratio": Interval(0.45, np.inf)}, {"alone": {"rival": Interval(0.8, 1)}}
    assert intervals.outcome(holds, unless, came) == outcome


@pytest.mark.parametrize(
    ("given", "shown"),
    [([0.45, 0.55], "0.45 to 0.55"), ([0.5, np.inf], "at least 0.5"), ([-np.inf, 2], "at most 2"), (14, "14")],
)
def test_an_interval_in_words(given, shown):
    assert str(intervals.interval(given)) == shown


def test_bound_of_the_collapse_catches_a_wrong_map(monkeypatch):
    assert affine_collapse.one_seed(0, 64, 500)[0] < 1e-2
    monkeypatch.setattr(affine_collapse, "gamma", lambda n: 1e-14 * n * affine_collapse.UNIT)
    assert affine_collapse.one_seed(0, 64, 500)[0] > 1


# Theory: the predictions against closed forms


def test_one_relu_layer_leaves_what_its_moments_say():
    # variance 1/2 - 1/(2 pi), of which the linear part has 1/4
    assert affine_collapse.unexplained_share(8, 1) == pytest.approx(1 - 0.25 / (0.5 - 0.5 / np.pi), rel=1e-6)


def test_mean_field_of_relu_is_constant_with_he_and_halves_with_half_of_it():
    assert first_layer_gradient.mean_field("relu", 2.0, 30) == pytest.approx(np.full(30, np.sqrt(0.5)))
    assert first_layer_gradient.mean_field("relu", 1.0, 30)[0] == pytest.approx(2.0**-15)


def test_chi_of_sigmoid_is_below_a_sixteenth_of_the_variance_and_as_the_page_says():
    norms = first_layer_gradient.mean_field("sigmoid", 2.0, 60)
    chi = (norms[20] / norms[30]) ** (2 / 10)
    assert chi == pytest.approx(0.101, abs=5e-4)
    assert chi < 2 / 16


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


def test_excess_in_theory_is_the_number_of_parameters_where_the_model_is_true():
    floor, parameters = sigmoid_binary.in_theory(sigmoid_binary.Classes(1.0))
    assert floor == pytest.approx(0, abs=1e-12)
    assert parameters == pytest.approx(3)


def test_excess_in_theory_of_unequal_covariances_is_what_the_page_says():
    floor, parameters = sigmoid_binary.in_theory(sigmoid_binary.Classes(4.0))
    assert floor == pytest.approx(0.1356, abs=5e-5)
    assert parameters == pytest.approx(3.28, abs=5e-3)


def test_floor_of_unequal_covariances_is_the_minimum():
    from scipy.optimize import minimize

    classes = sigmoid_binary.Classes(4.0)
    best = minimize(lambda w: sigmoid_binary.divergence(classes, lambda x: x @ w[:2] + w[2]), np.zeros(3))
    assert best.fun == pytest.approx(sigmoid_binary.in_theory(classes)[0], abs=1e-7)


def test_cost_of_relu_is_read_where_its_times_are():
    def machine(of):
        sizes = (relu_cost.IN_CACHE, relu_cost.IN_MEMORY)
        return {"machine": {"device": "cpu"}, "workloads": [{"set": of, "size": size} for size in sizes]}

    others, own = machine("attention"), machine("activations")
    assert relu_cost.committed_cpu({"first": others, "second": own}) is own
    with pytest.raises(HarnessError, match="no full CPU run"):
        relu_cost.committed_cpu({"first": others})
