"""Every method on every small problem of a class that it accepts."""

import pytest
from cases import CASES, DATA_CASES, able

import numopt
from numopt.core.solver import METHODS

numopt.methods()  # enters every method into the table


def pairs(cases):
    """Return all pairs of a method and a problem that it accepts."""
    return [
        pytest.param((name, case), id=f"{name}-{case.name}")
        for name, cls in METHODS.items()
        for case in cases
        if able(cls, case)
    ]


def firsts(cases):
    """Return each method with the first problem that it accepts."""
    found = {}
    for pair in pairs(cases):
        found.setdefault(pair.values[0][0], pair)
    return list(found.values())


# ``pair``, ``first``: problems that are functions of the user; ``any_...``: those of data as well.
FIXTURES = {
    "pair": pairs(CASES),
    "first": firsts(CASES),
    "any_pair": pairs(CASES + DATA_CASES),
    "any_first": firsts(CASES + DATA_CASES),
}


def pytest_generate_tests(metafunc):
    """Give a test that asks for one of the fixtures above each of its values."""
    for name in set(FIXTURES) & set(metafunc.fixturenames):
        metafunc.parametrize(name, FIXTURES[name])
