"""The duty of programs: who passes, whom it finds, and who is not asked."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.home import Home
from nnspec_conformance.outcome import FAIL, NOT_IMPLEMENTED, PASS
from nnspec_conformance.program_wants import asked
from nnspec_conformance.programs import (
    ALSO,
    CALL,
    Chains,
    Program,
    Step,
    at_the_end,
    flattened,
    operand,
    pulled_back,
    stored,
)  # fmt: skip
from nnspec_conformance.subject import Subject

SOFTMAX = "duty.programs[softmax]"
X = np.arange(1.0, 7.0).reshape(2, 3)
CHAIN = (Step("slice", (1, -2)), Step("transpose"), Step("scale", 3.0), ALSO, CALL)


def softmax(x, *, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softmax_vjp(x, cotangents, *, axis=-1):
    y = softmax(x, axis=axis)
    return (y * (cotangents - (y * cotangents).sum(axis, keepdims=True)),)


def subject(**declared):
    """Somebody's softmax."""
    own = {"softmax": softmax, "softmax_vjp": softmax_vjp} | declared
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), COMPILES=True, **own))


def test_a_right_one_passes(suite):
    assert run_instance(suite, subject(), SOFTMAX).outcome == PASS
    assert run_instance(suite, subject(compile=lambda program: program), SOFTMAX).outcome == PASS


def test_a_maximum_of_rounded_products_is_found(suite):
    def fused(x, *, axis=-1):
        if x.dtype != np.float64:
            return softmax(x, axis=axis)
        e = np.exp((x - x.astype(np.float32).max(axis, keepdims=True)).astype(np.float32))
        return e / e.sum(axis, keepdims=True)

    steps = {"scale": lambda x, by: x.astype(np.float64) * by if by < 1 else x * x.dtype.type(by)}
    found = run_instance(suite, subject(softmax=fused, STEPS=steps), SOFTMAX)
    assert found.outcome == FAIL
    assert "scaled before" in str(found.worst.call if hasattr(found, "worst") else found.entries[0].finding.call)


def test_a_program_that_a_compiler_does_not_take_is_not_asked(suite):
    def compiled(program):
        table = {"scale": 1}
        return [table[step.name] for chain in program.chains.chains for step in chain]

    result = run_instance(suite, subject(compile=compiled), SOFTMAX)
    assert result.outcome != FAIL
    assert "a program that its compile does not take (KeyError: " in " ".join(result.not_run)


def test_a_compiler_that_drops_a_step_is_found(suite):
    def compiled(program):
        return Program(program.call, program.chains, {**program.steps, "scale": lambda x, by: x}, program.mend)

    assert run_instance(suite, subject(compile=compiled), SOFTMAX).outcome == FAIL


def test_a_step_that_arrays_do_not_have_is_told(suite):
    def unknown(x, _):
        raise NotImplementedError

    found = run_instance(suite, subject(STEPS={"cast": unknown}), SOFTMAX)
    assert found.outcome in (NOT_IMPLEMENTED, PASS, FAIL)
    missing = [missing for entry in found.entries for missing in entry.missing]
    assert any("a program with the step 'cast'" in str(one) for one in missing)


def test_what_is_stored_becomes_the_operand():
    x = stored(CHAIN, X, "float64")
    assert x.shape == (3, 5)
    np.testing.assert_array_equal(operand(CHAIN, x), 3 * X)


def test_a_gradient_goes_back_through_the_steps():
    x, g, also = stored(CHAIN, X, "float64"), np.cos(X), np.sin(X)
    random = np.random.default_rng(0).standard_normal(x.shape)
    moved = operand(CHAIN, x + random) - operand(CHAIN, x)
    back = pulled_back(CHAIN, x, g, also)
    assert back.shape == x.shape
    assert (back * random).sum() == pytest.approx((g * moved).sum() + (also * moved / 3 * 3).sum())


def test_a_program_returns_the_results_of_its_chains_in_turn():
    chains = Chains(((Step("scale", 2.0), ALSO, CALL), (CALL, Step("reduce_sum"))), 1)
    steps = {"scale": lambda x, by: x * by, "reduce_sum": lambda x, _: x.sum()}
    program = Program(lambda x: {"b": x + 1, "a": x}, chains, steps, np.asarray)
    found = program(X, X)
    assert [y.shape for y in found] == [(2, 3), (2, 3), (2, 3), (), ()]
    np.testing.assert_array_equal(found[0], 2 * X)
    np.testing.assert_array_equal(found[1], 2 * X + 1)
    assert (found[3], found[4]) == (X.sum(), X.sum() + 6)


def test_tables_are_taken_by_name():
    assert flattened({"b": 1, "a": (2, [3])}) == [2, 3, 1]


def test_the_cotangents_of_a_sum_are_one_number():
    g, also = {"b": np.full((2, 3), 4.0), "a": np.full(2, 5.0)}, np.ones(3)
    (told, more) = at_the_end((CALL, Step("scale", 2.0), Step("reduce_sum")), (g, also))
    assert (told["b"].shape, told["b"][()], told["a"][()]) == ((), 4.0, 5.0)
    assert more is also
    assert at_the_end((CALL,), (g,)) == (g,)


def test_a_compiler_that_sums_one_row_is_found(suite):
    def compiled(program):
        steps = {**program.steps, "reduce_sum": lambda x, _: x[0].sum()}
        return Program(program.call, program.chains, steps, program.mend)

    found = run_instance(suite, subject(compile=compiled), SOFTMAX)
    assert found.outcome == FAIL
    assert "summed" in found.entries[0].finding.call


def test_a_sum_is_asked_with_a_number_of_which_equal_terms_add_up_exactly(suite):
    home = Home(suite.spec.operations["softmax"], {})
    found = asked(home, "gradient", (CALL, Step("reduce_sum")), 0, 1.0, "float32", "bfloat16")
    (number,) = np.unique(found.cotangents[0])
    sums = np.cumsum(np.full(5000, number, np.float32))
    assert np.array_equal(sums, number * np.arange(1, 5001))
    assert number not in (0, 1)
