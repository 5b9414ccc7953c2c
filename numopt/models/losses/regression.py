"""Losses of regression: squares, Huber, Poisson."""

from math import inf

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.inputs import real_vector
from numopt.models.losses.base import HUBER, POISSON, SQUARED
from numopt.models.losses.linear import LinearLoss, over, xlogx


class LeastSquares(LinearLoss):
    """Squared residuals of a linear model.

        f(x) = 1/2 sum_i s_i (X_i x - y_i)^2

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
        See `Design` for what is copied.
    y : array_like, shape (m,) or (m, k)
        With k targets x is a matrix (p, k), flattened row by row.
    sample_weight : array_like, shape (m,), optional
        Weights s, not negative.

    Raises
    ------
    InputTypeError, ProblemError
        For data that are not finite real numbers, and shapes that do not fit.

    Examples
    --------
    >>> loss = numopt.LeastSquares([[1.0, 0.0], [0.0, 2.0]], [3.0, 4.0])
    >>> state = loss.state(np.zeros(2))
    >>> loss.value(state), loss.gradient(state)
    (12.5, array([-3., -8.]))
    """

    code = SQUARED
    quadratic = True
    many = True

    def phi(self, z, y):
        return 0.5 * np.sum((z - y) ** 2, axis=1)

    def value(self, state):
        r = self.margins(state) - self.y
        return 0.5 * float(np.vdot(r, r if self.s is None else self.s[:, None] * r))

    def slope(self, z, y):
        return z - y

    def bend(self, z, y):
        return np.ones_like(z)

    def _set_intercept(self, state):
        if self.intercept:
            gap = self.y - state.z
            state.c[:] = (gap.sum(axis=0) if self.s is None else self.s @ gap) / self.weight

    def intercepts(self, X):
        """Return the best intercepts for coefficients in the rows of X, shape (K,); k is one."""
        mean = (self.y[:, 0] if self.s is None else self.s * self.y[:, 0]).sum() / self.weight
        return mean - X @ self.means

    def _move_intercept(self, state, j, c, delta):
        if self.intercept:
            np.subtract.at(state.c, c, self.means[j] * delta)

    def lipschitz(self):
        squares = self.squares
        if self.intercept:
            squares = np.maximum(squares - self.weight * self.means**2, 0.0)
            squares[squares <= 1e-12 * self.squares] = 0.0  # constant columns
        return np.repeat(squares, self.k)

    def hessian_column(self, j):
        """Return column j of the Hessian, shape (p,), for one target."""
        x = self.design.columns(np.array([j]))[:, 0]
        column = self.design.tdot(x if self.s is None else self.s * x)
        return column - self.weight * self.means[j] * self.means if self.intercept else column

    def hessian_bound(self, b):
        H = super().hessian_bound(b)
        if self.intercept:
            j, c = np.divmod(b, self.k)
            H -= self.weight * np.outer(self.means[j], self.means[j]) * (c[:, None] == c)
        return H

    def hessian(self, state, b):
        return self.hessian_bound(b)

    def conjugate(self, residual):
        weighted = residual if self.s is None else over(residual, self.s)
        return float(np.vdot(residual, 0.5 * weighted + self.y))


class Huber(LinearLoss):
    """Huber's robust regression: squares near zero, absolute values beyond.

        f(x) = sum_i s_i h(X_i x - y_i),   h(r) = r^2/2 for |r| <= delta, delta |r| - delta^2/2 else

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
    y : array_like, shape (m,)
    delta : float
        Positive.
    sample_weight : array_like, shape (m,), optional
    """

    code = HUBER

    def __init__(self, X, y, delta=1.0, sample_weight=None):
        super().__init__(X, y, sample_weight)
        self.delta = float(real_vector(delta, "delta", n=1, finite=True)[0])
        if not self.delta > 0.0:
            raise ProblemError(f"`delta` must be positive, got {self.delta}")

    def phi(self, z, y):
        near = np.clip(z - y, -self.delta, self.delta)
        return (near * (z - y - 0.5 * near))[:, 0]

    def slope(self, z, y):
        return np.clip(z - y, -self.delta, self.delta)

    def bend(self, z, y):
        return (np.abs(z - y) <= self.delta).astype(float)

    def weights(self, z):
        return np.ones_like(z)

    def _set_intercept(self, state):
        if self.intercept and np.isfinite(state.z).all():
            s = np.ones(self.m) if self.s is None else self.s
            state.c[0] = huber_centre(self.y[:, 0] - state.z[:, 0], s, self.delta)

    def conjugate(self, residual):
        weighted = residual if self.s is None else over(residual, self.s)
        return float(np.vdot(residual, 0.5 * weighted + self.y))


class Poisson(LinearLoss):
    """Poisson regression with the logarithmic link.

        f(x) = sum_i s_i (exp(X_i x) - y_i X_i x)

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
    y : array_like, shape (m,)
        Not negative.
    sample_weight : array_like, shape (m,), optional
    """

    code = POISSON
    curvature = majorant = inf

    def targets(self, y):
        y = super().targets(y)
        if (y < 0.0).any():
            raise ProblemError("`y` must not be negative")
        return y

    def phi(self, z, y):
        return (np.exp(z) - y * z)[:, 0]

    def slope(self, z, y):
        return np.exp(z) - y

    def bend(self, z, y):
        return np.exp(z)

    def conjugate(self, residual):
        t = self.y + (residual if self.s is None else over(residual, self.s))
        terms = xlogx(t) - t
        return float(terms.sum() if self.s is None else self.s @ terms[:, 0])


def huber_centre(v, s, delta):
    """Return the c with sum_i s_i clip(c - v_i, -delta, delta) = 0; the sum of s is positive.

    The sum is piecewise linear in c, with a break where a term enters its linear part and one where
    it leaves it. Newton's method would not do: all terms may be constant at its start.
    """
    breaks = np.concatenate([v - delta, v + delta])
    order = np.argsort(breaks, kind="stable")
    breaks = breaks[order]
    slopes = np.cumsum(np.concatenate([s, -s])[order])  # right of each break
    sums = np.cumsum(slopes[:-1] * np.diff(breaks)) - delta * s.sum()  # at the second, third ...
    k = min(int(np.searchsorted(sums, 0.0)), sums.size - 1)
    inside = np.abs(0.5 * (breaks[k] + breaks[k + 1]) - v) < delta
    weight = s[inside].sum()
    if weight == 0.0:
        return breaks[k + 1]
    c = breaks[k]
    return c - s @ np.clip(c - v, -delta, delta) / weight
