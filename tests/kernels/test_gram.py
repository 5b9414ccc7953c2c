"""Descent on least squares by inner products of columns."""

import numpy as np
import pytest

from numopt.kernels.gram import certificate, descend, minimise


def correlated(m, p, seed):
    rng = np.random.default_rng(seed)
    Z, t = rng.normal(size=(m, p)), rng.normal(size=m)
    return Z, t, np.abs(Z.T @ t).max() * 10.0 ** -rng.uniform(0, 4)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("mu", [0.0, 0.3])
def test_gap_bounds_the_distance_to_the_optimum(positive, mu):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        Z, t, weight = correlated(rng.integers(5, 40), rng.integers(1, 12), seed)
        n = Z.shape[1]
        lam, mus, goal = np.full(n, weight), np.full(n, mu), 1e-10 * (t @ t)
        w, sums, q = np.zeros(n), np.full(2, t @ t), Z.T @ t
        value, gap, _ = descend(Z.T @ Z, q.copy(), q, lam, mus, positive, goal, 20_000, w, sums)
        r = t - Z @ w
        assert value == pytest.approx(0.5 * r @ r + weight * np.abs(w).sum() + 0.5 * mu * w @ w)
        assert -1e-13 * (t @ t) <= gap <= goal
        for _ in range(20):  # nothing nearby or far is better than the gap allows
            x = w + rng.normal(size=n) * 10.0 ** rng.uniform(-6, 0)
            x = np.abs(x) if positive else x
            s = t - Z @ x
            assert 0.5 * s @ s + weight * np.abs(x).sum() + 0.5 * mu * x @ x >= value - goal


def test_gap_where_the_residual_points_away_from_the_target():
    Z, t = np.array([[1.0], [0.0]]), np.array([1.0, 0.0])
    w = np.array([3.0])
    r = t - Z @ w
    sums = np.array([t @ r, r @ r])
    assert sums[0] < 0.0
    value, gap = certificate(Z.T @ r, np.array([0.1]), np.zeros(1), False, w, sums)
    assert gap == value > 0.0


@pytest.mark.parametrize("positive", [False, True])
def test_minimiser_of_a_model(positive):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        Z, t, weight = correlated(rng.integers(5, 40), rng.integers(1, 12), seed)
        n = Z.shape[1]
        G, w, lam, mu = Z.T @ Z, rng.normal(size=n), np.full(n, weight), rng.uniform(size=n)
        w = np.abs(w) if positive else w
        first, at_first = Z.T @ t, w.copy()
        c = first.copy()
        fall = minimise(G, c, lam, mu, positive, 1e-9, 20_000, w)
        d = w - at_first
        np.testing.assert_allclose(c, first - G @ d, atol=1e-8 * np.abs(first).max())
        change = lam @ (np.abs(w) - np.abs(at_first)) + 0.5 * (mu @ (w**2 - at_first**2))
        assert fall == pytest.approx(first @ d - 0.5 * d @ G @ d - change, rel=1e-8, abs=1e-8)
        slope = c - mu * w
        off = np.where(w != 0.0, np.abs(slope - lam * np.sign(w)), np.abs(slope) - lam)
        if positive:
            off = np.where(w > 0.0, off, slope - lam)
            assert w.min() >= 0.0
        assert off.max() <= 1e-5 * np.abs(first).max()


def test_minimiser_of_a_model_with_an_empty_column_is_zero_there():
    G, c, w = np.diag([1.0, 0.0]), np.array([3.0, 0.0]), np.array([0.0, 2.0])
    fall = minimise(G, c, np.ones(2), np.zeros(2), False, 1e-9, 1000, w)
    np.testing.assert_allclose(w, [2.0, 0.0])
    assert fall == pytest.approx(2.0 + 2.0)
