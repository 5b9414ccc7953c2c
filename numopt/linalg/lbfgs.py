"""A limited-memory BFGS approximation of a Hessian, and KKT systems with a low-rank part.

With the latest pairs (s_i, y_i) of steps and changes of the gradient, and B_0 = sigma I for
sigma = |y|^2 / s'y of the last one,

    B_i = B_{i-1} - a_i a_i' + b_i b_i',   a_i = B_{i-1} s_i / (s_i'B_{i-1} s_i)^1/2,
                                           b_i = y_i / (s_i'y_i)^1/2

so that B = sigma I + V diag(d) V' with d = 1 and -1 (Nocedal and Wright, Numerical Optimization,
section 7.2). It is positive definite as each s_i'y_i > 0, to which end y is damped (Powell 1978). A
KKT matrix with B is one with a diagonal matrix in its place plus a matrix of rank 2k: it is solved
by one sparse factorisation and the identity of Sherman, Morrison and Woodbury.
"""

import numpy as np
from scipy.sparse import csr_matrix

from numopt.linalg.factor import SingularKKTError
from numopt.linalg.kkt import KKTSystem
from numopt.linalg.shifted import LowRank

PAIRS = 10
DAMPED = 0.2  # least s'y, relative to s'Bs
REFINEMENTS = 2


class LimitedBFGS:
    """The approximation; methods as in `scipy.optimize.HessianUpdateStrategy`.

    Parameters
    ----------
    pairs : int
        How many of the latest pairs are kept.
    """

    def __init__(self, pairs=PAIRS):
        self.pairs = pairs

    def initialize(self, n, approx_type):
        """Start from the identity of order n; `approx_type` must be "hess"."""
        if approx_type != "hess":
            raise ValueError("only approximations of the Hessian itself, 'hess', are kept")
        self._S, self._Y = np.zeros((n, 0)), np.zeros((n, 0))
        self._matrix = LowRank(np.zeros((n, 0)), np.zeros(0), 1.0)

    def update(self, delta_x, delta_grad):
        """Take in a step and the change of the gradient along it."""
        s, y, Bs = delta_x, delta_grad, self.dot(delta_x)
        curvature, found = float(s @ Bs), float(s @ y)
        if not curvature > 0.0 or not np.isfinite(y).all():
            return
        if found < DAMPED * curvature:
            y = Bs + (1.0 - DAMPED) * curvature / (curvature - found) * (y - Bs)
        self._S = np.column_stack([self._S, s])[:, -self.pairs :]
        self._Y = np.column_stack([self._Y, y])[:, -self.pairs :]
        self._matrix = self._unrolled()

    def dot(self, p):
        """Return B p."""
        return self._matrix @ p

    def get_matrix(self):
        """Return B as a `LowRank`."""
        return self._matrix

    def _unrolled(self):
        s, y = self._S[:, -1], self._Y[:, -1]
        sigma = float(y @ y) / float(s @ y)
        columns, signs = [], []
        for s, y in zip(self._S.T, self._Y.T, strict=True):
            Bs = sigma * s + sum(d * (v @ s) * v for v, d in zip(columns, signs, strict=True))
            columns += [Bs / np.sqrt(s @ Bs), y / np.sqrt(s @ y)]
            signs += [-1.0, 1.0]
        return LowRank(np.column_stack(columns), np.array(signs), sigma)


class LowRankKKT:
    """One KKT matrix with H positive definite of low rank plus diagonal.

    Parameters, methods and errors are those of `KKTSystem`, but for H, a `LowRank`.
    """

    def __init__(self, H, A, diagonal, delta_c=0.0, pivot=0.0, analyses=None):
        self.H, self.A, self.diagonal, self.delta_c = H, A, diagonal, delta_c
        none = csr_matrix((A.shape[1], A.shape[1]))
        extra = {"delta_c": delta_c, "pivot": pivot, "analyses": analyses}
        self._base = KKTSystem(none, A, H.diag + diagonal, **extra)
        self.inertia = self._base.inertia  # that of K as H is positive definite, too
        columns = [self._base.solve(v, np.zeros(A.shape[0])) for v in H.V.T]
        self._P = np.column_stack([p for p, _ in columns]) if columns else H.V
        self._Y = np.column_stack([y for _, y in columns]) if columns else A @ H.V
        self._core = np.eye(H.d.size) + H.d[:, None] * (H.V.T @ self._P)

    def product(self, p, y):
        """Return K (p, y) as a pair."""
        return self.H @ p + self.diagonal * p + self.A.T @ y, self.A @ p - self.delta_c * y

    def curvature(self, p):
        """Return p'(H + D)p."""
        return float(p @ (self.H @ p) + p @ (self.diagonal * p))

    def solve(self, top, bottom):
        """Return the pair (p, y) with K (p, y) = (top, bottom)."""
        p, y = self._once(top, bottom)
        for _ in range(REFINEMENTS):
            now = self.product(p, y)
            dp, dy = self._once(top - now[0], bottom - now[1])
            p, y = p + dp, y + dy
        return p, y

    def _once(self, top, bottom):
        p, y = self._base.solve(top, bottom)
        try:
            along = np.linalg.solve(self._core, self.H.d * (self.H.V.T @ p))
        except np.linalg.LinAlgError:
            raise SingularKKTError from None
        return p - self._P @ along, y - self._Y @ along
