"""What potentials prove: the plan they stand for, a feasible plan near it, and bounds."""

from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from numopt.models.exact import exact_transport, lower_envelope
from numopt.models.geometry import PointCloud
from numopt.models.passes import LOG2E, Point

SPARSE = 0.3  # a plan with fewer kept entries than this share is returned as a sparse matrix


class Certificate:
    """Plan, feasible plan, duality gap and bounds of the value, from potentials, for the entropy.

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
        if p.on_arrays:
            return p.cost.delivered(p.embedded(self._entries()))
        (n, m), f, g = p.shape, self.eta * self.alpha, self.eta * self.beta
        point = Point(self.eta, f, g, p.a, p.b)
        # Not counted: the run is over.
        kept = p.armed().kept(point, self.tol * p.a / m, self.tol * p.b / n, SPARSE * n * m)
        if kept is None:
            return p.embedded(p.plan_rows(self.eta, f, g))
        entries = (kept.data.copy(), kept.indices.astype(np.int32), kept.indptr)
        return p.embedded(csr_matrix(entries, shape=(n, m)))

    def _entries(self):
        return self.problem.plan_rows(self.eta, self.eta * self.alpha, self.eta * self.beta)

    def rounded(self):
        """Return the feasible plan, an array (n, m)."""
        f, g, u, v, _ = self._scaled
        P = self.problem.plan_rows(self.eta, f, g)
        if u.any() and v.any():
            P += np.outer(u, v / v.sum())
        P = self.problem.embedded(P)
        return self.problem.cost.delivered(P) if self.problem.on_arrays else P

    def upper(self):
        """Return <C, P> for the feasible plan P: a bound of the unregularised value."""
        return self._scaled[-1] + self._cost_of_rest

    def lower(self):
        """Return the dual value of potentials that are feasible without regularisation."""
        beta = lower_envelope(self.problem, self.alpha)
        return float(self.problem.a @ self.alpha + self.problem.b @ beta)

    def exact(self):
        """Return the solution without regularisation, an `ExactTransport`, by HiGHS."""
        return exact_transport(self.problem, self.alpha)

    def gap(self):
        """Return a bound of the regularised objective of the feasible plan, less the dual value."""
        p = self.problem
        if not p.balanced:  # every plan is feasible
            f, g = self.eta * self.alpha, self.eta * self.beta
            return p.armed().recomputed(self.eta, f, g)[0] - self.dual()
        f, g, u, v, _ = self._scaled
        rows, cols = p.a - u, p.b - v
        primal = (rows @ f + cols @ g - rows.sum()) / self.eta
        primal += u.sum() * max(0.0, np.log(p.mass)) / self.eta + self._cost_of_rest
        return float(primal) - self.dual()

    def dual(self):
        """Return the dual value: a lower bound of the regularised one."""
        p = self.problem
        return p.armed().dual(self.eta, self.eta * self.alpha, self.eta * self.beta)

    def gradients(self):
        """Return the derivatives of the optimal value, a dictionary.

        ``a`` and ``b``, shapes (n,) and (m,), NaN where there is no mass, up to a constant that
        does not matter as long as the masses stay equal; for a `PointCloud` with a named metric
        also ``X`` and ``Y``, of their shapes. The one in the cost is the plan.
        """
        p = self.problem
        values = {}
        for name, potential, rho, where, size in zip(
            "ab", (self.alpha, self.beta), p.relax, (p.rows, p.cols), p.full_shape, strict=True
        ):
            slope = potential if rho == np.inf else -rho * np.expm1(-potential / rho)
            values[name] = np.full(size, np.nan)
            values[name][where] = slope
        if isinstance(p.cost, PointCloud) and not callable(p.cost.metric):
            values |= self._point_gradients()
        return values

    def _point_gradients(self):
        p, cost, eta = self.problem, self.problem.cost, self.eta
        X, Y = np.zeros_like(cost.X), np.zeros_like(cost.Y)
        for rows in cost.stored_blocks():
            P = np.exp(eta * (self.alpha[rows, None] + self.beta - cost.dense(rows)))
            for d, slope in enumerate(cost.slopes(rows)):
                G = P * slope
                X[rows, d] = G.sum(axis=1)
                Y[:, d] -= G.sum(axis=0)
        whole_X, whole_Y = (np.zeros((size, X.shape[1])) for size in p.full_shape)
        whole_X[p.rows], whole_Y[p.cols] = X, Y
        return {"X": whole_X, "Y": whole_Y}

    @property
    def _kernels(self):
        return self.problem.kernels

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


class SparseCertificate:
    """The same for quadratic regularisation; the feasible plan need not keep to the limit k.

    Parameters
    ----------
    dual : SparseSemidual
    point : SparsePoint
    """

    def __init__(self, dual, point):
        self.semidual, self.point, self.problem = dual, point, dual.problem

    def plan(self):
        """Return the plan, a CSR matrix of shape (n, m)."""
        return self.problem.embedded(self.semidual.matrix(self.point))

    def rounded(self):
        """Return a feasible plan, an array (n, m)."""
        P, u, v = self._scaled
        return self.problem.embedded(P.toarray() + np.outer(u, v))

    def dual(self):
        """Return the dual value: a lower bound of the regularised one."""
        return self.semidual.value(self.point)

    def gap(self):
        """Return the regularised objective of the feasible plan, less the dual value."""
        P, u, v = self._scaled
        squares = P.power(2).sum() + 2.0 * (u @ (P @ v)) + (u @ u) * (v @ v)
        return float(self.upper() + 0.5 * self.point.gamma * squares) - self.dual()

    def upper(self):
        """Return <C, P> for the feasible plan P: a bound of the unregularised value."""
        P, u, v = self._scaled
        P, gamma, total = P.tocoo(), self.point.gamma, 0.0
        T = self.semidual.matrix(self.point).tocoo()
        # On the pattern the cost follows from the potentials.
        cost = self.point.alpha[T.row] + self.point.beta[T.col] - gamma * T.data
        if u.any():
            outer_cost = self.problem.kernels.outer_cost
            total = sum(outer_cost(*c, u[k], v) for k, c in self.problem.cost.blocks())
        return float(P.data @ cost) + float(total)

    def lower(self):
        """Return the dual value of potentials that are feasible without regularisation."""
        beta = lower_envelope(self.problem, self.point.alpha)
        return float(self.problem.a @ self.point.alpha + self.problem.b @ beta)

    def exact(self):
        """Return the solution without regularisation, an `ExactTransport`, by HiGHS."""
        return exact_transport(self.problem, self.point.alpha)

    @cached_property
    def _scaled(self):
        """Return the plan scaled down, and u, v whose outer product makes it feasible."""
        p, T = self.problem, self.semidual.matrix(self.point)
        tiny = np.finfo(float).tiny
        T = T.multiply(np.minimum(1.0, p.a / np.maximum(T.sum(axis=1).A1, tiny))[:, None]).tocsr()
        T = T.multiply(np.minimum(1.0, p.b / np.maximum(T.sum(axis=0).A1, tiny))).tocsr()
        u = np.maximum(p.a - T.sum(axis=1).A1, 0.0)
        v = np.maximum(p.b - T.sum(axis=0).A1, 0.0)
        rest = v.sum()
        return T, u if rest else 0.0 * u, v / rest if rest else v
