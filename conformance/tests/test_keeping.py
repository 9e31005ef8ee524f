"""After every call, whatever the clause: what was handed over and what the call before returned are as they were."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import ClauseFailed, NotImplementedBySubject, Refused
from nnspec_conformance.keeping import AT_ONCE, Kept, alike, named
from nnspec_conformance.outcome import FAIL, PASS
from nnspec_conformance.subject import Subject

LONG = 1000  # entries; the questions of duty.kept have fewer


def on_numpy(wrap, role="user", **declared):
    tanh = wrap(lambda x: np.asarray(np.tanh(x)), np)
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), tanh=tanh, **declared), role=role)


def on_torch(wrap):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from nnspec_conformance.adapters.torch import transport

    names = {name: getattr(transport, name) for name in ("asarray", "to_numpy", "vjp")}
    return Subject(SimpleNamespace(NAME="somebody", DTYPES=("float32",), tanh=wrap(torch.tanh, torch), **names))


def right(tanh, library):
    return tanh


def overwrites_what_is_long(tanh, library):
    def called(x):
        y = tanh(x)
        if int(np.prod(x.shape)) > LONG:
            (x.data if hasattr(x, "detach") else x)[...] = 0
        return y

    return called


def has_a_buffer_for_what_is_long(tanh, library):
    buffer = library.zeros(2**18, dtype=library.float32)

    def called(x):
        y, size = tanh(x), int(np.prod(x.shape))
        if size <= LONG:
            return y
        place = buffer[:size].reshape(tuple(x.shape))
        place[...] = y.detach() if hasattr(y, "detach") else y
        return place

    return called


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (overwrites_what_is_long, "tanh changes x in place (duty.kept)"),
        (has_a_buffer_for_what_is_long, "tanh changes what an earlier call returned (duty.kept)"),
    ],
)
def test_what_its_duty_does_not_ask_fails_where_it_is_asked(suite, somebody, wrong, words):
    assert run_instance(suite, somebody(wrong), "duty.kept[tanh]").outcome == PASS
    assert run_instance(suite, somebody(right), "duty.sizes[tanh]").outcome == PASS
    result = run_instance(suite, somebody(wrong), "duty.sizes[tanh]")
    assert (result.outcome, result.message) == (FAIL, words)


def overwrites(tanh, library):
    return lambda x: (tanh(x), x.fill(0) if x.flags.writeable else None)[0]


X = np.ones(3, np.float32)


def test_one_that_is_known_not_to_keep_its_arguments_fails_by_the_duty_alone():
    known = on_numpy(overwrites, KNOWN_FAILURES={"duty.kept[tanh]; float32": "in place; link"})
    np.testing.assert_array_equal(known.call("tanh", X), np.tanh(X))
    with pytest.raises(ClauseFailed, match="in place"):
        on_numpy(overwrites).call("tanh", X)


def test_a_mutant_is_not_caught_by_a_slip():
    np.testing.assert_array_equal(on_numpy(overwrites, role="mutant").call("tanh", X), np.tanh(X))


def test_what_one_clause_was_told_is_not_the_business_of_the_next(suite):
    def hands_out_one_buffer(tanh, library):
        held = np.zeros(1000, np.float32)

        def called(x):
            held[: x.size] = tanh(x).reshape(-1)
            return held[: x.size].reshape(x.shape)

        return called

    subject = on_numpy(hands_out_one_buffer)
    subject.call("tanh", X)
    assert run_instance(suite, subject, "duty.dtype[tanh]").outcome == PASS  # asks once
    with pytest.raises(ClauseFailed, match="what an earlier call returned"):
        subject.call("tanh", X)


# ---- a call that is refused


def overwrites_and_then_refuses(tanh, library):
    def called(x):
        (x.data if hasattr(x, "detach") else x)[...] *= 2
        raise ValueError("no")

    return called


def writes_into_its_last_answer_and_then_refuses(tanh, library):
    last = []

    def called(x):
        if len(last) == 1:
            (last[0].data if hasattr(x, "detach") else last[0])[...] = 0
            raise ValueError("no")
        last.append(tanh(x))
        return last[-1]

    return called


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
def test_a_call_that_is_refused_leaves_its_arguments(somebody):
    with pytest.raises(ClauseFailed, match=r"tanh changes x in place, then raises ValueError \(duty.kept\)"):
        somebody(overwrites_and_then_refuses).call("tanh", X)


@pytest.mark.parametrize("somebody", [on_numpy, on_torch])
def test_a_call_that_is_refused_leaves_what_was_returned_before(somebody):
    subject = somebody(writes_into_its_last_answer_and_then_refuses)
    subject.call("tanh", X)
    words = "tanh changes what an earlier call returned, then raises ValueError"
    with pytest.raises(ClauseFailed, match=words):
        subject.call("tanh", X)


def test_a_refusal_that_keeps_everything_is_one():
    def refuses(tanh, library):
        def called(x):
            raise ValueError("no")

        return called

    with pytest.raises(Refused, match="no"):
        on_numpy(refuses).call("tanh", X)


def test_what_was_returned_before_a_refusal_is_seen_by_the_call_after_it():
    def in_one_buffer_that_refuses_what_is_short(tanh, library):
        buffer = np.zeros(3, np.float32)

        def called(x):
            if x.size < 3:
                raise ValueError("no")
            buffer[...] = tanh(x)
            return buffer

        return called

    subject = on_numpy(in_one_buffer_that_refuses_what_is_short)
    subject.call("tanh", X)
    with pytest.raises(Refused):
        subject.call("tanh", X[:1])
    with pytest.raises(ClauseFailed, match="tanh changes what an earlier call returned"):
        subject.call("tanh", 2 * X)


def test_a_call_that_is_not_implemented_says_nothing_of_its_arguments():
    def overwrites_and_lacks(tanh, library):
        def called(x):
            x[...] = 0
            raise NotImplementedError

        return called

    with pytest.raises(NotImplementedBySubject):
        on_numpy(overwrites_and_lacks).call("tanh", X)


class Box:
    """An array of somebody's library."""

    def __init__(self, x):
        self.x = x


def called(kept, x, held, answer=None):
    with kept.call("tanh", (x,)):
        kept.hand(x, lambda _: held)
        if answer is not None:
            kept.take(*answer)


def test_arrays_that_cannot_be_written_to_are_looked_at_once():
    looks = []

    def to_numpy(box):
        looks.append(box)
        y = box.x.view()
        y.flags.writeable = False
        return y

    kept = Kept(to_numpy, Box, {})
    for _ in range(3):
        called(kept, X, Box(X.copy()), (Box(X), X))
    assert len(looks) == 1


def test_what_the_transport_makes_of_bits_is_no_change():
    wide = np.array([1, 2], np.int64)
    kept = Kept(lambda box: box.x, lambda x: Box(x.astype(np.int32)), {})
    called(kept, wide, Box(wide.astype(np.int32)))
    with pytest.raises(ClauseFailed, match="tanh changes x in place"):
        called(kept, wide, Box(wide.astype(np.int32) + 1))


def test_an_answer_that_is_computed_at_every_look_is_no_change():
    draws = iter(range(9))
    kept = Kept(lambda box: np.float32(next(draws)) + X if box.x is None else box.x, Box, {})
    called(kept, X, Box(X), (Box(None), X))
    called(kept, X, Box(X))


def test_an_array_that_cannot_be_looked_at_again_says_nothing():
    def to_numpy(box):
        raise RuntimeError("donated to the compiler")

    called(Kept(to_numpy, Box, {}), X, Box(X))


@pytest.mark.parametrize("size", [3, AT_ONCE])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, bool, np.complex128])
def test_bytes_are_compared_whatever_the_layout(size, dtype):
    x = (np.arange(2 * size) % 251).reshape(2, size).astype(dtype)
    other = np.asfortranarray(x)
    assert alike(x, other)
    other[1, -1] = not other[1, -1] if dtype is bool else 7 + other[1, -1]
    assert not alike(x, other)


def test_zeros_of_two_signs_are_not_alike():
    assert not alike(np.zeros(2), -np.zeros(2))


@pytest.mark.parametrize(
    ("number", "name"), [(0, "x"), (1, "weights['kernel_1']"), (2, "weights['bias_1']"), (3, "the cotangents")]
)
def test_an_array_is_named_as_it_is_declared(number, name):
    weights = {"kernel_1": np.ones((3, 3)), "bias_1": X}
    assert named("mlp", (X, weights), number) == name
