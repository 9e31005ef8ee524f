"""Draws for declared operations: what no entry may be, where they must lie, and that they come again."""

import numpy as np
import pytest

from nnspec_conformance.draws import draw, draw_cotangents, draw_steps
from nnspec_conformance.dtypes import DTYPES

PAGE = """\
# Toys

/// operation | toy
    form: map
    arrays:
      x: "*batch in"
      kernel: "in out"
      shares: {axes: "*batch out", normalized: out}
      rate: {axes: in, range: "(0, 1)"}
      spread: {axes: in, range: "(0, inf)"}
      labels: {axes: "*batch", dtype: integer, range: "[0, out)"}
      sign: {axes: in, values: [-1, 1]}
      mask: {axes: "*batch in", dtype: boolean, optional: true}
    examples: [batch]
    result: {tuple: {y: "*batch out", count: {axes: "*batch", dtype: integer}}}

All kinds of arrays.
///

/// operation | deep
    form: map
    arrays: {x: "*batch n{0}", weights: {table: {"kernel_{l}": "n{l} n{l+1}", "bias_{l}": "n{l+1}"}}}
    indices: {l: layers}
    examples: [batch]
    result: {table: {"z_{l}": "*batch n{l+1}"}}

A network.
///

/// operation | descent
    form: stepper
    params: any

Steps.
///
"""


@pytest.fixture
def operations(spec_of):
    return spec_of(PAGE).operations


@pytest.fixture
def toy(operations):
    return operations["toy"], operations["toy"].lengths(batch=(6, 2), out=4)


SQUARE, CUBE = (3, 3), (3, 3, 3)  # what initializers take; one is for convolutions alone


def flat(tree):
    """Every entry of nested arrays."""
    if isinstance(tree, np.ndarray):
        return tree.astype(np.float64).ravel()
    return np.concatenate([flat(x) for x in (tree.values() if isinstance(tree, dict) else tree)])


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_entry_is_zero_and_no_two_are_alike(operations, dtype):
    operation = operations["deep"]
    entries = flat(draw(operation, operation.lengths(batch=(20,), n0=11, n1=12, n2=13), dtype))
    assert (np.unique(entries).size, np.count_nonzero(entries)) == (entries.size, entries.size)


def test_the_same_seed_gives_the_same_arrays_and_another_others(toy):
    first, again, other = (flat(draw(*toy, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 3, 4)])
def test_any_lengths_will_do(operations, batch):
    operation = operations["deep"]
    x, weights = draw(operation, operation.lengths(batch=batch, layers=1, n0=3, n1=1))
    assert (x.shape, {name: w.shape for name, w in weights.items()}) == (
        (*batch, 3),
        {"kernel_0": (3, 1), "bias_0": (1,)},
    )


def test_entries_lie_where_they_are_declared(toy):
    _, _, shares, rate, spread, labels, sign, mask = draw(*toy)
    assert np.allclose(shares.sum(-1), 1)
    assert ((rate > 0) & (rate < 1)).all()
    assert (spread > 0).all()
    assert sorted(set(labels.ravel())) == [0, 1, 2, 3]
    assert set(sign) <= {-1, 1}
    assert mask.any(-1).all()
    assert not mask.all()


def test_dtypes_are_the_declared_ones(toy):
    assert [str(x.dtype) for x in draw(*toy, "bfloat16")] == ["bfloat16"] * 5 + ["int64", "bfloat16", "bool"]


def test_an_optional_array_can_be_left_out(toy):
    assert len(draw(*toy, without=("mask",))) == 7


def test_parameters_keep_sums_of_products_at_size_one(operations):
    operation = operations["deep"]
    _, weights = draw(operation, operation.lengths(n0=400, n1=30), "float64")
    assert weights["kernel_0"].std() * 400**0.5 == pytest.approx(1, rel=0.05)


def test_data_have_the_scale_asked_for(operations):
    operation = operations["deep"]
    x, _ = draw(operation, operation.lengths(batch=(500,), n0=20), "float64", scale=16.0)
    assert x.std() == pytest.approx(16, rel=0.05)


def test_cotangents_have_the_results_form_and_are_zero_where_no_gradient_flows(toy, operations):
    y, count = draw_cotangents(*toy)
    assert (y.shape, count.shape, np.count_nonzero(count)) == ((6, 2, 4), (6, 2), 0)
    assert list(draw_cotangents(operations["deep"], operations["deep"].lengths())) == ["z_0", "z_1", "z_2"]


def test_a_stepper_is_handed_other_gradients_at_each_step(operations):
    operation = operations["descent"]
    lengths = operation.lengths()
    (params,), (first, second) = draw(operation, lengths), draw_steps(operation, lengths, 2)
    assert {name: p.shape for name, p in params.items()} == {name: g.shape for name, g in first.items()}
    assert np.intersect1d(flat(first), flat(second)).size == 0


def test_an_argument_of_unstated_length_is_not_drawn(spec_of):
    page = PAGE.replace('result: {table: {"z_{l}": "*batch n{l+1}"}}', 'result: "*batch ?"')
    operation = spec_of(page).operations["deep"]
    with pytest.raises(ValueError, match="result has an axis of which no length is declared"):
        draw_cotangents(operation, operation.lengths())


def fits(shape, declared):
    """Whether shapes are as declared; an axis of any length is declared as None."""
    if isinstance(declared, dict):
        return shape.keys() == declared.keys() and all(fits(shape[name], declared[name]) for name in declared)
    if isinstance(declared, tuple):
        return len(shape) == len(declared) and all(map(fits, shape, declared))
    return declared is None or shape == declared


def test_the_oracle_answers_what_is_declared(oracle, suite):
    """Shapes of value and gradient of every declared operation, for every setting."""

    def shapes(tree):
        if isinstance(tree, dict):
            return {name: shapes(x) for name, x in tree.items()}
        return tuple(map(shapes, tree)) if isinstance(tree, tuple) else tree.shape

    for operation in suite.spec.operations.values():
        lengths = operation.lengths()
        if operation.form == "stepper":
            for setting in operation.settings():
                (params,) = draw(operation, lengths, given=setting)
                after = oracle.trajectory(operation.name, params, draw_steps(operation, lengths, 2), steps=2, **setting)
                assert shapes(after[-1]) == operation.result_shapes(lengths, setting)
            continue
        for setting in operation.settings(rank=2):
            arrays = draw(operation, lengths, given=setting)
            if operation.form == "random" and not operation.arguments:
                shape = CUBE if operation.name == "delta_init" else SQUARE
                assert shapes(oracle.call(operation.name, shape, seed=0, **setting)) == shape, operation.name
                continue
            seed = {"seed": 0} if operation.form.startswith("random") else {}
            answer = shapes(oracle.call(operation.name, *arrays, **setting, **seed))
            assert fits(answer, operation.result_shapes(lengths, setting)), operation.name
