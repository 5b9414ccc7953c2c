"""Certificates are recomputed from scratch."""

import numpy as np
import pytest
from inclusion_examples import METHODS, recomputed
from scipy.optimize import linprog

import numopt
from numopt import solve
from numopt.core.loop import Run
from numopt.problems import games, inclusions


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("maxiter", [0, 3, 20])
def test_residual_is_recomputed_from_scratch(method, maxiter):
    problem = games.policeman(30)
    res = solve(problem, method=method, rng=0, options={"maxiter": maxiter})
    residual, error = recomputed(problem, res)
    assert residual == pytest.approx(res.residual, rel=1e-12, abs=1e-12)
    if maxiter:
        assert error <= 1e-12
    natural = problem.natural(res.x, problem._operator(res.x))
    assert natural <= residual + 1e-12


@pytest.mark.parametrize("options", [{}, {"estimator": "svrg"}, {"schedule": "paper"}])
def test_residual_of_sums_is_recomputed_from_scratch(options):
    problem = inclusions.lasso(300, 10)
    res = solve(problem, rng=0, tol=1e-8, options=options)
    residual, error = recomputed(problem, res)
    assert res.success
    assert residual == pytest.approx(res.residual, abs=1e-12)
    assert error <= 1e-12


def test_gap_brackets_the_value_of_the_game():
    problem = games.gaussian(20)
    A, n = problem.A.K, 20
    rows = np.column_stack([A, -np.ones(n)])
    value = linprog(
        np.append(np.zeros(n), 1.0), rows, np.zeros(n), [np.append(np.ones(n), 0.0)], [1.0],
        bounds=[(0, None)] * n + [(None, None)],
    ).fun  # fmt: skip
    res = solve(problem, tol=1e-9, options={"criterion": "gap"})
    assert res.success
    assert res.gap <= 1e-9
    assert abs(res.fun - value) <= res.gap + 1e-12
    assert "duality gap" in res.message


def test_a_false_element_of_G_is_no_success():
    solver, problem = numopt.RHPDHG(), games.policeman(10)
    it = solver.report(problem, solver.init(problem, problem.x0, Run(problem)), Run(problem))
    forged = it._replace(fields=lambda: it.fields() | {"g": -problem._operator(it.x)})
    assert solver.verify(problem, forged)[1] > 1e-3


def test_relative_criterion_is_relative_to_the_start():
    problem = inclusions.lasso(200, 8)
    res = solve(problem, rng=0, tol=1e-3, options={"criterion": "relative"})
    assert res.success
    assert res.residual <= 1e-3 * res.first_residual


def test_gap_is_refused_where_there_is_none():
    with pytest.raises(numopt.UnsupportedError, match="no duality gap"):
        solve(inclusions.lasso(20, 3), options={"criterion": "gap"})
    with pytest.raises(numopt.OptionError, match="no derivatives"):
        solve(games.policeman(5), options={"check_derivatives": "once"})
