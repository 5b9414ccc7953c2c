"""Compiled passes over the columns of a composite problem, and its quadratic models.

    q(x + d) = <v, X d> + 1/2 sum_i h_i (X d)_i^2 + g(x + d)

v and h hold the first and second derivatives of the loss with respect to the rows of X x; for
least squares the model is the problem itself. Up to a constant, q = 1/2 sum_i v_i^2 / h_i + g with
the current v, which is how values are compared. An intercept is eliminated: columns act as if
their h-weighted means were subtracted, and `c` is how far the intercept has moved.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array

from numopt.models.losses import Point
from numopt.models.penalties import GROUPED

NONE = np.zeros((0, 0))
FLOOR = 1e-10  # of second derivatives: keeps models bounded where they vanish
EIGEN = 256  # the largest group whose curvature is an eigenvalue, not a trace


class Model(NamedTuple):
    """A quadratic model; `x`, `V` and `c` move with the descent."""

    x: np.ndarray  # (n,)
    V: np.ndarray  # derivatives of the loss, (k, m)
    h: np.ndarray  # second derivatives, (1, m) or (k, m); (0, 0) if all are one
    inverse: np.ndarray | None  # 1 / h, zero where h is; None if all are one
    L: np.ndarray  # curvature of each unit, (n,) or (number of groups,)
    means: np.ndarray  # weighted means of the columns, (n,); empty without intercept
    totals: np.ndarray  # sums of h, (k,)
    c: np.ndarray  # (k,)

    def residual(self):
        """Return v with the intercept worked in, shape (k, m)."""
        if not self.means.size:
            return self.V
        return self.V + (self.h if self.h.size else 1.0) * self.c[:, None]

    def smooth_value(self):
        """Return 1/2 sum v^2 / h."""
        v = self.residual()
        return 0.5 * float(np.vdot(v, v if self.inverse is None else v * self.inverse))


class Columns:
    """Passes over the columns of a problem with a linear model.

    Parameters
    ----------
    problem : Composite

    Attributes
    ----------
    lengths : ndarray
        Number of entries of each unit.
    norms : ndarray
        Norms of the units.
    """

    def __init__(self, problem):
        self.loss, self.penalty = problem.loss, problem.penalty
        self.design, self.k = self.loss.design, self.loss.k
        self.n, self.m = problem.n, self.loss.m
        scale = self.design.scale
        scale = np.ones(self.loss.p) if scale is None else scale
        X = self.design.X
        self.data = (X.data, X.indices, X.indptr, scale) if self.design.sparse else (X, scale)
        self.grouped = self.penalty.code == GROUPED
        self.curvature = self.loss.lipschitz()
        self._measure()
        self._choose()

    def _measure(self):
        per_column = np.diff(self.design.X.indptr) if self.design.sparse else None
        lengths = np.full(self.loss.p, self.m) if per_column is None else per_column
        lengths, squares = np.repeat(lengths, self.k), np.repeat(self.loss.squares, self.k)
        if self.grouped:
            of, units = self.penalty.group_of, self.penalty.units
            lengths = np.bincount(of, lengths, minlength=units)
            squares = np.bincount(of, squares, minlength=units)
            self.group_curvature = np.full(units, np.nan)  # worked out when a group is first used
        self.lengths, self.norms = lengths, np.sqrt(squares)

    def _choose(self):
        from numopt.kernels import coordinate, groups

        sparse, penalty = self.design.sparse, self.penalty
        self.moments_of = coordinate.sparse_moments if sparse else coordinate.dense_moments
        if self.grouped:
            self.run = groups.sparse_group_epochs if sparse else groups.dense_group_epochs
            room = np.empty(int(penalty.size.max(initial=1)))
            self.tail = (penalty.order, penalty.start, penalty.lam, penalty.lam1, room)
        else:
            self.run = coordinate.sparse_epochs if sparse else coordinate.dense_epochs
            self.tail = (penalty.table(), penalty.code, float(penalty.gamma))

    # -- models ------------------------------------------------------------------------------

    def least_squares(self, x, margins):
        """Return the model of least squares: the problem itself."""
        loss = self.loss
        V = np.ascontiguousarray((margins - loss.y).T)
        h = NONE
        if loss.s is not None:
            h = loss.s[None, :]
            V *= h
        means = np.repeat(loss.means, self.k) if loss.intercept else np.zeros(0)
        L = self.group_curvature if self.grouped else self.curvature
        return self._model(x, V, h, L, means)

    def point_of(self, model, before):
        """Return the `Point` that a model of least squares has come to."""
        loss, v = self.loss, model.residual()
        margins = loss.y + (v if model.inverse is None else v * model.inverse).T
        c = before.c + model.c
        return Point(model.x, np.ascontiguousarray(margins - c if loss.intercept else margins), c)

    def tangent(self, x, margins, ws, bound=False):
        """Return the model at a point; with `bound` it lies above the problem everywhere."""
        loss = self.loss
        s = 1.0 if loss.s is None else loss.s[:, None]
        V = np.ascontiguousarray((s * loss.slope(margins, loss.y)).T)
        bend = np.full_like(margins, loss.majorant) if bound else loss.weights(margins)
        bend = np.maximum(bend, FLOOR)
        h = np.ascontiguousarray((s * bend).T)
        members = self.members(ws)
        squares, sums = self.moments_of(*self.data, members, self.k, h, loss.intercept)
        L, means = np.zeros(self.n), np.zeros(0)
        if loss.intercept:
            means, totals = np.zeros(self.n), h.sum(axis=1)[members % self.k]
            means[members] = sums / totals
            squares = np.maximum(squares - totals * means[members] ** 2, 0.0)
        L[members] = squares
        if self.grouped:
            L = self._bounded(L, float(bend.max()), ws)
        return self._model(x, V, h, L, means)

    def _bounded(self, squares, bend, ws):
        """Return curvatures of groups: the trace, or from the largest second derivative."""
        L = np.bincount(self.penalty.group_of, squares, minlength=self.penalty.units)
        self.prepare(ws)
        L[ws] = np.minimum(L[ws], bend * self.group_curvature[ws])
        return L

    def _model(self, x, V, h, L, means):
        inverse = None
        if h.size:
            inverse = np.divide(1.0, h, out=np.zeros_like(h), where=h > 0.0)
        totals = np.full(self.k, float(self.m)) if not h.size else np.resize(h.sum(axis=1), self.k)
        return Model(x, V, h, inverse, L, means, totals, np.zeros(self.k))

    def members(self, ws):
        """Return the variables of the units ws."""
        if not self.grouped:
            return ws
        penalty = self.penalty
        return np.concatenate([penalty.groups[b] for b in ws] or [np.zeros(0, dtype=np.int64)])

    def prepare(self, ws):
        """Work out the curvatures of the groups ws, with the weights of the rows alone."""
        if not self.grouped:
            return
        s = self.loss.s
        for b in ws[np.isnan(self.group_curvature[ws])]:
            j, t = np.divmod(self.penalty.groups[b], self.k)
            if np.unique(j).size == 1:
                self.group_curvature[b] = self.loss.squares[j[0]]
                continue
            block = self.design.columns(j)
            H = block.T @ (block if s is None else s[:, None] * block)
            H *= t[:, None] == t
            top = np.linalg.eigvalsh(H)[-1] if j.size <= EIGEN else np.trace(H)
            self.group_curvature[b] = top * (1.0 + 1e-12)

    # -- passes ------------------------------------------------------------------------------

    def epoch(self, model, ws, times=1):
        """Go over the units ws; return the last sum of L |d|^2."""
        middle = (model.x, model.V, model.h, model.means, model.totals, model.c, model.L)
        return self.run(*self.data, ws, *middle, *self.tail, times)

    def block(self, S):
        """Return the columns of the variables S, an array (m, |S|) or a CSC matrix."""
        if not self.design.sparse:
            return self.design.columns(S // self.k)
        rows, owner, data = self.design.entries(S // self.k)
        start = np.zeros(len(S) + 1, dtype=np.int64)
        np.cumsum(np.bincount(owner, minlength=len(S)), out=start[1:])
        return csc_array((data, rows, start), shape=(self.m, len(S)))

    def products(self, S, d):
        """Return X d for a step d on the variables S, shape (m, k)."""
        total = np.zeros((self.m, self.k))
        if self.k == 1:
            total[:, 0] = self.block(S) @ d
            return total
        for t in np.unique(S % self.k):
            of = S % self.k == t
            total[:, t] = self.block(S[of]) @ d[of]
        return total
