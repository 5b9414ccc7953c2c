"""An objective with its constraints added as a penalty, for searches that know values only.

    phi(x) = f(x) + rho sum_i h(v_i(x) / s_i),   v_i = max(cl_i - c_i, c_i - cu_i, 0)
    h(u)   = u^2 / 2 e  up to e = 1e-3, then u - e / 2

A penalty of the first power is exact, and its smooth foot lets descents reach the boundary. The
scales s_i and rho come from some points of the search region.
"""

from math import inf

import numpy as np

from numopt.core.errors import Status, Stop

FOOT = 1e-3  # e
PROBES = 10  # points for the scales
WEIGHT = 10.0  # rho, in standard deviations of f over them


class Merit:
    """A nonlinear program as the searches of this folder see it: bounds and one value.

    Parameters
    ----------
    problem : NLP
        Counts, and keeps the budget.
    scale : ndarray, shape (m,)
    rho, tol : float
        Weight of the penalty; violation up to which a point is feasible.
    share : float
        Part of the budget that the search may use.

    Attributes
    ----------
    best : (float, float, ndarray)
        Violation, value and place of the best point so far: the lowest feasible one, else that of
        least violation.
    latest : ndarray, shape (k, m)
        Violations at the points that were evaluated last.
    """

    def __init__(self, problem, scale, rho, tol, share, best):
        self.problem, self.scale, self.rho, self.tol, self.share = problem, scale, rho, tol, share
        self.lb, self.ub, self.n = problem.lb, problem.ub, problem.n
        self.draws_start = problem.draws_start
        self.best = best

    def values(self, X):
        """Return phi at each row, shape (k,); what the budget does not allow ends the search."""
        room = self.room()
        if room < len(X):
            if room >= 1:
                self.values(X[: int(room)])
            raise Stop(Status.MAX_FUN)
        f, C = self.problem.values(X, candidates=False), self.problem.cons_values(X)
        self.latest = violations(self.problem, C)
        return self._phi(X, f, C)

    def _phi(self, X, f, C):
        V = violations(self.problem, C)
        self.compare(X, f, V)
        return np.where(np.isnan(V).any(axis=1), np.nan, self.penalised(f, V))

    def penalised(self, f, V):
        """Return what the search sees of values and violations, shapes (k,) and (k, m)."""
        u = V / self.scale
        foot = np.where(u < FOOT, 0.5 * u * u / FOOT, u - 0.5 * FOOT).sum(axis=1)
        return f + self.rho * foot

    def first(self, X):
        """Return the first particles of the dynamics, out of points of the box."""
        return X

    def settled(self, solver, s, X, rows):
        """Return where the dynamics leads the particles `rows`, out of their new places."""
        return X

    def adapted(self, s):
        """Return the state of the search under constraints after a step of the dynamics."""
        return s

    def grad(self, x):
        """Return the gradient of f, for problems without constraints."""
        return self.problem.grad(x)

    def fun(self, x):
        """Return phi at a point."""
        f, c = self.problem.fun(x), self.problem.cons(x)
        return float(self._phi(x[None, :], np.array([f]), c[None, :])[0])

    def compare(self, X, f, V):
        """Keep the best point: feasible ones by value, others by violation (Deb, 2000).

        Parameters
        ----------
        X, f, V : ndarray, shapes (k, n), (k,) and (k, m)
            Points, values and violations.
        """
        worst = np.where(np.isnan(V), np.inf, V).max(axis=1, initial=0.0)
        feasible = worst <= self.tol
        keys = np.where(feasible, 0.0, worst), np.where(np.isnan(f), np.inf, f)
        i = np.lexsort(keys[::-1])[0]
        violation, value, _ = self.best
        if (keys[0][i], keys[1][i]) < (violation if violation > self.tol else 0.0, value):
            self.best = float(worst[i]), float(keys[1][i]), X[i].copy()
        if feasible.any():
            self.problem.keep_best(X[feasible], f[feasible])

    def room(self):
        """Return how many evaluations the search may still make."""
        limit = self.problem.maxfun
        return (int(self.share * limit) if limit < inf else inf) - self.problem.counts.fun

    def compiled(self):
        """Return None: constraints are never compiled."""


def violations(problem, C):
    """Return how much each row of the constraints is violated where they have the values C."""
    return np.maximum(np.maximum(problem.cl - C, C - problem.cu), 0.0)


def scales(problem, X):
    """Return (s, rho) from f and c at some points."""
    f, C = problem.values(X, candidates=False), problem.cons_values(X)
    V = violations(problem, C)
    seen = np.isfinite(V)
    mean = np.where(seen, V, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    finite = f[np.isfinite(f)]
    spread = float(finite.std()) if finite.size else 0.0
    return np.where(mean > 0.0, mean, 1.0), WEIGHT * (spread or 1.0)
