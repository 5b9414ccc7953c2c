"""What the model does for the user, forms of data, and working sets."""

from itertools import pairwise

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
