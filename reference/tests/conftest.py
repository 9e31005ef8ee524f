"""Reference statements: their tests hold on the reference, and fail on each wrong implementation that they name."""

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
