"""Entropic barycentres: the histogram nearest to several others in the sense of transport.

    minimise sum_k w_k min_P <C, P> + (1/eta) sum P (log P - 1)   subject to  P 1 = a,  P'1 = b_k

over a. The plans are P_k = exp(f_k + g_k - eta C) with sum_k w_k f_k = 0. For given g all rows are
right with ``log a = sum_k w_k log(exp(g_k - eta C) 1)``; g_k then makes the columns right, in turn.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import ProblemError, UnsupportedError
from numopt.models.geometry import as_cost
from numopt.models.inputs import real_vector
from numopt.models.passes import Point
from numopt.models.problem import Problem
from numopt.models.transport import Transport
from numopt.models.transport_inputs import BALANCED

NO_MASS = 1e-200  # stands for an empty entry of a histogram, whose logarithm is needed


class BarycenterPoint(NamedTuple):
    """Potentials at which all plans have the rows `a`, and what their columns then hold."""

    eta: float
    f: np.ndarray  # (K, n)
    g: np.ndarray  # (K, m)
    a: np.ndarray  # (n,)
    cols: np.ndarray  # (K, m)


class Barycenter(Problem):
    """Entropic barycentre of several histograms.

    Parameters
    ----------
    histograms : array_like, shape (K, m)
        Masses, not negative, each row with the same sum.
    cost : array_like, shape (n, m), or PointCloud
        From the support of the barycentre to that of the histograms.
    reg, eta : float
        Strength of the entropy, in the unit of the cost, or its reciprocal: one of the two.
    weights : array_like, shape (K,), optional
        Positive; scaled to the sum one. Equal by default.

    Raises
    ------
    ProblemError
        As for `Transport`, and for histograms of different mass and weights that are not positive.

    Notes
    -----
    Result: ``x`` is the barycentre, shape (n,); ``potentials`` are two arrays (K, n) and (K, m).

    References
    ----------
    .. [1] J.-D. Benamou, G. Carlier, M. Cuturi, L. Nenna, G. Peyre, Iterative Bregman Projections
       for Regularized Transportation Problems, SIAM J. Sci. Comput. 37, 2015.

    Examples
    --------
    >>> x = np.arange(5.0)[:, None]
    >>> two = numopt.Barycenter(np.eye(5)[[0, 4]], numopt.PointCloud(x, x), reg=0.1)
    >>> int(numopt.solve(two).x.argmax())
    2
    """

    kind = "barycenter"
    balanced = True

    def __init__(self, histograms, cost, reg=None, *, eta=None, weights=None):
        super().__init__()
        cost, B = as_cost(cost), _histograms(histograms)
        self.mass = float(B[0].sum())
        a = np.full(cost.shape[0], self.mass / cost.shape[0])
        self.B = np.maximum(B, NO_MASS * self.mass)
        # The marginal `a` of the parts only fixes a unit for their row potentials.
        self.parts = [Transport(a, b, cost, reg, eta=eta) for b in self.B]
        self.log_unit = float(np.log(a[0]))
        self.weights = _shares(weights, len(B))
        first = self.parts[0]
        self.eta, self.range, self.shape = first.eta, first.range, first.shape
        self.dtype, self.rounding_floor = first.dtype, first.rounding_floor
        self.first_rung = first.first_rung
        self.x0 = np.zeros(len(B) * sum(self.shape))
        self.n = self.x0.size

    def point(self, eta, f, g):
        """Return the `BarycenterPoint` of g; f is a guess of the row potentials."""
        self.spend("fun", 2 * len(self.parts))
        unit = [p.point(eta, *fg).f for p, *fg in zip(self.parts, f, g, strict=True)]
        sums = self.log_unit - np.array(unit)  # logarithms of the row sums without f
        log_a = self.weights @ sums
        f = log_a - sums
        cols = [p.marginals(eta, *fg)[1] for p, *fg in zip(self.parts, f, g, strict=True)]
        return BarycenterPoint(eta, f, g, np.exp(log_a), np.array(cols))

    def sinkhorn(self, point, times=1):
        """Return the point after some iterations, one of which makes all columns right."""
        for _ in range(times):
            point = self.point(point.eta, point.f, self._columns_right(point))
        return point

    def _columns_right(self, s):
        points = (Point(s.eta, f, g, s.a, c) for f, g, c in zip(s.f, s.g, s.cols, strict=True))
        return np.array([p.columns_right(q) for p, q in zip(self.parts, points, strict=True)])

    def first_point(self, x0):
        """Return the point of start potentials: at the end, or on the first rung if all are 0."""
        eta = self.eta if x0.any() else self.first_rung
        return self.point(eta, *(eta * part for part in self.split(x0)))

    def heated(self, point):
        """Return the point with the same potentials, in the unit of the cost, at twice the eta."""
        eta = min(2.0 * point.eta, self.eta)
        times = eta / point.eta
        return self.point(eta, times * point.f, times * self._columns_right(point))

    def objective(self, point):
        """Return the objective for the plans of a point."""
        plans = point.f @ point.a + np.sum(point.g * point.cols, axis=1) - point.a.sum()
        return float(self.weights @ plans) / point.eta

    def violation(self, point):
        """Return the violations of the columns: their weighted sum relative to the mass, largest.

        The rows agree up to rounding.
        """
        gap = np.abs(point.cols - self.B)
        return float(self.weights @ gap.sum(axis=1)) / self.mass, float(gap.max())

    def recomputed(self, eta, f, g):
        """Return (objective, sum of the violations relative to the mass, largest violation)."""
        self.spend("fun", len(self.parts))
        sums = [p.marginals(eta, *fg) for p, *fg in zip(self.parts, f, g, strict=True)]
        rows, cols = (np.array(part) for part in zip(*sums, strict=True))
        row_gap, col_gap = np.abs(rows - self.weights @ rows), np.abs(cols - self.B)
        total = self.weights @ (row_gap.sum(axis=1) + col_gap.sum(axis=1))
        plans = np.sum(f * rows, axis=1) + np.sum(g * cols, axis=1) - rows.sum(axis=1)
        largest = max(row_gap.max(), col_gap.max())
        return float(self.weights @ plans) / eta, float(total) / self.mass, float(largest)

    # -- users' form -------------------------------------------------------------------------

    def potentials(self, point):
        """Return all potentials in the unit of the cost, a vector."""
        return np.concatenate([point.f.ravel(), point.g.ravel()]) / point.eta

    def split(self, x):
        """Return the potentials (K, n) and (K, m) of which x consists."""
        K, (n, m) = len(self.parts), self.shape
        return x[: K * n].reshape(K, n), x[K * n :].reshape(K, m)

    def start(self, x0=None, strict=False):
        """Return start potentials; there is no other start than zero."""
        if x0 is not None:
            raise UnsupportedError("a barycentre takes no start point; leave `x0` out")
        return self.x0

    def present(self, result):
        """Return a result whose `x` is the barycentre."""
        result.potentials = self.split(result.x)
        result.x = self._histogram(result.x)
        if result.best is not None:
            result.best["x"] = self._histogram(result.best["x"])
        return result

    def _histogram(self, x):
        f, g = (self.eta * part for part in self.split(np.asarray(x, dtype=np.float64)))
        rows = [p.marginals(self.eta, *fg)[0] for p, *fg in zip(self.parts, f, g, strict=True)]
        return self.weights @ np.array(rows)

    def refuse_infeasible(self, point):
        """Do nothing: whether a barycentre exists shows in the violation only."""


def _histograms(histograms):
    B = np.array(histograms, dtype=float)
    if B.ndim != 2 or B.size == 0 or not np.isfinite(B).all() or B.min() < 0:
        raise ProblemError("`histograms` must be a matrix of finite masses that are not negative")
    masses = B.sum(axis=1)
    if not masses.min() > 0 or np.ptp(masses) > BALANCED * masses.max():
        raise ProblemError(f"`histograms` must have the same positive mass, got {masses.tolist()}")
    return B


def _shares(weights, K):
    w = np.ones(K) if weights is None else real_vector(weights, "weights", n=K, finite=True)
    if not w.min() > 0:
        raise ProblemError("`weights` must be positive")
    return w / w.sum()
