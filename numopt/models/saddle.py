"""Saddle points with a bilinear coupling.

    min_x max_y   f(x) + p'x + y'Kx + q'y - h(y)         f, h convex, with proximal maps

As an inclusion for u = (x, y): F(u) = (p + K'y, -q - Kx) and G = (df, dh). Smooth convex terms may
be added to f and h by their gradients, which then belong to F.
"""

from typing import Any

import numpy as np

from numopt.core.errors import ProblemError
from numopt.linalg.coupling import PROBES, Dense, Sparse, coupling, reciprocal, spectral_norm
from numopt.models.inputs import real_array, real_vector
from numopt.models.monotone import MonotoneProblem, finite

POWER_STEPS = 10  # of the power iteration: methods raise the bound as they go


class BilinearProblem(MonotoneProblem):
    """Base of saddle points with a bilinear coupling.

    A subclass has `prox_x` and `prox_y`, and sets

    K : Dense, Sparse, Products or Centred
        Shape (m, n).
    p, q : ndarray, shapes (n,) and (m,)
    diagonal : bool
        Whether its proximal maps take a vector of steps, one for each entry.
    """

    kind = "bilinear"
    K: Any
    p: np.ndarray
    q: np.ndarray
    diagonal = True
    adaptive_weight = False  # whether primal and dual distances are unknown beforehand

    def _sized(self):
        m, n = self.K.shape
        self.n = n + m
        self.components = max(1, 2 * m * n // (m + n)) if self.K.rows_known else 1

    def prox_x(self, v, t) -> Any:
        """Return the proximal map of f with step t."""
        raise NotImplementedError

    def prox_y(self, v, t) -> Any:
        """Return the proximal map of h with step t."""
        raise NotImplementedError

    def split(self, u):
        """Return x and y of u = (x, y)."""
        return u[: self.K.shape[1]], u[self.K.shape[1] :]

    def start(self, x0=None, strict=False):
        """Return the start point; of a point given, the nearest one in the domain of G."""
        return self.resolvent(super().start(x0), 1.0)

    def resolvent(self, v, t):
        """Return (I + t G)^-1 v."""
        x, y = self.split(v)
        return np.concatenate([self.prox_x(x, t), self.prox_y(y, t)])

    def _operator(self, u):
        x, y = self.split(u)
        return np.concatenate([self.p + self.K.adjoint(y), -self.q - self.K.times(x)])

    # -- sampling of rows and columns --------------------------------------------------------

    def sampling(self):
        """Return probabilities of rows and of columns, by their squared norms, and sqrt(E L^2)."""
        if self.memo is None or "sampling" not in self.memo:
            rows, columns = (v**2 for v in self.K.norms())
            total = max(float(rows.sum()), np.finfo(float).tiny)
            found = rows / rows.sum(), columns / columns.sum(), np.sqrt(total)
            if self.memo is None:
                return found
            self.memo["sampling"] = found
        return self.memo["sampling"]

    @property
    def lipschitz(self):  # pyright: ignore
        """Frobenius norm of K, the constant on average; None if the entries are not known."""
        return float(self.sampling()[2]) if self.components > 1 else None

    def sample(self, rng, size):
        """Draw pairs of a row and a column, shape (size, 2)."""
        m, n = self.K.shape
        if self.components == 1:
            return np.zeros((size, 2), dtype=np.int64)
        rows, columns, _ = self.sampling()
        draws = rng.choice(m, size=size, p=rows), rng.choice(n, size=size, p=columns)
        return np.stack(draws, axis=1)

    def _difference(self, idx, u, v):
        if self.components == 1:
            return self._operator(u) - self._operator(v)
        dx, dy = self.split(u - v)
        (rows, columns, _), (i, j), size = self.sampling(), idx.T, len(idx)
        by_rows = self.K.some_rows(i, dy[i] / (size * rows[i]))
        return np.concatenate([by_rows, -self.K.some_columns(j, dx[j] / (size * columns[j]))])

    # -- what primal-dual methods need -------------------------------------------------------

    def metric(self):
        """Return the steps of x and of y up to a factor: 1 / norm of column or row, if allowed."""
        m, n = self.K.shape
        if not self.diagonal:
            return np.ones(n), np.ones(m)
        self.pay(self.components * (1 if self.K.rows_known else PROBES))
        rows, columns = self.K.norms()
        return reciprocal(columns), reciprocal(rows)

    def norm_of(self, dx, dy):
        """Return a lower bound of the norm of K in the metric."""
        self.pay(self.components * POWER_STEPS)
        return spectral_norm(self.K, dx, dy, POWER_STEPS)

    def weight(self, dx, dy):
        """Return the first ratio of dual to primal steps."""
        return 1.0

    def products(self, x, y):
        """Return K x and K'y."""
        self.pay(self.components)
        return finite(self.K.times(x)), finite(self.K.adjoint(y))

    def assembled(self, Kx, Kty):
        """Return F of a point whose products are known."""
        return np.concatenate([self.p + Kty, -self.q - Kx])

    def taken_apart(self, F):
        """Return K x and K'y of a point whose F is known."""
        to_x, to_y = self.split(F)
        return -self.q - to_y, to_x - self.p

    def refuse_unsolvable(self, x, y):
        """Stop if directions prove that there is no solution; by default there is one."""

    def purified(self, point):
        """Return a much better point guessed from the structure of a point; None by default."""

    def fields(self, point):
        """Return the problem's own fields of a result."""
        x, y = self.split(point.u)
        return {"primal": x.copy(), "dual": y.copy()}


class SaddlePoint(BilinearProblem):
    """A saddle point with bilinear coupling and terms that have proximal maps.

        min_x max_y   f(x) + s(x) + p'x + y'Kx + q'y - h(y) - r(y)

    Parameters
    ----------
    K : array_like, sparse matrix or LinearOperator, shape (m, n)
    prox_x, prox_y : callable, optional
        ``prox_x(v, t)``: the proximal map of t f; the same of h for `prox_y`. None is the
        identity: no f, no h. An object with a method ``prox(v, t)`` will do.
    p, q : array_like, shapes (n,) and (m,), optional
    grad_x, grad_y : callable, optional
        Gradients of the smooth convex functions s and r. With one of them `rhpdhg` does not apply.
    x0 : array_like, shape (n + m,), optional
        Start point (x, y); zero by default.
    fun : callable, optional
        ``fun(x, y) -> float``, shown as `res.fun`; the residual by default.
    with_metric : bool
        Whether `prox_x` and `prox_y` take a vector of steps t, one for each entry, as those of
        functions that are sums over entries can; `rhpdhg` then scales.

    Raises
    ------
    ProblemError, InputTypeError
        For shapes that do not fit and numbers that are not finite.

    Examples
    --------
    The lasso, min |x|_1 + |Kx - b|^2 / 2, with h(y) = |y|^2 / 2 + b'y:

    >>> K, b = np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([3.0, 1.0])
    >>> shrink = lambda v, t: np.sign(v) * np.maximum(abs(v) - t, 0)
    >>> problem = numopt.SaddlePoint(K, shrink, lambda v, t: (v - t * b) / (1 + t))
    >>> res = numopt.solve(problem)
    >>> res.success, res.primal.round(4)
    (True, array([1. , 0.5]))
    """

    def __init__(
        self, K, prox_x=None, prox_y=None, *, p=None, q=None, grad_x=None, grad_y=None, x0=None,
        fun=None, with_metric=False,
    ):  # fmt: skip
        super().__init__()
        self.K = checked_coupling(K, "K")
        m, n = self.K.shape
        self.p = np.zeros(n) if p is None else real_vector(p, "p", n=n, finite=True)
        self.q = np.zeros(m) if q is None else real_vector(q, "q", n=m, finite=True)
        self.maps = proximal(prox_x, "prox_x"), proximal(prox_y, "prox_y")
        self.grad_x, self.grad_y, self.user_fun = grad_x, grad_y, fun
        self.diagonal = bool(with_metric)
        self._sized()
        if grad_x is not None or grad_y is not None:
            self.kind, self.components = "inclusion", 1
        self.x0 = np.zeros(self.n)
        self.x0 = self.start(x0)

    def prox_x(self, v, t):
        """Return the proximal map of f with step t."""
        return real_array(self.maps[0](v.copy(), t), "`prox_x`", v.shape)

    def prox_y(self, v, t):
        """Return the proximal map of h with step t."""
        return real_array(self.maps[1](v.copy(), t), "`prox_y`", v.shape)

    def _operator(self, u):
        F = super()._operator(u)
        (x, y), (at_x, at_y) = self.split(u), self.split(F)
        if self.grad_x is not None:
            at_x += real_array(self.grad_x(x.copy()), "`grad_x`", x.shape)
        if self.grad_y is not None:
            at_y += real_array(self.grad_y(y.copy()), "`grad_y`", y.shape)
        return F

    def objective(self, point):
        """Return what `res.fun` shows."""
        if self.user_fun is None:
            return super().objective(point)
        return float(self.user_fun(*self.split(point.u)))


def proximal(term, name):
    """Return the proximal map that a callable, an object with `prox`, or None stands for."""
    if term is None:
        return lambda v, t: v
    found = getattr(term, "prox", term)
    if not callable(found):
        raise ProblemError(f"`{name}` must be callable, or have `prox`, got {type(term).__name__}")
    return found


def checked_coupling(K, name):
    """Return a matrix as `Dense`, `Sparse` or `Products`, or say what is wrong with it."""
    try:
        found = coupling(K)
    except (TypeError, ValueError):
        raise ProblemError(f"`{name}` must be a matrix, got {type(K).__name__}") from None
    shape: Any = found.shape
    if len(shape) != 2 or 0 in shape:
        raise ProblemError(f"`{name}` must be a matrix with rows and columns, got shape {shape}")
    if isinstance(found, (Dense, Sparse)):
        entries = found.K if isinstance(found, Dense) else found.K.data
        if not np.isfinite(entries).all():
            raise ProblemError(f"`{name}` must hold finite numbers only")
        return found
    m, n = shape
    for product, size, length in ((found.times, n, m), (found.adjoint, m, n)):
        value = product(np.full(size, 1.0 / size))
        if value.shape != (length,) or not np.isfinite(value).all():
            raise ProblemError(f"a product with `{name}` has shape {value.shape} or is not finite")
    return found
