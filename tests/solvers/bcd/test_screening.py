"""Gap-safe screening never changes what is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array

import numopt
from numopt.solvers.bcd import BCD
from numopt.solvers.bcd.columns import Columns
from numopt.solvers.bcd.working_set import WorkingSets

TOL = 1e-12


def data(seed, m=60, p=300, sparse=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, p)) * 10.0 ** rng.uniform(-1, 1, p)
    X = np.where(rng.random((m, p)) < 0.2, X, 0.0) if sparse else X
    y = X[:, :5] @ rng.standard_normal(5) + rng.standard_normal(m)
    return csc_array(X) if sparse else X, y, rng


def lam_of(loss, share):
    return share * np.abs(loss.gradient(loss.state(np.zeros(loss.n)))).max()


def both(problem):
    found = [
        numopt.solve(problem, method="bcd", tol=TOL, options={"screening": wanted})
        for wanted in (False, True)
    ]
    assert all(res.success for res in found)
    return found


def same(problem):
    plain, screened = both(problem)
    np.testing.assert_array_equal(screened.active_set, plain.active_set)
    np.testing.assert_allclose(screened.x, plain.x, atol=1e-5 * np.abs(plain.x).max())
    assert abs(screened.fun - plain.fun) <= 2.0 * TOL * problem.reference


@given(
    st.integers(0, 2**20),
    st.sampled_from([0.5, 0.1, 0.02]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_least_squares(seed, share, sparse, positive, intercept):
    X, y, rng = data(seed, sparse=sparse)
    loss = numopt.LeastSquares(X, y, sample_weight=rng.uniform(0.0, 2.0, y.size))
    penalty = numopt.L1(lam_of(loss, share), rng.uniform(0.5, 2.0, X.shape[1]), positive)
    same(numopt.Composite(loss, penalty, intercept))


@pytest.mark.parametrize("sparse", [False, True])
def test_elastic_net(sparse):
    X, y, _ = data(1, sparse=sparse)
    loss = numopt.LeastSquares(X, y)
    lam = lam_of(loss, 0.1)
    same(numopt.Composite(loss, numopt.ElasticNet(lam, 0.1 * lam), standardize=True))


def test_logistic():
    X, y, _ = data(2)
    loss = numopt.Logistic(X, np.sign(y))
    same(numopt.Composite(loss, numopt.L1(lam_of(loss, 0.1)), intercept=True))


def test_columns_are_left_out():
    X, y, _ = data(3)
    loss = numopt.LeastSquares(X, y)
    problem = numopt.Composite(loss, numopt.L1(lam_of(loss, 0.3)))
    engine = WorkingSets(Columns(problem), BCD(screening=True))
    best = numopt.solve(problem, tol=TOL).x
    engine.evaluated(problem, problem.state(best))
    left = engine.screening.kept
    assert left.size < 30
    assert set(np.flatnonzero(best)) <= set(left)
    again = engine.evaluated(problem, problem.state(best))
    exact = problem.gradient(problem.state(best))
    np.testing.assert_allclose(again.grad[left], exact[left], rtol=1e-12)
    assert np.all(np.isinf(np.delete(again.scores, left)))


def test_nothing_is_left_out_without_a_dual_or_with_groups():
    X, y, _ = data(4)
    for penalty in (numopt.GroupL2(5.0, 10), numopt.MCP(5.0), numopt.L1(5.0, np.arange(300) > 3)):
        problem = numopt.Composite(numopt.LeastSquares(X, y), penalty)
        assert not WorkingSets(Columns(problem), BCD(screening=True)).screening.wanted
