"""Entropic transport: the answers, the certificates, the claims of speed in iterations."""

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import issparse

import numopt
from numopt import PointCloud, Status, Transport, solve
from numopt.models.passes import Point

METHODS = ("sinkhorn", "sns")


def squares(n, m, seed=0):
    rng = np.random.default_rng(seed)
    X, Y = rng.uniform(size=(n, 2)), rng.uniform(size=(m, 2))
    C = ((X[:, None] - Y) ** 2).sum(axis=2)
    return C / C.max()


def masses(n, seed=1):
    a = np.random.default_rng(seed).uniform(0.5, 1.5, size=n)
    return a / a.sum()


def example(n=40, m=30, eta=50.0, seed=0):
    return Transport(masses(n, 1), masses(m, 2), squares(n, m, seed), eta=eta)


def plan_of(res):
    return res.plan.toarray() if issparse(res.plan) else res.plan


def violation(P, a, b):
    return np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum()


def exact(a, b, C):
    n, m = C.shape
    rows = np.kron(np.eye(n), np.ones(m))
    cols = np.kron(np.ones(n), np.eye(m))
    A, rhs = np.vstack([rows, cols])[:-1], np.concatenate([a, b])[:-1]
    return linprog(C.ravel(), A_eq=A, b_eq=rhs, method="highs").fun


# -- the mathematics -------------------------------------------------------------------------------


def test_gradient_and_hessian_of_the_semidual():
    p, rng = example(6, 5, eta=7.0), np.random.default_rng(0)
    g, d = rng.normal(size=5), rng.normal(size=5)
    at = lambda t: p.point(p.eta, np.zeros(6), g + t * d)  # noqa: E731
    h = 1e-5
    slope = (p.semidual(at(h)) - p.semidual(at(-h))) / (2 * h)
    assert slope == pytest.approx((p.b - at(0).cols) @ d, rel=1e-8)
    P = p.plan_rows(*at(0)[:3])
    np.testing.assert_allclose(P.sum(axis=1), p.a, rtol=1e-13)
    S = np.diag(P.sum(axis=0)) - P.T @ np.diag(1 / p.a) @ P
    np.testing.assert_allclose(S @ np.ones(5), 0, atol=1e-15)
    np.testing.assert_allclose((at(h).cols - at(-h).cols) / (2 * h), S @ d, atol=1e-9)


def test_kept_entries_lose_at_most_theta_and_leave_a_semidefinite_hessian():
    p = example(40, 30, eta=300.0)
    point = p.sinkhorn(p.point(p.eta, np.zeros(40), np.zeros(30)), 5)
    P, theta = p.plan_rows(*point[:3]), 0.05
    kept = p.kept(point, theta * p.a / 30, theta * p.b / 40)
    assert 0 < kept.nnz < 0.5 * P.size
    low = np.minimum((theta * p.a / 30)[:, None], theta * p.b / 40)
    np.testing.assert_array_equal(kept.indices, np.nonzero(low <= P)[1])
    Ps = np.where(low <= P, P, 0.0)
    assert np.all((P - Ps).sum(axis=1) <= theta * p.a)
    assert np.all((P - Ps).sum(axis=0) <= theta * p.b)
    S = np.diag(P.sum(axis=0)) - Ps.T @ np.diag(1 / p.a) @ Ps
    assert np.linalg.eigvalsh(S).min() >= -1e-15


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_any_pattern_leaves_a_semidefinite_hessian(seed, share):
    rng = np.random.default_rng(seed)
    P = rng.exponential(size=(9, 7)) ** 4
    r, c = P.sum(axis=1), P.sum(axis=0)
    Ps = P * (rng.uniform(size=P.shape) < share)
    H = np.block([[np.diag(r), P], [P.T, np.diag(c)]])
    M = np.block([[np.diag(r), Ps], [Ps.T, np.diag(c)]])
    assert np.linalg.eigvalsh(M).min() >= -1e-13 * r.max()
    x, y = rng.normal(size=9), rng.normal(size=7)
    squares = Ps * (x[:, None] + y) ** 2
    rest = (r - Ps.sum(axis=1)) @ x**2 + (c - Ps.sum(axis=0)) @ y**2
    z = np.concatenate([x, y])
    assert z @ M @ z == pytest.approx(squares.sum() + rest, rel=1e-10)
    null = np.concatenate([np.ones(9), -np.ones(7)])
    np.testing.assert_allclose(H @ null, 0.0, atol=1e-12 * r.max())


def test_error_of_the_sparse_hessian():
    p = example(40, 30, eta=300.0)
    point = p.sinkhorn(p.point(p.eta, np.zeros(40), np.zeros(30)), 5)
    P = p.plan_rows(*point[:3])
    for theta in (1e-1, 1e-2, 1e-4):
        low = np.minimum((theta * p.a / 30)[:, None], theta * p.b / 40)
        dropped = np.where(low <= P, 0.0, P)
        assert np.linalg.norm(dropped, 2) <= theta * np.sqrt(p.a.max() * p.b.max())


@pytest.mark.parametrize("relax", [np.inf, 0.5])
def test_iterations_increase_the_semidual(relax):
    p = Transport(masses(40), masses(30, 2), squares(40, 30), eta=200.0, relax=relax).armed()
    solver = numopt.SNS()
    point = p.point(p.eta, np.zeros(40), np.zeros(30))
    values = [p.semidual(point)]
    for _ in range(20):
        point = p.sinkhorn(point)
        values.append(p.semidual(point))
    state = solver.init(p, np.r_[point.f, point.g] / p.eta, None)
    while p.violation(state.point)[0] > 1e-12:
        state = solver.step(p, state, None)
        values.append(p.semidual(state.point))
    assert np.diff(values).min() >= -1e-13 * abs(values[-1])


# -- the plan that is stored -----------------------------------------------------------------------


@pytest.mark.parametrize("relax", [np.inf, 0.4])
def test_stored_plan_serves_its_neighbours(relax):
    p = Transport(masses(40), masses(30, 2), squares(40, 30), eta=300.0, relax=relax)
    run, rng = p.armed(), np.random.default_rng(0)
    point = run.sinkhorn(run.point(p.eta, np.zeros(40), np.zeros(30)), 3)
    for size in (1e-3, 1.0, 20.0):
        g = point.g + rng.uniform(-size, size, size=30)
        near, exact = run.moved(point, g), p.point(p.eta, point.f, g)
        assert near.base is point.base
        for ours, theirs in zip(near[1:5], exact[1:5], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-15)
        low = 1e-4 * p.a / 30, 1e-4 * p.b / 40
        ours, theirs = run.kept(near, *low), p.kept(exact, *low)
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-11)
    far = run.moved(point, point.g + 100.0)
    assert far.base is not point.base
    np.testing.assert_allclose(far.cols, p.point(p.eta, point.f, far.g).cols, rtol=1e-12)


def test_stored_plan_is_made_again_from_a_point():
    run = example(eta=300.0).armed()
    point = run.sinkhorn(run.point(300.0, np.zeros(40), np.zeros(30)), 3)
    once = run.moved(point, point.g + 0.1)
    run.point(200.0, point.f, point.g)
    for other in (run, example(eta=300.0).armed()):
        again = other.moved(point, point.g + 0.1)
        for ours, theirs in zip(again[:5], once[:5], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_what_is_too_large_is_not_stored(monkeypatch):
    from numopt.models import passes

    p = example(eta=1200.0)
    stored = solve(p)
    monkeypatch.setattr(passes, "STORED", 10)
    res = solve(p)
    assert res.success
    assert res.newton_iterations == stored.newton_iterations
    np.testing.assert_allclose(res.x, stored.x, atol=1e-11)


def test_rows_that_hardly_keep_mass_are_not_stored():
    """The demand exp(-f / (eta rho)) underflows where every cost is far beyond rho."""
    C = np.array([[0.0, 1.0], [1.0, 0.0], [900.0, 900.0]])
    p = Transport([1.0, 1.0, 1.0], [1.0, 1.0], C, eta=1.0, relax=1.0)
    for method in METHODS:
        res = solve(p, method=method)
        assert res.success
        assert 0 < plan_of(res)[2].sum() < 1e-150


# -- agreement -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("eta", [10.0, 30.0, 100.0])
def test_agrees_with_pot(method, eta):
    ot = pytest.importorskip("ot")
    p = example(eta=eta)
    res = solve(p, method=method, tol=1e-12)
    assert res.success
    P = ot.sinkhorn(
        p.a, p.b, p.cost.dense(), 1 / eta, "sinkhorn_log", stopThr=1e-13, numItermax=100_000
    )
    np.testing.assert_allclose(plan_of(res), P, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (1, 5), (5, 1), (1, 1), (7, 7)])
def test_certificates(method, shape):
    n, m = shape
    p = example(n, m, eta=80.0)
    res = solve(p, method=method)
    assert res.success
    C, P, R = p.cost.dense(), plan_of(res), res.rounded
    assert violation(P, p.a, p.b) <= 1.02e-9
    assert violation(R, p.a, p.b) <= 1e-13
    assert R.min() >= 0
    assert np.abs(R - P).sum() <= 2 * violation(P, p.a, p.b) + 1.1e-11
    value = exact(p.a, p.b, C) if min(n, m) > 1 else (P * C).sum()
    assert res.lower <= value + 1e-12
    assert res.upper >= value - 1e-9
    assert res.upper == pytest.approx((R * C).sum(), rel=1e-12)
    assert res.upper - value <= np.log(min(n, m)) / p.eta + 1e-9
    entropy = R[R > 0] @ (np.log(R[R > 0]) - 1)
    assert res.dual - 1e-12 <= (R * C).sum() + entropy / p.eta <= res.dual + res.gap + 1e-12
    assert res.gap + 1e-14 >= 0
    assert res.gap <= 1e-8
    assert res.fun == pytest.approx(res.dual, abs=1e-8)


@pytest.mark.parametrize("eta", [300.0, 1200.0, 10_000.0, 100_000.0])
def test_small_regularisation(eta):
    p = example(60, 60, eta=eta)
    res = solve(p)
    assert res.success
    assert violation(plan_of(res), p.a, p.b) <= 1e-9 * 1.02
    value = exact(p.a, p.b, p.cost.dense())
    assert res.lower <= value <= res.upper + 1e-12
    assert res.upper - value <= np.log(60) / eta


def test_degenerate_cost():
    n = 15
    x = np.arange(n) / (n - 1)
    G = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    p = Transport(masses(n * n, 1), masses(n * n, 2), PointCloud(G, G, "l1", scale=0.5), eta=1200)
    res = solve(p)
    assert res.success
    assert res.newton_iterations <= 25
    hot = Transport(p.a, p.b, p.cost, eta=1e4)
    assert solve(hot).success


def test_secant_along_the_path():
    """From 300, 600 to 1200 the secant in eta leaves little to do, plain scaling everything."""
    n = 15
    x = np.arange(n) / (n - 1)
    G = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    cost = PointCloud(G, G, "l1", scale=0.5)
    a, b = masses(n * n, 1), masses(n * n, 2)
    f, g = {}, {}
    for eta in (300.0, 600.0):
        alpha, beta = solve(Transport(a, b, cost, eta=eta), tol=1e-8).potentials
        f[eta], g[eta] = eta * alpha, eta * beta
    p = Transport(a, b, cost, eta=1200.0)
    plain = p.point(1200.0, 2 * f[600.0], 2 * g[600.0])
    secant = p.point(1200.0, 3 * f[600.0] - 2 * f[300.0], 3 * g[600.0] - 2 * g[300.0])
    assert p.violation(secant)[0] <= 0.1
    assert p.violation(plain)[0] >= 3 * p.violation(secant)[0]


@pytest.mark.parametrize("eta", [1200.0, 1e4, 1e5])
@pytest.mark.parametrize("kind", ["random", "cloud"])
def test_every_seed_is_solved(kind, eta):
    for seed in range(20):
        C = squares(30, 30, seed)
        C = np.random.default_rng(seed).uniform(size=(30, 30)) if kind == "random" else C
        res = solve(Transport(None, None, 0.99 * C, eta=eta))
        assert res.success, seed


def test_high_accuracy_costs_little_more():
    p = example(100, 100, eta=1200.0)
    low, high = solve(p, tol=1e-9), solve(p, tol=1e-12)
    assert high.success
    assert high.newton_iterations <= low.newton_iterations + 2
    assert high.nfev <= 1.3 * low.nfev


def test_published_sparsification():
    p = example(50, 50, eta=1200.0)
    res = solve(p, options={"sparsify": "topk", "density": 0.5})
    assert res.success
    assert res.nnz >= 0.5 * 2500


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 9),
    m=st.integers(1, 9),
    seed=st.integers(0, 10**6),
    eta=st.sampled_from([1.0, 30.0, 1000.0, 30_000.0]),
    empty=st.sampled_from([0.0, 0.3]),
    steps=st.sampled_from([0, 3]),
)
def test_any_problem(n, m, seed, eta, empty, steps):
    """Masses over ten decades, some of them zero; costs that tie if they are whole numbers."""
    rng = np.random.default_rng(seed)
    a, b = (10.0 ** rng.uniform(-10, 0, size=k) * (rng.uniform(size=k) >= empty) for k in (n, m))
    a[0] += 0.1
    b[0] += 0.1
    a, b = a / a.sum(), b / b.sum()
    C = rng.integers(0, steps + 1, size=(n, m)) / steps if steps else rng.uniform(size=(n, m))
    res = solve(Transport(a, b, C, eta=eta))
    P = plan_of(res)
    assert res.success
    assert violation(P, a, b) <= 1.1e-9
    assert P[a == 0].sum() == P[:, b == 0].sum() == 0
    assert res.gap >= -1e-12
    assert res.lower <= res.exact.fun + 1e-12
    assert res.exact.fun <= res.upper + 1e-9


# -- invariance ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_permutation_and_shift(method):
    p, rng = example(20, 15, eta=40.0), np.random.default_rng(3)
    C, i, j = p.cost.dense(), rng.permutation(20), rng.permutation(15)
    res = solve(p, method=method, tol=1e-11)
    permuted = solve(Transport(p.a[i], p.b[j], C[np.ix_(i, j)], eta=40.0), method=method, tol=1e-11)
    np.testing.assert_allclose(plan_of(permuted), plan_of(res)[np.ix_(i, j)], atol=1e-10)
    shifted = C + rng.uniform(size=(20, 1)) + rng.uniform(size=15)
    moved = solve(Transport(p.a, p.b, shifted, eta=40.0), method=method, tol=1e-11)
    np.testing.assert_allclose(plan_of(moved), plan_of(res), atol=1e-10)


def test_gauge_of_the_potentials():
    p = example()
    alpha, beta = solve(p).potentials
    assert p.a @ alpha == pytest.approx(0, abs=1e-14)
    np.testing.assert_allclose(
        np.exp(p.eta * (alpha[:, None] + beta - p.cost.dense())).sum(axis=1), p.a, rtol=1e-9
    )


@pytest.mark.parametrize("method", METHODS)
def test_warm_start(method):
    p = example(eta=60.0)
    cold = solve(p, method=method)
    again = solve(p, cold.x, method=method)
    assert again.success
    assert again.nit <= 1
    other = solve(example(eta=80.0), cold.x, method=method)
    assert other.success
    assert other.nfev < solve(example(eta=80.0), method=method).nfev


def test_bad_warm_start():
    p = example(eta=1200.0)
    for x0 in (np.random.default_rng(0).normal(size=70), np.r_[1e6, np.zeros(69)]):
        res = solve(p, x0)
        assert res.success


# -- geometry --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "l1", "callable"])
def test_point_cloud_is_the_dense_cost(method, metric):
    rng = np.random.default_rng(0)
    X, Y = rng.uniform(size=(12, 3)), rng.uniform(size=(9, 3))
    if metric == "callable":
        metric = lambda X, Y: np.abs(X[:, None] - Y).max(axis=2)  # noqa: E731
    cloud = PointCloud(X, Y, metric, scale=0.7)
    a, b = masses(12), masses(9)
    flown = solve(Transport(a, b, cloud, eta=30), method=method)
    dense = solve(Transport(a, b, cloud.dense(), eta=30), method=method)
    assert flown.success
    np.testing.assert_allclose(plan_of(flown), plan_of(dense), atol=1e-10)
    assert flown.upper == pytest.approx(dense.upper, rel=1e-9)


def test_rows_in_blocks(monkeypatch):
    from numopt.models import geometry

    p = example(40, 30, eta=300.0)
    whole = solve(p)
    monkeypatch.setattr(geometry, "BLOCK", 200)
    parts = solve(p)
    np.testing.assert_allclose(parts.x, whole.x, atol=1e-12)
    np.testing.assert_allclose(plan_of(parts), plan_of(whole), atol=1e-12)


def test_time_is_looked_at_between_blocks(monkeypatch):
    from numopt.models import geometry

    monkeypatch.setattr(geometry, "CALLED_BLOCK", 100)
    calls = []

    def slow(X, Y):
        calls.append(len(X))
        while len(calls) > 20 and time.perf_counter() < started + 0.2:
            pass
        return np.abs(X[:, None] - Y).sum(axis=2)

    X, Y = np.random.default_rng(0).uniform(size=(2, 40, 2))
    problem = Transport(None, None, PointCloud(X, Y, slow), eta=300.0)
    before, started = len(calls), time.perf_counter()
    res = solve(problem, options={"maxtime": 0.1})
    assert res.status == Status.MAX_TIME
    assert len(calls) - before <= 40


# -- masses, forbidden entries, bad input ----------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_zero_masses_are_left_out(method):
    a, b, C = masses(8), masses(6), squares(8, 6)
    wide_a, wide_b = np.insert(a, [2, 5], 0.0), np.insert(b, 0, 0.0)
    wide = np.full((10, 7), np.inf)
    where = np.ix_(np.flatnonzero(wide_a), np.flatnonzero(wide_b))
    wide[where] = C
    res = solve(Transport(wide_a, wide_b, wide, eta=40), method=method)
    plain = solve(Transport(a, b, C, eta=40), method=method)
    assert res.success
    np.testing.assert_allclose(plan_of(res)[where], plan_of(plain), atol=1e-12)
    assert plan_of(res).shape == (10, 7)
    assert plan_of(res)[2].sum() == plan_of(res)[:, 0].sum() == 0
    assert res.potentials[0][2] == res.potentials[1][0] == -np.inf
    assert solve(Transport(wide_a, wide_b, wide, eta=40), res.x, method=method).nit <= 1


@pytest.mark.parametrize("method", METHODS)
def test_forbidden_entries(method):
    C = squares(9, 9)
    C[np.triu_indices(9, 2)] = np.inf
    res = solve(Transport(None, None, C, eta=8), method=method)
    assert res.success
    assert np.all(plan_of(res)[np.isinf(C)] == 0)


@pytest.mark.parametrize("method", METHODS)
def test_infeasible_pattern(method):
    C = squares(6, 6)
    C[:3, 2:] = np.inf  # three rows share two columns
    res = solve(Transport(None, None, C, eta=40), method=method, options={"maxiter": 5000})
    assert res.status == Status.INFEASIBLE
    assert not res.success


def test_mass_that_is_not_one():
    p = example()
    res = solve(Transport(7 * p.a, 7 * p.b, p.cost, eta=p.eta))
    assert res.success
    np.testing.assert_allclose(plan_of(res), 7 * plan_of(solve(p)), atol=1e-8)
    assert res.gap <= 1e-7


HALF = [0.5, 0.5]
SQUARE = [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((HALF, [0.5, 0.6], SQUARE, 1.0), r"`a` sums to 1.0, `b` to 1.1; .*balance='rescale'"),
        ((HALF, [1.5, -0.5], SQUARE, 1.0), "`b` .*not negative, entry 1 is -0.5"),
        ((HALF, [np.nan, 1.0], SQUARE, 1.0), "`b` must hold finite numbers"),
        (([0.0, 0.0], HALF, SQUARE, 1.0), "`a` must hold some mass"),
        (([1.0], HALF, SQUARE, 1.0), "`a` must have 2 entries"),
        ((HALF, HALF, [[0.0, 1.0], [np.nan, 0.0]], 1.0), r"entry \(1, 0\) is nan"),
        ((HALF, HALF, [[0.0, 1.0], [-2.0, 0.0]], 1.0), r"\(1, 0\) is -2.0; subtract"),
        ((HALF, HALF, [[0.0, 1.0], [-np.inf, 0.0]], 1.0), "is -inf"),
        ((HALF, HALF, [[np.inf, np.inf], [1.0, 0.0]], 1.0), "infeasible: row 0"),
        ((HALF, HALF, [[np.inf, 0.0], [np.inf, 0.0]], 1.0), "infeasible: column 0"),
        ((HALF, HALF, [0.0, 1.0], 1.0), "`cost` must be a matrix"),
        ((HALF, HALF, SQUARE, 0.0), "`reg` must be positive"),
        ((HALF, HALF, SQUARE, None), "either `reg` or `eta`"),
    ],
)
def test_bad_input(arguments, match):
    with pytest.raises(numopt.ProblemError, match=match):
        Transport(*arguments)


def test_bad_points():
    with pytest.raises(numopt.ProblemError, match="as many columns"):
        PointCloud(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(numopt.ProblemError, match="`X` must hold finite"):
        PointCloud([[np.inf]], [[0.0]])
    with pytest.raises(numopt.ProblemError, match="`metric` must be one of"):
        PointCloud([[0.0]], [[0.0]], "cosine")
    with pytest.raises(numopt.ProblemError, match="returned shape"):
        Transport(None, None, PointCloud([[0.0]], [[0.0]], lambda X, Y: np.zeros((2, 2))), 1.0)
    with pytest.raises(TypeError, match="real numbers"):
        PointCloud([["a"]], [[0.0]])


def test_rescaling_is_asked_for():
    res = solve(Transport(HALF, [1.0, 1.0], SQUARE, 0.1, balance="rescale"))
    assert res.success
    assert plan_of(res).sum() == pytest.approx(1.0)


def test_single_precision():
    p = example()
    C = p.cost.dense().astype(np.float32)
    single = Transport(p.a, p.b, C, eta=p.eta)
    with pytest.raises(numopt.OptionError, match=r"`tol` 1.0e-09 is below .*float32"):
        solve(single)
    res = solve(single, tol=1e-4)
    assert res.success
    assert res.x.dtype == np.float32
    fine = solve(Transport(p.a, p.b, C, eta=p.eta, refine=True))
    assert fine.success
    assert fine.x.dtype == np.float64


def test_unreachable_tolerance_ends_honestly():
    res = solve(example(eta=1e5), tol=1e-16)
    assert res.status == Status.SMALL_STEP
    assert not res.success
    assert res.optimality < 1e-9


def test_very_small_regularisation_is_told():
    from scipy.optimize import OptimizeWarning

    with pytest.warns(OptimizeWarning, match=r"range of the cost is 1\.0e\+06") as caught:
        Transport(HALF, HALF, SQUARE, 1e-6)
    assert caught[0].filename == __file__


def test_plot_of_a_plan():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    rng = np.random.default_rng(0)
    X, Y = rng.uniform(size=(2, 8, 2))
    ax = numopt.plot.plan(solve(Transport(None, None, PointCloud(X, Y), eta=300.0)), X, Y)
    assert len(ax.collections[0].get_segments()) >= 8


def test_nothing_is_computed_that_is_not_read():
    res = solve(example())
    assert "plan" in res
    assert "worked out when read" in repr(res)
    assert res.plan is res.plan
    assert "worked out when read" in repr(res)


def test_bound_of_the_dual_value():
    p = example(eta=1200.0)
    res = solve(p)
    assert res.dual <= p.bound(p.eta)


def test_points_have_right_rows_whatever_the_guess():
    p = example(eta=500.0)
    for guess in (np.zeros(40), np.full(40, 1e5), np.full(40, -1e5)):
        point = p.point(p.eta, guess, np.zeros(30))
        np.testing.assert_allclose(p.plan_rows(*point[:3]).sum(axis=1), p.a, rtol=1e-10)
        assert isinstance(point, Point)


# -- relaxed marginals -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("relax", [0.1, 5.0, (0.3, np.inf), (np.inf, 0.3)])
def test_relaxed_marginals_are_optimal(method, relax):
    a, b, C, eta = masses(12), 1.4 * masses(9), squares(12, 9), 30.0
    if np.isinf(relax).any():
        b = masses(9)
    p = Transport(a, b, C, eta=eta, relax=relax)
    res = solve(p, method=method, tol=1e-11)
    assert res.success
    P, weights = plan_of(res), np.broadcast_to(relax, 2)
    alpha, beta = res.potentials
    np.testing.assert_allclose(P.sum(axis=1), a * np.exp(-alpha / weights[0]), rtol=1e-8)
    np.testing.assert_allclose(P.sum(axis=0), b * np.exp(-beta / weights[1]), rtol=1e-8)
    assert res.fun == pytest.approx(relaxed_objective(P, a, b, C, eta, weights), rel=1e-8)
    assert -1e-12 <= res.gap <= 1e-8


def relaxed_objective(P, a, b, C, eta, weights):
    fun = (P * C).sum() + (P * (np.log(P) - 1)).sum() / eta
    for rho, sums, mass in zip(weights, (P.sum(axis=1), P.sum(axis=0)), (a, b), strict=True):
        fun += 0.0 if np.isinf(rho) else rho * (sums * np.log(sums / mass) - sums + mass).sum()
    return fun


@pytest.mark.filterwarnings("ignore:If reg_type = entropy")
def test_relaxed_marginals_agree_with_pot():
    ot = pytest.importorskip("ot")
    a, b, C = masses(12), 1.4 * masses(9), squares(12, 9)
    res = solve(Transport(a, b, C, reg=0.05, relax=0.5), tol=1e-11)
    P = ot.unbalanced.sinkhorn_unbalanced(
        a, b, C, 0.05, 0.5, reg_type="entropy", stopThr=1e-14, numItermax=20_000
    )
    np.testing.assert_allclose(plan_of(res), P, atol=1e-8)


def test_strong_relaxation_weights_tend_to_equality():
    p = example(20, 15, eta=100.0)
    res = solve(Transport(p.a, p.b, p.cost, eta=100.0, relax=1e6))
    np.testing.assert_allclose(plan_of(res), plan_of(solve(p)), atol=1e-6)


def test_small_regularisation_of_relaxed_marginals():
    p = Transport(masses(60), 2 * masses(60, 2), squares(60, 60), eta=5000.0, relax=0.2)
    res = solve(p)
    assert res.success
    assert res.newton_iterations < 60


def test_sparse_ot_refuses_relaxed_marginals():
    p = Transport(masses(6), masses(6), squares(6, 6), reg=1.0, relax=1.0)
    with pytest.raises(numopt.UnsupportedError, match=r"unbalanced\. .*: sinkhorn, sns"):
        solve(p, method="sparse_ot")
    with pytest.raises(numopt.ProblemError, match="`relax` must be positive"):
        Transport(None, None, squares(6, 6), reg=1.0, relax=-1.0)


# -- the value as a loss ---------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "l1"])
@pytest.mark.parametrize("relax", [np.inf, 0.5])
def test_gradients(metric, relax):
    rng = np.random.default_rng(0)
    X, Y, a, b = rng.uniform(size=(8, 2)), rng.uniform(size=(7, 2)), masses(8), masses(7)

    def solved(X=X, Y=Y, a=a, b=b):
        cloud = PointCloud(X, Y, metric, scale=0.8)
        return solve(Transport(a, b, cloud, eta=20.0, relax=relax), tol=1e-12)

    exact = solved().gradients
    moves = {"X": rng.normal(size=X.shape), "Y": rng.normal(size=Y.shape)}
    moves |= {"a": rng.normal(size=8), "b": rng.normal(size=7)}
    for name, move in moves.items():
        move = move - move.mean()
        at = {"X": X, "Y": Y, "a": a, "b": b}[name]
        h = 1e-6
        up, down = (solved(**{name: at + t * move}).fun for t in (h, -h))
        assert (up - down) / (2 * h) == pytest.approx(np.sum(exact[name] * move), abs=1e-7)


def test_gradients_where_there_is_no_mass():
    a = np.insert(masses(5), 2, 0.0)
    cloud = PointCloud(np.random.default_rng(0).uniform(size=(6, 2)), np.eye(2))
    gradients = solve(Transport(a, [0.5, 0.5], cloud, eta=10.0)).gradients
    assert np.isnan(gradients["a"][2])
    assert not gradients["X"][2].any()
    assert "X" not in solve(example(5, 4)).gradients


# -- batches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_batch(method):
    C = np.stack([squares(8, 6, seed) for seed in range(3)])
    B = np.stack([masses(6, seed) for seed in range(3)])
    res = solve(Transport(masses(8), B, C, eta=30.0), method=method)
    assert res.success
    assert res.x.shape == (3, 14)
    assert res.fun.shape == (3,)
    for k in range(3):
        one = solve(Transport(masses(8), B[k], C[k], eta=30.0), method=method)
        np.testing.assert_array_equal(res.x[k], one.x)
        np.testing.assert_array_equal(plan_of(res.results[k]), plan_of(one))
    again = solve(Transport(masses(8), B, C, eta=30.0), res.x, method=method)
    assert again.nit <= 1


def test_batch_tells_of_the_one_that_failed():
    C = np.stack([squares(8, 8, seed) for seed in range(3)])
    res = numopt.minimize(Transport(None, None, C, eta=2000.0), options={"maxiter": 8})
    assert not res.success
    assert res.status == Status.MAX_ITER


def test_bad_batches():
    C = np.zeros((2, 3, 3))
    with pytest.raises(numopt.ProblemError, match=r"2 costs has masses of shape \(3, 3\)"):
        Transport(np.ones((3, 3)), None, C, reg=1.0)
    batch = Transport(None, None, C, reg=1.0)
    with pytest.raises(numopt.UnsupportedError, match="takes no `history`"):
        solve(batch, history=True)
    with pytest.raises(numopt.ProblemError, match="2 start points, got 1"):
        solve(batch, np.zeros((1, 6)))


def test_problems_can_be_pickled():
    import pickle

    p = pickle.loads(pickle.dumps(example()))
    assert solve(p).success


# -- arrays of other libraries ---------------------------------------------------------------------


@pytest.fixture
def strict():
    return pytest.importorskip("array_api_strict")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("relax", [np.inf, 0.5])
def test_strict_array_api(strict, method, relax):
    p = example(20, 15, eta=200.0 if method == "sns" else 60.0)
    arrays = map(strict.asarray, (p.a, p.b, p.cost.dense()))
    res = solve(Transport(*arrays, eta=p.eta, relax=relax), method=method, tol=1e-11)
    host = solve(Transport(p.a, p.b, p.cost, eta=p.eta, relax=relax), method=method, tol=1e-11)
    assert res.success
    assert type(res.x) is type(res.plan) is type(strict.asarray(0.0))
    np.testing.assert_allclose(np.asarray(res.x), host.x, atol=1e-10)
    np.testing.assert_allclose(np.asarray(res.plan), plan_of(host), atol=1e-10)
    assert res.fun == pytest.approx(host.fun, abs=1e-10)
    assert res.gap == pytest.approx(host.gap, abs=1e-9)
    if relax == np.inf:
        assert res.lower == pytest.approx(host.lower, abs=1e-9)
        assert res.upper == pytest.approx(host.upper, abs=1e-9)


def test_strict_array_api_warm_start_and_masses(strict):
    a = np.insert(masses(10), 3, 0.0)
    C = squares(11, 9)
    p = Transport(strict.asarray(a), None, strict.asarray(C), eta=300.0)
    res = solve(p)
    host = solve(Transport(a, None, C, eta=300.0))
    np.testing.assert_allclose(np.asarray(res.plan), plan_of(host), atol=1e-10)
    assert solve(p, res.x).nit <= 1


def test_strict_array_api_single_precision(strict):
    p = example(20, 15, eta=20.0)
    arrays = [strict.asarray(v, dtype=strict.float32) for v in (p.a, p.b, p.cost.dense())]
    arrays[:2] = strict.asarray(p.a), strict.asarray(p.b)
    with pytest.raises(numopt.OptionError, match="float32"):
        solve(Transport(*arrays, eta=p.eta))
    res = solve(Transport(*arrays, eta=p.eta), tol=1e-4)
    assert res.success
    assert res.x.dtype == strict.float32


def test_mixed_libraries_are_refused(strict):
    with pytest.raises(TypeError, match="mixed"):
        Transport(np.full(3, 1 / 3), None, strict.zeros((3, 3)), reg=1.0)
    with pytest.raises(TypeError, match="array of array_api_strict"):
        Transport(strict.ones(3), None, np.zeros((3, 3)), reg=1.0)
    with pytest.raises(TypeError, match="mixed"):
        PointCloud(strict.zeros((3, 3)), np.zeros((3, 3)))
    with pytest.raises(TypeError, match="floating-point"):
        Transport(None, None, strict.zeros((3, 3), dtype=strict.int64), reg=1.0)
    with pytest.raises(numopt.ProblemError, match="not negative"):
        Transport(None, None, strict.full((3, 3), -1.0), reg=1.0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "l1", "callable"])
def test_strict_array_api_point_cloud(strict, monkeypatch, method, metric):
    from numopt.models import array_costs

    monkeypatch.setattr(array_costs, "CLOUD_BLOCK", 40)
    X, Y = np.random.default_rng(0).uniform(size=(2, 14, 2))
    host, eta = metric, 60.0 if method == "sns" else 15.0
    if metric == "callable":
        host = lambda X, Y: np.abs(X[:, None] - Y).max(axis=2)  # noqa: E731
        metric = lambda X, Y: strict.max(strict.abs(X[:, None, :] - Y[None, :, :]), axis=2)  # noqa: E731
    there = [strict.asarray(Z) for Z in (X, Y[:11])]
    a = np.insert(masses(13), 3, 0.0)
    cloud = PointCloud(*there, metric, scale=0.7)
    res = solve(Transport(strict.asarray(a), None, cloud, eta=eta), method=method, tol=1e-10)
    same = PointCloud(X, Y[:11], host, scale=0.7)
    host = solve(Transport(a, None, same, eta=eta), method=method, tol=1e-10)
    assert res.success
    assert type(res.plan) is type(strict.asarray(0.0))
    massive = np.isfinite(host.x)
    np.testing.assert_allclose(np.asarray(res.x)[massive], host.x[massive], atol=1e-9)
    np.testing.assert_allclose(np.asarray(res.plan), plan_of(host), atol=1e-9)
    assert res.lower == pytest.approx(host.lower, abs=1e-9)


def test_entries_of_arrays_are_few_or_dense(strict, monkeypatch):
    from numopt.linalg.array_schur import DenseEntries, ListedEntries

    for eta, kind in ((1000.0, ListedEntries), (5.0, DenseEntries)):
        host = example(30, 20, eta=eta)
        data = map(strict.asarray, (host.a, host.b, host.cost.dense()))
        p = Transport(*data, eta=eta)
        point = p.sinkhorn(p.point(eta, np.zeros(30), np.zeros(20)), 3)
        low = 1e-3 * p.a / 20, 1e-3 * p.b / 30
        kept = p.kept(point, *low)
        assert isinstance(kept, kind)
        assert p.kept(point, *low, most=10) is None
        P = p.plan_rows(*point[:3])
        large = (low[0][:, None] <= P) | (low[1] <= P)
        y = np.random.default_rng(0).normal(size=20)
        product = np.asarray(kept.product(strict.asarray(y)))
        exact = (P if kind is DenseEntries else P * large) @ y
        np.testing.assert_allclose(product, exact, atol=1e-14)
        assert kept.nnz == (P.size if kind is DenseEntries else large.sum())


def test_bad_points_of_other_libraries(strict):
    X = strict.zeros((3, 2))
    with pytest.raises(numopt.ProblemError, match="as many columns"):
        PointCloud(X, strict.zeros((3, 1)))
    with pytest.raises(numopt.ProblemError, match="`X` must hold finite"):
        PointCloud(strict.full((3, 2), np.nan), X)
    with pytest.raises(numopt.ProblemError, match="`metric` must be one of"):
        PointCloud(X, X, "cosine")
    with pytest.raises(numopt.ProblemError, match="`Y` must be a matrix"):
        PointCloud(X, strict.zeros(3))
    with pytest.raises(TypeError, match="floating-point"):
        PointCloud(strict.zeros((3, 2), dtype=strict.int64), X)
    with pytest.raises(numopt.ProblemError, match="returned shape"):
        Transport(None, None, PointCloud(X, X, lambda X, Y: X), reg=1.0)
    with pytest.raises(numopt.ProblemError, match="not negative"):
        Transport(None, None, PointCloud(X, X, lambda X, Y: strict.full((3, 3), -1.0)), reg=1.0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("points", [False, True])
def test_a_library_without_the_methods_of_the_array_api(monkeypatch, method, points):
    import fake_cupy

    cupy = fake_cupy.module()
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    X, Y = np.random.default_rng(0).uniform(size=(2, 15, 2))
    host = PointCloud(X, Y)
    cost = PointCloud(cupy.asarray(X), cupy.asarray(Y)) if points else cupy.asarray(host.dense())
    res = solve(Transport(cupy.asarray(masses(15)), None, cost, eta=120.0), method=method)
    assert res.success
    assert isinstance(res.x, cupy.ndarray)
    assert isinstance(res.plan, cupy.ndarray)
    same = solve(Transport(masses(15), None, host, eta=120.0), method=method)
    np.testing.assert_allclose(res.plan.get(), plan_of(same), atol=1e-9)


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
def test_cupy(method):
    cupy = pytest.importorskip("cupy")
    p = example(20, 15, eta=60.0)
    arrays = map(cupy.asarray, (p.a, p.b, p.cost.dense()))
    res = solve(Transport(*arrays, eta=p.eta), method=method)
    assert isinstance(res.plan, cupy.ndarray)
    np.testing.assert_allclose(res.plan.get(), plan_of(solve(p, method=method)), atol=1e-10)


# -- claims ----------------------------------------------------------------------------------------


@pytest.mark.claims
def test_images_with_an_l1_cost():
    pytest.importorskip("sklearn")
    from numopt.bench.transport_cases import image_case

    cases = [image_case(28, np.random.default_rng(seed), 1) for seed in range(10)]
    results = [solve(Transport(*case[:3], eta=1200.0)) for case in cases]
    assert all(res.success for res in results)
    steps = [res.newton_iterations for res in results]
    assert np.median(steps) <= 18
    assert max(steps) <= 25
    assert all(solve(Transport(*case[:3], eta=4800.0)).success for case in cases[:3])


@pytest.mark.slow
@pytest.mark.claims
def test_large_cloud_in_little_memory():
    code = """
import resource, numpy as np, numopt
X, Y = np.random.default_rng(0).uniform(size=(2, 20_000, 2))
cloud = numopt.PointCloud(X, Y, scale=0.5)
res = numopt.solve(numopt.Transport(None, None, cloud, eta=1200.0), tol=1e-6)
print(res.success, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    success, kilobytes = done.stdout.split()
    assert success == "True"
    assert int(kilobytes) < 2e6
