"""Block coordinate descent: right answers, certificates, identification, refusals."""

from itertools import pairwise

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


# -- what the model does for the user ------------------------------------------------------------


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("make", [numopt.LeastSquares, numopt.Logistic])
def test_standardising_is_that_of_the_data(make, sparse, data):
    X, y = data[0], data[1] if make is numopt.LeastSquares else np.sign(data[1])
    given = csc_array(X) if sparse else X
    res = numopt.minimize(
        Composite(make(given, y), numopt.L1(2.0), intercept=True, standardize=True), tol=1e-11
    )
    deviation = X.std(axis=0)
    plain = numopt.minimize(
        Composite(make((X - X.mean(axis=0)) / deviation, y), numopt.L1(2.0), intercept=True),
        tol=1e-11,
    )
    assert res.success
    assert res.fun == pytest.approx(plain.fun)
    np.testing.assert_allclose(res.x, plain.x / deviation, atol=1e-6)
    shift = X.mean(axis=0) @ res.x
    assert res.intercept + shift == pytest.approx(plain.intercept, abs=1e-6)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("make", [numopt.LeastSquares, numopt.Logistic])
def test_weights_of_rows_are_repetitions(make, intercept, data, rng):
    X, y = data[0], data[1] if make is numopt.LeastSquares else np.sign(data[1])
    times = rng.integers(0, 4, M)
    weighted = Composite(make(csc_array(X), y, sample_weight=times), numopt.L1(3.0), intercept)
    again = np.repeat(np.arange(M), times)
    repeated = Composite(make(X[again], y[again]), numopt.L1(3.0), intercept)
    a, b = numopt.minimize(weighted, tol=1e-11), numopt.minimize(repeated, tol=1e-11)
    assert a.success
    assert a.fun == pytest.approx(b.fun)
    np.testing.assert_allclose(a.x, b.x, atol=1e-6)


def test_zero_and_infinite_weights_of_the_penalty(data):
    X, y = data
    weights = np.ones(P)
    weights[3], weights[:2] = 0.0, np.inf
    res = numopt.minimize(Composite(numopt.LeastSquares(X, y), numopt.L1(2.0, weights)), tol=1e-10)
    assert res.success
    assert np.all(res.x[:2] == 0.0)
    assert abs(X[:, 3] @ (X @ res.x - y)) < 1e-7
    assert res.certificate == "kkt"


@pytest.mark.parametrize("form", ["C", "float32", "int", "csr", "coo", "int64", "unsorted"])
def test_forms_of_data(form, data):
    X, y = np.round(4 * data[0]), data[1]
    plain = numopt.minimize(Composite(numopt.LeastSquares(X, y), numopt.L1(20.0)), tol=1e-10)
    sparse = csc_array(X)
    back = np.concatenate([np.arange(b - 1, a - 1, -1) for a, b in pairwise(sparse.indptr)])
    forms = {
        "C": np.ascontiguousarray(X),
        "float32": np.asfortranarray(X, dtype=np.float32),
        "int": X.astype(int),
        "csr": csr_array(X),
        "coo": csr_array(X).tocoo(),
        "int64": csc_array((sparse.data, sparse.indices.astype(np.int64), sparse.indptr)),
        "unsorted": csc_array((sparse.data[back], sparse.indices[back], sparse.indptr), X.shape),
    }
    given = forms[form]
    if form == "int64":
        given.indptr = given.indptr.astype(np.int64)
    before = given.copy()
    res = numopt.minimize(Composite(numopt.LeastSquares(given, y), numopt.L1(20.0)), tol=1e-10)
    np.testing.assert_allclose(res.x, plain.x, atol=1e-7)
    assert abs(before - given).max() == 0
    assert res.success


def test_constant_and_empty_columns_stay_at_zero(data):
    X, y = data[0].copy(), data[1]
    X[:, 7], X[:, 8] = 0.0, 4.0
    res = numopt.minimize(Composite(numopt.LeastSquares(X, y), numopt.L1(1.0), intercept=True))
    assert res.success
    assert res.x[7] == res.x[8] == 0.0


@pytest.mark.parametrize("make", [numopt.LeastSquares, numopt.Logistic])
def test_a_large_penalty_needs_one_gradient(make, data):
    X, y = data[0], data[1] if make is numopt.LeastSquares else np.sign(data[1])
    loss = make(X, y)
    largest = np.abs(loss.gradient(loss.state(np.zeros(P)))).max()
    res = numopt.minimize(Composite(loss, numopt.L1(largest)))
    assert res.success
    assert not res.x.any()
    assert (res.nit, res.njev) == (0, 1)
    assert numopt.minimize(Composite(loss, numopt.L1(0.99 * largest))).x.any()


def test_a_solution_is_recognised_as_start(data):
    problem = Composite(numopt.LeastSquares(*data), numopt.L1(1.0))
    first = numopt.minimize(problem, tol=1e-9)
    again = numopt.minimize(problem, first.x, tol=1e-8)
    assert again.nit <= 1
    np.testing.assert_allclose(again.x, first.x, atol=1e-6)


def test_many_columns_use_working_sets(rng):
    X = rng.standard_normal((50, 600))
    y = X[:, :5] @ np.ones(5) + 0.1 * rng.standard_normal(50)
    problem = Composite(numopt.LeastSquares(X, y), numopt.L1(5.0))
    res = numopt.minimize(problem, tol=1e-12, history=True)
    whole = numopt.minimize(problem, tol=1e-12, options={"small": 1000})
    assert res.success
    assert res.history.working_set[1:].max() < 600
    np.testing.assert_array_equal(res.active_set, whole.active_set)
    np.testing.assert_allclose(res.x, whole.x, atol=1e-8)
    assert 0 < res.identified_at <= res.nit


def test_resumed_runs_are_the_same(rng):
    X = rng.standard_normal((50, 600))
    problem = Composite(numopt.LeastSquares(X, X[:, 0] + rng.standard_normal(50)), numopt.L1(3.0))
    whole = numopt.solve(problem)
    part = numopt.solve(problem, options={"maxiter": 1})
    assert not part.success
    rest = numopt.solve(problem, state=part.state)
    np.testing.assert_array_equal(whole.x, rest.x)
    assert (whole.nit, whole.fun) == (rest.nit, rest.fun)


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize(
    "penalty",
    [numopt.L1(2.0), numopt.ElasticNet(1.0, 0.5), numopt.NonNegativeL1(0.5)],
    ids=["l1", "enet", "positive"],
)
def test_small_working_sets_give_the_same_answer(penalty, intercept):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        m, p = rng.integers(5, 60), rng.integers(1, 250)
        X, y = rng.normal(size=(m, p)), rng.normal(size=m) + 2.0
        problem = Composite(numopt.LeastSquares(X, y), penalty, intercept=intercept)
        res = numopt.minimize(problem, tol=1e-9)
        passes_only = numopt.minimize(problem, tol=1e-7, options={"newton_phase": False})
        assert res.success
        assert res.fun <= passes_only.fun + 1e-9 * problem.reference
        assert res.fun >= passes_only.fun - passes_only.gap - 1e-12 * problem.reference
