"""Quadratic regularisation and plans with few entries in each column."""

from itertools import combinations

import numpy as np
import pytest

import numopt
from numopt import Status, Transport, solve
from numopt.models.sparse_transport import SparseSemidual


def cloud(n, m=None, seed=0):
    rng = np.random.default_rng(seed)
    C = ((rng.uniform(size=(n, 1, 2)) - rng.uniform(size=(m or n, 2))) ** 2).sum(axis=2)
    return C / C.max()


def masses(n, seed=1):
    a = np.random.default_rng(seed).uniform(0.5, 1.5, size=n)
    return a / a.sum()


def sparse(p, **options):
    return solve(p, method="sparse_ot", tol=options.pop("tol", 1e-9), options=options)


@pytest.mark.parametrize("k", range(1, 7))
def test_columns_against_all_supports(k):
    rng, gamma, w = np.random.default_rng(k), 0.7, 0.4
    c, alpha = rng.uniform(size=6), rng.normal(size=6)
    p = Transport(masses(6), [1.0], c[:, None], reg=gamma)
    s, w = alpha - c, 1.0
    best = -np.inf
    for size in range(1, k + 1):
        for support in map(list, combinations(range(6), size)):
            t = (s[support] + (gamma * w - s[support].sum()) / size) / gamma
            if t.min() >= 0:
                best = max(best, t @ s[support] - gamma / 2 * t @ t)
    point = SparseSemidual(p, k).point(gamma, alpha, np.zeros(1))
    T = SparseSemidual(p, k).matrix(point).toarray()
    assert T.sum() == pytest.approx(1.0)
    assert np.count_nonzero(T) <= k
    assert s @ T[:, 0] - gamma / 2 * (T**2).sum() == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("k", [0, 3])
def test_gradient(k):
    p, rng = Transport(masses(9), masses(7), cloud(9, 7), reg=0.5), np.random.default_rng(0)
    dual, alpha, d = SparseSemidual(p, k), rng.normal(size=9) / 10, rng.normal(size=9)
    at = lambda t: dual.point(0.5, alpha + t * d, np.zeros(7))  # noqa: E731
    slope = (dual.value(at(1e-6)) - dual.value(at(-1e-6))) / 2e-6
    assert slope == pytest.approx((p.a - at(0).rows) @ d, abs=1e-8)


@pytest.mark.parametrize("gamma", [0.05, 1.0, 20.0])
def test_agrees_with_a_quadratic_program(gamma):
    cvxpy = pytest.importorskip("cvxpy")
    n, m = 12, 9
    p = Transport(masses(n), masses(m), cloud(n, m), reg=gamma)
    C, T = p.cost.dense(), cvxpy.Variable((n, m), nonneg=True)
    objective = cvxpy.sum(cvxpy.multiply(C, T)) + gamma / 2 * cvxpy.sum_squares(T)
    rows = [cvxpy.sum(T, axis=1) == p.a, cvxpy.sum(T, axis=0) == p.b]
    program = cvxpy.Problem(cvxpy.Minimize(objective), rows)
    program.solve(solver="CLARABEL")
    res = sparse(p)
    assert res.success
    np.testing.assert_allclose(res.plan.toarray(), T.value, atol=1e-5)
    assert res.fun == pytest.approx(program.value, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_certificates(seed):
    p = Transport(masses(60), masses(40), cloud(60, 40, seed), reg=1.0)
    res = sparse(p, tol=1e-12)
    P, C, R = res.plan, p.cost.dense(), res.rounded
    assert res.success
    assert res.nnz == P.nnz < 300
    assert np.abs(P.sum(axis=1).A1 - p.a).sum() <= 1.01e-12
    np.testing.assert_allclose(R.sum(axis=0), p.b, atol=1e-15)
    np.testing.assert_allclose(R.sum(axis=1), p.a, atol=1e-15)
    assert res.upper == pytest.approx((R * C).sum(), rel=1e-12)
    value = (R * C).sum() + 0.5 * (R**2).sum()
    assert res.gap == pytest.approx(value - res.dual, abs=1e-15)
    assert abs(res.gap) <= 1e-12
    assert res.lower <= res.exact.fun <= res.upper


def test_no_limit_is_a_large_limit():
    p = Transport(None, None, cloud(30), reg=1.0)
    free, bound = sparse(p), sparse(p, k=30)
    np.testing.assert_allclose(free.plan.toarray(), bound.plan.toarray(), atol=1e-9)


def test_limit_that_binds():
    p = Transport(masses(40), masses(40, 2), cloud(40), reg=1.0)
    free = sparse(p)
    most = free.column_entries
    assert most > 3
    for k in range(2, most):
        res = sparse(p, k=k, tol=1e-8)
        assert np.diff(res.plan.tocsc().indptr).max() <= k
        assert res.success or (res.status == Status.SMALL_STEP and "tie" in res.message)
        if res.success:
            assert res.fun >= free.fun - 1e-12


def test_weak_regularisation_tends_to_the_exact_value():
    p = Transport(masses(20), masses(20, 2), cloud(20), reg=1e-4)
    res = sparse(p)
    assert res.success
    assert res.upper == pytest.approx(res.exact.fun, abs=1e-4)


def test_one_entry_a_column_bounds_the_exact_value():
    """The semi-dual for k = 1 is the unregularised one up to a constant."""
    gamma, b = 0.1, masses(20, 2)
    p = Transport(masses(20), b, cloud(20), reg=gamma)
    res = sparse(p, k=1)
    assert res.column_entries == 1
    assert res.status == Status.SMALL_STEP
    assert "tie" in res.message
    value, constant = res.exact.fun, gamma / 2 * (b @ b)
    assert 0.9 * value <= res.dual - constant <= value


def test_permutation():
    p, rng = Transport(masses(20), masses(15), cloud(20, 15), reg=1.0), np.random.default_rng(0)
    i, j = rng.permutation(20), rng.permutation(15)
    moved = Transport(p.a[i], p.b[j], p.cost.dense()[np.ix_(i, j)], reg=1.0)
    P, Q = sparse(p).plan.toarray(), sparse(moved).plan.toarray()
    np.testing.assert_allclose(Q, P[np.ix_(i, j)], atol=1e-9)


def test_point_cloud_and_warm_start():
    rng = np.random.default_rng(0)
    points = numopt.PointCloud(rng.uniform(size=(30, 2)), rng.uniform(size=(20, 2)), "l1")
    flown = sparse(Transport(None, None, points, reg=0.5))
    dense = Transport(None, None, points.dense(), reg=0.5)
    np.testing.assert_allclose(flown.x, sparse(dense).x, atol=1e-9)
    again = solve(dense, flown.x, method="sparse_ot")
    assert again.success
    assert again.nit <= 1


def test_zero_masses_and_forbidden_entries():
    C = np.pad(cloud(10), ((1, 0), (0, 1)), constant_values=np.inf)
    C[1, 0] = np.inf
    res = sparse(Transport([0.0, *masses(10)], [*masses(10, 2), 0.0], C, reg=1.0))
    assert res.success
    assert res.plan.shape == (11, 11)
    assert res.plan[1, 0] == res.plan[0].sum() == 0


@pytest.mark.parametrize("mass", [1e-14, 1e-20])
def test_masses_below_rounding_of_the_costs(mass):
    a = np.r_[mass, masses(5)]
    p = Transport(a, a[::-1], cloud(6) + 3.0, reg=1.0)
    res = sparse(p)
    assert res.success
    assert np.isfinite(res.fun)


def test_too_few_entries():
    p = Transport(masses(10), masses(3), cloud(10, 3), reg=1.0)
    with pytest.raises(numopt.OptionError, match="`k` must be at least 4"):
        sparse(p, k=3)


def test_numpy_only():
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(numopt.UnsupportedError, match="NumPy arrays only"):
        sparse(Transport(None, None, strict.ones((3, 3)), reg=1.0))
