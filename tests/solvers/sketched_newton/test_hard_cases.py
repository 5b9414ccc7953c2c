"""Programs without full rank, without a solution, unbounded, or with fixed variables."""

import numpy as np
import pytest
from newton_examples import INF, bowl, certified, problem, solve

import cutest_problems
import numopt
from numopt import Status


@pytest.mark.parametrize("name", ["HS61", "BT8", "GOTTFR"])
def test_jacobians_without_full_rank(name):
    res = solve(problem(name))
    assert res.success
    assert certified(problem(name), res)


def test_restoration_finds_a_feasible_point():
    """A start from which no Newton step gets closer to x'x = 1, (x0 - 2)^2 + x1^2 = 1."""
    rows = numopt.NonlinearRows(
        lambda x: [x @ x, (x[0] - 2) ** 2 + x[1] ** 2],
        [1.0, 1.0],
        [1.0, 1.0],
        lambda x: [2 * x, 2 * (x - [2, 0])],
        lambda x, y: 2 * (y[0] + y[1]) * np.eye(2),
    )
    res = solve(bowl(2, constraints=[rows]), [-3.0, 1.0])
    np.testing.assert_allclose(res.x, [1, 0], atol=2e-3)
    assert res.constr_violation <= 1e-6 or res.status is Status.INFEASIBLE


@pytest.mark.parametrize("sides", [(-INF, -1.0), (-1.0, -0.5)])
def test_infeasible(sides):
    rows = numopt.NonlinearRows(
        lambda x: x @ x, *sides, lambda x: 2 * x, lambda x, y: 2 * y[0] * np.eye(2)
    )
    res = solve(bowl(2, constraints=[rows]), [0.1, 0.2])
    assert res.status is Status.INFEASIBLE
    assert not res.success


@pytest.mark.parametrize("lb", [-INF, 0.0])
def test_unbounded(lb):
    p = numopt.CallableNLP(
        lambda x: -x.sum(), np.ones(3), lambda x: -np.ones(3), lambda x: np.zeros((3, 3)), lb=lb
    )
    res = solve(p)
    assert res.status is Status.UNBOUNDED
    assert not res.success


@pytest.mark.parametrize("copies", [2, 5])
def test_duplicate_rows(copies):
    row = numopt.LinearRows(np.ones((copies, 2)), 1.0, 1.0)
    res = solve(bowl(2, constraints=[row]))
    assert res.success
    np.testing.assert_allclose(res.x, 0.5, atol=1e-6)
    assert f"Rank 1 of {copies} linear equality rows" in res.message
    y = res.multipliers["constraints"][0]
    assert np.count_nonzero(y) == 1
    np.testing.assert_allclose(y.sum(), 1, atol=1e-5)


def test_rows_left_out_keep_their_numbers():
    A = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [2.0, 2.0, 0.0], [0.0, 1.0, -1.0]])
    ball = numopt.NonlinearRows(lambda x: x @ x, upper=1.0, jac=lambda x: 2 * x)
    rows = numopt.LinearRows(A, A.sum(axis=1) / 2, A.sum(axis=1) / 2)
    p = bowl(3, constraints=[ball, rows])
    res = solve(p)
    assert certified(p, res)
    assert "Rank 2 of 4 linear equality rows, 2 left out" in res.message
    assert np.isin([1, 2], np.flatnonzero(res.multipliers["constraints"][1] == 0)).any()
    again = solve(p, options={"multipliers": res.multipliers}, x0=res.x)
    assert again.success
    assert again.nit <= 2
    first = solve(p, options={"maxiter": 1})
    assert "Rank 2 of 4" in solve(p, state=first.state).message


def test_contradictory_linear_rows_are_certified():
    A = np.array([[1.0, 1.0], [2.0, 2.0]])
    res = solve(bowl(2, constraints=[numopt.LinearRows(A, [1, 3], [1, 3])]))
    assert res.status is Status.INFEASIBLE
    assert res.infeasibility["farkas"]["radius"] > 1e6
    assert "Rank 1 of 2 linear equality rows; the sides" in res.message


def test_more_rows_than_variables():
    A = np.arange(1.0, 6.0)[:, None] * np.ones((1, 2))
    res = solve(bowl(2, constraints=[numopt.LinearRows(A, A.sum(axis=1), A.sum(axis=1))]))
    assert res.success
    np.testing.assert_allclose(res.x, 1, atol=1e-6)


def test_fixed_variables_equal_substituted_ones():
    lb, ub = np.array([-INF, 3.0, 0.0]), np.array([INF, 3.0, 0.5])
    res = solve(bowl(3, lb=lb, ub=ub, constraints=[numopt.LinearRows([[1, 1, 1]], 6, 6)]))
    small = solve(
        bowl(2, lb=lb[[0, 2]], ub=ub[[0, 2]], constraints=[numopt.LinearRows([[1, 1]], 3, 3)])
    )
    assert res.x[1] == 3.0
    np.testing.assert_allclose(res.x[[0, 2]], small.x, atol=1e-7)
    assert res.fun == pytest.approx(small.fun + 4.0)


@pytest.mark.parametrize("given", [{}, {"lb": 2.0}, {"ub": 0.5}, {"lb": -1.0, "ub": 4.0}])
def test_one_variable_without_rows(given):
    res = solve(bowl(1, **given))
    assert res.success
    expected = np.clip(1.0, given.get("lb", -INF), given.get("ub", INF))
    assert res.x[0] == pytest.approx(expected, abs=1e-5)
    assert certified(bowl(1, **given), res)


@pytest.mark.parametrize("name", ["HS71", "HS43", "HS7", "HS5", "BT11"])
def test_sparse_and_dense_paths_agree(name, monkeypatch):
    dense = solve(problem(name))
    monkeypatch.setattr("numopt.solvers.sketched_newton.DENSE_LIMIT", 0)
    sparse = solve(problem(name))
    assert dense.success
    assert sparse.success
    np.testing.assert_allclose(sparse.x, dense.x, atol=1e-5)


@pytest.mark.parametrize("name", ["LUKVLE1", "MCCORMCK"])
def test_large_problems_are_solved_sparse_as_they_would_be_dense(name, monkeypatch):
    large = cutest_problems.load(name, compile=None, n=2000)
    res = solve(large)
    assert res.success
    assert certified(large, res)
    p = cutest_problems.load(name, compile=None, n=600)
    sparse = solve(p)
    monkeypatch.setattr("numopt.solvers.sketched_newton.DENSE_LIMIT", 10_000)
    dense = solve(p)
    assert sparse.success
    assert dense.success
    np.testing.assert_allclose(sparse.x, dense.x, atol=1e-5)
