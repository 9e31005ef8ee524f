"""Tests of components/neurons: the neuron and the perceptron."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, gradient, refusal, steps
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import normal_draws, wide
from nnspec_conformance.oracles.components import neurons as oracle
from nnspec_conformance.suite.components._long_sums import near_one, told_apart
from nnspec_conformance.tolerance import Shape, Want, bound, exact, spread
from nnspec_conformance.trial import Trial

LEADING = [(), (5,), (2, 5), (2, 4, 5), (2, 1, 4, 5)]
IDENTITY = {"activation": "identity"}


def arrays(dtype: str = "float32", leading: tuple[int, ...] = (5,), features: int = 3) -> tuple[np.ndarray, ...]:
    """x, weights and bias; no entry zero, no two alike."""
    x, weights = normal_draws(40, (*leading, features), dtype), normal_draws(41, (features,), dtype)
    return x, weights, np.asarray(0.75, DTYPES[dtype])


# ---- the neuron


@clause("neuron.shape")
def test_shape() -> Iterator[Case]:
    for leading in LEADING:
        given = arrays(leading=leading)
        yield call("neuron", *given, **IDENTITY, want=Shape(leading), note="a unit axis")


def weighted_sum(x: np.ndarray, weights: np.ndarray, bias: np.ndarray, *, activation: str) -> Want:
    """The rounding bound of the sum of the products and the bias; of another activation see ``activated``."""
    if activation != "identity":
        return activated(x, weights, bias, activation=activation)
    dtype, (x, weights, bias) = str(x.dtype), wide((x, weights, bias))
    value = np.einsum("...i,i->...", x, weights) + bias
    return bound(value, np.abs(x) @ np.abs(weights) + np.abs(bias), x.shape[-1] + 1, dtype)


def activated(*arrays: np.ndarray, activation: str) -> Want:
    """8 times what the result moves when every operand is rounded at random, plus an ulp."""
    given, dtype = wide(arrays), str(arrays[0].dtype)
    return spread(lambda rounded: oracle.neuron(*given, activation=activation, rounded=rounded), dtype)


def neuron_gradients(*arrays_and_cotangents: np.ndarray, activation: str) -> tuple[Want, ...]:
    given, dtype = wide(arrays_and_cotangents), str(arrays_and_cotangents[0].dtype)
    return spread(lambda rounded: oracle.neuron_vjp(*given, activation=activation, rounded=rounded), dtype)


@clause("neuron.value")
def test_value() -> Iterator[Case]:
    for dtype, features in [*((dtype, 3) for dtype in DTYPES), ("float32", 300)]:
        yield call("neuron", *arrays(dtype, features=features), **IDENTITY, want=weighted_sum, note="forgotten bias")


@clause("neuron.activation")
def test_activation() -> Iterator[Case]:
    for name in oracle.ACTIVATIONS:
        yield call("neuron", *arrays(), activation=name, want=activated, note=f"not {name}")


@clause("neuron.half-plane")
def test_half_plane() -> Iterator[Case]:
    """Small integers, exact in every dtype: the line 3 x + 4 y = 10, its direction (-4, 3), its normal (3, 4)."""
    weights, bias = np.array([3.0, 4.0]), np.asarray(-10.0)
    along, off = np.arange(-3, 4)[:, None, None], np.arange(-2, 3)[None, :, None]
    x = np.array([2.0, 1.0]) + along * np.array([-4.0, 3.0]) + off * weights
    for dtype in DTYPES:
        given = tuple(a.astype(DTYPES[dtype]) for a in (x, weights, bias))
        want = exact(np.broadcast_to(25.0 * off[..., 0], x.shape[:-1]), dtype)
        yield call("neuron", *given, **IDENTITY, want=want, note="the bias as a threshold")


@clause("neuron.gradient")
def test_gradient() -> Iterator[Case]:
    for dtype, leading in [*((dtype, (5,)) for dtype in DTYPES), ("float32", (2, 4))]:
        given, cotangents = arrays(dtype, leading), normal_draws(42, leading, dtype)
        note = "averages over the batch"
        yield gradient("neuron", *given, activation="tanh", cotangents=cotangents, want=neuron_gradients, note=note)


@clause("neuron.long-sums")
def test_long_sums(trial: Trial, lean: bool) -> None:
    def sums(dtype: str, n: int) -> Iterator[tuple]:
        slim, bias = (
            DTYPES[dtype].type(1 / 128),
            np.asarray(near_one(1, (1,), dtype)[0]),
        )  # a power of two: no sum comes to 65,504
        x, weights = near_one(2, (2, n), dtype), near_one(3, (n,), dtype) * slim
        yield trial.call(x, weights, bias, **IDENTITY), wide(x) @ wide(weights) + wide(bias), "a sum over the inputs"
        x, weights, g = near_one(4, (n, 2), dtype), near_one(5, (2,), dtype), near_one(6, (n,), dtype) * slim
        _, of_weights, of_bias = trial.vjp((x, weights, bias), g, **IDENTITY)
        yield of_weights, wide(g) @ wide(x), "the gradient of the weights, a sum over the examples"
        yield of_bias, wide(g).sum(), "the gradient of the bias, a sum over the examples"

    told_apart(trial, sums, 1, lean)  # the sum, and the sum with the bias


# ---- the perceptron


def start(features: int, weights: np.ndarray | float = 0.0, bias: float = 0.0) -> dict[str, np.ndarray]:
    return {
        "weights": np.zeros(features, np.float32) + np.asarray(weights, np.float32),
        "bias": np.asarray(bias, np.float32),
    }


def examples(points: np.ndarray, labels: np.ndarray) -> list[dict[str, np.ndarray]]:
    return [
        {"x": np.asarray(x, np.float32), "label": np.asarray(y, np.float32)}
        for x, y in zip(points, labels, strict=True)
    ]


def exact_steps(params: dict, seen: list[dict]) -> Case:
    """The parameters after every step; small integers and quarters, so that every sum is exact."""
    step = oracle.perceptron({k: v.astype(np.float64) for k, v in params.items()})
    path = [step({k: v.astype(np.float64) for k, v in example.items()}) for example in seen]
    want = [{name: exact(value) for name, value in now.items()} for now in path]
    return steps("perceptron", params, grads=seen, want=want)


def mistakes(trial, points: np.ndarray, labels: np.ndarray, passes: int) -> tuple[list[int], dict]:
    """Updates in each pass from a start at zero, and the last parameters."""
    seen, params = examples(points, labels) * passes, start(points.shape[1])
    path = trial.trajectory(params, seen)
    before = [params, *path[:-1]]
    changed = [any((a[k] != b[k]).any() for k in a) for a, b in zip(before, path, strict=True)]
    return [sum(one) for one in np.reshape(changed, (passes, -1)).tolist()], path[-1]


def simplex(size: int) -> np.ndarray:
    """The corners of a regular simplex, inner products -1: a Hadamard matrix less its first column."""
    rows = np.ones((1, 1))
    while len(rows) < size:
        rows = np.block([[rows, rows], [rows, -rows]])
    return rows[:, 1:]


def separable(
    seed: int, count: int = 24, features: int = 5, margin: float = 0.25
) -> tuple[np.ndarray, np.ndarray, float]:
    """Points, their labels by a random plane, and the bound on the mistakes."""
    draws = np.random.default_rng(seed)
    u = draws.standard_normal(features + 1)
    u /= np.linalg.norm(u)
    z = np.append(draws.standard_normal((20 * count, features)), np.ones((20 * count, 1)), axis=1)
    z = z[np.abs(z @ u) >= margin][:count].astype(np.float32).astype(np.float64)
    labels = np.sign(z @ u)
    return z[:, :-1], labels, float((z**2).sum(1).max() / np.min(labels * (z @ u)) ** 2)


@clause("perceptron.update")
def test_update() -> Iterator[Case]:
    points = np.array([[1, 2, -3], [2, -1, 0.5], [-3, 0.25, 4], [1, 1, 1], [-0.5, 2, -2], [4, -3, 1], [2, 2, -1]])
    labels = np.array([-1, 1, 1, -1, 1, -1, 1])
    yield exact_steps(
        start(3, np.array([0.5, -0.25, 1.0]), 0.75), examples(np.tile(points, (2, 1)), np.tile(labels, 2))
    )


@clause("perceptron.correct-example")
def test_correct_example() -> Iterator[Case]:
    params = start(3, np.array([1.0, -2.0, 0.5]), 0.25)
    points = np.array([[1, 0, 0], [0, 1, 0], [0.25, 0.25, 0.125], [0, 0.125, -0.125]])  # scores 1.25 to -0.0625
    yield exact_steps(params, examples(points, np.sign(points @ params["weights"] + params["bias"])))


@clause("perceptron.zero-score")
def test_zero_score() -> Iterator[Case]:
    for label in (1, -1):
        yield exact_steps(start(3), examples(np.array([[1.0, -2.0, 0.5]]), np.array([label])))
    yield exact_steps(start(3, np.array([1.0, 2.0, 0.0]), -4.0), examples(np.array([[2.0, 1.0, 3.0]]), np.array([1])))


@clause("perceptron.mistake-bound")
def test_mistake_bound(trial) -> None:
    for size in (4, 8):
        labels = np.where(np.arange(size) % 3 == 1, -1.0, 1.0)
        made, _ = mistakes(trial, simplex(size), labels, 2)
        trial.require(
            made == [size, 0], f"{made} mistakes by pass on a simplex of {size} corners, expected [{size}, 0]"
        )
    for seed in range(3):
        points, labels, most = separable(seed)
        made, _ = mistakes(trial, points, labels, 8)
        trial.require(sum(made) <= most, f"{sum(made)} mistakes, at most {most:.1f} are possible")


@clause("perceptron.converges")
def test_converges(trial) -> None:
    corner = np.array([[1.0, 1.0], [2.0, 1.0], [4.0, 3.0], [3.0, 5.0]])  # no line through the origin separates these
    sets = [(corner, np.array([-1.0, -1.0, 1.0, 1.0])), *(separable(seed)[:2] for seed in range(2))]
    for points, labels in sets:
        made, last = mistakes(trial, points, labels, 24)
        right = labels * (points @ last["weights"].astype(np.float64) + last["bias"]) > 0
        trial.require(made[-1] == 0, f"still {made[-1]} mistakes in pass 24 on separable points")
        trial.require(bool(right.all()), f"{(~right).sum()} of {len(right)} points on the wrong side at the end")


@clause("perceptron.xor")
def test_xor(trial) -> None:
    points, labels = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]), np.array([-1, 1, 1, -1])
    made, last = mistakes(trial, points, labels, 12)
    trial.require(min(made) > 0, f"mistakes by pass {made}: one without, though no plane separates the points")
    _, cycle = mistakes(trial, points, labels, 6)
    same = all((last[k] == cycle[k]).all() for k in cycle)
    trial.require(same, f"weights {last['weights']} after 12 passes, {cycle['weights']} after 6: they do not go round")


@clause("perceptron.labels")
def test_labels() -> Iterator[ErrorCase]:
    point = np.array([[1.0, -2.0, 0.5]])
    right = examples(point, np.array([1]))
    for label in (0, 2):
        wrong = examples(point, np.array([label]))
        yield refusal("perceptron", start(3), grads=wrong, valid=right, note=f"label {label}")
