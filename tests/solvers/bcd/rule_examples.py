"""Small problems with known solutions for the rules, and how they are solved."""

from functools import cache

import numpy as np
from scipy.sparse import csr_matrix, diags_array, random_array

import numopt
from numopt import (
    L1,
    BoxConstraint,
    Composite,
    ElasticNet,
    LeastSquares,
    Logistic,
    QuadForm,
)

N = 8


def data(seed, m=30):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, N)) * rng.uniform(0.7, 1.5, N)
    return X, X @ rng.normal(size=N) + rng.normal(size=m)


def smooth_problem(seed):
    """Return a problem and its solution."""
    X, y = data(seed)
    if seed % 2:
        H = X.T @ X + 0.1 * np.eye(N)
        return Composite(QuadForm(H, X.T @ y)), np.linalg.solve(H, X.T @ y)
    return Composite(LeastSquares(X, y)), np.linalg.lstsq(X, y)[0]


@cache
def penalised_problem(seed):
    """Return a problem with a separable penalty and its solution, by plain coordinate descent."""
    X, y = data(seed)
    lam = 0.2 * np.abs(X.T @ y).max()
    penalty = [L1(lam), BoxConstraint(-0.5, 0.3), ElasticNet(lam, 0.5), L1(lam, positive=True)]
    P = Composite(LeastSquares(X, y), penalty[seed % 4])
    p, x, H = P.penalty, np.zeros(N), X.T @ X
    for _ in range(500):
        for j in range(N):
            step = 1.0 / H[j, j]
            g = H[j] @ x - X[:, j] @ y
            x[j] = p.prox(np.array([x[j] - step * g]), step, np.array([j]))[0]
    return P, x


def solved(P, rng=0, maxiter=20_000, tol=1e-11, **options):
    options |= {"maxiter": maxiter, "tol": tol, "check_descent": True}
    return numopt.solve(P, method="bcd", options=options, rng=rng, history=True)


def assert_right(res, x, name):
    assert res.success, (name, res.message)
    fun = np.array(res.history.fun)
    assert (np.diff(fun) <= 1e-12 * (1.0 + np.abs(fun[1:]))).all(), name
    np.testing.assert_allclose(res.x, x, atol=1e-8, err_msg=str(name))


def random_laplacian(seed, n=40):
    rng = np.random.default_rng(seed)
    W = random_array((n, n), density=0.08, rng=rng)
    W = csr_matrix(W + W.T)
    W.setdiag(0.0)
    W.eliminate_zeros()
    degree = np.asarray(W.sum(axis=1)).ravel()
    return csr_matrix(diags_array(degree + rng.uniform(0.1, 1.0, n)) - W), rng.normal(size=n)


def logistic(seed, penalty=None):
    X, y = data(seed, m=60)
    return Composite(Logistic(X, np.where(y + 5 * np.sin(np.arange(60)) > 0, 1.0, -1.0)), penalty)
