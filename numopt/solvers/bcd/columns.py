"""A composite problem restricted to a working set, and its quadratic models there.

    q(x + d) = <v, X d> + 1/2 sum_i h_i (X d)_i^2 + g(x + d)

v and h hold the first and second derivatives of the loss with respect to the rows of X x; for
least squares the model is the problem itself. With the v of the start, v0, and the current one
q = 1/2 sum_i (v_i - v0_i) (v_i + v0_i) / h_i + g, which is how values are compared. An intercept is
eliminated: columns act as if their h-weighted means were subtracted, and `c` is how far the
intercept has moved.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array

from numopt.models.losses import Point
from numopt.models.penalties import GROUPED

NONE = np.zeros((0, 0))
FLOOR = 1e-10  # of second derivatives: keeps models bounded where they vanish
RESOLVED = 1e-3  # of the first derivative: below it, rounding of v hides steps
EIGEN = 256  # the largest group whose curvature is an eigenvalue, not a trace


class Columns:
    """What is known of the units of a problem with a linear model.

    Parameters
    ----------
    problem : Composite

    Attributes
    ----------
    norms, lengths : ndarray
        Norm and number of entries of each unit.
    curvature : ndarray
        Curvature of each unit for weights h = s; of groups NaN until `prepare`.
    """

    def __init__(self, problem):
        self.problem, self.loss, self.penalty = problem, problem.loss, problem.penalty
        self.design, self.k = self.loss.design, self.loss.k
        self.n, self.m = problem.n, self.loss.m
        self.scale = self.design.scale
        if self.scale is None:
            self.scale = np.ones(self.loss.p)
        self.grouped = self.penalty.code == GROUPED
        self.pen = NONE if self.grouped else self.penalty.table()
        self.curvature = self.loss.lipschitz()
        sparse = self.design.sparse
        lengths = np.diff(self.design.X.indptr) if sparse else np.full(self.loss.p, self.m)
        squares = self.loss.squares
        if self.k > 1:
            lengths, squares = np.repeat(lengths, self.k), np.repeat(squares, self.k)
        if self.grouped:
            of, units = self.penalty.group_of, self.penalty.units
            lengths = np.bincount(of, lengths, minlength=units)
            squares = np.bincount(of, squares, minlength=units)
            self.curvature = np.full(units, np.nan)
        self.lengths, self.norms = lengths, np.sqrt(squares)

    def members(self, ws):
        """Return the variables of the units ws, unit after unit."""
        if not self.grouped:
            return ws
        groups = self.penalty.groups
        return np.concatenate([groups[b] for b in ws] or [np.zeros(0, dtype=np.int64)])

    def prepare(self, ws):
        """Work out the curvatures of the groups ws."""
        if not self.grouped:
            return
        s = self.loss.s
        for b in ws[np.isnan(self.curvature[ws])]:
            j, t = np.divmod(self.penalty.groups[b], self.k)
            if np.all(j == j[0]):
                self.curvature[b] = self.loss.squares[j[0]]
                continue
            block = self.design.columns(j)
            H = block.T @ (block if s is None else s[:, None] * block)
            H *= t[:, None] == t
            top = np.linalg.eigvalsh(H)[-1] if j.size <= EIGEN else np.trace(H)
            self.curvature[b] = top * (1.0 + 1e-12)


class Subproblem:
    """The units of a working set, with their data side by side.

    Parameters
    ----------
    columns : Columns
    ws : ndarray
        Units.

    Attributes
    ----------
    members : ndarray
        Variables of these units.
    """

    def __init__(self, columns, ws):
        from numopt.kernels import coordinate, groups

        columns.prepare(ws)
        self.columns, self.ws = columns, ws
        self.penalty, self.grouped, self.k = columns.penalty, columns.grouped, columns.k
        self.members = columns.members(ws)
        self.lengths, self.units = columns.lengths[ws], np.arange(ws.size)
        self.target = self.members % self.k
        sparse = columns.design.sparse
        self.sparse = sparse
        self.data = self._sparse_data() if sparse else self._dense_data()
        self.moments = coordinate.sparse_moments if sparse else coordinate.dense_moments
        self.total = coordinate.penalties
        if self.grouped:
            self.pass_over = groups.sparse_group_epochs if sparse else groups.dense_group_epochs
            sizes = self.penalty.size[ws]
            self.start = np.concatenate([[0], np.cumsum(sizes)])
            lam, room = self.penalty.lam[ws], np.empty(int(sizes.max(initial=1)))
            self.tail = (self.start, lam, self.penalty.lam1, room)
        else:
            self.pass_over = coordinate.sparse_epochs if sparse else coordinate.dense_epochs
            self.pen = columns.pen[ws]
            self.tail = (self.pen, self.penalty.code, float(self.penalty.gamma))

    def _dense_data(self):
        return self.columns.design.X, self.columns.scale, self.members // self.k, self.target

    def _sparse_data(self):
        block = self.columns.design.block(self.members // self.k)
        return block.data, block.indices, block.indptr, self.target

    def epoch(self, model, units):
        """Go over some units; return the sum of L d^2 and the largest L |d|."""
        middle = (model.x, model.V, model.h, model.means, model.totals, model.c, model.L)
        return self.pass_over(*self.data, units, *middle, *self.tail)

    def block(self, units):
        """Return the columns of some variables of the working set, a matrix (m, |units|)."""
        if self.sparse:
            data, indices, indptr, _ = self.data
            whole = csc_array((data, indices, indptr), shape=(self.columns.m, self.members.size))
            return whole if units.size == self.members.size else whole[:, units]
        return self.columns.design.columns(self.members[units] // self.k)

    # -- the penalty -------------------------------------------------------------------------

    def penalties(self, x):
        """Return the penalty of values x of the members."""
        if not self.grouped:
            return self.total(self.penalty.code, x, self.pen, float(self.penalty.gamma))
        norms = np.sqrt(np.add.reduceat(x**2, self.start[:-1]))
        lam = self.tail[1]
        used = norms > 0.0
        return float(lam[used] @ norms[used] + self.penalty.lam1 * np.abs(x).sum())

    def active(self, x):
        """Return the units that are off their kinks."""
        if self.grouped:
            used = np.logical_or.reduceat(x != 0.0, self.start[:-1])
            return np.flatnonzero(used | (self.tail[1] == 0.0))
        lam, lower, upper = self.pen[:, 0], self.pen[:, 2], self.pen[:, 3]
        return np.flatnonzero(((x != 0.0) | (lam == 0.0)) & (x > lower) & (x < upper))

    def allows(self, x):
        """Return whether values of the members are within their bounds."""
        if self.grouped:
            return True
        return bool(np.all((x >= self.pen[:, 2]) & (x <= self.pen[:, 3])))

    # -- models ------------------------------------------------------------------------------

    def least_squares(self, point):
        """Return the model of least squares, which is the problem itself."""
        loss = self.columns.loss
        V = np.ascontiguousarray((loss.margins(point) - loss.y).T)
        h = NONE
        if loss.s is not None:
            h = loss.s[None, :]
            V *= h
        means = loss.means[self.members // self.k] if loss.intercept else np.zeros(0)
        units = self.ws if self.grouped else self.members
        return self._model(point, V, h, self.columns.curvature[units], means)

    def tangent(self, point, bound=False):
        """Return the model at a point; with `bound` it lies above the problem everywhere."""
        loss, margins = self.columns.loss, self.columns.loss.margins(point)
        s = 1.0 if loss.s is None else loss.s[:, None]
        slope = loss.slope(margins, loss.y)
        V = np.ascontiguousarray((s * slope).T)
        bend = np.full_like(margins, loss.majorant) if bound else loss.weights(margins)
        bend = np.maximum(bend, np.maximum(RESOLVED * np.abs(slope), FLOOR))
        h = np.ascontiguousarray((s * bend).T)
        L, means = self.moments(*self.data, h, loss.intercept)
        if loss.intercept:
            totals = h.sum(axis=1)[self.target]
            means = means / totals
            L = np.maximum(L - totals * means**2, 0.0)
        if self.grouped:
            whole = np.add.reduceat(L, self.start[:-1])
            L = np.minimum(whole, bend.max() * self.columns.curvature[self.ws])
        return self._model(point, V, h, L, means)

    def _model(self, point, V, h, L, means):
        inverse, totals = None, np.full(self.k, float(V.shape[1]))
        if h.size:
            inverse = np.divide(1.0, h, out=np.zeros_like(h), where=h > 0.0)
            totals = np.resize(h.sum(axis=1), self.k)
        if not self.penalty.convex:
            self.penalty.check_curvature(L[L > 0.0].min(initial=np.inf))
        x = point.x[self.members]
        return Model(x, V, V.copy(), h, inverse, L, means, totals, np.zeros(self.k))

    def point_of(self, model, before):
        """Return the `Point` that a model of least squares has come to."""
        loss, v = self.columns.loss, model.residual()
        margins = loss.y + (v if model.inverse is None else v * model.inverse).T
        x, c = before.x.copy(), before.c + model.c
        x[self.members] = model.x
        return Point(x, np.ascontiguousarray(margins - c if loss.intercept else margins), c)

    def step_of(self, model, before):
        """Return (d, X d) for the step to the minimiser of a model, shapes (n,) and (m, k)."""
        d = np.zeros_like(before.x)
        change = model.x - before.x[self.members]
        d[self.members] = change
        moved = np.flatnonzero(change)
        z = np.zeros((self.columns.m, self.k))
        for t in range(self.k):
            of = moved if self.k == 1 else moved[self.target[moved] == t]
            z[:, t] = self.block(of) @ change[of]
        return d, z


class Model(NamedTuple):
    """A quadratic model on a working set; `x`, `V` and `c` move with the descent."""

    x: np.ndarray  # variables of the working set
    V: np.ndarray  # derivatives of the loss, (k, m)
    first: np.ndarray  # these at the start
    h: np.ndarray  # second derivatives, (1, m) or (k, m); (0, 0) if all are one
    inverse: np.ndarray | None  # 1 / h, zero where h is; None if all are one
    L: np.ndarray  # curvature of each unit
    means: np.ndarray  # weighted means of the columns; empty without intercept
    totals: np.ndarray  # sums of h, (k,)
    c: np.ndarray  # (k,)

    def residual(self):
        """Return v with the intercept worked in, shape (k, m)."""
        if not self.means.size:
            return self.V
        return self.V + (self.h if self.h.size else 1.0) * self.c[:, None]

    def smooth_value(self):
        """Return the smooth part of the model, which is zero at the start."""
        v = self.residual()
        change = v - self.first
        return 0.5 * float(
            np.vdot(change if self.inverse is None else change * self.inverse, v + self.first)
        )
