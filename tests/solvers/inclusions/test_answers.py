"""Right answers for sums, games and equilibria."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from numopt import FiniteSum, MatrixGame, Term, solve
from numopt.problems import games, inclusions, traffic


@pytest.mark.parametrize("term", ["none", "l1", "box", "simplex", "group"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "smooth_hinge", "squared_hinge"])
def test_sums_and_deterministic_methods_agree(loss, term):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((200, 4))
    b = np.sign(A @ [1.0, -1.0, 0.0, 0.5] + 0.5 * rng.standard_normal(200))
    g = {
        "none": Term(),
        "l1": Term("l1", 0.05),
        "box": Term("box", lower=-0.1, upper=0.3),
        "simplex": Term("simplex", 0.7),
        "group": Term("group", 0.05, size=2),
    }[term]
    problem = FiniteSum(A, b, loss, g, ridge=0.01)
    first = solve(problem, rng=0, tol=1e-8)
    second = solve(problem, rng=0, tol=1e-8, method="extragradient")
    assert first.success
    assert second.success
    np.testing.assert_allclose(first.x, second.x, atol=1e-5)
    assert first.fun == pytest.approx(second.fun, abs=1e-9)


def test_lasso_reaches_the_solution_of_coordinate_descent():
    problem = inclusions.lasso(200, 8)
    A, b, lam = problem.A, problem.b, problem.term.weight
    x, n = np.zeros(8), len(b)
    for _ in range(300):
        for j in range(8):
            r = b - A @ x + A[:, j] * x[j]
            z = A[:, j] @ r / n
            x[j] = np.sign(z) * max(abs(z) - lam, 0.0) / (A[:, j] @ A[:, j] / n)
    res = solve(problem, rng=0, tol=1e-11)
    np.testing.assert_allclose(res.x, x, atol=1e-10)


def test_sparse_and_structured_games_are_the_dense_ones():
    dense = games.policeman(60)
    others = games.policeman(60, structured=True), MatrixGame(csr_matrix(dense.A.K))
    options = {"criterion": "gap"}
    results = [solve(p, tol=1e-6, options=options) for p in (dense, *others)]
    assert all(res.success for res in results)
    assert np.ptp([res.fun for res in results]) < 1e-6


@pytest.mark.parametrize("variant", ["eg", "forb", "eag", "ehalpern"])
def test_variants_of_extragradient(variant):
    problem = inclusions.auc(100, 4)
    res = solve(problem, rng=0, tol=1e-7, method="extragradient", options={"variant": variant})
    assert res.success
    assert np.linalg.norm(problem._operator(res.x)) <= 1e-7


def test_braess():
    network = traffic.braess()
    res = solve(network.problem, rng=0)
    assert res.success
    np.testing.assert_allclose(network.flows(res.primal), [4, 2, 2, 4, 2], atol=1e-4)
    assert -res.dual[0] == pytest.approx(92.0, abs=1e-4)  # time of every used route


def test_nash_cournot_is_an_equilibrium():
    problem = inclusions.nash_cournot(5)
    res = solve(problem, rng=0, tol=1e-8)
    assert res.success
    assert np.abs(problem._operator(res.x)[res.x > 0.1 + 1e-6]).max() < 1e-7


def test_constrained_qp_against_its_conditions():
    problem = inclusions.constrained_qp(20, 5)
    res = solve(problem, rng=0, tol=1e-7)
    r = problem.p + problem.grad_x(res.primal) + problem.K.K.T @ res.dual
    assert res.success
    assert np.abs(np.minimum(res.primal, r)).max() < 1e-6
    assert np.abs(problem.K.K @ res.primal + problem.q).max() < 1e-6
