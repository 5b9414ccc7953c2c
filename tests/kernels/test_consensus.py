"""The consensus point and order statistics, against NumPy."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numopt.kernels.consensus import (
    alpha_for_size,
    consensus,
    effective_size,
    kth_smallest,
    median_spread,
)

VALUES = arrays(float, st.integers(1, 12), elements=st.floats(-1e6, 1e6))
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def points(f):
    return np.random.default_rng(f.size).standard_normal((f.size, 3))


@QUICK
@given(VALUES, st.floats(0.0, 1e15))
def test_consensus_lies_in_the_hull_and_ignores_shifts(f, alpha):
    X, c, shifted = points(f), np.zeros(3), np.zeros(3)
    size = consensus(X, f, alpha, c)
    assert 1.0 - 1e-12 <= size <= f.size + 1e-9
    assert (X.min(axis=0) - 1e-12 <= c).all()
    assert (c <= X.max(axis=0) + 1e-12).all()
    consensus(X, f * 2.0, alpha / 2.0, shifted)
    np.testing.assert_allclose(c, shifted, rtol=1e-9, atol=1e-12)


def test_extremes_of_alpha():
    f = np.array([3.0, 1.0, 2.0, 1.0])
    X, c = points(f), np.zeros(3)
    assert consensus(X, f, np.inf, c) == 2
    np.testing.assert_allclose(c, X[[1, 3]].mean(axis=0))
    assert consensus(X, f, 0.0, c) == 4
    np.testing.assert_allclose(c, X.mean(axis=0))


def test_undefined_values_weigh_nothing():
    f = np.array([np.nan, 1.0, np.inf, 1.0])
    X, c = points(f), np.zeros(3)
    assert consensus(X, f, 1.0, c) == 2
    np.testing.assert_allclose(c, X[[1, 3]].mean(axis=0))
    kept = c.copy()
    assert consensus(X, np.full(4, np.nan), 1.0, c) == 0
    np.testing.assert_array_equal(c, kept)


@QUICK
@given(VALUES)
def test_effective_size_falls_with_alpha(f):
    sizes = [effective_size(f, alpha) for alpha in (0.0, 1e-6, 1e-3, 1.0, 1e3)]
    assert sizes[0] == pytest.approx(f.size)
    assert all(a >= b - 1e-9 for a, b in pairwise(sizes))


@pytest.mark.parametrize("share", [0.1, 0.27, 0.5, 0.9])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_alpha_for_size(share, scale):
    f = scale * np.random.default_rng(0).standard_normal(60)
    alpha = alpha_for_size(f, 0.0, 60 * share)
    assert effective_size(f, alpha) == pytest.approx(60 * share, rel=0.05)


@QUICK
@given(VALUES, st.data())
def test_kth_smallest(v, data):
    k = data.draw(st.integers(0, v.size - 1))
    assert kth_smallest(v.copy(), k) == np.sort(v)[k]


def test_median_spread_ignores_the_far():
    X = np.vstack([np.full((6, 2), 0.5), np.full((5, 2), 1e9)])
    assert median_spread(X, np.zeros(2), np.empty(11)) == 0.5
