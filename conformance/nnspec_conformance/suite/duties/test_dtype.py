"""The duty of the dtype: no answer and no gradient in another one than was handed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nnspec_conformance.cases import Case, call, clause, gradient, steps
from nnspec_conformance.clauses import own_spec
from nnspec_conformance.dtypes import DTYPES
from nnspec_conformance.flat import float_places, regrouped
from nnspec_conformance.home import Home, homes
from nnspec_conformance.operations import Array, Place
from nnspec_conformance.tolerance import Shape


@clause("duty.dtype")
def test_dtype(operation: str, readings: dict, lean: bool) -> Iterator[Case]:
    declared = own_spec().operations[operation]
    for place, home in homes(declared, readings).items():
        dtypes = tuple(DTYPES) if not place else ("bfloat16",) if lean else ("bfloat16", "float32")
        for dtype in dtypes if home.has_floats else dtypes[:1]:
            for case in questions(home, dtype):
                if case.what != "gradient" or not lean or (not place and dtype in ("bfloat16", "float64")):
                    yield replace(case, note=f"another dtype {place}".strip(), may_refuse=place)
    plain = Home(declared, readings)
    free = [a for a in declared.attributes if not a.readings]
    asked = [a.name for a in free if not lean or (a.kind == "choice" and not a.operations)]
    for home in plain.with_each(asked):
        words = [f"{name}={value}" for name, value in home.attributes.items() if plain.attributes.get(name) != value]
        case = next(questions(home, "bfloat16"))
        yield replace(case, note="another dtype in a branch", may_refuse=" and ".join(words))


def questions(home: Home, dtype: str) -> Iterator[Case]:
    """The call and its gradient, or some steps, with all floating-point arrays in one dtype."""
    name, arrays = home.operation.name, home.arrays(dtype)
    if home.operation.form == "stepper":
        grads = home.steps(dtype)
        kept = {parameter: Shape(None, dtype) for parameter in arrays[0]}
        yield steps(name, arrays[0], grads=grads, want=[kept] * len(grads), **home.attributes)
        return

    def of(array: Array) -> Shape:
        return Shape(None, dtype if array.dtype == "float" else array.dtype)

    yield call(name, *arrays, want=home.answer(of), **home.attributes)
    if home.has_gradient:
        flows, places = home.operation.gradient_places(home.lengths, home.given), float_places(arrays)
        want = regrouped(places, [Shape(None, dtype if Place(*place) in flows else None) for place in places])
        yield gradient(name, *arrays, cotangents=home.cotangents(dtype), want=want, **home.attributes)
