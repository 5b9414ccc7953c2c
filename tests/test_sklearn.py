"""The estimators: scikit-learn's own checks, and the same coefficients as its estimators."""

import numpy as np
import pytest
import scipy.sparse as sp

sklearn = pytest.importorskip("sklearn")
from sklearn import linear_model  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

import numopt.sklearn as ours  # noqa: E402
from numopt import ConvergenceWarning  # noqa: E402

RNG = np.random.default_rng(1)
X = RNG.standard_normal((50, 12)) + 1.0
W = np.where(np.arange(12) < 4, 2.0, 0.0)
Y = X @ W + 0.3 * RNG.standard_normal(50)
WEIGHTS = RNG.uniform(0.5, 2.0, 50)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the checks themselves
@pytest.mark.parametrize("name", ours.__all__)
def test_checks_of_scikit_learn(name):
    found = check_estimator(getattr(ours, name)(), on_fail=None, on_skip=None)
    failed = [row for row in found if row["status"] not in ("passed", "skipped")]
    assert not failed
    assert sum(row["status"] == "passed" for row in found) > 40


@pytest.mark.parametrize("storage", [np.asarray, sp.csr_matrix, sp.csc_array])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (ours.Lasso(0.1), linear_model.Lasso(0.1, tol=1e-12)),
        (ours.Lasso(0.1, positive=True), linear_model.Lasso(0.1, positive=True, tol=1e-12)),
        (
            ours.Lasso(0.1, fit_intercept=False),
            linear_model.Lasso(0.1, fit_intercept=False, tol=1e-12),
        ),
        (
            ours.ElasticNet(0.2, l1_ratio=0.3),
            linear_model.ElasticNet(0.2, l1_ratio=0.3, tol=1e-12),
        ),
    ],
    ids=["lasso", "positive", "no intercept", "elastic net"],
)
def test_regression(mine, theirs, weights, storage):
    mine.fit(storage(X), Y, weights)
    theirs.fit(X, Y, weights)
    np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(mine.predict(storage(X)), theirs.predict(X), atol=1e-4)
    assert mine.n_iter_ >= 1
    assert mine.dual_gap_ >= 0.0


def test_multi_task():
    targets = np.stack([Y, X[:, 0] - X[:, 5]], axis=1)
    mine = ours.MultiTaskLasso(0.1).fit(X, targets)
    theirs = linear_model.MultiTaskLasso(0.1, tol=1e-12).fit(X, targets)
    np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(mine.predict(X), theirs.predict(X), atol=1e-4)
    with pytest.raises(ValueError, match="for a single one use Lasso"):
        ours.MultiTaskLasso().fit(X, Y)


def test_group_lasso():
    single = ours.GroupLasso(1, 0.1).fit(X, Y)
    np.testing.assert_allclose(single.coef_, ours.Lasso(0.1).fit(X, Y).coef_, atol=1e-4)
    groups = [[0, 4, 8], [1, 5, 9, 11], [2, 3], [6, 7, 10]]
    model = ours.GroupLasso(groups, 0.3, weights=[1.0, 0.0, 2.0, np.inf]).fit(X, Y)
    gradient = X.T @ (Y - model.predict(X)) / 50
    assert np.all(model.coef_[groups[3]] == 0.0)
    np.testing.assert_allclose(gradient[groups[1]], 0.0, atol=1e-4)
    for b, weight in ((groups[0], 1.0), (groups[2], 2.0)):
        expected = 0.3 * weight * model.coef_[b] / np.linalg.norm(model.coef_[b])
        np.testing.assert_allclose(gradient[b], expected, atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic(classes):
    data, y = load_iris(return_X_y=True)
    kept = y < classes
    data, y = data[kept] - data.mean(axis=0), np.array(["a", "b", "c"])[y[kept]]
    mine = ours.LogisticRegression(0.1, tol=1e-7).fit(data, y)
    theirs = linear_model.LogisticRegression(
        l1_ratio=1.0, C=0.1, solver="saga", tol=1e-8, max_iter=100_000
    ).fit(data, y)
    np.testing.assert_allclose(mine.predict_proba(data), theirs.predict_proba(data), atol=1e-3)
    np.testing.assert_array_equal(mine.predict(data), theirs.predict(data))
    np.testing.assert_allclose(np.exp(mine.predict_log_proba(data)).sum(axis=1), 1.0)
    assert mine.coef_.shape == ((1 if classes == 2 else 3), 4)


def test_one_class():
    with pytest.raises(ValueError, match="one class"):
        ours.LogisticRegression().fit(X, np.ones(50))
    with pytest.raises(ValueError, match="one class"):
        ours.LogisticRegression().fit(X, Y > 0, sample_weight=np.where(Y > 0, 1.0, 0.0))


def test_limit_of_iterations_warns():
    wide = np.random.default_rng(0).normal(size=(50, 900))  # more than one working set
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        ours.Lasso(1e-3, tol=1e-12, max_iter=1).fit(wide, Y)


def test_bad_parameters_are_told_by_the_model():
    with pytest.raises(ValueError, match="lam"):
        ours.Lasso(-1.0).fit(X, Y)


def test_in_a_search():
    search = GridSearchCV(ours.Lasso(), {"alpha": [1e-3, 10.0]}, cv=3).fit(X, Y)
    assert search.best_params_ == {"alpha": 1e-3}
    assert search.best_score_ > 0.9
