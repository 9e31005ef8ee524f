"""The duty of layouts: arrays lie as the question says, adapters say what arrives, and whom it finds."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import HarnessError
from nnspec_conformance.layouts import BORDER, LAYOUTS, copied, laid_out, name_of
from nnspec_conformance.outcome import FAIL, NOT_IMPLEMENTED, PASS
from nnspec_conformance.subject import Subject


def drawn(shape, dtype="float32"):
    return np.random.default_rng(0).standard_normal(shape).astype(DTYPES[dtype])


def subject(**functions):
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), **functions))


# ---- arrays


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_keeps_the_layout_and_shares_no_memory(layout, dtype):
    x = laid_out(drawn((6, 5), dtype), layout)
    made = copied(x)
    assert (made.strides, made.flags.writeable, name_of(made)) == (x.strides, x.flags.writeable, layout)
    assert np.array_equal(made, x)
    assert not np.shares_memory(made, x)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "broadcast"])
def test_a_layout_changes_no_number(layout):
    x = drawn((6, 5))
    assert np.array_equal(laid_out(x, layout), x)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4), (0,), (3, 0)])
def test_a_copy_of_the_usual_layout_begins_at_a_border(shape):
    made = copied(drawn(shape))
    assert made.flags.c_contiguous
    assert made.ctypes.data % BORDER == 0
    assert name_of(made) == ""


def test_a_single_number_has_two_layouts_and_a_vector_five():
    assert [name for name in LAYOUTS if laid_out(drawn(()), name) is not None] == ["unaligned", "read-only"]
    assert {name for name in LAYOUTS if laid_out(drawn((5,)), name) is None} == {"transposed", "sliced"}


# ---- what arrives


def test_who_has_no_transport_gets_every_layout():
    assert subject().layouts == tuple(LAYOUTS)


def test_who_has_a_transport_gets_what_it_says():
    assert subject(asarray=np.asarray).layouts == ()
    assert subject(asarray=lambda x: x, LAYOUTS=("reversed",)).layouts == ("reversed",)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"LAYOUTS": ("transposd",)}, "LAYOUTS holds 'transposd'; did you mean transposed"),
        ({"asarray": lambda x: x.copy(), "LAYOUTS": ("sliced",)}, "asarray does not keep 'sliced'"),
        ({"asarray": lambda x: x.clone(), "LAYOUTS": ()}, "asarray, to_numpy or context raised for float32"),
    ],
)
def test_a_layout_that_does_not_arrive_is_one_line(declared, words):
    with pytest.raises(HarnessError) as caught:
        subject(**declared)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- whom it finds


def contiguous_only(x):
    """What C code does that was handed a pointer."""
    return np.maximum(x if x.flags.c_contiguous else x.ravel(order="K").reshape(x.shape), 0)


def test_right_for_contiguous_arrays_only_fails_with_the_layout(suite):
    result = run_instance(suite, subject(relu=contiguous_only), "duty.layouts[relu]")
    assert result.outcome == FAIL
    assert "relu(float32[6, 17], " in result.finding.call


def test_right_for_all_passes(suite):
    assert run_instance(suite, subject(relu=lambda x: np.maximum(x, 0)), "duty.layouts[relu]").outcome == PASS


def test_what_does_not_arrive_is_not_asked(suite):
    some = subject(relu=lambda x: np.maximum(x, 0), asarray=lambda x: x, LAYOUTS=("transposed",))
    result = run_instance(suite, some, "duty.layouts[relu]")
    assert (result.outcome, result.not_run) == (
        PASS,
        [f"for {name}, which asarray does not keep" for name in LAYOUTS if name != "transposed"],
    )


def test_who_keeps_none_is_not_asked(suite):
    none = subject(relu=lambda x: np.maximum(x, 0), asarray=np.array)
    assert run_instance(suite, none, "duty.layouts[relu]").outcome == NOT_IMPLEMENTED


def test_right_for_contiguous_tensors_only_fails_on_pytorch(suite):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    from nnspec_conformance.loading import load_subject

    right = load_subject("torch").adapter
    torch = importlib.import_module("torch")

    def tanh(x):
        return torch.tanh(torch.as_strided(x, x.shape, torch.empty(x.shape).stride()) if not x.is_contiguous() else x)

    wrong = Subject(SimpleNamespace(**vars(right) | {"tanh": tanh, "KNOWN_FAILURES": {}}))
    assert run_instance(suite, wrong, "duty.layouts[tanh]").outcome == FAIL
