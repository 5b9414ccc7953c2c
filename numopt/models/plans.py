"""What potentials prove: the plan they stand for, a feasible plan near it, and bounds."""

from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from numopt.models.transport import LOG2E, Point

SPARSE = 0.3  # a plan with fewer kept entries than this share is returned as a sparse matrix


class Certificate:
    """Plan, feasible plan, duality gap and bounds of the value, from potentials.

    Parameters
    ----------
    problem : Transport
    x : ndarray, shape (n + m,)
        Potentials in the unit of the cost, without those of entries that have no mass.
    tol : float
        Relative mass that may be left out of the sparse plan.

    Notes
    -----
    The feasible plan is P'' + u v' / |u|, where P'' is the plan with its rows and then its columns
    scaled down to at most their masses, and u, v are what is missing (Altschuler, Weed, Rigollet,
    NeurIPS 2017, algorithm 2). Its objective is bounded above without logarithms of entries:
    ``t (log t - 1)`` rises by at most ``q log M`` when q is added to an entry that stays below M.
    """

    def __init__(self, problem, x, tol):
        self.problem, self.tol = problem, tol
        self.alpha, self.beta = problem.split(x)
        self.eta = problem.eta

    def plan(self):
        """Return the plan, (n, m): a CSR matrix if few entries matter, an array otherwise.

        The sparse one leaves out at most a share `tol` of the mass of each row and column.
        """
        p = self.problem
        (n, m), f, g = p.shape, self.eta * self.alpha, self.eta * self.beta
        point = Point(self.eta, f, g, p.b)
        # Not counted: the run is over.
        kept = p.armed().kept(point, self.tol * p.a / m, self.tol * p.b / n, SPARSE * n * m)
        whole = p.shape == p.full_shape
        if kept is None:
            P = p.plan_rows(self.eta, f, g)
            return P if whole else self._embedded(P)
        P = csr_matrix((kept.data.copy(), kept.indices.astype(np.int32), kept.indptr), shape=(n, m))
        return P if whole else self._embedded(P.tocoo())

    def _embedded(self, P):
        p = self.problem
        if not isinstance(P, np.ndarray):
            return csr_matrix((P.data, (p.rows[P.row], p.cols[P.col])), shape=p.full_shape)
        whole = np.zeros(p.full_shape)
        whole[np.ix_(p.rows, p.cols)] = P
        return whole

    def rounded(self):
        """Return the feasible plan, an array (n, m)."""
        f, g, u, v, _ = self._scaled
        P = self.problem.plan_rows(self.eta, f, g)
        if u.any() and v.any():
            P += np.outer(u, v / v.sum())
        return P if self.problem.shape == self.problem.full_shape else self._embedded(P)

    def upper(self):
        """Return <C, P> for the feasible plan P: a bound of the unregularised value."""
        return self._scaled[-1] + self._cost_of_rest

    def lower(self):
        """Return the dual value of potentials that are feasible without regularisation."""
        beta = np.full(self.beta.size, np.inf)
        for k, cost in self.problem.cost.blocks():
            self._kernels.lower_potentials(*cost, self.alpha[k], beta)
        return float(self.problem.a @ self.alpha + self.problem.b @ beta)

    def gap(self):
        """Return a bound of the regularised objective of the feasible plan, less the dual value."""
        p, (f, g, u, v, _) = self.problem, self._scaled
        rows, cols = p.a - u, p.b - v
        primal = (rows @ f + cols @ g - rows.sum()) / self.eta
        primal += u.sum() * max(0.0, np.log(p.mass)) / self.eta + self._cost_of_rest
        return float(primal) - self.dual()

    def dual(self):
        """Return the dual value: a lower bound of the regularised one."""
        p = self.problem
        rows, _ = p.armed().marginals(self.eta, self.eta * self.alpha, self.eta * self.beta)
        return float(p.a @ self.alpha + p.b @ self.beta - rows.sum() / self.eta)

    @property
    def _kernels(self):
        from numopt.kernels import transport

        return transport

    @cached_property
    def _scaled(self):
        """Return f, g of the scaled plan, the masses (u, v) that it lacks, and its cost."""
        p, eta = self.problem, self.eta
        f, g = eta * self.alpha, eta * self.beta
        rows, _ = p.armed().marginals(eta, f, g)
        f = f + np.log(np.minimum(1.0, p.a / rows))
        _, cols = p.armed().marginals(eta, f, g)
        g = g + np.log(np.minimum(1.0, p.b / cols))
        rows, cols, total = np.empty_like(f), np.zeros_like(g), 0.0
        for k, cost in p.cost.blocks():
            total += self._kernels.plan_cost(
                *cost, LOG2E * f[k], LOG2E * g, LOG2E * eta, rows[k], cols
            )
        return f, g, np.maximum(p.a - rows, 0.0), np.maximum(p.b - cols, 0.0), float(total)

    @cached_property
    def _cost_of_rest(self):
        _, _, u, v, _ = self._scaled
        if not (u.any() and v.any()):
            return 0.0
        blocks = self.problem.cost.blocks()
        total = sum(self._kernels.outer_cost(*cost, u[k], v / v.sum()) for k, cost in blocks)
        return float(total)
