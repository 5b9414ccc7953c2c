"""Published ways to treat constraints inside the dynamics, each a problem as they see it.

With u the violations in their scales:

adaptive: f + rho |u|^2. After each step, with r the mean of |u|^2 in the weights of the consensus,
          theta = 1.1 theta if r <= 1 / sqrt(theta), else theta = theta / 1.1 and rho = 1.1 rho
          (Bailo, Barbaro, Gomes, Riedl, Roith, Totzeck, Vaes, J. Open Source Softw. 9, 2024)
rank:     the place among the particles: feasible ones by f, then the others by violation
          (Deb, Comput. Methods Appl. Mech. Engrg. 186, 2000)
drift:    f alone, and an implicit drift to the constraint set: a move d becomes
          (I + 2 dt / eps J'J)^-1 (d - 2 dt / eps J'u), J = u'(x)
          (Carrillo, Jin, Zhang, Zhu, 2024, who take the whole Hessian of |u|^2)
project:  linear equations by projection of each move, the others as without `handling`
"""

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.solvers.cbo.merit import Merit

EPSILON = 0.01  # of the drift to the constraint set
FACTOR = 1.1
SWEEPS = 200  # projections on the equations and the box in turn, for the first particles


class Adaptive(Merit):
    """A squared penalty, whose weight grows while the consensus is infeasible."""

    def penalised(self, f, V):
        return f + self.rho * ((V / self.scale) ** 2).sum(axis=1)

    def adapted(self, s):
        squares = ((self.latest / self.scale) ** 2).sum(axis=1)
        f = np.where(np.isfinite(s.inner.f) & np.isfinite(squares), s.inner.f, np.inf)
        if not np.isfinite(f).any():
            return s
        w = np.exp(-np.where(f == f.min(), 0.0, s.inner.alpha * (f - f.min())))
        if w @ np.where(w > 0.0, squares, 0.0) <= w.sum() * s.theta**-0.5:
            return s._replace(theta=s.theta * FACTOR)
        return s._replace(rho=s.rho * FACTOR, theta=s.theta / FACTOR)


class Ranked(Merit):
    """The place of each point among those that are evaluated with it."""

    def penalised(self, f, V):
        feasible = V.max(axis=1, initial=0.0) <= self.tol
        worst = np.where(feasible, 0.0, (V / self.scale).max(axis=1, initial=0.0))
        ranks = np.empty(len(f))
        ranks[np.lexsort((f, worst))] = np.arange(len(f))
        return np.where(np.isfinite(f), ranks, np.nan)


class Drifting(Merit):
    """The objective alone; infeasible particles drift to the constraint set."""

    def penalised(self, f, V):
        return f

    def room(self):
        """Return how many points may still be evaluated; a Jacobian may cost constraints."""
        counts = self.problem.counts
        return super().room() - max(counts.cons - counts.fun, 0)

    def settled(self, solver, s, X, rows):
        X = X.copy()
        for i in rows:
            move = self._implicit(s.X[i], X[i] - s.X[i], 2.0 * solver.dt / EPSILON)
            X[i] = np.clip(s.X[i] + move, self.lb, self.ub)
        return X

    def _implicit(self, x, d, factor):
        """Return (I + factor J'J)^-1 (d - factor J'u) of the violated rows."""
        if self.room() < 1:
            raise Stop(Status.MAX_FUN)
        c = self.problem.cons(x)
        u = np.maximum(c - self.problem.cu, 0.0) - np.maximum(self.problem.cl - c, 0.0)
        active = np.flatnonzero(u)
        if active.size == 0 or not np.isfinite(u).all():
            return d
        J = self.problem.jac(x)[active].toarray() / self.scale[active, None]
        if not np.isfinite(J).all():
            return d
        d = d - factor * J.T @ (u / self.scale)[active]
        G = np.eye(active.size) / factor + J @ J.T
        return d - J.T @ np.linalg.solve(G, J @ d)


class Projected(Merit):
    """Particles that satisfy the linear equations, and a penalty for the other constraints."""

    def first(self, X):
        A, b, P = self._equations()
        for _ in range(SWEEPS):
            X = np.clip(X - (X @ A.T - b) @ P.T, self.lb, self.ub)
        return X

    def settled(self, solver, s, X, rows):
        A, b, P = self._equations()
        X = X.copy()
        X[rows] = self._inside(X[rows] - (X[rows] @ A.T - b) @ P.T, s.x)
        return X

    def _equations(self):
        """Return A, b and the pseudo-inverse of A in the variables that are free."""
        memo = self.problem.memo
        if "equations" not in memo:
            rows = equations(self.problem)
            A = self.problem.jac(self.lb_or_zero())[rows].toarray()
            P = np.linalg.pinv(np.where(self.lb < self.ub, A, 0.0))
            memo["equations"] = A, self.problem.cl[rows], P
        return memo["equations"]

    def lb_or_zero(self):
        """Return some point of the box: rows that are linear have one Jacobian."""
        return np.clip(np.zeros(self.n), self.lb, self.ub)

    def _inside(self, X, c):
        """Return the last points of the box on the ways from c, which lies in it."""
        D = X - c
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(
                D > 0.0, (self.ub - c) / D, np.where(D < 0.0, (self.lb - c) / D, np.inf)
            )
        t = np.clip(reach.min(axis=1, initial=1.0), 0.0, 1.0)
        return np.clip(c + t[:, None] * D, self.lb, self.ub)


def equations(problem):
    """Return the numbers of the linear equations of a problem."""
    return np.flatnonzero(problem.linear_rows & (problem.cl == problem.cu))


HANDLINGS = {
    "exact": Merit, "adaptive": Adaptive, "rank": Ranked, "drift": Drifting, "project": Projected
}  # fmt: skip
