"""The duty of draws: what can be drawn, and whom it finds."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.clauses import own_spec
from nnspec_conformance.drawn import drawn
from nnspec_conformance.engine import run_instance
from nnspec_conformance.home import Home
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.subject import Subject

DROPOUT, NOISE = "duty.drawn[dropout]", "duty.drawn[add_noise]"


def home(name, **keywords):
    return Home(own_spec().operations[name], {}, keywords={"seed": 0} | keywords)


def generator(seed):
    return np.random.default_rng([seed, 99])  # another one than the oracle's


def dropout(x, *, seed, rate, train=True):
    if not train or rate == 0:
        return x
    kept = generator(seed).random(x.shape) >= rate
    if rate == 1:
        return 0 * x
    return np.where(kept, x / x.dtype.type(1 - rate), x.dtype.type(0)).astype(x.dtype)


def dropout_vjp(x, g, **given):
    kept = dropout(np.ones_like(x), **given)
    return ((g * kept).astype(g.dtype),)


def add_noise(x, *, seed, deviation):
    return (x + deviation * generator(seed).standard_normal(x.shape)).astype(x.dtype)


def add_noise_vjp(x, g, **given):
    return (g,)


def subject(**functions):
    known = {"dropout": dropout, "dropout_vjp": dropout_vjp, "add_noise": add_noise, "add_noise_vjp": add_noise_vjp}
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), COMPILES=True, **(known | functions)))


def test_a_mask_has_two_numbers_in_each_place():
    (one,) = drawn(home("dropout", rate=0.25), home("dropout", rate=0.25).arrays("float32"))
    assert one.pair.mean() > 0.9
    assert not one.fixed
    assert one.moves.all()


def test_noise_has_a_range():
    (one,) = drawn(home("add_noise", deviation=0.5), home("add_noise", deviation=0.5).arrays("float32"))
    assert not one.pair.any()
    assert one.moves.all()
    inside = (one.low + one.high) / 2
    np.testing.assert_array_equal(one.want(inside, "float32").value, inside)
    far = one.want(inside + 100, "float32")
    assert (np.abs(far.value - inside - 100) > far.allowed).all()


def test_what_is_not_drawn_is_one_number():
    there = home("dropout", rate=0.25, train=False)
    (one,) = drawn(there, there.arrays("float32"))
    assert one.fixed
    np.testing.assert_array_equal(one.low, there.arrays("float32")[0])


def test_an_answer_of_another_shape_is_held_to_the_right_one():
    there = home("dropout", rate=0.25)
    (one,) = drawn(there, there.arrays("float32"))
    assert one.want(np.zeros(3), "float32").value.shape == one.low.shape


@pytest.mark.parametrize("instance", [DROPOUT, NOISE])
def test_other_draws_pass(suite, instance):
    result = run_instance(suite, subject(), instance)
    assert result.outcome == PASS, result.message


def test_a_mask_that_is_the_same_for_every_seed_is_found(suite):
    wrong = subject(dropout=lambda x, seed, **given: dropout(x, seed=0, **given))
    found = run_instance(suite, wrong, DROPOUT)
    assert found.outcome == FAIL
    assert "the same for every" in found.message


def test_a_factor_that_cannot_be_drawn_is_found(suite):
    wrong = subject(dropout=lambda x, **given: (dropout(x, **given) * x.dtype.type(1.1)).astype(x.dtype))
    assert run_instance(suite, wrong, DROPOUT).outcome == FAIL


def test_noise_that_ends_after_sixteen_entries_is_found(suite):
    def wrong(x, **given):
        return np.where(np.arange(x.size).reshape(x.shape) < 16, add_noise(x, **given), x)

    assert run_instance(suite, subject(add_noise=wrong), NOISE).outcome == FAIL


def test_nan_that_is_dropped_is_found(suite):
    found = run_instance(suite, subject(add_noise=lambda x, **given: add_noise(np.nan_to_num(x), **given)), NOISE)
    assert found.outcome == FAIL
    assert "NaN in x is in none of 32 draws" in found.message


def test_next_to_a_rate_of_one_rare_draws_are_held_to_nothing():
    there = home("attention_dropout", rate=63 / 64, train=True)
    (one,) = drawn(there, there.arrays("float32"))
    drawn_rarely = one.moves & ~one.pair
    assert not one.tame[drawn_rarely].any()
