"""Block coordinate descent: right answers, certificates, identification, refusals."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

import numopt
from numopt import Composite

M, P = 40, 30


@pytest.fixture
def data(rng):
    X = rng.standard_normal((M, P)) + 0.3
    X[rng.uniform(size=X.shape) < 0.4] = 0.0
    w = np.zeros(P)
    w[:5] = [2.0, -1.5, 1.0, 3.0, -2.0]
    return X, X @ w + 0.5 * rng.standard_normal(M)


def squares(X, y):
    return lambda w, c: 0.5 * cp.sum_squares(X @ w + c - y)


def logistic(X, y):
    return lambda w, c: cp.sum(cp.logistic(-cp.multiply(y, X @ w + c)))


def huber(X, y):
    return lambda w, c: 0.5 * cp.sum(cp.huber(X @ w + c - y, 1.0))


def poisson(X, y):
    return lambda w, c: cp.sum(cp.exp(X @ w + c) - cp.multiply(y, X @ w + c))


LOSSES = {
    "squares": (numopt.LeastSquares, squares, lambda y: y),
    "logistic": (numopt.Logistic, logistic, np.sign),
    "huber": (numopt.Huber, huber, lambda y: y),
    "poisson": (numopt.Poisson, poisson, lambda y: np.round(np.abs(y))),
}
GROUPS = [np.arange(s, s + 3) for s in range(0, P, 3)]
WEIGHTS = np.linspace(0.5, 2.0, P)
PENALTIES = {
    "l1": (numopt.L1(2.0), lambda w: 2.0 * cp.norm1(w), ()),
    "weights": (
        numopt.L1(2.0, weights=WEIGHTS),
        lambda w: 2.0 * cp.norm1(cp.multiply(WEIGHTS, w)),
        (),
    ),
    "positive": (numopt.NonNegativeL1(1.0), lambda w: cp.sum(w), (0.0, None)),
    "net": (numopt.ElasticNet(1.0, 3.0), lambda w: cp.norm1(w) + 1.5 * cp.sum_squares(w), ()),
    "box": (numopt.BoxConstraint(-0.5, 1.0), lambda w: 0.0, (-0.5, 1.0)),
    "group": (
        numopt.GroupL2(2.0, GROUPS),
        lambda w: 2.0 * sum(cp.norm(w[b]) for b in GROUPS),
        (),
    ),
    "sparse group": (
        numopt.SparseGroup(1.0, 1.0, 3),
        lambda w: sum(cp.norm(w[b]) for b in GROUPS) + cp.norm1(w),
        (),
    ),
}


def reference(f, g, bounds, intercept):
    w, c = cp.Variable(P), cp.Variable() if intercept else 0.0
    lower, upper = bounds or (None, None)
    constraints = [w >= lower] if lower is not None else []
    constraints += [w <= upper] if upper is not None else []
    problem = cp.Problem(cp.Minimize(f(w, c) + g(w)), constraints)
    problem.solve(solver="CLARABEL")
    return problem.value, w.value, c.value if intercept else None


@pytest.mark.parametrize("form", ["dense", "sparse intercept"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_agrees_with_cvxpy(loss, penalty, form, data):
    make, f, targets = LOSSES[loss]
    X, y = data[0], targets(data[1])
    g, formula, bounds = PENALTIES[penalty]
    intercept = "intercept" in form
    problem = Composite(make(csc_array(X) if "sparse" in form else X, y), g, intercept=intercept)
    res = numopt.minimize(problem)
    fun, w, c = reference(f(X, y), formula, bounds, intercept)
    assert res.success, res.message
    assert res.certificate == "gap"
    assert res.fun == pytest.approx(fun, rel=1e-6, abs=1e-6)
    assert 0.0 <= res.gap <= 1e-8 * problem.reference
    np.testing.assert_allclose(res.x, w, atol=2e-3)
    if intercept:
        assert res.intercept == pytest.approx(c, abs=2e-3)
    else:
        assert res.intercept is None
