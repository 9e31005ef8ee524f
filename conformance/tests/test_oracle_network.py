"""The oracle of the networks: loops over places, differences of its gradients, its boxes, and the page's numbers."""

import itertools

import numpy as np
import pytest

from nnspec_conformance.derivatives import REAL_STEP
from nnspec_conformance.inputs import wide
from nnspec_conformance.oracles.architectures.convolutional import network as oracle
from nnspec_conformance.suite.architectures.convolutional import test_network as suite

ORDERS = ({"flatten_order": "hwc"}, {"flatten_order": "chw"})
ZEROS = ({"strided_zeros": "both"}, {"strided_zeros": "end"})
SETTINGS = [
    ("lenet", given | order)
    for order in ORDERS
    for given in (suite.SMOOTH["lenet"], suite.KINKED["lenet"], {"activation": "relu", "pooling": "average"})
] + [
    ("residual_network", given | zeros)
    for zeros in ZEROS
    for given in (suite.SMOOTH["residual_network"], suite.KINKED["residual_network"])
]


def place_by_place(x, kernel, bias, stride=1, before=None):
    """A convolution as the sum over what each window reads; zeros around, so that ceil(length / stride) places fit."""
    k, half = kernel.shape[0], (kernel.shape[0] - 1) // 2 if before is None else None
    rows, columns = (-(-n // stride) for n in x.shape[1:3])
    y = np.zeros((len(x), rows, columns, kernel.shape[-1])) + bias
    for i, j, a, c in itertools.product(range(rows), range(columns), range(k), range(k)):
        up, left = (half, half) if before is None else before
        p, q = i * stride - up + a, j * stride - left + c
        if 0 <= p < x.shape[1] and 0 <= q < x.shape[2]:
            y[:, i, j] += x[:, p, q] @ kernel[a, c]
    return y


def by_hand(operation, x, w, given):
    """Every value, written once more without the oracle's parts."""
    phi = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[given["activation"]]
    values = {}
    if operation == "lenet":
        best = {"average": np.mean, "max": np.max}[given["pooling"]]
        p = x
        for i in (0, 1):
            values[f"maps_{i}"] = m = phi(place_by_place(p, w[f"kernel_{i}"], w[f"bias_{i}"]))
            squares = np.zeros((len(x), m.shape[1] // 2, m.shape[2] // 2, m.shape[3]))
            for at in np.ndindex(squares.shape):
                b, r, c, n = at
                squares[at] = best(m[b, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2, n])
            values[f"pooled_{i}"] = p = squares
        b, H, W, C = p.shape
        features = np.zeros((b, H * W * C))
        for i, j, c in np.ndindex(H, W, C):
            at = (i * W + j) * C + c if given["flatten_order"] == "hwc" else (c * H + i) * W + j
            features[:, at] = p[:, i, j, c]
        values["features"] = features
        values["hidden"] = h = phi(features @ w["kernel_2"] + w["bias_2"])
        return values | {"output": h @ w["kernel_3"] + w["bias_3"]}
    before = tuple(1 if given["strided_zeros"] == "both" or n % 2 else 0 for n in x.shape[1:3])
    values["maps"] = a = phi(place_by_place(x, w["kernel_0"], w["bias_0"]))
    inner = phi(place_by_place(a, w["kernel_1"], w["bias_1"]))
    values["block_0"] = a = phi(place_by_place(inner, w["kernel_2"], w["bias_2"]) + a)
    inner = phi(place_by_place(a, w["kernel_3"], w["bias_3"], 2, before))
    short = a[:, ::2, ::2] @ w["shortcut_kernel"][0, 0] + w["shortcut_bias"]
    values["block_1"] = a = phi(place_by_place(inner, w["kernel_4"], w["bias_4"]) + short)
    values["pooled"] = a.reshape(len(a), -1, a.shape[-1]).mean(1)
    return values | {"output": values["pooled"] @ w["kernel_5"] + w["bias_5"]}


@pytest.mark.parametrize(("operation", "given"), SETTINGS)
def test_every_value_is_that_of_loops_over_places(operation, given):
    x, weights = suite.arrays(operation, "float64")

    found, right = getattr(oracle, operation)(x, weights, **given), by_hand(operation, x, weights, given)

    assert found.keys() == right.keys()
    for name, value in right.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-13, err_msg=name)


@pytest.mark.parametrize(("operation", "given"), SETTINGS)
def test_gradients_are_those_of_differences(operation, given):
    x, weights = suite.arrays(operation, "float64")
    f = getattr(oracle, operation)
    cotangents = wide(suite.cotangents_of(operation, (x, weights), given, {}))
    dx, table = getattr(oracle, f"{operation}_vjp")(x, weights, cotangents, **given)

    def total(x, weights):
        return sum(np.sum(c * v) for c, v in zip(cotangents.values(), f(x, weights, **given).values(), strict=True))

    draws = np.random.default_rng(0)
    for name, gradient in (table | {"x": dx}).items():
        direction = draws.standard_normal(gradient.shape)
        moved = []
        for step in (REAL_STEP, -REAL_STEP):
            if name == "x":
                moved.append(total(x + step * direction, weights))
            else:
                moved.append(total(x, weights | {name: weights[name] + step * direction}))
        difference = (moved[0] - moved[1]) / (2 * REAL_STEP)
        assert np.sum(gradient * direction) == pytest.approx(difference, rel=1e-6, abs=1e-7), name


@pytest.mark.parametrize("operation", ["lenet", "residual_network"])
def test_the_kinked_network_of_the_suite_is_far_from_every_kink(operation):
    x, weights = suite.arrays(operation)
    given = suite.KINKED[operation]
    if operation == "lenet":
        values, sums = oracle._lenet(*wide((x, weights)), **given, flatten_order="hwc", rounded=oracle.as_it_is)
        for i in (0, 1):
            fours = np.sort(
                oracle._in_fours(values[f"maps_{i}"]).swapaxes(2, 3).reshape(-1, 4, values[f"maps_{i}"].shape[-1]), 1
            )
            gaps = (fours[:, 3] - fours[:, 2])[fours[:, 3] > 0]
            assert gaps.min() > 1e-5
    else:
        _, sums, _ = oracle._residual_network(
            *wide((x, weights)), **given, strided_zeros="both", rounded=oracle.as_it_is
        )
    assert min(np.abs(z).min() for z in sums.values()) > 1e-5


def test_the_examples_of_the_page():
    (lenet, residual) = oracle.lenet_example(), oracle.residual_example()
    tables = {name: np.array(w, np.float64) for name, w in lenet.items()}
    values = oracle.lenet(np.array(oracle.LENET_X, float)[None, :, :, None], tables, activation="relu", pooling="max")
    for name, right in oracle.LENET_VALUES.items():
        np.testing.assert_array_equal(values[name], [right], err_msg=name)
    tables = {name: np.array(w, np.float64) for name, w in residual.items()}
    for zeros in ("both", "end"):
        x = np.array(oracle.RESIDUAL_X, float)[None, :, :, None]
        values = oracle.residual_network(x, tables, activation="relu", strided_zeros=zeros)
        for name, right in oracle.RESIDUAL_VALUES.items():
            wanted = right.items() if name == zeros else () if name in ("both", "end") else [(name, right)]
            for part, numbers in wanted:
                np.testing.assert_array_equal(values[part], [numbers], err_msg=part)


def test_the_head_of_the_page_by_hand():
    maps, kernel = np.array([oracle.EXAMPLE_MAPS], float), np.array(oracle.EXAMPLE_KERNEL, float)[:, None]
    by_place, by_channel = (oracle.flatten_features(maps, flatten_order=order) for order in ("hwc", "chw"))

    np.testing.assert_array_equal(by_place, [oracle.EXAMPLE_FLAT["hwc"]])
    np.testing.assert_array_equal(by_channel, [oracle.EXAMPLE_FLAT["chw"]])
    assert (by_place @ kernel).item() == 18
    assert (by_channel @ kernel).item() == 24
    other = oracle.reordered(kernel, (2, 2, 2), "hwc", "chw")
    assert other.ravel().tolist() == [1, 0, 0, 3, 0, 2, -1, 0]
    assert (by_channel @ other).item() == 18


@pytest.mark.parametrize("maps", [(2, 3, 4), (1, 5, 2), (3, 1, 1)])
def test_rows_for_the_other_order_give_equal_logits(maps):
    draws = np.random.default_rng(1)
    x, kernel = draws.standard_normal((2, *maps)), draws.standard_normal((int(np.prod(maps)), 3))
    for before, after in (("hwc", "chw"), ("chw", "hwc")):
        there = oracle.flatten_features(x, flatten_order=before) @ kernel
        here = oracle.flatten_features(x, flatten_order=after) @ oracle.reordered(kernel, maps, before, after)
        np.testing.assert_allclose(here, there, rtol=1e-12)


def test_boxes_of_places_in_the_middle_have_the_length_of_the_formula():
    layers = list(oracle.LENET.values())
    for depth in range(1, 5):
        size, jump = oracle.receptive_field(*zip(*((k, s) for k, s, _ in layers[:depth]), strict=True))
        first, last = oracle.seen(layers[:depth], 400, 30)
        assert last - first + 1 == size
        assert oracle.seen(layers[:depth], 400, 31)[0] - first == jump


def test_a_box_is_what_the_gradient_of_the_oracle_has():
    for operation, length in (("lenet", 20), ("residual_network", 16)):
        for zeros in ZEROS if operation == "residual_network" else ({},):
            made = wide(suite.arrays(operation, image=(1, length, length, 1), units=(1,) * len(suite.UNITS[operation])))
            given = suite.SMOOTH[operation] | zeros
            none = {name: 0 * v for name, v in getattr(oracle, operation)(*made, **given).items()}
            name = suite.SEEN[operation][-1]
            layers = oracle.LENET if operation == "lenet" else oracle.residual_layers(length, **zeros)
            for place in range(none[name].shape[1]):
                one = none[name].copy()
                one[0, place, 0, 0] = 1
                dx = getattr(oracle, f"{operation}_vjp")(*made, none | {name: one}, **given)[0]
                rows = np.flatnonzero(dx.any((0, 2, 3)))
                assert (rows.min(), rows.max()) == oracle.seen(list(layers.values()), length, place)
