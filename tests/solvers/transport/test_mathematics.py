"""Entropic transport: derivatives, kept entries, monotony."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_examples import example, masses, squares

import numopt
from numopt import Transport


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
