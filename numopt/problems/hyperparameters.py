"""Hyper-parameters as bilevel problems: regularisation of each feature, weights of training rows.

Both come with exact gradients and Hessian-vector products, and as means over rows: `idx` selects
training rows in f and validation rows in F. `toy` is the published example of LV-HBA whose lower
level has many solutions.
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.models.bilevel import Bilevel
from numopt.models.bilevel_rows import AffineRows
from numopt.models.sets import Box

RANGE = 1e-5, 1e2  # of the regularisation of a feature
INTERCEPT = 1e-6  # regularisation of the intercept
L2 = 1e-3  # regularisation of the softmax model


class Split(NamedTuple):
    """Features and labels of one part of the data."""

    A: np.ndarray  # (rows, features)
    b: np.ndarray  # (rows,)


def _chosen(part, idx):
    return part if idx is None else Split(part.A[idx], part.b[idx])


# -- regularisation of each feature ----------------------------------------------------------------


class Regularisation:
    """Logistic regression in which every feature has a regularisation of its own.

        F(x, y) = mean over validation rows of log(1 + exp(-b a'y))
        f(x, y) = the same over training rows + sum_j exp(x_j) y_j^2 / 2,   1e-5 <= exp(x_j) <= 100

    Parameters
    ----------
    train, valid, test : Split
        Labels -1 and 1; a last column of ones is the intercept, which shares the smallest
        regularisation `intercept`.
    intercept : float
    """

    def __init__(self, train, valid, test, intercept=INTERCEPT):
        self.train, self.valid, self.test, self.intercept = train, valid, test, intercept
        self.n = train.A.shape[1] - 1

    def F(self, x, y, idx=None):
        """Return the validation loss."""
        return _logistic(_chosen(self.valid, idx), y)

    def grad_F(self, x, y, idx=None):
        """Return its gradient, a pair."""
        return np.zeros(self.n), _logistic_slope(_chosen(self.valid, idx), y)

    def f(self, x, y, idx=None):
        """Return the regularised training loss."""
        return _logistic(_chosen(self.train, idx), y) + 0.5 * self.weights(x) @ y**2

    def grad_f(self, x, y, idx=None):
        """Return its gradient, a pair."""
        weights = self.weights(x)
        own = _logistic_slope(_chosen(self.train, idx), y) + weights * y
        return 0.5 * weights[:-1] * y[:-1] ** 2, own

    def hvp(self, x, y, v, idx=None):
        """Return the second derivatives of f along (0, v), a pair."""
        weights, part = self.weights(x), _chosen(self.train, idx)
        s = _sigmoid(-part.b * (part.A @ y))
        bent = (s * (1.0 - s)) * (part.A @ v)
        return (weights * y * v)[:-1], bent @ part.A / part.b.size + weights * v

    def weights(self, x):
        """Return the regularisation of each coefficient, shape (n + 1,)."""
        return np.append(np.exp(x), self.intercept)

    def test_score(self, y):
        """Return the test loss of coefficients."""
        return _logistic(self.test, y)

    def problem(self, batches=False):
        """Return the `Bilevel`; with `batches` one whose objectives take rows."""
        rows = {"n_upper": self.valid.b.size, "n_lower": self.train.b.size} if batches else {}
        n, start = self.n, np.log(1e-3)
        return Bilevel(
            self.F, self.f, x0=(np.full(n, start), np.zeros(n + 1)), grad_F=self.grad_F,
            grad_f=self.grad_f, hvp=self.hvp, X=Box(*np.log(RANGE)), name="regularisation", **rows,
        )  # fmt: skip


def regularisation(seed=0):
    """Return `Regularisation` on the breast cancer data of scikit-learn, randomly split.

    Half of the 569 rows are for training, a quarter each for validation and test; features are
    standardised by the training rows.
    """
    load_breast_cancer = _dataset("load_breast_cancer")

    A, b = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(seed).permutation(b.size)  # pyright: ignore
    parts = np.split(order, [b.size // 2, 3 * b.size // 4])  # pyright: ignore
    mean, spread = A[parts[0]].mean(axis=0), A[parts[0]].std(axis=0)  # pyright: ignore
    A = np.column_stack([(A - mean) / spread, np.ones(len(A))])  # pyright: ignore
    return Regularisation(*(Split(A[rows], 2.0 * b[rows] - 1.0) for rows in parts))  # pyright: ignore


def _sigmoid(u):
    return 0.5 * (1.0 + np.tanh(0.5 * u))


def _logistic(part, y):
    return float(np.logaddexp(0.0, -part.b * (part.A @ y)).mean())


def _logistic_slope(part, y):
    return (-part.b * _sigmoid(-part.b * (part.A @ y))) @ part.A / part.b.size


# -- weights of training rows ----------------------------------------------------------------------


class Cleaning:
    """Softmax regression in which every training row has a weight, some labels being wrong.

        F(x, y) = mean over validation rows of the cross entropy of Y
        f(x, Y) = mean over training rows of sigmoid(x_i) * cross entropy + l2 |Y|^2 / 2

    Parameters
    ----------
    train, valid, test : Split
        Labels 0, ..., K - 1.
    wrong : ndarray of bool, shape (rows,)
        Which training labels are wrong; for the report only.
    l2 : float
    """

    def __init__(self, train, valid, test, wrong, l2=L2):
        self.train, self.valid, self.test, self.wrong, self.l2 = train, valid, test, wrong, l2
        self.features, self.classes = train.A.shape[1], int(train.b.max()) + 1

    def F(self, x, y, idx=None):
        """Return the validation loss."""
        return float(self._losses(_chosen(self.valid, idx), y)[0].mean())

    def grad_F(self, x, y, idx=None):
        """Return its gradient, a pair."""
        part = _chosen(self.valid, idx)
        return np.zeros_like(x), self._pulled(part, self._losses(part, y)[1])

    def f(self, x, y, idx=None):
        """Return the weighted training loss."""
        losses = self._losses(_chosen(self.train, idx), y)[0]
        return float((self._weights(x, idx) * losses).mean()) + 0.5 * self.l2 * float(y @ y)

    def grad_f(self, x, y, idx=None):
        """Return its gradient, a pair."""
        part, weights = _chosen(self.train, idx), self._weights(x, idx)
        losses, slopes = self._losses(part, y)
        gx = np.zeros_like(x)
        rows: Any = slice(None) if idx is None else idx
        np.add.at(gx, rows, weights * (1.0 - weights) * losses / part.b.size)
        return gx, self._pulled(part, weights[:, None] * slopes) + self.l2 * y

    def hvp(self, x, y, v, idx=None):
        """Return the second derivatives of f along (0, v), a pair."""
        part, weights = _chosen(self.train, idx), self._weights(x, idx)
        slopes = self._losses(part, y)[1]
        P = slopes.copy()
        P[np.arange(part.b.size), part.b] += 1.0
        along = part.A @ v.reshape(self.features, self.classes)
        gx = np.zeros_like(x)
        rows: Any = slice(None) if idx is None else idx
        change = (slopes * along).sum(axis=1)
        np.add.at(gx, rows, weights * (1.0 - weights) * change / part.b.size)
        bent = P * (along - (P * along).sum(axis=1, keepdims=True))
        return gx, self._pulled(part, weights[:, None] * bent) + self.l2 * v

    def test_score(self, y):
        """Return the share of test rows that coefficients classify rightly."""
        scores = self.test.A @ y.reshape(self.features, self.classes)
        return float((scores.argmax(axis=1) == self.test.b).mean())

    def problem(self, batches=False):
        """Return the `Bilevel`; with `batches` one whose objectives take rows."""
        rows = {"n_upper": self.valid.b.size, "n_lower": self.train.b.size} if batches else {}
        start = np.zeros(self.train.b.size), np.zeros(self.features * self.classes)
        return Bilevel(
            self.F, self.f, x0=start, grad_F=self.grad_F, grad_f=self.grad_f, hvp=self.hvp,
            name="cleaning", **rows,
        )  # fmt: skip

    def _weights(self, x, idx):
        return _sigmoid(x if idx is None else x[idx])

    def _losses(self, part, y):
        """Return the cross entropies, (rows,), and their derivatives in the scores."""
        scores = part.A @ y.reshape(self.features, self.classes)
        scores -= scores.max(axis=1, keepdims=True)
        E = np.exp(scores)
        total = E.sum(axis=1)
        own = np.arange(part.b.size), part.b
        losses = np.log(total) - scores[own]
        slopes = E / total[:, None]
        slopes[own] -= 1.0
        return losses, slopes

    def _pulled(self, part, slopes):
        return (part.A.T @ slopes).ravel() / part.b.size


def cleaning(seed=0, rows=600, valid=300, share=0.4):
    """Return `Cleaning` on the handwritten digits of scikit-learn.

    Parameters
    ----------
    seed : int
        Of the split and of the wrong labels.
    rows : int
        For training.
    valid : int
        For validation; the rest is for the test.
    share : float
        Share of the training labels that are replaced by random other ones.
    """
    load_digits = _dataset("load_digits")

    rng = np.random.default_rng(seed)
    A, b = load_digits(return_X_y=True)
    order = rng.permutation(b.size)  # pyright: ignore
    A = np.column_stack([A / 16.0, np.ones(len(A))])  # pyright: ignore
    ends = [rows, rows + valid]
    parts = [Split(A[k], b[k].copy()) for k in np.split(order, ends)]  # pyright: ignore
    train = parts[0]
    wrong = np.zeros(rows, dtype=bool)
    wrong[rng.choice(rows, int(share * rows), replace=False)] = True
    train.b[wrong] = (train.b[wrong] + rng.integers(1, 10, wrong.sum())) % 10
    return Cleaning(parts[0], parts[1], parts[2], wrong)


# -- a lower level with many solutions -------------------------------------------------------------


def toy(n=100):
    """Return the coupled example of LV-HBA with solution x = -0.3, y = (0.7, -0.4), all entries.

    ::

        F = |x - y2|^2/2 + |y1 - 1|^2/2,   f = |y1|^2/2 - x'y1 + 1'y2,   1'x + 1'y1 + 1'y2 = 0
    """

    def F(x, y):
        return 0.5 * float((x - y[n:]) @ (x - y[n:]) + (y[:n] - 1.0) @ (y[:n] - 1.0))

    def grad_F(x, y):
        return x - y[n:], np.concatenate([y[:n] - 1.0, y[n:] - x])

    def f(x, y):
        return 0.5 * float(y[:n] @ y[:n]) - float(x @ y[:n]) + float(y[n:].sum())

    def grad_f(x, y):
        return -y[:n], np.concatenate([y[:n] - x, np.ones(n)])

    def hvp(x, y, v):
        return -v[:n], np.concatenate([v[:n], np.zeros(n)])

    row = AffineRows(np.ones((1, n)), np.ones((1, 2 * n)), np.zeros(1))
    start = np.full(n, 10.0), np.full(2 * n, 10.0)
    return Bilevel(
        F, f, x0=start, grad_F=grad_F, grad_f=grad_f, hvp=hvp, g=row, eq=np.array([True]),
        name="toy",
    )  # fmt: skip


def _dataset(name):
    """Return a loader of scikit-learn, which brings the data."""
    try:
        from sklearn import datasets  # pyright: ignore
    except ImportError as error:
        raise ImportError(
            "the data of this task come with scikit-learn: pip install 'numopt[sklearn]'"
        ) from error
    return getattr(datasets, name)
