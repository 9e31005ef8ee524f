"""Reference statements: their tests hold on the reference, and fail on each wrong implementation that they name."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import pytest

MARKER = "statement(id, of, mutants): proves a reference statement; what is asked is its argument 'implementation'"


def pytest_configure(config):
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc):
    marks = list(metafunc.definition.iter_markers("statement"))
    if not marks:
        return
    if len(marks) > 1:
        raise pytest.UsageError(f"{metafunc.function.__name__} proves {len(marks)} statements; write a test for each")
    asked = [pytest.param(marks[0].kwargs["of"], id="reference")]
    asked += [pytest.param(mutant, id=f"wrong:{mutant.__name__}") for mutant in marks[0].kwargs["mutants"]]
    metafunc.parametrize("implementation", asked)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    mark = pyfuncitem.get_closest_marker("statement")
    asked = pyfuncitem.callspec.params["implementation"] if mark else None
    if asked is None or asked not in mark.kwargs["mutants"]:
        return (yield)
    try:
        yield
    except AssertionError:  # and no other error: a wrong implementation has to be told by what is asserted
        return True
    pytest.fail(f"holds on the wrong implementation {asked.__name__} too, and so proves nothing", pytrace=False)


@pytest.fixture(scope="session")
def eight():
    """A process with eight devices, which is asked; one for all tests, so that programs are compiled once."""
    from several_devices import eight_devices

    with eight_devices() as asked:
        yield asked


@pytest.fixture
def devices(eight, request):
    """A function of a function of the test's module, an implementation and keywords, asked where there are eight."""
    module = request.module.__name__
    return lambda of, implementation, **how: eight(module, of.__name__, implementation.__name__, **how)


@pytest.fixture
def layers_of():
    """A function of a network and its arrays: convolutions and products, as XLA is handed them."""
    return _layers


def _layers(network: Callable, *arrays: jax.Array) -> list[tuple[tuple[int, ...], int]]:
    """The shape of each result for one image, and how many products XLA counts for it.

    XLA counts two operations a product, and none for a product with a zero of the padding.
    """
    found = []
    for equation in _equations(jax.make_jaxpr(network)(*arrays).jaxpr):
        if equation.primitive.name not in ("conv_general_dilated", "dot_general"):
            continue
        avals = [v.aval for v in equation.invars]
        layer = jax.jit(lambda *operands, e=equation: e.primitive.bind(*operands, **e.params))
        cost = layer.lower(*(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in avals)).cost_analysis()
        found.append((equation.outvars[0].aval.shape[1:], int(cost["flops"]) // 2))
    return found


def _equations(jaxpr: Any) -> Iterator:
    """Every step, those of inner programs in their places."""
    for equation in jaxpr.eqns:
        inner = [p for p in equation.params.values() if hasattr(p, "jaxpr")]
        if inner:
            yield from _equations(inner[0].jaxpr)
        else:
            yield equation
