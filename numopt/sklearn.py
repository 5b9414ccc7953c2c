"""Estimators in the manner of scikit-learn, which must be installed, over composite problems.

The conventions are those of scikit-learn's estimators of the same names: squares are averaged over
the samples and halved, the logistic loss is summed and multiplied by `C`.
"""

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from numopt.core.errors import ConvergenceWarning
from numopt.front import minimize
from numopt.models import losses, penalties
from numopt.models.composite import Composite

__all__ = ["ElasticNet", "GroupLasso", "Lasso", "LogisticRegression", "MultiTaskLasso"]


class _LinearModel(BaseEstimator):
    """Base of the estimators: checks of the data, the solve, and the linear function."""

    fit_intercept: Any
    standardize: Any
    tol: Any
    max_iter: Any
    coef_: Any
    intercept_: Any

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _checked(self, X, y, sample_weight, **kwargs) -> tuple[Any, Any, Any]:
        X, y = validate_data(
            self, X, y, accept_sparse="csc", dtype=[np.float64, np.float32], order="F", **kwargs
        )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
        return X, y, sample_weight

    def _solve(self, loss, penalty):
        """Set the learned attributes; return coefficients (k, p) and intercepts (k,)."""
        problem = Composite(loss, penalty, self.fit_intercept, self.standardize)
        res: Any = minimize(problem, tol=self.tol, options={"maxiter": self.max_iter})
        if not res.success:
            warnings.warn(res.message, ConvergenceWarning, stacklevel=3)
        self.n_iter_ = max(1, res.nit)
        self.dual_gap_ = res.gap
        intercept = np.zeros(loss.k) if res.intercept is None else np.atleast_1d(res.intercept)
        return res.x.reshape(-1, loss.k).T, intercept

    def _linear(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return X @ self.coef_.T + self.intercept_


class _Regressor(RegressorMixin, _LinearModel):
    """Base of the estimators with squares."""

    def fit(self, X, y, sample_weight=None):
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
        sample_weight : array_like, shape (n_samples,), optional

        Returns
        -------
        self
        """
        X, y, s = self._checked(X, y, sample_weight, y_numeric=True)
        loss = losses.LeastSquares(X, y, s)
        coef, intercept = self._solve(loss, self._penalty(loss.weight))
        self.coef_, self.intercept_ = coef[0], float(intercept[0])
        return self

    def predict(self, X):
        """Return the linear function of each sample, shape (n_samples,)."""
        return self._linear(X)

    def _penalty(self, weight):
        """Return the penalty, multiplied by the weight of the samples."""
        raise NotImplementedError


class Lasso(_Regressor):
    """Linear regression with an L1 penalty.

        minimise  1/(2n) |y - X w - c|^2 + alpha |w|_1

    Parameters
    ----------
    alpha : float
    fit_intercept : bool
    standardize : bool
        Let the penalty act on the coefficients of columns divided by their standard deviations.
    positive : bool
        Demand w >= 0.
    tol : float
        Of the duality gap, relative to the objective at zero.
    max_iter : int

    Attributes
    ----------
    coef_ : ndarray, shape (n_features,)
    intercept_ : float
    n_iter_ : int
    dual_gap_ : float

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached.

    Examples
    --------
    >>> from numopt.sklearn import Lasso
    >>> Lasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).coef_.round(2)
    array([0.85])
    """

    def __init__(
        self, alpha=1.0, *, fit_intercept=True, standardize=False, positive=False, tol=1e-8,
        max_iter=1000,
    ):  # fmt: skip
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.positive = positive
        self.tol = tol
        self.max_iter = max_iter

    def _penalty(self, weight):
        return penalties.L1(weight * self.alpha, positive=self.positive)


class ElasticNet(_Regressor):
    """Linear regression with an L1 and a squared penalty.

        minimise  1/(2n) |y - X w - c|^2 + alpha (l1_ratio |w|_1 + (1 - l1_ratio)/2 |w|^2)

    Parameters
    ----------
    alpha : float
    l1_ratio : float
        Between 0 and 1.
    fit_intercept, standardize, positive, tol, max_iter
        As for `Lasso`.

    Attributes
    ----------
    coef_, intercept_, n_iter_, dual_gap_
        As for `Lasso`.
    """

    def __init__(
        self, alpha=1.0, *, l1_ratio=0.5, fit_intercept=True, standardize=False, positive=False,
        tol=1e-8, max_iter=1000,
    ):  # fmt: skip
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.positive = positive
        self.tol = tol
        self.max_iter = max_iter

    def _penalty(self, weight):
        lam = weight * self.alpha
        return penalties.ElasticNet(
            lam * self.l1_ratio, lam * (1.0 - self.l1_ratio), positive=self.positive
        )


class GroupLasso(_Regressor):
    """Linear regression with the Euclidean norms of groups of coefficients.

        minimise  1/(2n) |y - X w - c|^2 + alpha sum_b weights_b |w_b|_2

    Parameters
    ----------
    groups : int or list of array_like
        Indices of the columns of each group, or the length of runs of columns.
    alpha : float
    weights : array_like, shape (number of groups,), optional
    fit_intercept, standardize, tol, max_iter
        As for `Lasso`.

    Attributes
    ----------
    coef_, intercept_, n_iter_, dual_gap_
        As for `Lasso`.
    """

    def __init__(
        self, groups=1, alpha=1.0, *, weights=None, fit_intercept=True, standardize=False, tol=1e-8,
        max_iter=1000,
    ):  # fmt: skip
        self.groups = groups
        self.alpha = alpha
        self.weights = weights
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.tol = tol
        self.max_iter = max_iter

    def _penalty(self, weight):
        weights = 1.0 if self.weights is None else self.weights
        return penalties.GroupL2(weight * self.alpha, self.groups, weights)


class MultiTaskLasso(MultiOutputMixin, RegressorMixin, _LinearModel):
    """Linear regression of several targets with the Euclidean norms of rows of coefficients.

        minimise  1/(2n) |Y - X W - c|_F^2 + alpha sum_j |W_j|_2

    Parameters
    ----------
    alpha : float
    fit_intercept, standardize, tol, max_iter
        As for `Lasso`.

    Attributes
    ----------
    coef_ : ndarray, shape (n_targets, n_features)
    intercept_ : ndarray, shape (n_targets,)
    n_iter_, dual_gap_
        As for `Lasso`.
    """

    def __init__(
        self, alpha=1.0, *, fit_intercept=True, standardize=False, tol=1e-8, max_iter=1000
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.tol = tol
        self.max_iter = max_iter

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        return tags

    def fit(self, X, y, sample_weight=None):
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
        y : array_like, shape (n_samples, n_targets)
        sample_weight : array_like, shape (n_samples,), optional

        Returns
        -------
        self
        """
        X, y, s = self._checked(X, y, sample_weight, multi_output=True, y_numeric=True)
        if y.ndim == 1:
            raise ValueError("y must have a column for each target; for a single one use Lasso")
        loss = losses.LeastSquares(X, y, s)
        penalty = penalties.MultiTask(loss.weight * self.alpha)
        self.coef_, self.intercept_ = self._solve(loss, penalty)
        return self

    def predict(self, X):
        """Return the linear functions of each sample, shape (n_samples, n_targets)."""
        return self._linear(X)


class LogisticRegression(ClassifierMixin, _LinearModel):
    """Logistic regression with an L1 penalty; multinomial for more than two classes.

        minimise  C sum_i loss(y_i, X_i w + c) + |w|_1

    Parameters
    ----------
    C : float
        Reciprocal of the strength of the penalty.
    fit_intercept, standardize, tol, max_iter
        As for `Lasso`.

    Attributes
    ----------
    classes_ : ndarray
    coef_ : ndarray, shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray, shape (1,) or (n_classes,)
    n_iter_, dual_gap_
        As for `Lasso`.

    Examples
    --------
    >>> from numopt.sklearn import LogisticRegression
    >>> model = LogisticRegression().fit([[-2.0], [-1.0], [1.0], [2.0]], list("aabb"))
    >>> model.predict([[3.0]])
    array(['b'], dtype='<U1')
    """

    def __init__(self, C=1.0, *, fit_intercept=True, standardize=False, tol=1e-8, max_iter=1000):
        self.C = C
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
        y : array_like, shape (n_samples,)
            Classes, of any type.
        sample_weight : array_like, shape (n_samples,), optional

        Returns
        -------
        self
        """
        X, y, s = self._checked(X, y, sample_weight)
        check_classification_targets(y)
        self.classes_, which = np.unique(y, return_inverse=True)
        used = which if s is None else which[s > 0.0]
        if np.unique(used).size < 2:
            raise ValueError("samples of at least two classes are needed, got one class")
        if self.classes_.size == 2:
            loss = losses.Logistic(X, 2.0 * which - 1.0, s)
        else:
            loss = losses.Multinomial(X, np.eye(self.classes_.size)[which], s)
        self.coef_, intercept = self._solve(loss, penalties.L1(1.0 / self.C))
        # With a function for each class, adding a constant to all of them changes nothing.
        self.intercept_ = intercept - intercept.mean() if intercept.size > 1 else intercept
        return self

    def decision_function(self, X):
        """Return the linear functions, shape (n_samples,) or (n_samples, n_classes)."""
        z = self._linear(X)
        return z[:, 0] if self.classes_.size == 2 else z

    def predict(self, X):
        """Return the likeliest class of each sample, shape (n_samples,)."""
        z = self.decision_function(X)
        return self.classes_[(z > 0.0).astype(int) if z.ndim == 1 else z.argmax(axis=1)]

    def predict_proba(self, X):
        """Return the probabilities of the classes, shape (n_samples, n_classes)."""
        z = self.decision_function(X)
        z = np.stack([np.zeros_like(z), z], axis=1) if z.ndim == 1 else z
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X):
        """Return the logarithms of the probabilities, shape (n_samples, n_classes)."""
        return np.log(self.predict_proba(X))
