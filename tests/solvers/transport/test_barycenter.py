"""Entropic barycentres."""

import numpy as np
import pytest

import numopt
from numopt import Barycenter, PointCloud, solve

LINE = np.linspace(0.0, 1.0, 30)[:, None]
CLOUD = PointCloud(LINE, LINE)


def bumps(*centres, width=0.08):
    B = np.exp(-(((LINE[:, 0] - np.array(centres)[:, None]) / width) ** 2) / 2)
    return B / B.sum(axis=1, keepdims=True)


def test_agrees_with_plain_projections():
    B, weights = bumps(0.2, 0.5, 0.9), np.array([0.5, 0.2, 0.3])
    res = solve(Barycenter(B, CLOUD, reg=0.01, weights=weights), tol=1e-11)
    assert res.success
    K, v = np.exp(-CLOUD.dense() / 0.01), np.ones_like(B)
    for _ in range(3000):
        sums = v @ K.T
        a = np.exp(weights @ np.log(sums))
        v = B / ((a / sums) @ K)
    np.testing.assert_allclose(res.x, a, atol=1e-12)


def test_barycentre_of_bumps_lies_between_them():
    res = solve(Barycenter(bumps(0.2, 0.8), CLOUD, reg=2e-3))
    assert res.success
    assert res.x.sum() == pytest.approx(1.0)
    assert res.x @ LINE[:, 0] == pytest.approx(0.5, abs=1e-6)
    alpha, beta = res.potentials
    assert alpha.shape == beta.shape == (2, 30)
    np.testing.assert_allclose(alpha.mean(axis=0), 0, atol=1e-12)


def test_weights_move_it():
    means = [
        solve(Barycenter(bumps(0.2, 0.8), CLOUD, reg=5e-3, weights=[w, 1 - w])).x @ LINE[:, 0]
        for w in (0.25, 0.5, 0.75)
    ]
    assert means[0] > means[1] > means[2]


def test_other_support_and_empty_entries():
    B = np.eye(30)[[3, 26]]
    coarse = np.linspace(0.0, 1.0, 11)[:, None]
    res = solve(Barycenter(B, PointCloud(coarse, LINE), reg=0.01))
    assert res.success
    assert res.x.shape == (11,)
    assert res.x.argmax() == 5


def test_one_histogram_and_resuming():
    p = Barycenter(bumps(0.3, 0.6), CLOUD, reg=0.01)
    whole = solve(p)
    part = solve(p, options={"maxiter": 2})
    rest = solve(p, state=part.state)
    np.testing.assert_array_equal(whole.x, rest.x)
    assert whole.nit == rest.nit
    assert solve(Barycenter(bumps(0.3), CLOUD, reg=0.01)).success


def test_bad_input():
    with pytest.raises(numopt.ProblemError, match="the same positive mass"):
        Barycenter(bumps(0.2, 0.8) * [[1.0], [2.0]], CLOUD, reg=0.01)
    with pytest.raises(numopt.ProblemError, match="`weights` must be positive"):
        Barycenter(bumps(0.2, 0.8), CLOUD, reg=0.01, weights=[1.0, 0.0])
    with pytest.raises(numopt.ProblemError, match="matrix of finite masses"):
        Barycenter([-1.0, 2.0], CLOUD, reg=0.01)
    with pytest.raises(numopt.UnsupportedError, match="Methods that can: sinkhorn"):
        solve(Barycenter(bumps(0.2), CLOUD, reg=0.01), method="sns")
    with pytest.raises(numopt.UnsupportedError, match="no start point"):
        solve(Barycenter(bumps(0.2), CLOUD, reg=0.01), np.zeros(60))
