"""Passes over an entropic transport plan: its sums, its large entries, what is kept of it.

The plan of a point is stored where it fits: at potentials nearby, and the same eta, it is
diag(u) P diag(v), and a pass takes one multiplication instead of one exponential for each entry.
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.linalg.array_schur import DenseEntries, listed
from numopt.models.problem import Problem

LOG2E = 1.4426950408889634
DENSE = 0.2  # above this share of kept entries, rows without indices are faster
STORED = 1 << 24  # entries of a plan that is stored: 128 MB
REACH = 40.0  # change of a potential (natural logarithm) up to which a stored plan serves
_NOTHING = np.empty((0, 0))


class Point(NamedTuple):
    """Potentials at which the rows of the plan are right, and its sums."""

    eta: float
    f: np.ndarray  # (n,)
    g: np.ndarray  # (m,)
    rows: np.ndarray  # row sums of the plan, (n,)
    cols: np.ndarray  # column sums of the plan, (m,)
    base: Any = None  # guess of f, and g, of the point whose plan is stored


class Kept(NamedTuple):
    """Large entries of a plan by rows; without indices if all of them are there."""

    indptr: np.ndarray  # (n + 1,)
    indices: np.ndarray  # of columns, or empty
    data: np.ndarray

    @property
    def nnz(self):
        """Number of entries."""
        return self.data.size


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


class Passes(Problem):
    """What needs a pass over the cost; `Transport` has the attributes."""

    a: np.ndarray
    b: np.ndarray
    cost: Any
    relax: Any
    shape: tuple
    on_arrays: bool
    memo: Any

    def point(self, eta, f, g):
        """Return the `Point` of g; f is a guess of the row potentials."""
        self.spend("fun")
        return self._stored_point(eta, f, g)[0]

    def moved(self, point, g):
        """Return the `Point` of g at the eta of another one."""
        if point.base is None or not np.abs(g - point.base[1]).max() <= REACH:
            return self.point(point.eta, point.f, g)
        self.spend("fun")
        from numopt.kernels.scaled import scaled_pass

        K, origin = self._stored(point)
        right, cols = np.empty_like(point.f), np.zeros_like(g)
        tau = shrinkage(point.eta * self.relax[0])
        scaled_pass(K, np.exp(g - origin.g), origin.f * LOG2E, self.a, tau, right, cols)
        return self._as_point(point.eta, right, g, cols, point.base)

    def _stored_point(self, eta, f, g):
        """Return the `Point` of g, and its plan if that is stored."""
        kernels, tau = self.kernels, shrinkage(eta * self.relax[0])
        f2, g2, eta2 = f * LOG2E, g * LOG2E, eta * LOG2E
        right, cols, P = np.empty_like(f2), np.zeros_like(g2), self._room()
        for k, data in self._blocks():
            part = P[k] if P.size else P
            kernels.sinkhorn_pass(*data, f2[k], g2, eta2, self.a[k], tau, right[k], cols, part)
        point = self._as_point(eta, right, g, cols, None)
        if P.size and point.rows.min() > kernels.TINY:
            point = point._replace(base=(f, g))
            self.memo["stored"] = P, point
        return point, P

    def _as_point(self, eta, f2, g, cols, base):
        f = f2 / LOG2E
        return Point(eta, f, g, demand(self.a, f, eta * self.relax[0]), cols, base)

    def _room(self):
        """Return room for a plan, empty if it is not to be stored; there is one in a run."""
        if self.memo is None or self.on_arrays or self.a.size * self.b.size > STORED:
            return _NOTHING
        stored = self.memo.pop("stored", None)  # an interrupted pass leaves nothing behind
        return np.empty(self.shape) if stored is None else stored[0]

    def _stored(self, point):
        """Return the plan of the base of a point, and that base as a point."""
        P, origin = self.memo.get("stored", (None, None))
        if origin is None or origin.eta != point.eta or origin.base is not point.base:
            origin, P = self._stored_point(point.eta, *point.base)
            self.memo["stored"] = P, origin._replace(base=point.base)
        return P, origin

    def sinkhorn(self, point, times=1):
        """Return the point after some Sinkhorn iterations."""
        for _ in range(times):
            point = self.moved(point, self.columns_right(point))
        return point

    def columns_right(self, point):
        """Return the g for which the columns are right."""
        from numopt.kernels.transport import HUGE, TINY

        tau = shrinkage(point.eta * self.relax[1])
        ratio = point.cols / self.b
        if ratio.min() > TINY and ratio.max() < HUGE:
            return tau * (point.g - np.log(ratio))
        kernels = self.kernels
        top, total = np.full(self.shape[1], -np.inf), np.zeros(self.shape[1])
        for k, data in self._blocks():
            kernels.log_columns(*data, LOG2E * point.f[k], LOG2E * point.eta, top, total)
        return tau * (np.log2(self.b / total) - top) / LOG2E

    def marginals(self, eta, f, g):
        """Return the row and the column sums of a plan."""
        self.spend("fun")
        kernels = self.kernels
        f2, g2, eta2 = f * LOG2E, g * LOG2E, eta * LOG2E
        rows, cols = np.empty_like(f2), np.zeros_like(g2)
        for k, data in self._blocks():
            kernels.marginals(*data, f2[k], g2, eta2, rows[k], cols)
        return rows, cols

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
            return self._kept_array(point, low, col_low, most)
        n, m = self.shape
        entries, limit = Growing(n, m), DENSE * n * m if n * m <= most else most
        for k, append in self._appending(point, low, col_low):
            if entries.fill(k, append, limit) > limit:
                return self._all_entries(point) if n * m <= most else None
        return entries.done()

    def _appending(self, point, low, col_low):
        """Yield slices of rows, and for each the function that appends its large entries."""
        if point.base is not None:
            from numopt.kernels.scaled import scaled_kept

            data = self._scaling(point)
            yield (
                slice(0, low.size),
                lambda first, *csr: scaled_kept(*data, low, col_low, first, *csr),
            )
            return
        kernels = self.kernels
        f2, g2, eta2 = point.f * LOG2E, point.g * LOG2E, point.eta * LOG2E
        for k, cost in self._blocks():
            yield (
                k,
                lambda first, *csr, k=k, cost=cost: kernels.kept_entries(
                    *cost, f2[k], g2, eta2, low[k], col_low, first, *csr
                ),
            )

    def _scaling(self, point):
        """Return K, u, v such that diag(u) K diag(v) is the plan of a point."""
        K, origin = self._stored(point)
        return K, np.exp(point.f - origin.f), np.exp(point.g - origin.g)

    def _kept_array(self, point, low, col_low, most):
        f, g, eta = LOG2E * point.f, LOG2E * point.g, LOG2E * point.eta
        xp, (n, m), blocks, total = self.cost.xp, self.shape, [], 0
        for k, (_, C, *_) in self._blocks():
            P, large = self.kernels.kept_block(C, f[k], g, eta, low[k], col_low)
            rows, cols = xp.nonzero(large)
            blocks.append((rows + k.start, cols, P[large]))
            total += rows.shape[0]
            if total > min(most, max(DENSE * n * m, 1.0)):
                return self._dense_array(point) if n * m <= min(most, STORED) else None
        return listed(xp, blocks, self.shape)

    def _dense_array(self, point):
        units = LOG2E * point.f, LOG2E * point.g, LOG2E * point.eta
        plan = self.kernels.plan
        blocks = [plan(C, units[0][k], *units[1:])[0] for k, (_, C, *_) in self._blocks()]
        return DenseEntries(self.cost.xp, self.cost.xp.concat(blocks, axis=0))

    def _all_entries(self, point):
        n, m = self.shape
        if point.base is None:
            P = self.plan_rows(point.eta, point.f, point.g)
        else:
            from numopt.kernels.scaled import scaled_plan

            P = np.empty(self.shape)
            scaled_plan(*self._scaling(point), P)
        return Kept(np.arange(n + 1, dtype=np.int64) * m, np.empty(0, dtype=np.uint32), P.ravel())

    def plan_rows(self, eta, f, g):
        """Return the plan as an array, shape (n, m)."""
        P = np.empty(self.shape)
        f2, g2, eta2 = f * LOG2E, g * LOG2E, eta * LOG2E
        for k, data in self.cost.blocks():
            self.kernels.plan_block(*data, f2[k], g2, eta2, P[k])
        return P

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


def shrinkage(weight):
    """Return the factor of the potentials of relaxed sums: 1 for an infinite weight."""
    return 1.0 / (1.0 + 1.0 / weight)


def demand(masses, potentials, weight):
    """Return the sums that belong to potentials: the masses, for an infinite weight."""
    return masses * np.exp(-potentials / weight)
