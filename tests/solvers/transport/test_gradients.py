"""The value of transport as a loss."""

import numpy as np
import pytest
from transport_examples import example, masses

from numopt import PointCloud, Transport, solve


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
