"""After every call, whatever the clause: what was handed over and what the call before returned are as they were."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import ClauseFailed, NotImplementedBySubject, Refused
from nnspec_conformance.forms import values_do_not_matter
from nnspec_conformance.keeping import AT_ONCE, Kept, alike, named
from nnspec_conformance.outcome import FAIL, KNOWN, PASS
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


# ---- steppers


def descends(params, *, learning_rate, before=lambda grads: None):
    def step(grads):
        before(grads)
        for name, p in params.items():
            p -= learning_rate * grads[name]
        return params

    return step


def stepping(start, role="user", **declared):
    return Subject(SimpleNamespace(NAME="somebody", gradient_descent=start, tanh=np.tanh, **declared), role=role)


def path(subject, grads=None, steps=2):
    return subject.trajectory("gradient_descent", {"a": X}, grads or [{"a": X}] * steps, steps=steps, learning_rate=0.5)


def test_a_stepper_may_update_its_parameters_in_place():
    assert [float(now["a"][0]) for now in path(stepping(descends))] == [0.5, 0.0]
    assert (X == 1).all()


def test_a_stepper_may_write_to_what_it_returned_when_it_is_used_again():
    subject = stepping(descends)
    subject.call("tanh", X)
    path(subject)
    subject.call("tanh", X)


def clips_in_place(params, *, learning_rate):
    return descends(params, learning_rate=learning_rate, before=lambda grads: np.clip(grads["a"], 0, 0.5, grads["a"]))


def averages_in_the_first_gradient(params, *, learning_rate):
    held = []

    def averaged(grads):
        held.append(grads["a"])
        if len(held) > 1:
            held[0] += grads["a"]

    return descends(params, learning_rate=learning_rate, before=averaged)


def scales_in_place_and_then_refuses(params, *, learning_rate):
    def step(grads):
        grads["a"] *= 2
        raise ValueError("no")

    return step


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (clips_in_place, "'a', which it was handed, in place (duty.kept)"),
        (averages_in_the_first_gradient, "'a', which the step before was handed, in place (duty.kept)"),
        (scales_in_place_and_then_refuses, "'a', which it was handed, in place, then raises ValueError (duty.kept)"),
    ],
)
def test_a_step_leaves_its_gradients(start, words):
    with pytest.raises(ClauseFailed, match=re.escape(f"a step of gradient_descent changes {words}")):
        path(stepping(start))


def test_a_step_of_torch_leaves_its_gradients():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from nnspec_conformance.adapters.torch import transport

    def clips(params, *, learning_rate):
        held = {name: torch.nn.Parameter(p) for name, p in params.items()}
        optimizer = torch.optim.SGD(held.values(), learning_rate)

        def step(grads):
            for name, p in held.items():
                p.grad = grads[name]
            torch.nn.utils.clip_grad_norm_(held.values(), 0.5)
            optimizer.step()
            return {name: p.detach() for name, p in held.items()}

        return step

    with pytest.raises(ClauseFailed, match="a step of gradient_descent changes 'a', which it was handed"):
        path(stepping(clips, asarray=transport.asarray, to_numpy=transport.to_numpy))


def test_two_steppers_in_turn_are_each_compared_with_their_own_last_step():
    subject, grads = stepping(averages_in_the_first_gradient), {"a": X}

    def in_turn(start):
        one, two = start({"a": X}, learning_rate=0.5), start({"a": X}, learning_rate=0.5)
        return one.step(grads), two.step(grads), one.step(grads)

    with pytest.raises(ClauseFailed, match="which the step before was handed"):
        subject.steppers("gradient_descent", {"a": X}, in_turn)


def test_a_step_leaves_what_another_operation_returned():
    last = []

    def returned(x):
        last.append(np.tanh(x))
        return last[-1]

    def overwrites(params, *, learning_rate):
        return descends(params, learning_rate=learning_rate, before=lambda grads: last[-1].fill(0))

    subject = stepping(overwrites)
    subject.adapter.tanh = returned
    subject.call("tanh", X)
    with pytest.raises(ClauseFailed, match=r"gradient_descent changes what a call of tanh returned \(duty.kept\)"):
        path(subject)


def test_steps_whose_form_alone_is_asked_leave_their_gradients():
    def abstract(f, *arrays):
        raise NotImplementedError

    subject = stepping(averages_in_the_first_gradient, abstract=abstract)
    with (
        values_do_not_matter(subject),
        pytest.raises(ClauseFailed, match="gradient_descent changes what its steps were handed in place"),
    ):
        path(subject)


def test_a_stepper_known_not_to_keep_its_gradients_fails_by_the_duty_alone(suite):
    def clips(params, *, learning_rate):
        return descends(params, learning_rate=learning_rate, before=lambda grads: [g.fill(0) for g in grads.values()])

    reason = {"duty.kept[gradient_descent]": "in place; link"}
    path(stepping(clips, KNOWN_FAILURES=reason))
    path(stepping(clips, role="mutant"))
    assert run_instance(suite, stepping(clips, KNOWN_FAILURES=reason), "duty.kept[gradient_descent]").outcome == KNOWN
    found = run_instance(suite, stepping(clips), "duty.kept[gradient_descent]")
    assert (found.outcome, "which it was handed, in place" in found.message) == (FAIL, True)
    assert run_instance(suite, stepping(descends), "duty.kept[gradient_descent]").outcome == PASS


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
