"""Kernels of the published dynamics, for NumPy and for other libraries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numopt.kernels import array_ensemble
from numopt.kernels.consensus import consensus, median_spread
from numopt.kernels.ensemble import ANISOTROPIC, ISOTROPIC, fill, move, move_all

strict = pytest.importorskip("array_api_strict")
anything = st.floats(-1e3, 1e3) | st.sampled_from([np.nan, np.inf, -np.inf])


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.SFC64, np.random.MT19937])
def test_numbers_are_those_of_numpy(bits):
    one, two = (np.random.Generator(bits(5)) for _ in range(2))
    z = np.empty(5000)
    fill(one, z)
    np.testing.assert_array_equal(z, two.standard_normal(5000))
    assert one.random() == two.random()


@pytest.mark.parametrize("noise", [ANISOTROPIC, ISOTROPIC])
@pytest.mark.parametrize("cut", [np.inf, 0.4])
def test_three_ways_to_move(noise, cut):
    X, c = np.random.default_rng(0).standard_normal((9, 4)), np.full((1, 4), 0.3)
    box, dynamics = (np.full(4, -1.0), np.array([1.0, 2.0, np.inf, 0.5])), (0.1, 0.7, noise, cut)
    Z = np.random.default_rng(1).standard_normal(X.shape)
    one, two = X.copy(), X.copy()
    move(np.random.default_rng(1), np.arange(9), one, c, dynamics, *box)
    move_all(Z, two, c, dynamics, *box)
    np.testing.assert_array_equal(one, two)
    there = [strict.asarray(v) for v in (X, c, Z)]
    three = array_ensemble.move(*there, dynamics, tuple(map(strict.asarray, box)))
    np.testing.assert_allclose(np.asarray(three), one, rtol=1e-14)
    U = X - c
    D = np.linalg.norm(U, axis=1, keepdims=True) if noise == ISOTROPIC else U
    formula = X - 0.1 * U + 0.7 * np.clip(D, -cut, cut) * Z
    np.testing.assert_allclose(one, np.clip(formula, *box), rtol=1e-13)


@given(
    arrays(float, st.tuples(st.integers(1, 7)), elements=anything),
    st.sampled_from([0.0, 1e-3, 2.0, 1e15, np.inf]),
)
@settings(max_examples=60, deadline=None)
def test_consensus_of_other_libraries(f, alpha):
    """The same, whatever is infinite or no number, in values and in particles without weight."""
    X = np.random.default_rng(0).standard_normal((f.size, 2))
    X[np.isnan(f) | (f == np.inf)] = np.inf
    c = np.array([7.0, 8.0])
    arguments = strict.asarray(X), strict.asarray(f), alpha, strict.asarray(c[None, :])
    with np.errstate(all="ignore"):  # as in every run
        there = array_ensemble.consensus(*arguments)
    consensus(X, f, alpha, c)
    np.testing.assert_allclose(np.asarray(there)[0], c, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_median_spread_of_other_libraries(n):
    X = np.random.default_rng(n).standard_normal((n, 3))
    there = array_ensemble.median_spread(strict.asarray(X), strict.zeros((1, 3)))
    assert float(there[0]) == median_spread(X, np.zeros(3), np.empty(n))
