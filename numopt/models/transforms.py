"""Equality form: the problem that an interior method works on, and the way back.

    minimise f(w)   subject to   C(w) = 0,   lower <= w <= upper,      w = (free x, slacks s)

Fixed variables are removed, rows without a finite bound or that follow from others are dropped,
each inequality row c_i gets a slack s_i with C_i = c_i - s_i and the bounds of the row, and f and
each row are scaled so that their gradients at the start point are at most 100 in size (Waechter and
Biegler 2006, section 3.8).
"""

from copy import deepcopy
from typing import Any

import numpy as np
from scipy.sparse import block_diag, bmat, csr_matrix, diags

from numopt.core.errors import Status, Stop
from numopt.linalg.factor import Analyses
from numopt.linalg.shifted import LowRank

LARGEST_GRADIENT = 100.0
SMALLEST_SCALE = 1e-8
LESS_CURVATURE = 0.25  # what is left of it along a step with no change of gradient
BOUND_RELAXATION = (
    1e-8  # bounds are widened by this, relative to their size, if there are equations
)
SLACK_RELAXATION = 1e-8  # bounds of inequality rows are widened by this, in the user's units


def updated_strategy(strategy, step, change):
    """Return a copy of a quasi-Newton strategy that has seen one more step.

    Parameters
    ----------
    strategy : scipy.optimize.HessianUpdateStrategy
        Not changed.
    step, change : ndarray, shape (n,)
        Difference of the points and of the gradients there.
    """
    strategy = deepcopy(strategy)
    if not change.any():
        change = LESS_CURVATURE * strategy.dot(step)
    if change.any():
        strategy.update(step, change)
    return strategy


class EqualityForm:
    """An `NLP` in equality form.

    Parameters
    ----------
    problem : NLP
        The problem; all evaluations go through it.
    f_scale : float
        Factor of the objective.
    c_scale : ndarray, shape (problem.m,)
        Factors of the rows.
    dense_limit : int
        Matrices are dense arrays if n + m is at most this, sparse otherwise.
    repeated : array_like of int
        Rows that follow from others, and are dropped.
    products : callable, optional
        ``products(n, product, entries=entries)`` makes what stands for a Hessian that is known by
        its products; none is formed unless it calls ``entries()``.

    Attributes
    ----------
    n, m : int
        Number of free variables and slacks; number of rows that are kept.
    lower, upper : ndarray, shape (n,)
        Bounds on w.
    analyses : Analyses
        Of the sparse matrices that this form gave rise to, for the length of a run.
    """

    def __init__(self, problem, f_scale, c_scale, dense_limit, repeated=(), products: Any = None):
        self.problem, self.f_scale, self.products = problem, f_scale, products
        self.analyses = Analyses()
        self.finishes = products is None  # whether the interior method may end on an active set
        self._free = np.flatnonzero(problem.lb < problem.ub)
        self._fixed_x = np.where(problem.lb < problem.ub, 0.0, problem.lb)
        bounded = np.isfinite(problem.cl) | np.isfinite(problem.cu)
        self._rows = np.setdiff1d(np.flatnonzero(bounded), repeated)
        self.c_scale = c_scale[self._rows]
        cl, cu = problem.cl[self._rows], problem.cu[self._rows]
        self._ineq = ineq = np.flatnonzero(cl < cu)
        self._target = np.where(cl < cu, 0.0, cl * self.c_scale)
        self.n_x, self.m = self._free.size, self._rows.size
        self.n = self.n_x + self._ineq.size
        self.dense = self.n + self.m <= dense_limit
        low = (cl[ineq] - SLACK_RELAXATION) * self.c_scale[ineq]
        up = (cu[ineq] + SLACK_RELAXATION) * self.c_scale[ineq]
        lb, ub = problem.lb[self._free], problem.ub[self._free]
        # Equations may leave the bounds without interior points; functions see clipped points.
        if ineq.size < self.m:
            lb = lb - BOUND_RELAXATION * np.maximum(1.0, np.abs(lb))
            ub = ub + BOUND_RELAXATION * np.maximum(1.0, np.abs(ub))
        self.lower, self.upper = np.concatenate([lb, low]), np.concatenate([ub, up])

        bounds = np.isfinite(low).astype(int) - np.isfinite(up)
        one_sided = np.flatnonzero(bounds)
        self._side, self._one_sided = bounds[one_sided], self.n_x + one_sided
        self._one_sided_rows = ineq[one_sided]

    @property
    def free(self):
        """Whether any variable is free."""
        return self.n_x > 0

    # -- points ------------------------------------------------------------------------------

    def full(self, w):
        """Return the point x of the original problem, within its bounds, shape (problem.n,)."""
        x = self._fixed_x.copy()
        x[self._free] = w[: self.n_x]
        return np.minimum(np.maximum(x, self.problem.lb), self.problem.ub)

    def start(self, x, push):
        """Return w at `x`, moved into the interior of its bounds by `push`, slacks at c(x)."""
        inside = push(x[self._free], self.lower[: self.n_x], self.upper[: self.n_x])
        w = np.concatenate([inside, np.zeros(self._ineq.size)])
        c = self._scaled_rows(w)[self._ineq]
        w[self.n_x :] = push(c, self.lower[self.n_x :], self.upper[self.n_x :])
        return w

    # -- functions ---------------------------------------------------------------------------

    def f(self, w):
        """Return the scaled objective.

        Raises
        ------
        Stop
            With UNBOUNDED if it is -inf at a point known to be feasible.
        """
        x = self.full(w)
        f = self.problem.fun(x)
        if f == -np.inf and self.problem.known_at(x)[1] <= SLACK_RELAXATION:
            raise Stop(Status.UNBOUNDED, "the objective is -inf at a feasible point")
        return self.f_scale * f

    def C(self, w):
        """Return the scaled rows C(w), shape (m,)."""
        C = self._scaled_rows(w)
        C[self._ineq] -= w[self.n_x :]
        return C - self._target

    def with_better_slacks(self, w, C):
        """Return (w, C) with each one-sided slack moved away from its bound up to its row.

        Such a move lowers both the violation and the barrier terms (the magical steps of Conn,
        Gould and Toint, Trust-Region Methods, section 10.4.1).
        """
        rows, slack = self._one_sided_rows, C[self._one_sided_rows]
        move = np.where(slack * self._side > 0.0, slack, 0.0)
        if not move.any():
            return w, C
        w, C = w.copy(), C.copy()
        w[self._one_sided] += move
        C[rows] -= move
        return w, C

    def with_best_slacks(self, w, C):
        """Return (w, C) with each slack as close to its row as its bounds allow."""
        s = np.arange(self.n_x, self.n)
        w, C = w.copy(), C.copy()
        slack = np.clip(w[s] + C[self._ineq], self.lower[s], self.upper[s])
        C[self._ineq] -= slack - w[s]
        w[s] = slack
        return w, C

    def sides(self, w, C):
        """Return (lower, upper), what a linear change of the rows has to keep to, shape (m,)."""
        lower, upper = -C, -C
        s = np.arange(self.n_x, self.n)
        lower[self._ineq] += self.lower[s] - w[s]
        upper[self._ineq] += self.upper[s] - w[s]
        return lower, upper

    def g(self, w):
        """Return the gradient of f, shape (n,)."""
        g = np.zeros(self.n)
        g[: self.n_x] = self.f_scale * self.problem.grad(self.full(w))[self._free]
        return g

    def A(self, w):
        """Return the Jacobian of C, an array or a sparse matrix of shape (m, n)."""
        if not self.m:
            return np.zeros((0, self.n)) if self.dense else csr_matrix((0, self.n))
        J = self.problem.jac(self.full(w))
        if self.dense:
            A = np.zeros((self.m, self.n))
            A[:, : self.n_x] = self._kept(J.toarray()) * self.c_scale[:, None]
            A[self._ineq, self.n_x + np.arange(self._ineq.size)] = -1.0
            return A
        slack = csr_matrix(
            (-np.ones(self._ineq.size), (self._ineq, np.arange(self._ineq.size))),
            shape=(self.m, self._ineq.size),
        )
        return bmat([[diags(self.c_scale) @ self._kept(J), slack]], format="csr")

    def _kept(self, J):
        """Return the rows and columns of a Jacobian that this form keeps."""
        if self.m < J.shape[0]:
            J = J[self._rows]
        return J if self.n_x == J.shape[1] else J[:, self._free]

    def differentiable(self, w):
        """Return whether the first derivatives are finite at w."""
        x = self.full(w)
        g, J = self.problem.grad(x), self.problem.jac(x)
        return bool(np.isfinite(g).all() and np.isfinite(J.data).all())

    def H(self, w, y):
        """Return the Hessian in w of f + y'C, an array or a sparse matrix of shape (n, n)."""
        if self.products:
            x, v = self.full(w), self.row_multipliers(y)

            def entries():
                return padded(
                    self.f_scale * self._free_block(self.problem.hess(x, v)), self.n, False
                )

            return self._products_at(w, y, self.problem.hess_products, entries)
        return self._lift(self.problem.hess(self.full(w), self.row_multipliers(y)))

    def H_rows(self, w, y):
        """Return the Hessian in w of y'C alone."""
        if self.products:
            return self._products_at(w, y, self._row_products)
        x, y = self.full(w), self.row_multipliers(y)
        return self._lift(self.problem.hess(x, y) - self.problem.hess(x, np.zeros_like(y)))

    def _products_at(self, w, y, hess_products, entries=None):
        x, v = self.full(w), self.row_multipliers(y)

        def product(V):
            full = np.zeros((self.problem.n, V.shape[1]))
            full[self._free] = V[: self.n_x]
            out = np.zeros_like(V)
            out[: self.n_x] = self.f_scale * hess_products(x, v, full)[self._free]
            return out

        return self.products(self.n, product, entries=entries)

    def _row_products(self, x, y, V):
        both = self.problem.hess_products(x, y, V)
        return both - self.problem.hess_products(x, np.zeros_like(y), V)

    # -- quasi-Newton approximations of H ----------------------------------------------------

    def new_strategy(self):
        """Return a quasi-Newton strategy for H, or None if the problem has Hessians."""
        if self.problem.hess_kind != "quasi-newton":
            return None
        strategy = self.problem.hess_strategy()
        strategy.initialize(self.n_x, "hess")
        return strategy

    def approximation(self, strategy):
        """Return the current approximation of H."""
        return padded(strategy.get_matrix(), self.n, self.dense)

    def updated(self, strategy, old, new):
        """Return the strategy after the step from state `old` to state `new`."""
        step = (new.w - old.w)[: self.n_x]
        change = (new.g - old.g + (new.A - old.A).T @ new.y)[: self.n_x]
        return updated_strategy(strategy, step, change)

    # -- multipliers of the original problem -----------------------------------------------------

    def row_multipliers(self, y):
        """Return the multipliers of the original rows, shape (problem.m,)."""
        full = np.zeros(self.problem.m)
        full[self._rows] = y * self.c_scale / self.f_scale
        return full

    def bound_multipliers(self, z):
        """Return the multipliers of one side of the original bounds, shape (problem.n,)."""
        full = np.zeros(self.problem.n)
        full[self._free] = z[: self.n_x] / self.f_scale
        return full

    def scaled_multipliers(self, y, z_lower, z_upper):
        """Return (y, z_lower, z_upper) of the original problem as multipliers of this form."""
        y = y[self._rows] * self.f_scale / self.c_scale
        sides = np.maximum(-y[self._ineq], 0.0), np.maximum(y[self._ineq], 0.0)
        bounds = (self.f_scale * z[self._free] for z in (z_lower, z_upper))
        return y, *(np.concatenate(pair) for pair in zip(bounds, sides, strict=True))

    def _scaled_rows(self, w):
        return self.c_scale * self.problem.cons(self.full(w))[self._rows]

    def _free_block(self, hessian):
        return hessian if self.n_x == self.problem.n else hessian[self._free][:, self._free]

    def _lift(self, hessian):
        """Return the scaled Hessian of the original problem as a matrix in w."""
        block = self._free_block(hessian)
        return padded(self.f_scale * (block.toarray() if self.dense else block), self.n, self.dense)


def padded(block, n, dense):
    """Return the matrix of order n with `block` in its upper left corner, in a form that fits."""
    k = block.shape[0]
    if isinstance(block, LowRank) and dense:
        block = block.toarray()
    if isinstance(block, LowRank):
        V = np.vstack([block.V, np.zeros((n - k, block.d.size))])
        diagonal = np.concatenate([np.broadcast_to(block.diag, k), np.zeros(n - k)])
        return LowRank(V, block.d, diagonal)
    if not dense:
        return block_diag([block, csr_matrix((n - k, n - k))], format="csr")
    if n == k:
        return block
    H = np.zeros((n, n))
    H[:k, :k] = block
    return H


def gradient_scales(problem, x):
    """Return (f_scale, c_scale) that bring the gradients at `x` down to size 100.

    Raises
    ------
    Stop
        With NONFINITE if a derivative at `x` is not finite; the detail names the entry.
    """
    g, J = problem.grad(x), problem.jac(x)
    _refuse_nonfinite("gradient", g, lambda k: k)
    entries = J.tocoo()
    place = lambda k: (int(entries.row[k]), int(entries.col[k]))  # noqa: E731
    _refuse_nonfinite("Jacobian", entries.data, place)
    free = problem.lb < problem.ub
    f_scale = float(_scale(np.abs(g[free]).max(initial=0.0)))
    if not problem.m or not free.any():
        return f_scale, np.ones(problem.m)
    return f_scale, _scale(abs(J[:, np.flatnonzero(free)]).max(axis=1).toarray().ravel())


def _scale(largest):
    with np.errstate(divide="ignore"):
        return np.clip(LARGEST_GRADIENT / np.asarray(largest, float), SMALLEST_SCALE, 1.0)


def _refuse_nonfinite(name, values, place):
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise Stop(Status.NONFINITE, f"entry {place(bad[0])} of the {name} at the start point")
