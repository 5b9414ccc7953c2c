"""Entropic optimal transport: its semi-dual function, its plans and their certificates.

    minimise <C, P> + (1/eta) sum_ij P_ij (log P_ij - 1)   subject to   P 1 = a,  P'1 = b,  P >= 0

The solution is P_ij = exp(f_i + g_j - eta C_ij). For each g there is one f with P 1 = a; what is
left is to maximise the concave <a, f(g)> + <b, g>, whose gradient is b - P'1. With relaxed
marginals the terms rho KL(P 1 | a) take the place of P 1 = a: the rows then sum to
a exp(-f / (eta rho)), and f shrinks by the factor 1 / (1 + 1 / (eta rho)). Methods work with
f and g; users see the potentials f / eta and g / eta, in the unit of the cost.
"""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.backend import namespace, to_host
from numopt.core.errors import ProblemError, Status, Stop
from numopt.models.array_costs import ArrayCost
from numopt.models.geometry import as_cost
from numopt.models.inputs import real_vector
from numopt.models.passes import Passes, demand, shrinkage
from numopt.models.problem import Batch
from numopt.models.transport_inputs import (
    balanced_masses,
    inverse_temperature,
    one_for_each,
    transport_masses,
    warn_steep,
    weights_of,
)

FIRST_RUNG = 16.0  # least eta times the range of the cost on the ladder
STEEPEST = 1e5  # eta times the range of the cost above which rounding shows


class Transport(Passes):
    """Entropic optimal transport between two histograms.

        minimise <C, P> + reg sum_ij P_ij (log P_ij - 1)   subject to   P 1 = a,  P'1 = b,  P >= 0

    Parameters
    ----------
    a, b : array_like, shapes (n,) and (m,), or None
        Masses, not negative, with the same sum; None is uniform of mass one. Entries without mass
        are left out: their potentials are -inf, their parts of the plan are zero.
    cost : array_like, shape (n, m), or PointCloud
        Not negative; +inf forbids an entry. For an array of another library with the array API,
        such as CuPy, the work on it is done by that library, and potentials and plan are its
        arrays. An array (B, n, m) makes a `Batch` of B problems; `a`
        and `b` may then have the shapes (B, n) and (B, m).
    reg, eta : float
        Strength of the entropy, in the unit of the cost, or its reciprocal: one of the two.
    relax : float or pair of floats
        Weights of ``KL(P 1 | a)`` and ``KL(P'1 | b)``, which are then added to the objective
        instead of demanding equality (unbalanced transport); infinite for equality.
    balance : {"check", "rescale"}
        What to do if both are infinite and the masses differ by more than 1e-8 of them: refuse, or
        rescale `b`.
    refine : bool
        Return potentials in float64 for a cost in float32. Arithmetic is in float64 always.

    Attributes
    ----------
    shape : tuple of int
        Number of entries of `a` and `b` that have mass.
    eta : float

    Raises
    ------
    ProblemError
        For masses that are negative, not finite or of different sums, a cost that is negative or
        NaN, a row or column with mass all of whose costs are infinite, and shapes that do not fit.

    Warns
    -----
    OptimizeWarning
        If eta times the range of the cost exceeds 1e5.

    Examples
    --------
    >>> problem = numopt.Transport([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]], eta=10.0)
    >>> res = numopt.solve(problem)
    >>> res.success, float(res.plan[0, 0].round(4)), res.gap < 1e-8
    (True, 0.5, True)
    """

    kind = "transport"

    def __new__(cls, a=None, b=None, cost: Any = None, *args, **options) -> Any:
        """Return a `Batch` for a cost of three dimensions."""
        if hasattr(cost, "blocks") or np.ndim(cost) != 3:
            return super().__new__(cls)
        a, b = one_for_each(a, len(cost)), one_for_each(b, len(cost))
        return Batch(cls(*data, *args, **options) for data in zip(a, b, cost, strict=True))

    def __init__(
        self, a, b, cost, reg=None, *, eta=None, relax=np.inf, balance="check", refine=False
    ):
        super().__init__()
        self.eta = inverse_temperature(reg, eta)
        cost = as_cost(cost)
        self.full_shape = n, m = cost.shape
        self.on_arrays = isinstance(cost, ArrayCost)
        if self.on_arrays:
            namespace(cost.sample, a, b)  # refuses a mixture of libraries
            a, b = (v if v is None else to_host(v) for v in (a, b))
        a, b = transport_masses(a, "a", n), transport_masses(b, "b", m)
        self.relax = weights_of(relax)
        self.balanced = bool(np.isinf(self.relax).all())
        if self.balanced:
            b = balanced_masses(a, b, balance)
        self.rows, self.cols = np.flatnonzero(a), np.flatnonzero(b)
        if self.rows.size < n or self.cols.size < m:
            cost = cost.take(self.rows, self.cols)
        self.a, self.b, self.cost = a[self.rows], b[self.cols], cost
        self.shape = cost.shape
        self.mass = float(self.a.sum())
        self.n = n + m
        self.x0 = np.zeros(sum(self.shape))
        self.lowest, self.highest = self._measure_costs()
        self.range = self.highest - self.lowest
        self.dtype = np.dtype(np.float64) if refine else cost.dtype
        if self.eta * self.range > STEEPEST:
            warn_steep(self.eta * self.range)

    # -- the semi-dual function --------------------------------------------------------------

    def semidual(self, point):
        """Return the function that is maximised, in the unit of eta times the cost."""
        return self._dual(point.eta, point.f, point.g, point.rows.sum())

    def dual(self, eta, f, g):
        """Return the dual value of potentials in the unit of the cost: a lower bound."""
        return self._dual(eta, f, g, self.marginals(eta, f, g)[0].sum()) / eta

    def _dual(self, eta, f, g, mass):
        weights = [eta * rho for rho in self.relax]
        return _dual_term(self.a, f, weights[0]) + _dual_term(self.b, g, weights[1]) - float(mass)

    def objective(self, point):
        """Return the objective for the plan of a point."""
        return self._primal(*point[:5])

    def _primal(self, eta, f, g, rows, cols):
        fun = float(rows @ f + cols @ g - rows.sum()) / eta
        for rho, sums, masses in zip(self.relax, (rows, cols), (self.a, self.b), strict=True):
            if rho < np.inf:
                fun += rho * float(np.sum(sums * np.log(sums / masses) - sums + masses))
        return fun

    def system(self, point):
        """Return what Newton's method needs of a point: ``r, c, h``.

        With them the step d solves ``(diag(c) - P' diag(r)^-1 P) d = h``, h being the gradient.
        """
        wanted = demand(self.b, point.g, point.eta * self.relax[1])
        c = point.cols + wanted / (point.eta * self.relax[1])
        return point.rows / shrinkage(point.eta * self.relax[0]), c, wanted - point.cols

    def violation(self, point):
        """Return the violations of the column sums: their sum, relative to the mass, and largest.

        Those of the row sums are zero up to rounding. For relaxed marginals it is the difference
        from the sums that the potentials demand.
        """
        gap = np.abs(point.cols - demand(self.b, point.g, point.eta * self.relax[1]))
        return float(gap.sum()) / self.mass, float(gap.max())

    def recomputed(self, eta, f, g):
        """Return (objective, sum of the violations relative to the mass, largest violation)."""
        rows, cols = self.marginals(eta, f, g)
        row_gap = np.abs(rows - demand(self.a, f, eta * self.relax[0]))
        col_gap = np.abs(cols - demand(self.b, g, eta * self.relax[1]))
        total = float(row_gap.sum() + col_gap.sum()) / self.mass
        return self._primal(eta, f, g, rows, cols), total, float(max(row_gap.max(), col_gap.max()))

    def potentials(self, point):
        """Return alpha and beta in the unit of the cost; alpha has mean zero where that is free."""
        mean = float(self.a @ point.f) / self.mass if self.balanced else 0.0
        return np.concatenate([point.f - mean, point.g + mean]) / point.eta

    def features(self):
        """Return ``{"unbalanced"}`` if the marginals are relaxed."""
        return set() if self.balanced else {"unbalanced"}

    # -- users' form -------------------------------------------------------------------------

    def start(self, x0=None, strict=False):
        """Return start potentials in the unit of the cost, those without mass left out."""
        if x0 is None:
            return self.x0
        x0 = to_host(x0) if self.on_arrays else x0
        x0 = real_vector(x0, "x0", n=self.n)
        n = self.full_shape[0]
        massive = np.concatenate([x0[:n][self.rows], x0[n:][self.cols]])
        return real_vector(massive, "x0", finite=True)

    def split(self, x):
        """Return the potentials (alpha, beta) of which x consists."""
        return x[: self.shape[0]], x[self.shape[0] :]

    def present(self, result):
        """Return a result with potentials for all entries, -inf where there is no mass."""
        result.x = self._whole(result.x)
        if self.on_arrays:
            result.x = self.cost.delivered(result.x)
        result.potentials = result.x[: self.full_shape[0]], result.x[self.full_shape[0] :]
        if result.best is not None:
            result.best["x"] = self._whole(result.best["x"])
        return result

    def _whole(self, x):
        n = self.full_shape[0]
        whole = np.full(self.n, -np.inf, dtype=x.dtype)
        whole[self.rows], whole[n + self.cols] = self.split(x)
        return whole

    def embedded(self, P):
        """Return a plan with rows and columns of zeros where there is no mass."""
        if self.shape == self.full_shape:
            return P
        if not isinstance(P, np.ndarray):
            P = P.tocoo()
            return csr_matrix((P.data, (self.rows[P.row], self.cols[P.col])), self.full_shape)
        whole = np.zeros(self.full_shape)
        whole[np.ix_(self.rows, self.cols)] = P
        return whole

    # -- what a method needs besides ---------------------------------------------------------

    def first_point(self, x0, eta=None):
        """Return the point of start potentials: at `eta`, or on the first rung if all are zero."""
        if eta is None:
            eta = self.eta if x0.any() else self.first_rung
        alpha, beta = self.split(x0)
        return self.point(eta, eta * alpha, eta * beta)

    @property
    def first_rung(self):
        """Return the eta, by a power of two below the last one, where the ladder begins."""
        return self.eta * 0.5 ** int(np.log2(max(self.eta * self.range / FIRST_RUNG, 1.0)))

    def heated(self, point):
        """Return the point with the same potentials, in the unit of the cost, at twice the eta."""
        eta = min(2.0 * point.eta, self.eta)
        times = eta / point.eta
        return self.point(eta, times * point.f, times * self.columns_right(point))

    @property
    def transposed(self):
        """The cost with rows and columns exchanged; made once in a run."""
        if self.memo is None:
            return self.cost.transposed()
        if "transposed" not in self.memo:
            self.memo["transposed"] = self.cost.transposed()
        return self.memo["transposed"]

    @property
    def rounding_floor(self):
        """Violation that rounding of the potentials to the type of the cost may cause."""
        return 0.0 if self.dtype == np.float64 else self.eta * self.highest * 2.0**-23

    def refuse_infeasible(self, point):
        """Stop with INFEASIBLE if the point proves that no plan has these marginals."""
        if self.semidual(point) > point.eta * self.bound(point.eta):
            raise Stop(
                Status.INFEASIBLE,
                "no plan without a forbidden entry has these marginals: the dual value exceeds "
                "that of every such plan",
            )

    def bound(self, eta):
        """Return a bound of the dual value, in the unit of the cost, if some plan is feasible.

        The objective of each such plan is at most this, as no entry exceeds the mass.
        """
        if not self.balanced:
            return np.inf
        entropy = (np.log(self.mass) - 1.0) / eta
        return self.mass * (self.highest + entropy) + 1e-9 * (self.highest + abs(entropy))

    def _measure_costs(self):
        """Find the range of the cost; refuse a row or column in which all costs are infinite."""
        kernels, low = self.kernels, np.full(self.shape[1], np.inf)
        lowest, highest = np.inf, -np.inf
        for rows, cost in self.cost.blocks():
            nearest = np.empty(rows.stop - rows.start)
            highest = max(highest, kernels.cheapest(*cost, nearest, low))
            lowest = min(lowest, nearest.min())
            _refuse_isolated(nearest, "row", self.rows[rows])
        _refuse_isolated(low, "column", self.cols)
        return lowest, highest


def _refuse_isolated(nearest, what, names):
    lost = np.flatnonzero(np.isinf(nearest))
    if lost.size:
        raise ProblemError(
            f"infeasible: {what} {names[lost[0]]} has mass, and all its costs are infinite"
        )


def _dual_term(masses, potentials, weight):
    if weight == np.inf:
        return float(masses @ potentials)
    return weight * float(masses @ -np.expm1(-potentials / weight))
