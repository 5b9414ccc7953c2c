"""Smooth losses of a linear model, with the intercept eliminated.

    f(x) = min_c sum_i s_i phi(X_i x + c, y_i)

where X_i is a row of the data and c is zero without an intercept. With k classes or targets x is a
matrix (p, k), flattened row by row, and phi takes a vector of k entries. As c is always the best
one, the gradient of f is that of the sum at this c, and curvatures can only become smaller.

What a method keeps is a `Point`: x, the products z = X x and c. `advance` moves one in place, at
the cost of the columns that it touches.
"""

import copy
from math import inf
from typing import Any

import numpy as np

from numopt.core.errors import ProblemError, UnsupportedError
from numopt.models.design import Design
from numopt.models.inputs import real_vector, repeated
from numopt.models.losses.base import Loss, Point

STRIP = 256  # columns that are handled at once
RANK = 1e-12  # relative: adding a constant to the intercepts of all classes changes nothing
NEWTON_STEPS = 50  # for the intercept; quadratic convergence needs about five


class LinearLoss(Loss):
    """Base of the losses of a linear model.

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
        See `Design` for what is copied.
    y : array_like, shape (m,) or (m, k)
    sample_weight : array_like, shape (m,), optional
        Weights s, not negative.
    """

    curvature = 1.0  # bound of the second derivatives of phi along an entry of z
    majorant = 1.0  # bound of the eigenvalues of its Hessian
    twist = inf  # bound of the third derivatives of phi along an entry of z

    def __init__(self, X, y, sample_weight=None):
        self.design = Design(X)
        self.m, self.p = self.design.shape
        self.dtype = self.design.X.dtype
        self.y = self.targets(y)
        if self.y.shape[0] != self.m:
            raise ProblemError(f"`y` must have {self.m} rows as `X`, got {self.y.shape[0]}")
        self.k = self.y.shape[1]
        self.n = self.p * self.k
        self.s = None if sample_weight is None else _weights(sample_weight, self.m)
        self.intercept = False
        self._scale_and_norms()

    def rows(self, index):
        """Return the loss of some rows of the data, which are copied."""
        new = copy.copy(self)
        new.design = Design(self.design.X[index])
        new.y = self.y[index]
        new.m = new.y.shape[0]
        new.s = None if self.s is None else self.s[index]
        new._scale_and_norms()
        return new

    def columns(self, j):
        """Return the loss of some columns of the data, which are copied unless they are all."""
        if len(j) == self.p:
            return self
        new = copy.copy(self)
        new.design = Design(self.design.columns(j))
        new.p, new.n, new.squares = len(j), len(j) * self.k, self.squares[j]
        if hasattr(self, "means"):
            new.means = self.means[j]
        return new

    def _scale_and_norms(self):
        self.squares = self.design.squares(self.s)
        if not np.isfinite(self.squares).all():
            _refuse_nonfinite(self.design, self.squares)

    def targets(self, y) -> Any:
        """Return y as an array (m, k), after checks."""
        y = y if hasattr(y, "ndim") else np.asarray(y)
        if y.ndim == 2 and self.many:
            columns = [real_vector(y[:, c], "y", finite=True) for c in range(y.shape[1])]
            return np.stack(columns, axis=1) if columns else np.zeros(y.shape)
        return real_vector(y, "y", finite=True)[:, None]

    many = False  # whether y may have several columns

    @property
    def weight(self):
        """Sum of the weights of the rows."""
        return float(self.m if self.s is None else self.s.sum())

    def fitted(self, intercept, standardize):
        new = copy.copy(self)
        new.intercept = bool(intercept)
        if not (intercept or standardize):
            return new
        if not self.weight > 0.0:
            raise ProblemError("an intercept or standard deviations need a row with weight")
        means = self.design.tdot(np.ones(self.m) if self.s is None else self.s) / self.weight
        if standardize:
            deviation = np.sqrt(np.maximum(self.squares / self.weight - means**2, 0.0))
            flat = deviation <= 1e-10 * np.sqrt(self.squares / self.weight)
            scale = 1.0 / np.where(flat, 1.0, deviation)
            new.design = Design(self.design, scale)
            new.squares = self.squares * scale**2
            means = means * scale
        new.means = means
        return new

    means: np.ndarray  # weighted means of the columns, (p,); only with intercept or standardising

    # -- the function ------------------------------------------------------------------------

    def phi(self, z, y):
        """Return phi for each row of z, shape (m,)."""
        raise NotImplementedError

    def slope(self, z, y):
        """Return the derivatives of phi, shape (m, k)."""
        raise NotImplementedError

    def bend(self, z, y):
        """Return the second derivatives of phi along each entry of z, shape (m, k)."""
        raise NotImplementedError

    def weights(self, z):
        """Return the entries of a diagonal matrix above the Hessian of phi, shape (m, k)."""
        return self.bend(z, self.y)

    def state(self, x):
        x = np.array(x, dtype=np.float64)
        z = np.zeros((self.m, self.k))
        if x.any():
            z[:] = self.design.dot(x.reshape(self.p, self.k)).reshape(self.m, self.k)
        point = Point(x, z, np.zeros(self.k))
        self._set_intercept(point)
        return point

    def moved(self, state, x, dz, dc):
        """Return the point x for which the products change by dz; dc is a guess for c."""
        point = Point(x, state.z + dz, state.c + dc)
        self._set_intercept(point)
        return point

    def margins(self, state):
        """Return X x + c, shape (m, k)."""
        return state.z + state.c if self.intercept else state.z

    def value(self, state):
        phi = self.phi(self.margins(state), self.y)
        return float(phi.sum() if self.s is None else self.s @ phi)

    def residual(self, state):
        """Return the derivatives with respect to the rows of X x, shape (m, k)."""
        slope = self.slope(self.margins(state), self.y)
        return slope if self.s is None else self.s[:, None] * slope

    def gradient(self, state):
        residual = self.residual(state)
        return self.design.tdot(residual if self.k > 1 else residual[:, 0]).ravel()

    def block_gradient(self, state, b):
        j, c = np.divmod(b, self.k)
        if not self.design.sparse:
            residual = self.residual(state)
            block = self.design.columns(j)
            if self.k == 1:
                return residual[:, 0] @ block
            return np.einsum("ij,ij->j", block, residual[:, c])
        rows, owner, data = self.design.entries(j)
        slope = self.slope(state.z[rows] + state.c, self.y[rows])[np.arange(owner.size), c[owner]]
        if self.s is not None:
            slope = slope * self.s[rows]
        return np.bincount(owner, data * slope, minlength=len(b))

    def advance(self, state, b, delta):
        j, c = np.divmod(b, self.k)
        state.x[b] += delta
        if self.design.sparse:
            rows, owner, data = self.design.entries(j)
            np.add.at(state.z, (rows, c[owner]), data * np.asarray(delta)[owner])
        elif self.k == 1:
            state.z[:, 0] += self.design.columns(j) @ delta
        else:
            for at, column in zip(c, (self.design.columns(j) * delta).T, strict=True):
                state.z[:, at] += column
        self._move_intercept(state, j, c, delta)

    def _move_intercept(self, state, j, c, delta):
        self._set_intercept(state)

    def _set_intercept(self, state):
        """Minimise over the intercept by Newton's method, halving steps that do not descend."""
        if not self.intercept:
            return
        best = self.value(state)
        for _ in range(NEWTON_STEPS):
            gradient, curvature = self.residual(state).sum(axis=0), self._intercept_hessian(state)
            if not np.isfinite(curvature).all():
                return  # at a trial point far out; its value is not finite either
            step = _solution(curvature, -gradient)
            last = -(gradient @ step) <= 1e-9 * abs(best)  # one more step squares the error
            before, t = state.c.copy(), 1.0
            state.c[:] += step
            best, previous = self.value(state), best
            while not last and best > previous and t > 1e-10:
                t *= 0.5
                state.c[:] = before + t * step
                best = self.value(state)
            if last:
                return

    def _weighted_bend(self, state):
        bend = self.bend(self.margins(state), self.y)
        return bend if self.s is None else self.s[:, None] * bend

    def _intercept_inverse(self, state):
        return np.linalg.pinv(self._intercept_hessian(state), RANK, hermitian=True)

    def _intercept_hessian(self, state):
        return np.diag(self._weighted_bend(state).sum(axis=0))

    # -- curvature ---------------------------------------------------------------------------

    def lipschitz(self):
        return np.repeat(self.curvature * self.squares, self.k)

    def hessian_bound(self, b):
        if not np.isfinite(self.curvature):
            raise UnsupportedError(f"the curvature of {type(self).__name__} has no bound")
        j, c = np.divmod(b, self.k)
        block = self.design.columns(j)
        rows = block if self.s is None else self.s[:, None] * block
        return self.curvature * (block.T @ rows) * (c[:, None] == c)

    def hessian(self, state, b):
        j, c = np.divmod(b, self.k)
        block, bend = self.design.columns(j), self._weighted_bend(state)
        if self.k == 1:
            rows = np.sqrt(bend) * block
            H = rows.T @ rows
        else:
            H = (block.T @ (bend[:, c] * block)) * (c[:, None] == c)
        if self.intercept:
            mixed = np.where(c[:, None] == np.arange(self.k), block.T @ bend, 0.0)
            H -= mixed @ self._intercept_inverse(state) @ mixed.T
        return H

    def curvatures(self, state):
        if self.quadratic:
            return self.lipschitz()
        bend = self._weighted_bend(state)
        return np.stack([self.design.squares(column) for column in bend.T], axis=1).ravel()

    def third(self):
        if self.quadratic or self.intercept or not np.isfinite(self.twist):
            return super().third()  # with the intercept eliminated there is no simple bound
        return np.repeat(self.twist * self.design.cubes(self.s), self.k)

    def product(self, state, d):
        U = np.asarray(self.design.dot(d.reshape(self.p, self.k)))
        V = self._bent(state, U)
        if self.intercept:
            c = self._intercept_inverse(state) @ V.sum(axis=0)
            V = self._bent(state, U - c)
        return self.design.tdot(V).ravel()

    def _bent(self, state, U):
        """Return the second derivative with respect to the rows of X x, applied to U."""
        return self._weighted_bend(state) * U

    def row_sums(self):
        """Return the sums of moduli in the rows of a bound of the Hessian; costs p^2 products."""
        parts = [np.arange(s, min(s + STRIP, self.p)) for s in range(0, self.p, STRIP)]
        sums = [self.design.gram_sums(part, self.s) for part in parts]
        return np.repeat(self._row_factor * np.concatenate(sums), self.k)

    @property
    def _row_factor(self):
        return self.curvature

    # -- duality -----------------------------------------------------------------------------

    def conjugate(self, residual):
        """Return the conjugate sum_i (s_i phi_i)* at `residual`, shape (m, k): maybe infinite."""
        return inf


def _weights(sample_weight, m):
    s = repeated(sample_weight, "sample_weight", m)
    if not (np.isfinite(s).all() and (s >= 0.0).all()):
        raise ProblemError("`sample_weight` must be finite and not negative")
    return s


def _refuse_nonfinite(design, squares):
    j = np.flatnonzero(~np.isfinite(squares))[0]
    what = "is too large" if np.isfinite(design.columns(np.array([j]))).all() else "is not finite"
    raise ProblemError(f"`X` must hold finite numbers only, column {j} {what}")


def _solution(H, b):
    """Return the least solution of H x = b; zero where H is a single zero."""
    if b.size > 1:
        return np.linalg.lstsq(H, b)[0]
    return b / H[0] if H[0, 0] > 0.0 else np.zeros(1)


def over(residual, s):
    """Return residual / s, zero in rows without weight."""
    return np.divide(residual, s[:, None], out=np.zeros_like(residual), where=s[:, None] > 0.0)


def xlogx(t):
    """Return t log t, zero at zero and infinite below."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(t > 0.0, t * np.log(t), np.where(t > -1e-12, 0.0, inf))
