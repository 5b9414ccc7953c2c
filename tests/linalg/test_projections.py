"""Projections and proximal maps: optimality conditions, and firm non-expansiveness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numopt.linalg import projections
from numopt.linalg.restarts import Epoch

VECTORS = arrays(float, 6, elements=st.floats(-1e3, 1e3))
MAPS = [
    projections.simplex,
    projections.ball,
    lambda v: projections.shrink(v, 0.7),
    lambda v: projections.shrink_groups(v, 0.7, 3),
]


@pytest.mark.parametrize("map_", MAPS)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(VECTORS, VECTORS)
def test_firmly_non_expansive(map_, v, w):
    d = map_(v) - map_(w)
    assert d @ d <= d @ (v - w) + 1e-9 * (1.0 + np.linalg.norm(v - w) ** 2)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(VECTORS, arrays(float, 6, elements=st.floats(1e-3, 1e3)), st.floats(0.1, 10.0))
def test_weighted_simplex(v, weights, radius):
    x = projections.simplex(v, weights, radius)
    assert x.min() >= 0.0
    assert x.sum() == pytest.approx(radius, rel=1e-6, abs=1e-9)
    multiplier = (v - x) / weights  # one number where x is positive, no more than it elsewhere
    inside = multiplier[x > 0.0]
    scale = 1.0 + np.abs(v / weights).max()
    assert np.ptp(inside) <= 1e-9 * scale
    assert multiplier.max() <= inside.max() + 1e-9 * scale


def test_equal_weights_are_the_euclidean_projection():
    v = np.random.default_rng(0).standard_normal(9)
    np.testing.assert_allclose(
        projections.simplex(v, np.full(9, 3.0)), projections.simplex(v), atol=1e-15
    )


def test_restarts():
    epoch = Epoch().seen(1.0)
    assert not Epoch().over(0.0, 0.2)
    assert epoch.over(0.19, 0.2)
    assert not epoch.over(0.4, 0.2)
    assert epoch.seen(0.3).over(0.4, 0.2)  # fallen enough, and growing again
    assert epoch.over(2.0, 0.2, total=2)  # long
    assert not epoch.over(2.0, 0.2, total=100)
