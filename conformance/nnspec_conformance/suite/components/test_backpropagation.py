"""Tests of components/backpropagation: the gradients of a network's loss, and of the gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nnspec_conformance.cases import Case, ErrorCase, call, clause, refusal
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.inputs import network, normal_draws, wide
from nnspec_conformance.oracles.components import backpropagation as oracle
from nnspec_conformance.tolerance import Want, exact, spread
from nnspec_conformance.trees import mapped
from nnspec_conformance.wanted import value_of

WIDTHS = (3, 7, 5, 2)  # no two alike: a transposed or skipped kernel does not fit
SHALLOW = (3, 7, 2)  # for another dtype or activation: a program of three layers takes a third more to compile
gradients = value_of(oracle.backpropagation)
SQUARED = {"activation": "tanh", "loss": "half_squared_error"}
ENTROPY = {"activation": "tanh", "loss": "softmax_cross_entropy"}


def arrays(dtype: str = "float32", widths: tuple[int, ...] = WIDTHS, loss: str = "half_squared_error") -> tuple:
    """x, labels and weights; labels are numbers, or probabilities of which one is large."""
    x, weights = network(widths, dtype, seed=83)
    labels = normal_draws(82, (len(x), widths[-1]), "float64")  # so that probabilities sum to 1 in every dtype
    if loss == "softmax_cross_entropy":
        labels = np.exp(labels) / np.exp(labels).sum(-1, keepdims=True)
    return x, labels.astype(DTYPES[dtype]), weights


# ---- the gradients


@clause("backpropagation.example")
def test_example() -> Iterator[Case]:
    for dtype in ("bfloat16", "float32"):  # every number is one of the narrowest dtype, and so of all
        x, label = (np.array([v], DTYPES[dtype]) for v in (oracle.EXAMPLE_X, oracle.EXAMPLE_LABEL))
        weights = {name: np.array(w, DTYPES[dtype]) for name, w in oracle.EXAMPLE_WEIGHTS.items()}
        want = {name: exact(np.array(g), dtype) for name, g in oracle.EXAMPLE_GRADIENTS.items()}
        yield call("backpropagation", x, label, weights, **SQUARED | {"activation": "relu"}, want=want)


@clause("backpropagation.gradient")
def test_gradient() -> Iterator[Case]:
    for dtype in DTYPES:
        asked = SQUARED if dtype in ("float32", "float16") else ENTROPY
        note, widths = "averages over the batch", WIDTHS if dtype == "float32" else SHALLOW
        yield call("backpropagation", *arrays(dtype, widths, asked["loss"]), **asked, want=gradients, note=note)
    for activation, loss in (("relu", oracle.LOSSES[0]), ("sigmoid", oracle.LOSSES[1]), ("identity", oracle.LOSSES[0])):
        given, note = {"activation": activation, "loss": loss}, "a slope of another activation"
        yield call("backpropagation", *arrays("float32", SHALLOW, loss), **given, want=gradients, note=note)


@clause("backpropagation.depth")
def test_depth() -> Iterator[Case]:
    for widths in ((3, 2), (3, 5, 2), WIDTHS):
        yield call("backpropagation", *arrays(widths=widths), **SQUARED, want=gradients, note="forgets a layer")
    x, labels, weights = arrays(widths=(2,) * 13)  # of equal widths none is missed by its shape, and any order fits
    shuffled = {name: weights[name] for name in sorted(weights)}
    yield call("backpropagation", x, labels, shuffled, **SQUARED, want=gradients, note="kernel_10 before kernel_2")


@clause("backpropagation.per-example")
def test_per_example(trial) -> None:
    x, labels, weights = arrays()
    alone = [trial.call(x[i : i + 1], labels[i : i + 1], weights, **SQUARED) for i in range(len(x))]
    together = trial.call(x, labels, weights, **SQUARED)
    for name, want in gradients(x, labels, weights, **SQUARED).items():
        total = np.sum([wide(one[name]) for one in alone], 0)
        both_rounded = Want(total, 2 * want.allowed, want.flushed, want.dtype, "twice the spread of the gradient")
        trial.expect(together[name], both_rounded, f"{name} against a loop")


@clause("backpropagation.descent")
def test_descent(trial) -> None:
    for asked in (SQUARED, ENTROPY):
        with trial.part(**asked):
            x, labels, weights = arrays(loss=asked["loss"])
            right = gradients(x, labels, weights, **asked)
            g = wide(trial.call(x, labels, weights, **asked))
            downhill = {name: -v for name, v in g.items()}
            slope = loss_along(wide(x), wide(labels), wide(weights), downhill, **asked)
            square = sum(float((v * v).sum()) for v in g.values())
            # slope is -(right gradient) g, so both differ by (g - right) g
            allowed = sum(float((right[name].allowed * np.abs(v)).sum()) for name, v in g.items())
            want = Want(np.asarray(-square), np.asarray(allowed), np.asarray(0.0), "float32", "carried bound")
            trial.expect(np.asarray(slope), want, "the slope along -g against -|g|^2")


def loss_along(x: np.ndarray, labels: np.ndarray, weights: dict, direction: dict, **asked: str) -> float:
    """The slope of the loss along a direction of the weights, by the complex step."""
    moved = {name: w + oracle.STEP * 1j * direction[name] for name, w in weights.items()}
    return float(np.imag(oracle.loss_of(x, labels, moved, **asked)) / oracle.STEP)


@clause("backpropagation.large-logits")
def test_large_logits() -> Iterator[Case]:
    x, labels = np.ones((2, 1), np.float32), np.array([[0, 1, 0], [0, 0, 1]], np.float32)
    weights = {"kernel_0": np.array([[-1e4, 1e4, 0.5]], np.float32), "bias_0": np.array([0.5, -1, 2], np.float32)}
    p = np.array([0.0, 1.0, 0.0])  # also in float64: e^-9999 is 0
    g = p - labels
    want = {"kernel_0": exact((x.T @ g), "float32"), "bias_0": exact(g.sum(0), "float32")}
    yield call("backpropagation", x, labels, weights, **ENTROPY, want=want, note="the logarithm of a rounded softmax")


@clause("backpropagation.dead-unit")
def test_dead_unit(trial) -> None:
    x, labels, weights = arrays()
    off = {4: "below 0", 2: "exactly 0"}
    weights["bias_0"][list(off)] = -50, 0
    weights["kernel_0"][:, 2] = 0
    g = trial.call(x, labels, weights, **SQUARED | {"activation": "relu"})
    for unit, where in off.items():
        parts = g["bias_0"][unit], g["kernel_0"][:, unit], g["kernel_1"][unit]
        for name, part in zip(("the bias", "the weights that enter", "those that leave"), parts, strict=True):
            trial.expect(part, exact(np.zeros(part.shape)), f"a unit whose sum is {where}: {name}")
    alive = np.delete(g["kernel_0"], list(off), axis=1)
    trial.require(bool((alive != 0).any(0).any()), "no unit of the layer has a gradient")


# ---- the gradients of the gradients


def second_order(*operands: object, **asked: str) -> tuple:
    """What the gradient of sum(cotangents * backpropagation) is for data, labels and weights."""
    given = wide(operands)

    def run(rounded: Callable) -> tuple:
        return oracle.backpropagation_vjp(*mapped(rounded, given), **asked, rounded=rounded)

    return spread(run, str(operands[0].dtype))  # pyright: ignore[reportAttributeAccessIssue]


@clause("backpropagation.second-order")
def test_second_order(trial) -> None:
    for dtype, asked in (("float32", SQUARED), ("float64", ENTROPY), ("float32", ENTROPY | {"activation": "sigmoid"})):
        with trial.part(dtype=dtype, **asked):
            primals = arrays(dtype, WIDTHS if asked == SQUARED else SHALLOW, asked["loss"])
            directions = {name: normal_draws(90 + i, w.shape, dtype) for i, (name, w) in enumerate(primals[2].items())}
            dx, _, dweights = trial.vjp(primals, directions, **asked)  # labels are data: nothing is said about theirs
            want_x, _, want = second_order(*primals, directions, **asked)
            trial.expect(dx, want_x, "for the data")
            for name, one in want.items():
                trial.expect(dweights[name], one, f"for {name}")


# ---- refusals


@clause("backpropagation.unknown-loss")
def test_unknown_loss() -> Iterator[ErrorCase]:
    valid = {"loss": "half_squared_error"}
    asked = {"activation": "tanh", "loss": "hinged"}
    yield refusal("backpropagation", *arrays(), **asked, valid=valid, note="no loss of that name")
