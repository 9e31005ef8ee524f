"""The duty of layouts: arrays lie as the question says, adapters say what arrives, and whom it finds."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import ClauseFailed, HarnessError, Refused
from nnspec_conformance.layouts import BORDER, LAYOUTS, begins_after_border, copied, laid_out, name_of
from nnspec_conformance.outcome import FAIL, NOT_ASKED, PASS
from nnspec_conformance.subject import Subject


def drawn(shape, dtype="float32"):
    return np.random.default_rng(0).standard_normal(shape).astype(DTYPES[dtype])


def subject(**functions):
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), **functions))


def rows_only(x):
    return x if x.flags.c_contiguous else 1 / 0


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


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_part_of_an_array_that_happens_to_begin_after_a_border_is_not_unaligned(dtype):
    memory = np.zeros(BORDER, DTYPES[dtype])
    after = -memory.ctypes.data % BORDER // memory.itemsize + 1
    part = memory[after : after + 5]
    assert begins_after_border(part)
    assert name_of(part) == ""
    assert copied(part).ctypes.data % BORDER == 0


@pytest.mark.parametrize("shape", [(6, 5), (5,), ()])
def test_a_view_of_an_unaligned_array_is_unaligned_where_it_begins_with_it(shape):
    made = laid_out(drawn(shape), "unaligned")
    assert name_of(made.reshape(-1)) == name_of(np.asarray(made)) == "unaligned"
    assert made.ndim != 1 or name_of(made[1:]) == ""


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
        ({"LAYOUTS": ("transposd",)}, "LAYOUTS holds 'transposd'; known: transposed, reversed"),
        ({"LAYOUTS": ("fortran",)}, "LAYOUTS holds 'fortran'; known: transposed, reversed"),
        ({"LAYOUTS": 3}, "LAYOUTS is 3, expected a tuple"),
        ({"asarray": np.array, "LAYOUTS": ("unaligned",)}, "unaligned arrays of float32 come back from"),
        ({"asarray": np.array, "LAYOUTS": ("read-only",)}, "as any new one; take 'read-only' out of LAYOUTS"),
        ({"asarray": rows_only, "LAYOUTS": ("transposed",)}, "raised for transposed arrays of float32 (ZeroDivisionE"),
        ({"asarray": rows_only, "LAYOUTS": ("transposed",)}, "mend it or take 'transposed' out of LAYOUTS"),
        ({"asarray": lambda x: x.copy("K"), "LAYOUTS": ("transposed", "sliced")}, "sliced arrays of float32 come back"),
    ],
)
def test_a_layout_that_does_not_arrive_is_one_line(declared, words):
    with pytest.raises(HarnessError) as caught:
        subject(**declared)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_single_number_and_an_empty_array_are_tried_at_load():
    def no_axes(x):
        return x if x.ndim else 1 / 0

    def never_empty(x):
        return x if x.size else 1 / 0

    for asarray, shape in ((no_axes, "[]"), (never_empty, "[0]")):
        with pytest.raises(HarnessError, match="raised for float32 of shape ") as caught:
            subject(asarray=asarray)
        assert shape in str(caught.value)


def test_numpy_scalars_and_other_kinds_of_arrays_are_taken():
    class Other(np.ndarray):
        pass

    scalars = subject(asarray=lambda x: x, to_numpy=lambda y: y[()], relu=lambda x: x)
    assert scalars.call("relu", np.asarray(2.0, np.float32)).shape == ()
    others = subject(asarray=lambda x: x.view(Other), relu=lambda x: x)
    assert type(others.call("relu", drawn((2,)))) is np.ndarray


class Late:
    """An array of a library that computes when it is asked for the numbers."""

    def __init__(self, compute):
        self.compute = compute


def late(relu):
    return subject(asarray=lambda x: Late(lambda: x), to_numpy=lambda y: y.compute(), relu=relu)


def test_what_a_lazy_library_raises_late_is_a_refusal():
    with pytest.raises(Refused, match="ZeroDivisionError"):
        late(lambda x: Late(lambda: 1 / 0)).call("relu", drawn((2,)))
    with pytest.raises(ClauseFailed, match="returned object, expected an array"):
        late(lambda x: object()).call("relu", drawn((2,)))


# ---- whom it finds


def contiguous_only(x):
    """What C code does that was handed a pointer."""
    return np.maximum(x if x.flags.c_contiguous else x.ravel(order="K").reshape(x.shape), 0)


def test_right_for_contiguous_arrays_only_fails_with_the_layout(suite):
    result = run_instance(suite, subject(relu=contiguous_only), "duty.layouts[relu]")
    assert result.outcome == FAIL
    assert "relu(float32[6, 17] transposed)" in result.finding.call


def test_right_for_all_passes(suite):
    assert run_instance(suite, subject(relu=lambda x: np.maximum(x, 0)), "duty.layouts[relu]").outcome == PASS


def test_what_does_not_arrive_is_not_asked(suite):
    some = subject(relu=lambda x: np.maximum(x, 0), asarray=lambda x: x, LAYOUTS=("transposed",))
    result = run_instance(suite, some, "duty.layouts[relu]")
    assert (result.outcome, result.not_run) == (
        PASS,
        [
            f"for {', '.join(name for name in LAYOUTS if name != 'transposed')} arrays, which asarray does not keep",
            "for relu_vjp (and no vjp)",
        ],
    )


def test_who_keeps_none_is_not_asked(suite):
    none = subject(relu=lambda x: np.maximum(x, 0), asarray=np.array)
    assert run_instance(suite, none, "duty.layouts[relu]").outcome == NOT_ASKED


def on_torch(tanh):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from nnspec_conformance.adapters.torch import transport

    names = {name: getattr(transport, name) for name in ("asarray", "to_numpy", "vjp", "LAYOUTS")}
    return subject(tanh=lambda x: tanh(torch, x), **names)


def from_front_to_back(torch, x):
    if x.requires_grad or x.is_contiguous():
        return torch.tanh(x)
    return torch.tanh(torch.as_strided(x, x.shape, torch.empty(x.shape).stride()))


def test_right_for_contiguous_tensors_only_fails_on_pytorch(suite):
    assert run_instance(suite, on_torch(lambda torch, x: torch.tanh(x)), "duty.layouts[tanh]").outcome == PASS
    assert run_instance(suite, on_torch(from_front_to_back), "duty.layouts[tanh]").outcome == FAIL
