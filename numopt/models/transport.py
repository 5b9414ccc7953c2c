"""Entropic optimal transport: its semi-dual function, its plans and their certificates.

    minimise <C, P> + (1/eta) sum_ij P_ij (log P_ij - 1)   subject to   P 1 = a,  P'1 = b,  P >= 0

The solution is P_ij = exp(f_i + g_j - eta C_ij). For each g there is one f with P 1 = a; what is
left is to maximise the concave <a, f(g)> + <b, g>, whose gradient is b - P'1. With relaxed
marginals the terms rho KL(P 1 | a) take the place of P 1 = a: the rows then sum to
a exp(-f / (eta rho)), and f shrinks by the factor 1 / (1 + 1 / (eta rho)). Methods work with
f and g; users see the potentials f / eta and g / eta, in the unit of the cost.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.backend import namespace, to_host
from numopt.core.errors import ProblemError, Status, Stop
from numopt.models.geometry import ArrayCost, as_cost
from numopt.models.inputs import real_vector
from numopt.models.problem import Batch, Problem

BALANCED = 1e-8  # relative difference of the two masses that passes for rounding
FIRST_RUNG = 16.0  # least eta times the range of the cost on the ladder
STEEPEST = 1e5  # eta times the range of the cost above which rounding shows
DENSE = 0.2  # above this share of kept entries, rows without indices are faster
LOG2E = 1.4426950408889634


class Point(NamedTuple):
    """Potentials at which the rows of the plan are right, and its sums."""

    eta: float
    f: np.ndarray  # (n,)
    g: np.ndarray  # (m,)
    rows: np.ndarray  # row sums of the plan, (n,)
    cols: np.ndarray  # column sums of the plan, (m,)


class Kept(NamedTuple):
    """Large entries of a plan by rows; without indices if all of them are there."""

    indptr: np.ndarray  # (n + 1,)
    indices: np.ndarray  # of columns, or empty
    data: np.ndarray

    @property
    def nnz(self):
        """Number of entries; of an array of another library, those that are not zero."""
        if isinstance(self.data, np.ndarray):
            return self.data.size
        xp = self.data.__array_namespace__()
        return int(xp.sum(xp.astype(self.data > 0, xp.int64)))


class Growing:
    """A CSR matrix that kernels append rows to.

    Parameters
    ----------
    n, m : int
        Its shape.
    """

    def __init__(self, n, m):
        self.indptr = np.zeros(n + 1, dtype=np.int64)
        room = max(n * m // 16, 8 * (n + m))
        self.indices, self.data = np.empty(room, dtype=np.uint32), np.empty(room)

    def fill(self, rows, append, most=np.inf):
        """Append a slice of rows and return the number of entries so far, early if above `most`.

        ``append(first, indptr, indices, data)`` begins with the row `first` of the slice and
        returns the row that did not fit any more, or the number of rows.
        """
        first, indptr = 0, self.indptr[rows.start : rows.stop + 1]
        while True:
            first = append(first, indptr, self.indices, self.data)
            if first == indptr.size - 1 or indptr[first] > most:
                return indptr[first]
            self.indices = np.concatenate([self.indices, np.empty_like(self.indices)])
            self.data = np.concatenate([self.data, np.empty_like(self.data)])

    def done(self):
        """Return the matrix as `Kept`."""
        size = self.indptr[-1]
        return Kept(self.indptr, self.indices[:size], self.data[:size])


class Transport(Problem):
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
        if np.ndim(cost) != 3 or hasattr(cost, "blocks"):
            return super().__new__(cls)
        a, b = _one_for_each(a, len(cost)), _one_for_each(b, len(cost))
        return Batch(cls(*data, *args, **options) for data in zip(a, b, cost, strict=True))

    def __init__(
        self, a, b, cost, reg=None, *, eta=None, relax=np.inf, balance="check", refine=False
    ):
        super().__init__()
        self.eta = _inverse_temperature(reg, eta)
        cost = as_cost(cost)
        self.full_shape = n, m = cost.shape
        self.on_arrays = isinstance(cost, ArrayCost)
        if self.on_arrays:
            namespace(cost.C, a, b)  # refuses a mixture of libraries
            a, b = (v if v is None else to_host(v) for v in (a, b))
        a, b = _masses(a, "a", n), _masses(b, "b", m)
        self.relax = _weights(relax)
        self.balanced = bool(np.isinf(self.relax).all())
        if self.balanced:
            b = _balanced(a, b, balance)
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
            _warn_steep(self.eta * self.range)

    # -- the semi-dual function --------------------------------------------------------------

    def point(self, eta, f, g):
        """Return the `Point` of g; f is a guess of the row potentials."""
        self.spend("fun")
        kernels, tau = self.kernels, _shrinkage(eta * self.relax[0])
        f2, g2, eta2 = f * LOG2E, g * LOG2E, eta * LOG2E
        right, cols = np.empty_like(f2), np.zeros_like(g2)
        for k, data in self._blocks():
            kernels.sinkhorn_pass(*data, f2[k], g2, eta2, self.a[k], tau, right[k], cols)
        f = right / LOG2E
        return Point(eta, f, g, _demand(self.a, f, eta * self.relax[0]), cols)

    def sinkhorn(self, point, times=1):
        """Return the point after some Sinkhorn iterations."""
        for _ in range(times):
            point = self.point(point.eta, point.f, self.columns_right(point))
        return point

    def columns_right(self, point):
        """Return the g for which the columns are right."""
        from numopt.kernels.transport import HUGE, TINY

        tau = _shrinkage(point.eta * self.relax[1])
        ratio = point.cols / self.b
        if ratio.min() > TINY and ratio.max() < HUGE:
            return tau * (point.g - np.log(ratio))
        kernels = self.kernels
        top, total = np.full(self.shape[1], -np.inf), np.zeros(self.shape[1])
        for k, data in self._blocks():
            kernels.log_columns(*data, LOG2E * point.f[k], LOG2E * point.eta, top, total)
        return tau * (np.log2(self.b / total) - top) / LOG2E

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
        return self._primal(*point)

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
        demand = _demand(self.b, point.g, point.eta * self.relax[1])
        c = point.cols + demand / (point.eta * self.relax[1])
        return point.rows / _shrinkage(point.eta * self.relax[0]), c, demand - point.cols

    def violation(self, point):
        """Return the violations of the column sums: their sum, relative to the mass, and largest.

        Those of the row sums are zero up to rounding. For relaxed marginals it is the difference
        from the sums that the potentials demand.
        """
        gap = np.abs(point.cols - _demand(self.b, point.g, point.eta * self.relax[1]))
        return float(gap.sum()) / self.mass, float(gap.max())

    def recomputed(self, eta, f, g):
        """Return (objective, sum of the violations relative to the mass, largest violation)."""
        rows, cols = self.marginals(eta, f, g)
        row_gap = np.abs(rows - _demand(self.a, f, eta * self.relax[0]))
        col_gap = np.abs(cols - _demand(self.b, g, eta * self.relax[1]))
        total = float(row_gap.sum() + col_gap.sum()) / self.mass
        return self._primal(eta, f, g, rows, cols), total, float(max(row_gap.max(), col_gap.max()))

    def potentials(self, point):
        """Return alpha and beta in the unit of the cost; alpha has mean zero where that is free."""
        mean = float(self.a @ point.f) / self.mass if self.balanced else 0.0
        return np.concatenate([point.f - mean, point.g + mean]) / point.eta

    def marginals(self, eta, f, g):
        """Return the row and the column sums of a plan."""
        self.spend("fun")
        kernels = self.kernels
        f2, g2, eta2 = f * LOG2E, g * LOG2E, eta * LOG2E
        rows, cols = np.empty_like(f2), np.zeros_like(g2)
        for k, data in self._blocks():
            kernels.marginals(*data, f2[k], g2, eta2, rows[k], cols)
        return rows, cols

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

    def kept(self, point, low, col_low, most=np.inf):
        """Return the entries of the plan that are at least ``min(low_i, col_low_j)``.

        Parameters
        ----------
        point : Point
        low, col_low : ndarray, shapes (n,) and (m,)
        most : float
            Largest number of entries to hold.

        Returns
        -------
        Kept or None
            None if there are more than `most`.
        """
        self.spend("hess")
        if self.on_arrays:
            return self._kept_array(point, low, col_low)
        kernels, (n, m) = self.kernels, self.shape
        f2, g2, eta2 = point.f * LOG2E, point.g * LOG2E, point.eta * LOG2E
        entries, limit = Growing(n, m), DENSE * n * m if n * m <= most else most
        for k, cost in self._blocks():

            def fill(first, *csr, k=k, cost=cost):
                return kernels.kept_entries(*cost, f2[k], g2, eta2, low[k], col_low, first, *csr)

            if entries.fill(k, fill, limit) > limit:
                return self._all_entries(point) if n * m <= most else None
        return entries.done()

    def _kept_array(self, point, low, col_low):
        units = LOG2E * point.f, LOG2E * point.g, LOG2E * point.eta
        P = self.kernels.kept_block(self.cost.C, *units, low, col_low)
        return Kept(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint32), P)

    def _all_entries(self, point):
        n, m = self.shape
        P = self.plan_rows(point.eta, point.f, point.g)
        return Kept(np.arange(n + 1, dtype=np.int64) * m, np.empty(0, dtype=np.uint32), P.ravel())

    def plan_rows(self, eta, f, g):
        """Return the plan as an array, shape (n, m)."""
        P = np.empty(self.shape)
        for k, _ in self.cost.blocks():
            P[k] = np.exp(f[k, None] + g - eta * self.cost.dense(k))
        return P

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

    def _blocks(self):
        """Yield the blocks of the cost, looking at the clock in between."""
        for number, block in enumerate(self.cost.blocks()):
            if number:
                self.check_time()
            yield block

    @property
    def kernels(self) -> Any:
        """The passes over the cost: compiled ones, or those of its array library."""
        if self.on_arrays:
            from numopt.kernels import array_transport

            return array_transport
        from numopt.kernels import transport

        return transport

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


def _inverse_temperature(reg, eta):
    if (reg is None) == (eta is None):
        raise ProblemError("give either `reg` or `eta`, which is 1 / reg")
    name, value = ("reg", reg) if eta is None else ("eta", eta)
    if not 0 < value < np.inf:
        raise ProblemError(f"`{name}` must be positive and finite, got {value!r}")
    return float(value) if eta is not None else 1.0 / float(value)


def _one_for_each(masses, size):
    """Return `masses` of each problem of a batch; a vector, or None, serves all."""
    if masses is None or np.ndim(masses) == 1:
        return [masses] * size
    if np.ndim(masses) != 2 or len(masses) != size:
        raise ProblemError(f"a batch of {size} costs has masses of shape {np.shape(masses)}")
    return masses


def _warn_steep(steepness):
    from scipy.optimize import OptimizeWarning

    warnings.warn(
        f"eta times the range of the cost is {steepness:.1e}: rounding limits the violation that "
        "can be reached to about 1e-16 times that",
        OptimizeWarning,
        stacklevel=3,
    )


def _weights(relax):
    pair = np.broadcast_to(np.asarray(relax, dtype=float), (2,))
    if not np.all(pair > 0):
        raise ProblemError(f"`relax` must be positive, got {relax!r}")
    return tuple(map(float, pair))


def _shrinkage(weight):
    """Return the factor of the potentials of relaxed sums: 1 for an infinite weight."""
    return 1.0 / (1.0 + 1.0 / weight)


def _demand(masses, potentials, weight):
    """Return the sums that belong to potentials: the masses, for an infinite weight."""
    return masses * np.exp(-potentials / weight)


def _dual_term(masses, potentials, weight):
    if weight == np.inf:
        return float(masses @ potentials)
    return weight * float(masses @ -np.expm1(-potentials / weight))


def _masses(a, name, n):
    a = np.full(n, 1.0 / n) if a is None else real_vector(a, name, n=n, finite=True)
    if a.min() < 0:
        i = int(a.argmin())
        raise ProblemError(f"`{name}` must hold masses that are not negative, entry {i} is {a[i]}")
    if not a.any():
        raise ProblemError(f"`{name}` must hold some mass, all its entries are zero")
    return a


def _balanced(a, b, balance):
    if balance not in ("check", "rescale"):
        raise ProblemError(f"`balance` must be 'check' or 'rescale', got {balance!r}")
    mass, other = float(a.sum()), float(b.sum())
    if balance == "rescale":
        return b * (mass / other)
    if abs(mass - other) > BALANCED * max(mass, other):
        raise ProblemError(
            f"the masses differ: `a` sums to {mass!r}, `b` to {other!r}; correct them, or pass "
            "balance='rescale'"
        )
    return b
