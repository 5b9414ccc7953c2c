"""Right answers and certificates, beside other solvers."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.sparse import csc_array

import numopt
from numopt import Composite


@pytest.fixture
def data(rng):
    X = rng.standard_normal((M, P)) + 0.3
    X[rng.uniform(size=X.shape) < 0.4] = 0.0
    w = np.zeros(P)
    w[:5] = [2.0, -1.5, 1.0, 3.0, -2.0]
    return X, X @ w + 0.5 * rng.standard_normal(M)


M, P = 40, 30


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


@pytest.mark.parametrize("intercept", [False, True])
def test_multinomial_agrees_with_scikit_learn(intercept, rng):
    linear_model = pytest.importorskip("sklearn.linear_model")
    X = rng.standard_normal((60, 8))
    labels = np.argmax(X[:, :3] + 0.5 * rng.standard_normal((60, 3)), axis=1)
    problem = Composite(numopt.Multinomial(X, np.eye(3)[labels]), numopt.L1(2.0), intercept)
    res = numopt.minimize(problem, tol=1e-9)
    assert res.success
    peer = linear_model.LogisticRegression(
        l1_ratio=1.0, C=0.5, solver="saga", fit_intercept=intercept, tol=1e-10, max_iter=100000
    ).fit(X, labels)
    np.testing.assert_allclose(res.x.reshape(8, 3), peer.coef_.T, atol=1e-4)
    if intercept:
        shift = res.intercept - res.intercept.mean()
        np.testing.assert_allclose(shift, peer.intercept_ - peer.intercept_.mean(), atol=1e-4)


@pytest.mark.parametrize("sparse", [False, True])
def test_multitask_agrees_with_scikit_learn(sparse, rng):
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, Y = rng.standard_normal((30, 12)), rng.standard_normal((30, 3))
    loss = numopt.LeastSquares(csc_array(X) if sparse else X, Y)
    res = numopt.minimize(Composite(loss, numopt.MultiTask(6.0), intercept=True), tol=1e-12)
    peer = linear_model.MultiTaskLasso(alpha=6.0 / 30, tol=1e-12, max_iter=100000).fit(X, Y)
    assert res.success
    np.testing.assert_allclose(res.x.reshape(12, 3), peer.coef_.T, atol=1e-6)
    np.testing.assert_allclose(res.intercept, peer.intercept_, atol=1e-6)
    assert set(res.active_set // 3) == set(np.flatnonzero(peer.coef_[0]))


@pytest.mark.parametrize("penalty", [numopt.MCP(3.0, 3.0), numopt.SCAD(3.0, 3.7)])
@pytest.mark.parametrize("make", [numopt.LeastSquares, numopt.Logistic])
def test_concave_penalties_reach_stationary_points(make, penalty, data):
    X, y = data[0], data[1] if make is numopt.LeastSquares else np.sign(data[1])
    problem = Composite(make(X, y), penalty)
    res = numopt.minimize(problem)
    assert res.success
    assert res.certificate == "kkt"
    assert res.gap is None
    grad = problem.loss.gradient(problem.loss.state(res.x))
    assert problem.distance(grad, res.x) <= 1e-8 * problem.largest_slope


def test_nonnegative_least_squares_agree_with_scipy(data):
    from scipy.optimize import nnls

    res = numopt.minimize(Composite(numopt.LeastSquares(*data), numopt.NonNegativeL1()), tol=1e-10)
    assert res.success
    np.testing.assert_allclose(res.x, nnls(*data)[0], atol=1e-7)


def test_no_penalty_is_least_squares(data):
    res = numopt.minimize(Composite(numopt.LeastSquares(*data)), tol=1e-12)
    assert res.success
    assert res.certificate == "kkt"
    np.testing.assert_allclose(res.x, np.linalg.lstsq(*data)[0], atol=1e-8)
