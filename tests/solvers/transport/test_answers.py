"""Entropic transport: answers beside other solvers, certificates, small regularisation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_examples import METHODS, exact, example, masses, plan_of, squares, violation

from numopt import PointCloud, Transport, solve


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
