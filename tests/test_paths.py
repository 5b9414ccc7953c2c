"""Paths: the same as separate solves, exact ends, cross-validation, refusals."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import numopt
from numopt.paths import lambda_max
from numopt.solvers.bcd import gram_path


def regression(m, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, p)) + 1.0
    y = 2 * X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(m)
    return X, y, rng.uniform(0.2, 2.0, m)


SHAPES = {"tall": (60, 12), "wide": (25, 60)}
PENALTIES = {
    "l1": numopt.L1(1.0),
    "positive": numopt.L1(1.0, positive=True),
    "elastic net": numopt.ElasticNet(1.0, 0.3),
    "weights": lambda p: numopt.L1(1.0, weights=np.r_[np.inf, np.linspace(0.5, 2, p - 1)]),
}
STORAGES = {
    "dense": np.asarray,
    "float32": lambda X: X.astype(np.float32),
    "csc": lambda X: sp.csc_matrix(np.where(np.abs(X) > 0.7, X, 0.0)),
}


@pytest.mark.parametrize("whole", [False, True], ids=["plain", "centred and weighted"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gram_paths_are_separate_solves(shape, storage, penalty, whole):
    X, y, s = regression(*SHAPES[shape])
    penalty = PENALTIES[penalty]
    penalty = penalty(X.shape[1]) if callable(penalty) else penalty
    loss = numopt.LeastSquares(STORAGES[storage](X), y, s if whole else None)
    problem = numopt.Composite(loss, penalty, intercept=whole, standardize=whole)
    assert gram_path.fits(problem)
    res = numopt.path(problem, n_lambdas=8, ratio=0.02, tol=1e-10)
    assert res.success
    assert np.all(res.gaps <= 1e-10 * problem.reference)
    assert not res.coefs[0].any()
    for k in (1, 4, 7):
        one = numopt.minimize(problem.times(res.lambdas[k]), tol=1e-10)
        np.testing.assert_allclose(res.coefs[k], one.x, atol=1e-4)
        assert res.funs[k] == pytest.approx(one.fun, rel=1e-9)
        if whole:
            assert res.intercepts[k, 0] == pytest.approx(one.intercept, abs=1e-4)


OTHERS = {
    "logistic": lambda X, y: (numopt.Logistic(X, np.sign(y)), numopt.L1(1.0)),
    "huber": lambda X, y: (numopt.Huber(X, y), numopt.L1(1.0)),
    "group": lambda X, y: (numopt.LeastSquares(X, y), numopt.GroupL2(1.0, 4)),
    "sparse group": lambda X, y: (numopt.LeastSquares(X, y), numopt.SparseGroup(1.0, 0.5, 4)),
    "multi-task": lambda X, y: (
        numopt.LeastSquares(X, np.stack([y, X[:, 2]], axis=1)), numopt.MultiTask(1.0)
    ),
    "mcp": lambda X, y: (numopt.LeastSquares(X, y), numopt.MCP(1.0)),
    "bounds": lambda X, y: (
        numopt.LeastSquares(X, y),
        numopt.models.penalties.Separable(1.0, 0.0, lower=-0.5, upper=1.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_paths(name):
    X, y, _ = regression(40, 12)
    problem = numopt.Composite(*OTHERS[name](X, y), intercept=name == "logistic")
    assert not gram_path.fits(problem)
    res = numopt.path(problem, n_lambdas=5, ratio=0.1, tol=1e-6)
    assert res.success
    assert not res.coefs[0].any()
    assert res.coefs[-1].any()
    for k in range(5):
        scaled = problem.times(res.lambdas[k])
        point = scaled.loss.state(res.coefs[k])
        slope = scaled.distance(scaled.loss.gradient(point), res.coefs[k])
        assert slope <= 1e-2 * problem.largest_slope
        assert res.funs[k] == pytest.approx(scaled.value(point), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([numopt.L1(2.0), numopt.GroupL2(1.0, 3), numopt.SparseGroup(1.0, 0.4, 3)]),
    st.booleans(),
)
def test_lambda_max_is_where_the_first_variable_enters(seed, penalty, intercept):
    X, y, _ = regression(15, 9, seed)
    problem = numopt.Composite(numopt.LeastSquares(X, y), penalty, intercept)
    top = lambda_max(problem)
    for factor, used in ((1.0 + 1e-9, False), (0.99, True)):
        assert numopt.minimize(problem.times(factor * top), tol=1e-12).x.any() == used


def test_lambda_max_with_variables_without_penalty():
    X, y, _ = regression(30, 6)
    penalty = numopt.L1(1.0, weights=[0.0, 1, 1, 1, 1, 1])
    problem = numopt.Composite(numopt.LeastSquares(X, y), penalty)
    r = y - X[:, 0] * (X[:, 0] @ y) / (X[:, 0] @ X[:, 0])
    top = lambda_max(problem, tol=1e-12)
    assert top == pytest.approx(np.abs(X[:, 1:].T @ r).max(), rel=1e-4)
    res = numopt.path(problem, n_lambdas=4)
    assert res.coefs[0, 0] != 0.0
    assert res.lambda_max == pytest.approx(top, rel=1e-3)


def test_default_lambdas():
    for shape, ratio in (("tall", 1e-3), ("wide", 1e-2)):
        X, y, _ = regression(*SHAPES[shape])
        res = numopt.path(numopt.Composite(numopt.LeastSquares(X, y), numopt.L1(1.0)), tol=1e-5)
        assert res.lambdas.shape == (100,)
        assert res.lambdas[0] == res.lambda_max == pytest.approx(np.abs(X.T @ y).max())
        assert res.lambdas[-1] == pytest.approx(ratio * res.lambda_max)


def test_duplicate_and_empty_columns():
    X, y, _ = regression(30, 8)
    X[:, 3] = X[:, 0]
    X[:, 5] = 0.0
    problem = numopt.Composite(numopt.LeastSquares(X, y), numopt.L1(1.0))
    res = numopt.path(problem, n_lambdas=30, tol=1e-9)
    assert res.success
    assert not res.coefs[:, 5].any()


def test_what_falls_short_is_solved_again(monkeypatch):
    monkeypatch.setattr(gram_path, "PASSES", 1)
    monkeypatch.setattr(gram_path, "ROUNDS", 1)
    X, y, _ = regression(*SHAPES["wide"])
    problem = numopt.Composite(numopt.LeastSquares(X, y), numopt.L1(1.0), True, True)
    res = numopt.path(problem, n_lambdas=6, tol=1e-12)
    assert res.success
    assert np.all(res.gaps <= 1e-12 * problem.reference)


def test_unfinished_paths_say_so():
    X, y, _ = regression(*SHAPES["wide"])
    problem = numopt.Composite(numopt.Logistic(X, np.sign(y)), numopt.L1(1.0))
    res = numopt.path(problem, n_lambdas=5, tol=1e-12, options={"maxiter": 0})
    assert not res.success
    assert res.status == numopt.Status.MAX_ITER
    assert numopt.Status.MAX_ITER in res.statuses
    assert "lambda" in res.message
    with pytest.raises(numopt.NotConverged):
        res.raise_for_status()


# -- cross-validation ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_are_losses_of_held_out_rows(shape):
    X, y, s = regression(*SHAPES[shape])
    problem = numopt.Composite(
        numopt.LeastSquares(X, y, s), numopt.L1(1.0), intercept=True, standardize=True
    )
    res = numopt.path(problem, n_lambdas=6, tol=1e-10, cv=3)
    rows = np.array_split(np.arange(y.size), 3)
    assert res.cv.scores.shape == (3, 6)
    for i, test in enumerate(rows):
        train = np.setdiff1d(np.arange(y.size), test)
        fold = numopt.Composite(
            numopt.LeastSquares(X[train], y[train], s[train]), numopt.L1(1.0), True, True
        )
        one = numopt.minimize(fold.times(res.lambdas[3]), tol=1e-10)
        errors = (y[test] - X[test] @ one.x - one.intercept) ** 2
        expected = 0.5 * s[test] @ errors / s[test].sum()
        assert res.cv.scores[i, 3] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(res.cv.mean, res.cv.scores.mean(axis=0))
    assert res.cv.mean[res.cv.best] == res.cv.mean.min()
    assert res.cv.sparsest <= res.cv.best
    limit = res.cv.mean[res.cv.best] + res.cv.error[res.cv.best]
    assert res.cv.mean[res.cv.sparsest] <= limit
    assert np.all(res.cv.mean[: res.cv.sparsest] > limit)


def test_workers_change_nothing():
    X, y, _ = regression(40, 8)
    problem = numopt.Composite(numopt.Logistic(X, np.sign(y)), numopt.L1(1.0), intercept=True)
    given = {"n_lambdas": 5, "cv": 4, "tol": 1e-6, "rng": 3}
    alone = numopt.path(problem, **given)
    with ThreadPoolExecutor(2) as pool:
        together = numopt.path(problem, workers=pool, **given)
    np.testing.assert_array_equal(alone.cv.scores, together.cv.scores)


def test_workers_in_processes():
    X, y, _ = regression(40, 8)
    problem = numopt.Composite(numopt.LeastSquares(X, y), numopt.L1(1.0))
    alone, apart = (numopt.path(problem, n_lambdas=5, cv=2, tol=1e-6, workers=w) for w in (None, 2))
    np.testing.assert_array_equal(alone.cv.scores, apart.cv.scores)


def test_given_folds():
    X, y, _ = regression(20, 4)
    problem = numopt.Composite(numopt.LeastSquares(X, y), numopt.L1(1.0))
    folds = [(np.arange(10), np.arange(10, 20))]
    res = numopt.path(problem, n_lambdas=3, cv=folds)
    assert res.cv.scores.shape == (1, 3)
    assert not res.cv.error.any()


def test_rng_deals_rows_out():
    X, y, _ = regression(30, 4)
    problem = numopt.Composite(numopt.LeastSquares(X, y), numopt.L1(1.0))
    scores = [numopt.path(problem, n_lambdas=3, cv=3, rng=r).cv.scores for r in (None, 1, 1, 2)]
    np.testing.assert_array_equal(scores[1], scores[2])
    assert not np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[1], scores[3])


# -- refusals --------------------------------------------------------------------------------------

SMALL = numopt.Composite(numopt.LeastSquares(np.eye(3), np.ones(3)), numopt.L1(1.0))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"lambdas": [1.0, 2.0]}, "positive and decreasing"),
        ({"lambdas": [1.0, 1.0]}, "positive and decreasing"),
        ({"lambdas": [1.0, 0.0]}, "positive and decreasing"),
        ({"lambdas": []}, "positive and decreasing"),
        ({"lambdas": [np.nan]}, "finite"),
        ({"n_lambdas": 0}, "`n_lambdas` must be a positive integer"),
        ({"n_lambdas": True}, "positive integer"),
        ({"ratio": 1.0}, "`ratio` must be between 0 and 1"),
        ({"ratio": 0.0}, "`ratio` must be between 0 and 1"),
        ({"cv": 1}, "`cv` must be between 2"),
        ({"cv": 4}, "number of rows, 3"),
        ({"cv": True}, "`cv`"),
        ({"cv": [([0], [7])]}, "row indices below 3"),
        ({"cv": [([0], [])]}, "row indices"),
        ({"cv": [([0.5], [1])]}, "row indices"),
    ],
)
def test_wrong_arguments(given, match):
    with pytest.raises(numopt.ProblemError, match=match):
        numopt.path(SMALL, **given)


@pytest.mark.parametrize(
    ("problem", "given", "match"),
    [
        (numopt.NLP(np.ones(2)), {}, "needs a Composite, got NLP"),
        (numopt.Composite(numopt.LeastSquares(np.eye(3), np.ones(3))), {}, "no strength"),
        (
            numopt.Composite(
                numopt.LeastSquares(np.eye(3), np.ones(3)), numopt.BoxConstraint(-1, 1)
            ),
            {},
            "BoxConstraint has no strength",
        ),
        (
            numopt.Composite(numopt.QuadForm(np.eye(3), np.ones(3)), numopt.L1(1.0)),
            {"cv": 2},
            "QuadForm has no rows",
        ),
    ],
)
def test_unsupported(problem, given, match):
    with pytest.raises(numopt.UnsupportedError, match=match):
        numopt.path(problem, **given)


def test_nothing_to_trace():
    penalty = numopt.L1(1.0, positive=True)
    problem = numopt.Composite(numopt.LeastSquares(np.eye(3), -np.ones(3)), penalty)
    with pytest.raises(numopt.ProblemError, match="give `lambdas`"):
        numopt.path(problem)
    assert not numopt.path(problem, [1.0, 0.5]).coefs.any()


def test_unknown_option():
    with pytest.raises(numopt.OptionError, match="no option"):
        numopt.path(SMALL, options={"no_such": 1})
