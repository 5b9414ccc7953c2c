"""What is done where no option is given."""

import numpy as np
import pytest
from rule_examples import (
    random_laplacian,
)
from scipy.sparse import csr_matrix, diags_array, eye_array, kron

import numopt
from numopt import (
    L1,
    BoxConstraint,
    Composite,
    LeastSquares,
    Multinomial,
    QuadForm,
)


def test_box_constrained_quadratics_are_solved_by_newton_steps():
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(150, 150)))[0]
    A = (Q * np.geomspace(1.0, 1e6, 150)) @ Q.T
    A = 0.5 * (A + A.T)
    P = Composite(QuadForm(A, 2.0 * A @ rng.normal(size=150)), BoxConstraint(-1.0, 1.0))
    res = numopt.solve(P, tol=1e-10)
    assert res.success
    assert res.nit < 60
    g = A @ res.x - P.loss.b
    assert (np.abs(g[np.abs(res.x) < 1.0]) <= 1e-9 * np.abs(P.loss.b).max()).all()
    assert (g[res.x == 1.0] <= 0.0).all()
    assert (g[res.x == -1.0] >= 0.0).all()


def test_singular_quadratics_with_bounds():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(30, 80)), rng.normal(size=30)
    for penalty in (BoxConstraint(0.0), L1(2.0)):
        res = numopt.solve(Composite(QuadForm(X.T @ X, X.T @ y), penalty), tol=1e-9)
        ref = numopt.solve(Composite(LeastSquares(X, y), penalty), tol=1e-12)
        assert res.success
        assert res.fun + 0.5 * y @ y == pytest.approx(ref.fun, rel=1e-8, abs=1e-8)


def test_a_quadratic_without_a_penalty_takes_one_step():
    A, b = random_laplacian(8)
    res = numopt.solve(Composite(QuadForm(A, b)))
    assert res.success
    assert res.nit == 1


@pytest.mark.parametrize("penalty", [None, BoxConstraint(-0.3, np.inf), L1(1e-4)])
def test_large_sparse_quadratics_stay_sparse(penalty):
    n = 40
    T = diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n))
    A = csr_matrix(kron(T, eye_array(n)) + kron(eye_array(n), T))
    P = Composite(QuadForm(A, np.full(n * n, -8.0 / n**2)), penalty)
    res = numopt.solve(P, tol=1e-10)
    assert res.success
    assert res.nit < 20
    assert P.penalty.distance(A @ res.x - P.loss.b, res.x).max() <= 1e-10


def test_points_far_out_have_no_value_and_raise_nothing():
    X, Y = np.ones((3, 2)), np.eye(3)
    loss = Composite(Multinomial(X, Y), intercept=True).loss
    with np.errstate(all="ignore"):
        assert not np.isfinite(loss.value(loss.state(np.full(6, 1e308) * [1, -1, 1, 1, -1, 1])))
