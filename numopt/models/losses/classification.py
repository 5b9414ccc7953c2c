"""Losses of classification: logistic for two classes, multinomial for more."""

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.losses.base import LOGISTIC, MULTINOMIAL
from numopt.models.losses.linear import LinearLoss, over, xlogx

SIGMOID_BEND = 1.0 / (6.0 * np.sqrt(3.0))  # largest second derivative of the sigmoid


class Logistic(LinearLoss):
    """Logistic regression with classes -1 and 1.

        f(x) = sum_i s_i log(1 + exp(-y_i X_i x))

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
    y : array_like, shape (m,)
        Entries -1 and 1.
    sample_weight : array_like, shape (m,), optional

    Raises
    ------
    InputTypeError, ProblemError
        As for `LeastSquares`, and for other entries of `y`.
    """

    code = LOGISTIC
    curvature = majorant = 0.25
    twist = SIGMOID_BEND

    def targets(self, y):
        y = super().targets(y)
        if not np.all(np.abs(y) == 1.0):
            raise ProblemError("`y` must hold -1 and 1 only")
        return y

    def phi(self, z, y):
        return np.logaddexp(0.0, -y * z)[:, 0]

    def slope(self, z, y):
        return -y * sigmoid(-y * z)

    def bend(self, z, y):
        p = sigmoid(z)
        return p * (1.0 - p)

    def conjugate(self, residual):
        t = -self.y * (residual if self.s is None else over(residual, self.s))
        entropy = xlogx(t) + xlogx(1.0 - t)
        return float(entropy.sum() if self.s is None else self.s @ entropy[:, 0])


class Multinomial(LinearLoss):
    """Multinomial logistic regression with k classes.

        f(W) = sum_i s_i (log sum_c exp(Z_ic) - sum_c Y_ic Z_ic),   Z = X W

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
    Y : array_like, shape (m, k)
        One in the column of the class, zero elsewhere.
    sample_weight : array_like, shape (m,), optional
    """

    code = MULTINOMIAL
    curvature = 0.25
    majorant = 0.5
    twist = SIGMOID_BEND  # along one logit softmax is a sigmoid
    many = True

    def targets(self, y):
        y = super().targets(y)
        if y.shape[1] < 2 or not (np.isin(y, (0.0, 1.0)).all() and (y.sum(axis=1) == 1.0).all()):
            raise ProblemError("`Y` must have a column for each class and a single one in each row")
        return y

    def phi(self, z, y):
        top = z.max(axis=1)
        return np.log(np.exp(z - top[:, None]).sum(axis=1)) + top - np.sum(y * z, axis=1)

    def slope(self, z, y):
        return softmax(z) - y

    def bend(self, z, y):
        p = softmax(z)
        return p * (1.0 - p)

    def weights(self, z):
        return softmax(z)

    def hessian_bound(self, b):
        j, c = np.divmod(b, self.k)
        k = min(self.k, np.unique(c).size + 1)
        block = self.design.columns(j)
        rows = block if self.s is None else self.s[:, None] * block
        return 0.5 * (block.T @ rows) * ((c[:, None] == c) - 1.0 / k)

    def hessian(self, state, b):
        j, c = np.divmod(b, self.k)
        block, p = self.design.columns(j), softmax(self.margins(state))
        s = np.ones(self.m) if self.s is None else self.s
        part = p[:, c] * block
        H = (block.T @ (s[:, None] * part)) * (c[:, None] == c) - part.T @ (s[:, None] * part)
        if self.intercept:
            mixed = np.where(c[:, None] == np.arange(self.k), block.T @ (s[:, None] * p), 0.0)
            mixed -= part.T @ (s[:, None] * p)
            H -= mixed @ self._intercept_inverse(state) @ mixed.T
        return H

    def _bent(self, state, U):
        P = softmax(self.margins(state))
        V = P * (U - np.sum(P * U, axis=1)[:, None])
        return V if self.s is None else self.s[:, None] * V

    @property
    def _row_factor(self):
        return 1.0 - 1.0 / self.k

    def _intercept_hessian(self, state):
        p = softmax(self.margins(state))
        weighted = p if self.s is None else self.s[:, None] * p
        return np.diag(weighted.sum(axis=0)) - p.T @ weighted

    def conjugate(self, residual):
        terms = xlogx(self.y + (residual if self.s is None else over(residual, self.s)))
        return float(terms.sum() if self.s is None else self.s @ terms.sum(axis=1))


def sigmoid(t):
    """Return 1 / (1 + exp(-t))."""
    return 0.5 * (1.0 + np.tanh(0.5 * t))


def softmax(z):
    """Return exp(z) divided by its sums over the rows."""
    e = np.exp(z - z.max(axis=1)[:, None])
    return e / e.sum(axis=1)[:, None]
