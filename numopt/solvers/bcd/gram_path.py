"""Paths of least squares with an L1 penalty: coordinate descent on inner products of columns.

    minimise  |t - Z w|^2 / 2 + lambda (sum_j lam_j |w_j| + mu_j w_j^2 / 2),   w >= 0 on demand

Z and t are data and target, centred and weighted. For lambda_1 > lambda_2 > ..., with w and the
correlations c = Z'(t - Z w) of the last value,

    add to the working set the columns with |c_j| >= (2 lambda_k - lambda_(k-1)) lam_j
    repeat
        descend on the working set by its Gram matrix
        one pass over all columns: c and the duality gap
        add the columns with |c_j| > lambda_k lam_j
    until the gap is at most the tolerance

The second line is the sequential strong rule, the last one mends what it misses. With as many rows
as columns the working set is everything, and no pass over the data is needed after Z'Z.

References
----------
.. [1] J. Friedman, T. Hastie, R. Tibshirani, Regularization Paths for Generalized Linear Models via
   Coordinate Descent, J. Stat. Softw. 33, 2010 (covariance updates).
.. [2] R. Tibshirani et al., Strong Rules for Discarding Predictors in Lasso-Type Problems, J. R.
   Stat. Soc. B 74, 2012.
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.models.losses import LeastSquares
from numopt.models.penalties import Separable

LARGEST = 4000  # columns of a Gram matrix
PASSES = 100_000
ROUNDS = 100  # working sets for one lambda
INNER = 0.5  # of the tolerance: the gap on a working set


class Traced(NamedTuple):
    """Solutions along a path."""

    coefs: np.ndarray  # (K, n), in the variables of methods
    values: np.ndarray  # objectives, (K,)
    gaps: np.ndarray  # (K,)
    passes: np.ndarray  # (K,)


def fits(problem):
    """Return whether a problem has this form, and columns few or dense enough for Gram matrices."""
    loss, penalty = problem.loss, problem.penalty
    if not (isinstance(loss, LeastSquares) and isinstance(penalty, Separable) and loss.k == 1):
        return False
    few = loss.p <= LARGEST // 2 or not loss.design.sparse
    lowest, highest = penalty.lower.min(initial=0.0), penalty.lower.max(initial=-np.inf)
    signed = highest == -np.inf or lowest == highest == 0.0
    unbounded = penalty.upper.min(initial=np.inf) == np.inf
    return bool(few and signed and unbounded and penalty.lam.min(initial=np.inf) > 0.0)


def trace(problem, lambdas, tol):
    """Return the `Traced` path; a gap above ``tol F(0)`` tells that descent came to an end."""
    data = Centred(problem)
    goal = tol * 0.5 * data.energy
    if problem.n <= min(data.loss.m, LARGEST):
        return _together(data, lambdas, goal)
    return _WorkingSet(data).along(lambdas, goal)


class Centred:
    """Data and target, centred if there is an intercept, rows times the roots of their weights."""

    def __init__(self, problem):
        self.loss, penalty = problem.loss, problem.penalty
        self.root = None if self.loss.s is None else np.sqrt(self.loss.s)
        self.lam, self.mu = penalty.lam, penalty.mu
        self.positive = problem.n > 0 and bool(penalty.lower[0] == 0.0)  # see `fits`
        y = self.loss.y[:, 0]
        if self.loss.intercept:
            y = y - (y.mean() if self.root is None else self.loss.s @ y / self.loss.weight)
        self.t = y if self.root is None else self.root * y
        self.energy = float(self.t @ self.t)

    def residual(self, point):
        """Return t - Z w at a point."""
        r = (self.loss.y - self.loss.margins(point))[:, 0]
        return r if self.root is None else self.root * r

    def moved(self, point, ws, w):
        """Return the point with the variables ws at w."""
        x, used = point.x.copy(), np.flatnonzero(w != point.x[ws])
        change = w[used] - x[ws[used]]
        x[ws] = w
        step = self.loss.design.columns(ws[used]) @ change
        return self.loss.moved(point, x, step[:, None], 0.0)

    def correlations(self, r):
        """Return Z'r for a residual, which is centred."""
        return self.loss.design.tdot(r if self.root is None else self.root * r)

    def columns(self, j):
        """Return columns of Z, shape (m, |j|)."""
        Z = self.loss.design.columns(j)
        if self.loss.intercept:
            Z = Z - self.loss.means[j]
        return Z if self.root is None else self.root[:, None] * Z

    def gram(self):
        """Return Z'Z."""
        loss, X = self.loss, self.loss.design.X
        if loss.design.sparse:
            weighted = X if self.root is None else X.multiply(self.root[:, None]).tocsc()
            G = (weighted.T @ weighted).toarray().astype(np.float64)
        elif self.root is None and X.dtype == np.float64:
            G = X.T @ X
        else:
            Z = self.columns(np.arange(loss.p))
            return Z.T @ Z
        if loss.design.scale is not None:
            G *= np.outer(loss.design.scale, loss.design.scale)
        if loss.intercept:
            G -= loss.weight * np.outer(loss.means, loss.means)
        return G


def _together(data, lambdas, goal):
    """Return the path with all columns as the working set."""
    from numopt.kernels.gram import gram_path

    G, q = data.gram(), data.correlations(data.t)
    traced = _empty(lambdas.size, q.size)
    penalty = (data.lam, data.mu, data.positive)
    gram_path(G, q, data.energy, *penalty, lambdas, goal, PASSES, *traced)
    return traced


def _empty(k, n):
    return Traced(np.zeros((k, n)), np.empty(k), np.empty(k), np.empty(k, dtype=np.int64))


class _WorkingSet:
    """Columns that have been used, with their Gram matrix in growing room."""

    def __init__(self, data):
        self.data = data
        self.members = np.zeros(0, dtype=np.int64)
        self.inside = np.zeros(data.lam.size, dtype=bool)
        self.w, self.q = np.zeros(0), np.zeros(0)
        self.Z: Any = np.empty((data.loss.m, 0), order="F")
        self.G: Any = np.empty((0, 0))
        self.r = data.t
        self.c = data.correlations(data.t)

    def along(self, lambdas, goal):
        """Return the `Traced` path."""
        traced, last = _empty(lambdas.size, self.data.lam.size), lambdas[0]
        for k, factor in enumerate(lambdas):
            self.add(self.strength() >= 2.0 * factor - last)
            found = self.solve(factor, goal)
            traced.coefs[k, self.members] = self.w
            traced.values[k], traced.gaps[k], traced.passes[k] = found
            last = factor
        return traced

    def strength(self):
        """Return for each column the lambda at which it would enter, at the last correlations."""
        c = self.c if self.data.positive else np.abs(self.c)
        return c / self.data.lam

    def solve(self, factor, goal):
        """Solve for one lambda; return objective, gap and number of passes."""
        from numopt.kernels.gram import certificate, descend

        data, passes, inner = self.data, 0, INNER * goal
        for _ in range(ROUNDS):
            lam, mu = factor * data.lam, factor * data.mu
            J, sums = self.members, np.array([data.t @ self.r, self.r @ self.r])
            local = (self.c[J], self.q, lam[J], mu[J], data.positive)
            passes += descend(self.G, *local, inner, PASSES, self.w, sums)[2]
            self.r = data.t - self.Z[:, : J.size] @ self.w
            self.c = data.correlations(self.r)
            sums[:] = data.t @ self.r, self.r @ self.r
            w = np.zeros(lam.size)
            w[J] = self.w
            value, gap = certificate(self.c, lam, mu, data.positive, w, sums)
            if gap <= goal:
                break
            if not self.add(self.strength() > factor):
                inner *= 0.1
        return value, gap, passes

    def add(self, wanted):
        """Take columns into the working set; return how many were new."""
        new = np.flatnonzero(wanted & ~self.inside)
        if not new.size:
            return 0
        s, m = self.members.size, self.data.loss.m
        end = s + new.size
        if end > self.G.shape[0]:
            room = max(2 * s, end + 50)
            self.G, self.Z = _grown(self.G, (room, room), "C"), _grown(self.Z, (m, room), "F")
        self.Z[:, s:end] = self.data.columns(new)
        self.G[s:end, :end] = self.Z[:, s:end].T @ self.Z[:, :end]
        self.G[:s, s:end] = self.G[s:end, :s].T
        self.members = np.concatenate([self.members, new])
        self.inside[new] = True
        self.w = np.concatenate([self.w, np.zeros(new.size)])
        self.q = np.concatenate([self.q, self.Z[:, s:end].T @ self.data.t])
        return new.size


def _grown(A, shape, order):
    """Return a larger array with A in its corner."""
    larger = np.zeros(shape, order=order)
    larger[: A.shape[0], : A.shape[1]] = A
    return larger
