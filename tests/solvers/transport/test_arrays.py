"""Transport on arrays of other libraries."""

import sys

import numpy as np
import pytest
from transport_examples import METHODS, example, masses, plan_of, squares

import numopt
from numopt import PointCloud, Transport, solve


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
