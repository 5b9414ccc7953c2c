"""Relaxed marginals."""

import numpy as np
import pytest
from transport_examples import METHODS, example, masses, plan_of, squares

import numopt
from numopt import Transport, solve


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("relax", [0.1, 5.0, (0.3, np.inf), (np.inf, 0.3)])
def test_relaxed_marginals_are_optimal(method, relax):
    a, b, C, eta = masses(12), 1.4 * masses(9), squares(12, 9), 30.0
    if np.isinf(relax).any():
        b = masses(9)
    p = Transport(a, b, C, eta=eta, relax=relax)
    res = solve(p, method=method, tol=1e-11)
    assert res.success
    P, weights = plan_of(res), np.broadcast_to(relax, 2)
    alpha, beta = res.potentials
    np.testing.assert_allclose(P.sum(axis=1), a * np.exp(-alpha / weights[0]), rtol=1e-8)
    np.testing.assert_allclose(P.sum(axis=0), b * np.exp(-beta / weights[1]), rtol=1e-8)
    assert res.fun == pytest.approx(relaxed_objective(P, a, b, C, eta, weights), rel=1e-8)
    assert -1e-12 <= res.gap <= 1e-8


def relaxed_objective(P, a, b, C, eta, weights):
    fun = (P * C).sum() + (P * (np.log(P) - 1)).sum() / eta
    for rho, sums, mass in zip(weights, (P.sum(axis=1), P.sum(axis=0)), (a, b), strict=True):
        fun += 0.0 if np.isinf(rho) else rho * (sums * np.log(sums / mass) - sums + mass).sum()
    return fun


@pytest.mark.filterwarnings("ignore:If reg_type = entropy")
def test_relaxed_marginals_agree_with_pot():
    ot = pytest.importorskip("ot")
    a, b, C = masses(12), 1.4 * masses(9), squares(12, 9)
    res = solve(Transport(a, b, C, reg=0.05, relax=0.5), tol=1e-11)
    P = ot.unbalanced.sinkhorn_unbalanced(
        a, b, C, 0.05, 0.5, reg_type="entropy", stopThr=1e-14, numItermax=20_000
    )
    np.testing.assert_allclose(plan_of(res), P, atol=1e-8)


def test_strong_relaxation_weights_tend_to_equality():
    p = example(20, 15, eta=100.0)
    res = solve(Transport(p.a, p.b, p.cost, eta=100.0, relax=1e6))
    np.testing.assert_allclose(plan_of(res), plan_of(solve(p)), atol=1e-6)


def test_small_regularisation_of_relaxed_marginals():
    p = Transport(masses(60), 2 * masses(60, 2), squares(60, 60), eta=5000.0, relax=0.2)
    res = solve(p)
    assert res.success
    assert res.newton_iterations < 60


def test_sparse_ot_refuses_relaxed_marginals():
    p = Transport(masses(6), masses(6), squares(6, 6), reg=1.0, relax=1.0)
    with pytest.raises(numopt.UnsupportedError, match=r"unbalanced\. .*: sinkhorn, sns"):
        solve(p, method="sparse_ot")
    with pytest.raises(numopt.ProblemError, match="`relax` must be positive"):
        Transport(None, None, squares(6, 6), reg=1.0, relax=-1.0)
