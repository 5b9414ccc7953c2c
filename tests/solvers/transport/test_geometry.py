"""Costs that are point clouds."""

import time

import numpy as np
import pytest
from transport_examples import METHODS, example, masses, plan_of

from numopt import PointCloud, Status, Transport, solve


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
