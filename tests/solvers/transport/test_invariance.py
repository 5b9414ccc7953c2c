"""Entropic transport: permutations, shifts, the gauge, warm starts."""

import numpy as np
import pytest
from transport_examples import METHODS, example, plan_of

from numopt import Transport, solve


@pytest.mark.parametrize("method", METHODS)
def test_permutation_and_shift(method):
    p, rng = example(20, 15, eta=40.0), np.random.default_rng(3)
    C, i, j = p.cost.dense(), rng.permutation(20), rng.permutation(15)
    res = solve(p, method=method, tol=1e-11)
    permuted = solve(Transport(p.a[i], p.b[j], C[np.ix_(i, j)], eta=40.0), method=method, tol=1e-11)
    np.testing.assert_allclose(plan_of(permuted), plan_of(res)[np.ix_(i, j)], atol=1e-10)
    shifted = C + rng.uniform(size=(20, 1)) + rng.uniform(size=15)
    moved = solve(Transport(p.a, p.b, shifted, eta=40.0), method=method, tol=1e-11)
    np.testing.assert_allclose(plan_of(moved), plan_of(res), atol=1e-10)


def test_gauge_of_the_potentials():
    p = example()
    alpha, beta = solve(p).potentials
    assert p.a @ alpha == pytest.approx(0, abs=1e-14)
    np.testing.assert_allclose(
        np.exp(p.eta * (alpha[:, None] + beta - p.cost.dense())).sum(axis=1), p.a, rtol=1e-9
    )


@pytest.mark.parametrize("method", METHODS)
def test_warm_start(method):
    p = example(eta=60.0)
    cold = solve(p, method=method)
    again = solve(p, cold.x, method=method)
    assert again.success
    assert again.nit <= 1
    other = solve(example(eta=80.0), cold.x, method=method)
    assert other.success
    assert other.nfev < solve(example(eta=80.0), method=method).nfev


def test_bad_warm_start():
    p = example(eta=1200.0)
    for x0 in (np.random.default_rng(0).normal(size=70), np.r_[1e6, np.zeros(69)]):
        res = solve(p, x0)
        assert res.success
