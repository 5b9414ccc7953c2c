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
from typing import NamedTuple

import numpy as np

from numopt.core.errors import ProblemError, UnsupportedError
from numopt.models.design import Design
from numopt.models.inputs import real_vector, repeated

STRIP = 256  # columns that are handled at once
NEWTON_STEPS = 50  # for the intercept; quadratic convergence needs about five
SQUARED, LOGISTIC, HUBER, POISSON, MULTINOMIAL = range(5)  # codes of losses, for the kernels


class Point(NamedTuple):
    """A point and what is known there; the arrays are moved in place by `advance`."""

    x: np.ndarray  # variables, (n,)
    z: np.ndarray  # X x without the intercept, (m, k); for a quadratic form its gradient, (n, 1)
    c: np.ndarray  # intercept, (k,)


class Loss:
    """Base of all losses: f is convex and smooth.

    Attributes
    ----------
    n : int
        Number of variables.
    k : int
        Number of classes or targets: x is a matrix (n / k, k), row by row.
    """

    n = 0
    k = 1
    code = -1
    quadratic = False  # whether `hessian_bound` is the Hessian

    def state(self, x):
        """Return the `Point` of x, a copy."""
        raise NotImplementedError

    def value(self, state):
        """Return f."""
        raise NotImplementedError

    def gradient(self, state):
        """Return the gradient of f, shape (n,)."""
        raise NotImplementedError

    def block_gradient(self, state, b):
        """Return the entries b of the gradient; only their columns are read."""
        raise NotImplementedError

    def advance(self, state, b, delta):
        """Add `delta` to the variables b, in place."""
        raise NotImplementedError

    def lipschitz(self):
        """Return a bound of the curvature along each variable, shape (n,); it may be infinite."""
        raise NotImplementedError

    def hessian_bound(self, b):
        """Return a matrix above all Hessians of the block b, shape (|b|, |b|)."""
        raise NotImplementedError

    def hessian(self, state, b):
        """Return the Hessian of the block b, shape (|b|, |b|)."""
        raise NotImplementedError

    def product(self, state, d):
        """Return the Hessian times the vector d, shape (n,)."""
        raise NotImplementedError

    def row_sums(self):
        """Return the sums of moduli in the rows of a bound of the Hessian, shape (n,)."""
        raise NotImplementedError

    def graph(self):
        """Return the Hessian as a CSR matrix if it is constant and sparse, else None."""
        return

    def fitted(self, intercept, standardize):
        """Return this loss with an intercept, and with columns brought to variance one."""
        if intercept or standardize:
            name = type(self).__name__
            raise ProblemError(f"`intercept` and `standardize` have no meaning for {name}")
        return self


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

    def _scale_and_norms(self):
        self.squares = self.design.squares(self.s)
        if not np.isfinite(self.squares).all():
            _refuse_nonfinite(self.design, self.squares)

    def targets(self, y):
        """Return y as an array (m, k), after checks."""
        y = np.asarray(y)
        if y.ndim == 2 and self.many:
            return np.stack([real_vector(column, "y", finite=True) for column in y.T], axis=1)
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
            gradient = self.residual(state).sum(axis=0)
            step = np.linalg.lstsq(self._intercept_hessian(state), -gradient)[0]
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
        H = (block.T @ (bend[:, c] * block)) * (c[:, None] == c)
        if self.intercept:
            mixed = np.where(c[:, None] == np.arange(self.k), block.T @ bend, 0.0)
            H -= mixed @ np.linalg.pinv(self._intercept_hessian(state)) @ mixed.T
        return H

    def product(self, state, d):
        U = np.asarray(self.design.dot(d.reshape(self.p, self.k)))
        V = self._bent(state, U)
        if self.intercept:
            c = np.linalg.pinv(self._intercept_hessian(state)) @ V.sum(axis=0)
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


class LeastSquares(LinearLoss):
    """Squared residuals of a linear model.

        f(x) = 1/2 sum_i s_i (X_i x - y_i)^2

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
        See `Design` for what is copied.
    y : array_like, shape (m,) or (m, k)
        With k targets x is a matrix (p, k), flattened row by row.
    sample_weight : array_like, shape (m,), optional
        Weights s, not negative.

    Raises
    ------
    InputTypeError, ProblemError
        For data that are not finite real numbers, and shapes that do not fit.

    Examples
    --------
    >>> loss = numopt.LeastSquares([[1.0, 0.0], [0.0, 2.0]], [3.0, 4.0])
    >>> state = loss.state(np.zeros(2))
    >>> loss.value(state), loss.gradient(state)
    (12.5, array([-3., -8.]))
    """

    code = SQUARED
    quadratic = True
    many = True

    def phi(self, z, y):
        return 0.5 * np.sum((z - y) ** 2, axis=1)

    def slope(self, z, y):
        return z - y

    def bend(self, z, y):
        return np.ones_like(z)

    def _set_intercept(self, state):
        if self.intercept:
            gap = self.y - state.z
            state.c[:] = (gap.sum(axis=0) if self.s is None else self.s @ gap) / self.weight

    def intercepts(self, X):
        """Return the best intercepts for coefficients in the rows of X, shape (K,); k is one."""
        mean = (self.y[:, 0] if self.s is None else self.s * self.y[:, 0]).sum() / self.weight
        return mean - X @ self.means

    def _move_intercept(self, state, j, c, delta):
        if self.intercept:
            np.subtract.at(state.c, c, self.means[j] * delta)

    def lipschitz(self):
        squares = self.squares
        if self.intercept:
            squares = np.maximum(squares - self.weight * self.means**2, 0.0)
            squares[squares <= 1e-12 * self.squares] = 0.0  # constant columns
        return np.repeat(squares, self.k)

    def hessian_bound(self, b):
        H = super().hessian_bound(b)
        if self.intercept:
            j, c = np.divmod(b, self.k)
            H -= self.weight * np.outer(self.means[j], self.means[j]) * (c[:, None] == c)
        return H

    def hessian(self, state, b):
        return self.hessian_bound(b)

    def conjugate(self, residual):
        weighted = residual if self.s is None else _over(residual, self.s)
        return float(np.sum(residual * (0.5 * weighted + self.y)))


class Logistic(LinearLoss):
    """Logistic regression with classes -1 and 1.

        f(x) = sum_i s_i log(1 + exp(-y_i X_i x))

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
    y : array_like, shape (m,)
        Entries -1 and 1.
    sample_weight : array_like, shape (m,), optional

    Raises
    ------
    InputTypeError, ProblemError
        As for `LeastSquares`, and for other entries of `y`.
    """

    code = LOGISTIC
    curvature = majorant = 0.25

    def targets(self, y):
        y = super().targets(y)
        if not np.all(np.abs(y) == 1.0):
            raise ProblemError("`y` must hold -1 and 1 only")
        return y

    def phi(self, z, y):
        return np.logaddexp(0.0, -y * z)[:, 0]

    def slope(self, z, y):
        return -y * _sigmoid(-y * z)

    def bend(self, z, y):
        p = _sigmoid(z)
        return p * (1.0 - p)

    def conjugate(self, residual):
        t = -self.y * (residual if self.s is None else _over(residual, self.s))
        entropy = _xlogx(t) + _xlogx(1.0 - t)
        return float(entropy.sum() if self.s is None else self.s @ entropy[:, 0])


class Huber(LinearLoss):
    """Huber's robust regression: squares near zero, absolute values beyond.

        f(x) = sum_i s_i h(X_i x - y_i),   h(r) = r^2/2 for |r| <= delta, delta |r| - delta^2/2 else

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
    y : array_like, shape (m,)
    delta : float
        Positive.
    sample_weight : array_like, shape (m,), optional
    """

    code = HUBER

    def __init__(self, X, y, delta=1.0, sample_weight=None):
        super().__init__(X, y, sample_weight)
        self.delta = float(real_vector(delta, "delta", n=1, finite=True)[0])
        if not self.delta > 0.0:
            raise ProblemError(f"`delta` must be positive, got {self.delta}")

    def phi(self, z, y):
        near = np.clip(z - y, -self.delta, self.delta)
        return (near * (z - y - 0.5 * near))[:, 0]

    def slope(self, z, y):
        return np.clip(z - y, -self.delta, self.delta)

    def bend(self, z, y):
        return (np.abs(z - y) <= self.delta).astype(float)

    def weights(self, z):
        return np.ones_like(z)

    def conjugate(self, residual):
        weighted = residual if self.s is None else _over(residual, self.s)
        return float(np.sum(residual * (0.5 * weighted + self.y)))


class Poisson(LinearLoss):
    """Poisson regression with the logarithmic link.

        f(x) = sum_i s_i (exp(X_i x) - y_i X_i x)

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
    y : array_like, shape (m,)
        Not negative.
    sample_weight : array_like, shape (m,), optional
    """

    code = POISSON
    curvature = majorant = inf

    def targets(self, y):
        y = super().targets(y)
        if (y < 0.0).any():
            raise ProblemError("`y` must not be negative")
        return y

    def phi(self, z, y):
        return (np.exp(z) - y * z)[:, 0]

    def slope(self, z, y):
        return np.exp(z) - y

    def bend(self, z, y):
        return np.exp(z)

    def conjugate(self, residual):
        t = self.y + (residual if self.s is None else _over(residual, self.s))
        terms = _xlogx(t) - t
        return float(terms.sum() if self.s is None else self.s @ terms[:, 0])


class Multinomial(LinearLoss):
    """Multinomial logistic regression with k classes.

        f(W) = sum_i s_i (log sum_c exp(Z_ic) - sum_c Y_ic Z_ic),   Z = X W

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
    Y : array_like, shape (m, k)
        One in the column of the class, zero elsewhere.
    sample_weight : array_like, shape (m,), optional
    """

    code = MULTINOMIAL
    curvature = 0.25
    majorant = 0.5
    many = True

    def targets(self, y):
        y = super().targets(y)
        if y.shape[1] < 2 or not (np.isin(y, (0.0, 1.0)).all() and (y.sum(axis=1) == 1.0).all()):
            raise ProblemError("`Y` must have a column for each class and a single one in each row")
        return y

    def phi(self, z, y):
        top = z.max(axis=1)
        return np.log(np.exp(z - top[:, None]).sum(axis=1)) + top - np.sum(y * z, axis=1)

    def slope(self, z, y):
        return _softmax(z) - y

    def bend(self, z, y):
        p = _softmax(z)
        return p * (1.0 - p)

    def weights(self, z):
        return _softmax(z)

    def hessian_bound(self, b):
        j, c = np.divmod(b, self.k)
        k = min(self.k, np.unique(c).size + 1)
        block = self.design.columns(j)
        rows = block if self.s is None else self.s[:, None] * block
        return 0.5 * (block.T @ rows) * ((c[:, None] == c) - 1.0 / k)

    def hessian(self, state, b):
        j, c = np.divmod(b, self.k)
        block, p = self.design.columns(j), _softmax(self.margins(state))
        s = np.ones(self.m) if self.s is None else self.s
        part = p[:, c] * block
        H = (block.T @ (s[:, None] * part)) * (c[:, None] == c) - part.T @ (s[:, None] * part)
        if self.intercept:
            mixed = np.where(c[:, None] == np.arange(self.k), block.T @ (s[:, None] * p), 0.0)
            mixed -= part.T @ (s[:, None] * p)
            H -= mixed @ np.linalg.pinv(self._intercept_hessian(state)) @ mixed.T
        return H

    def _bent(self, state, U):
        P = _softmax(self.margins(state))
        V = P * (U - np.sum(P * U, axis=1)[:, None])
        return V if self.s is None else self.s[:, None] * V

    @property
    def _row_factor(self):
        return 1.0 - 1.0 / self.k

    def _intercept_hessian(self, state):
        p = _softmax(self.margins(state))
        weighted = p if self.s is None else self.s[:, None] * p
        return np.diag(weighted.sum(axis=0)) - p.T @ weighted

    def conjugate(self, residual):
        terms = _xlogx(self.y + (residual if self.s is None else _over(residual, self.s)))
        return float(terms.sum() if self.s is None else self.s @ terms.sum(axis=1))


def _sigmoid(t):
    return 0.5 * (1.0 + np.tanh(0.5 * t))


def _softmax(z):
    e = np.exp(z - z.max(axis=1)[:, None])
    return e / e.sum(axis=1)[:, None]


def _xlogx(t):
    """Return t log t, zero at zero and infinite below."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(t > 0.0, t * np.log(t), np.where(t > -1e-12, 0.0, inf))


def _over(residual, s):
    """Return residual / s, zero in rows without weight."""
    return np.divide(residual, s[:, None], out=np.zeros_like(residual), where=s[:, None] > 0.0)


def _weights(sample_weight, m):
    s = repeated(sample_weight, "sample_weight", m)
    if not (np.isfinite(s).all() and (s >= 0.0).all()):
        raise ProblemError("`sample_weight` must be finite and not negative")
    return s


def _refuse_nonfinite(design, squares):
    j = np.flatnonzero(~np.isfinite(squares))[0]
    what = "is too large" if np.isfinite(design.columns(np.array([j]))).all() else "is not finite"
    raise ProblemError(f"`X` must hold finite numbers only, column {j} {what}")
