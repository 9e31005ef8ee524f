"""Arithmetic of lengths, and ranges."""

import pytest

from nnspec_conformance.axes import Interval, evaluate


@pytest.mark.parametrize(
    ("text", "value"), [("3*in", 12), ("in//groups", 2), ("ceil(in/3)", 2), ("max(in, 7)-1", 6), ("in**-0.5", 0.5)]
)
def test_arithmetic(text, value):
    assert evaluate(text, {"in": 4, "groups": 2}) == value


@pytest.mark.parametrize("text", ["in +", "import os", "in.real", "f(in)", "[in]", "in if in else 1"])
def test_what_is_no_arithmetic(text):
    with pytest.raises(ValueError, match="is no arithmetic|has no length"):
        evaluate(text, {"in": 4})


@pytest.mark.parametrize(("padding", "count"), [("valid", 3), ("same", 5), ("same_lower", 5)])
def test_windows_that_fit_depend_on_the_padding(padding, count):
    values = {"length": 9, "taps": 3, "stride": (2,), "dilation": (2,), "padding": padding, "pads": (0, 0)}
    text = "windows(length,taps,stride[0],dilation[0],padding,pads[0],pads[1])"
    assert evaluate(text, values) == count


def test_an_interval_knows_its_ends():
    interval = Interval.parse("[0, classes)")
    assert [interval.contains(n, {"classes": 3}) for n in (-1, 0, 2, 3)] == [False, True, True, False]
    assert [*Interval.parse("(0, 3]").integers({}, 9)] == [1, 2, 3]
