"""Scaling the objective or the variables does not change what is solved."""

import numpy as np
import pytest

import numopt


@pytest.mark.parametrize("factor", [1e-3, 1e6])
def test_objective(first, factor):
    method, case = first
    given = case.arguments()
    given |= {
        "fun": lambda x: factor * case.fun(x),
        "jac": lambda x: factor * case.jac(x),
        "hess": lambda x: factor * case.hess(x),
    }
    res = numopt.minimize(**given, method=method, rng=0, tol=1e-6 * max(1.0, factor * 1e-3))
    assert res.success
    np.testing.assert_allclose(res.x, case.x, atol=1e-2)


def stretched(case, factor):
    """The problem in variables that are `factor` times as large."""
    return case.arguments() | {
        "fun": lambda x: case.fun(x / factor),
        "jac": lambda x: case.jac(x / factor) / factor,
        "hess": lambda x: case.hess(x / factor) / factor**2,
        "x0": factor * np.array(case.x0),
    }


@pytest.mark.parametrize("factor", [1e-8, 1e-5])
def test_tiny_variables_without_second_derivatives(first, factor):
    method, case = first
    given = stretched(case, factor) | {"hess": None}
    res = numopt.minimize(**given, method=method, rng=0, tol=1e-6 / factor)
    assert res.success
    np.testing.assert_allclose(res.x / factor, case.x, atol=1e-3)


def test_variables(first):
    method, case = first
    factor = 1e3
    res = numopt.minimize(**stretched(case, factor), method=method, rng=0, tol=1e-8)
    assert res.success
    np.testing.assert_allclose(res.x / factor, case.x, atol=1e-3)
