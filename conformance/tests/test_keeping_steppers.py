"""After every step of a stepper: what it was handed, and what other operations returned, is as it was."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from nnspec_conformance.engine import run_instance
from nnspec_conformance.errors import ClauseFailed
from nnspec_conformance.forms import values_do_not_matter
from nnspec_conformance.outcome import FAIL, KNOWN, PASS
from nnspec_conformance.subject import Subject

X = np.ones(3, np.float32)


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
