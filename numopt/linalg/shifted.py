"""Families of systems (H + lam I) h = -g: factorise once, then solve for many shifts lam.

    dense        H = Q diag(w) Q'                 one eigendecomposition, O(n^2) a shift
    large dense  H = Q T Q', T tridiagonal        a quarter of that work, O(n^2) a shift
    low rank     H = V diag(d) V' + diag(e)       eigenvectors of rank k, or Woodbury
    products     H Q_k = Q_k T_k + ...            Lanczos: all shifts from one growing basis
    sparse       factors of H + lam I             one factorisation a shift

Each family has ``smallest``, the smallest eigenvalue of H or an estimate of it that `lower` makes
lower, ``factorisations``, the number made so far, and ``solve(lam, g)``, which raises
`NotPositiveError` unless H + lam I is positive definite as far as it can tell.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh, eigvalsh_tridiagonal
from scipy.linalg.lapack import dormqr, dptsv, dsytrd, dsytrd_lwork  # pyright: ignore
from scipy.sparse import coo_matrix, issparse
from scipy.sparse.linalg import LinearOperator

from numopt.linalg.factor import SingularKKTError, positive_definite

EIGEN_LIMIT = 500  # above, a tridiagonal form is several times cheaper than eigenvectors
FULL = 0.2  # a sparse matrix with more than this part of its entries is treated as dense
DENSE_LIMIT = 3000
BASIS_LIMIT = 300  # vectors that a Lanczos basis may hold
RITZ = 30  # vectors behind an estimate of the smallest eigenvalue of a sparse matrix
LEAST_SHIFT = 1e-4  # of an indefinite sparse matrix, relative to its norm
ACCURACY = 1e-4  # of solutions by Lanczos: relative residual


class NotPositiveError(ArithmeticError):
    """H + lam I is not positive definite."""


@dataclass(frozen=True, eq=False)
class LowRank:
    """The symmetric matrix V diag(d) V' + diag(e).

    Parameters
    ----------
    V : ndarray, shape (n, k)
        Any columns, not necessarily orthogonal.
    d : ndarray, shape (k,)
        Weights.
    diag : ndarray, shape (n,), or float
        Added diagonal, 0 for none.
    """

    V: np.ndarray
    d: np.ndarray
    diag: Any = 0.0

    @property
    def shape(self):
        """(n, n)."""
        return (self.V.shape[0],) * 2

    def __matmul__(self, v):
        return self.V @ (self.d * (self.V.T @ v)) + self.diag * v

    def diagonal(self):
        """Return the diagonal, shape (n,)."""
        return self.V**2 @ self.d + self.diag

    def toarray(self):
        """Return the full matrix, shape (n, n)."""
        full = (self.V * self.d) @ self.V.T
        full[np.diag_indices_from(full)] += self.diag
        return full


def shifted(H, g, analyses=None):
    """Return the family for a Hessian in any form.

    Parameters
    ----------
    H : ndarray, sparse matrix, LinearOperator or LowRank, shape (n, n)
        Symmetric.
    g : ndarray, shape (n,)
        The right-hand side that a Lanczos basis starts from.
    analyses : Analyses, optional
        Of the sparse patterns met so far.

    Raises
    ------
    FloatingPointError
        If H holds NaN or infinity.
    """
    if isinstance(H, LowRank):
        return LowRankFamily(H)
    if isinstance(H, LinearOperator):
        return LanczosFamily(H, g)
    if issparse(H):
        n = H.shape[0]
        if n > EIGEN_LIMIT and (n > DENSE_LIMIT or H.nnz < FULL * n * n):
            return FreshFamily(H, analyses)
        H = H.toarray()
    return dense_family(H)


def dense_family(H):
    """Return the family of a dense matrix."""
    _check_finite(H)
    return EigenFamily(H) if H.shape[0] <= EIGEN_LIMIT else TridiagonalFamily(H)


def _check_finite(values):
    if not np.isfinite(values).all():
        raise FloatingPointError("the Hessian is not finite")


class Family:
    """What all families share."""

    smallest: Any = 0.0
    factorisations = 0

    def lower(self, g):
        """Put a lower estimate in the place of `smallest`, which has proved too high."""
        self.smallest = 2.0 * min(self.smallest, 0.0)


class EigenFamily(Family):
    """H = Q diag(w) Q'."""

    factorisations = 1

    def __init__(self, H):
        self._w, self._Q = eigh(H, check_finite=False, driver="evd")
        self.smallest = self._w[0]

    def solve(self, lam, g):
        """Return -(H + lam I)^-1 g."""
        w = self._w + lam
        if not w[0] > 0.0:
            raise NotPositiveError
        return -(self._Q @ ((self._Q.T @ g) / w))


class TridiagonalFamily(Family):
    """H = Q T Q' with T tridiagonal and Q as LAPACK's reflectors."""

    factorisations = 1

    def __init__(self, H):
        n = H.shape[0]
        lwork = int(dsytrd_lwork(n, lower=1)[0])
        c, self._d, self._e, self._tau, _ = dsytrd(H, lower=1, lwork=lwork)
        self._reflectors = np.asfortranarray(c[1:, :-1])  # Q = diag(1, their product)
        lowest = eigvalsh_tridiagonal(self._d, self._e, select="i", select_range=(0, 0))
        self.smallest = lowest[0]

    def solve(self, lam, g):
        """Return -(H + lam I)^-1 g."""
        *_, y, info = dptsv(self._d + lam, self._e, self._times(g, "T"))
        if info:
            raise NotPositiveError
        return -self._times(y, "N")

    def _times(self, v, trans):
        tail = v[1:, None]
        tail, _, _ = dormqr("L", trans, self._reflectors, self._tau, tail, lwork=self._tau.size)
        return np.concatenate([v[:1], tail[:, 0]])


class LowRankFamily(Family):
    """H = V diag(d) V' + e I = Q diag(w) Q' + e I with few columns, or by Woodbury's identity.

    The identity serves where e is a vector; it solves a system of order k for each shift.
    """

    def __init__(self, H):
        for part in (H.V, H.d, H.diag):
            _check_finite(part)
        self._V, self._d, self._e = H.V, H.d, np.asarray(H.diag, dtype=float)
        self.factorisations = 1
        if self._e.ndim == 0:
            self._Q, R = np.linalg.qr(H.V)
            self._w, U = eigh((R * H.d) @ R.T, check_finite=False)
            self._Q = self._Q @ U
            self.smallest = float(self._e + min(0.0, self._w.min(initial=0.0)))
        else:  # a bound from below
            sizes = np.sum(H.V**2, axis=0) @ np.minimum(H.d, 0.0)
            self.smallest = float(self._e.min() + sizes)

    def solve(self, lam, g):
        """Return -(H + lam I)^-1 g."""
        base = self._e + lam
        if not base.min() > 0.0 or not lam + self.smallest > 0.0:
            raise NotPositiveError
        return self._thin(base, g) if base.ndim == 0 else self._woodbury(base, g)

    def _thin(self, base, g):
        y = self._Q.T @ g
        return -(self._Q @ (y / (self._w + base))) - (g - self._Q @ y) / base

    def _woodbury(self, base, g):
        y, scaled = g / base, self._V * self._d
        inner = np.eye(self._d.size) + scaled.T @ (self._V / base[:, None])
        return self._V @ np.linalg.solve(inner, scaled.T @ y) / base - y


class LanczosFamily(Family):
    """Products only: (H + lam I) Q_k = Q_k (T_k + lam I) + beta_k q e_k', whatever lam is.

    The basis grows until the residual of the shift asked for is below `ACCURACY`, so smaller
    shifts cost further products and larger ones nothing. Vectors are orthogonalised twice against
    the whole basis, which holds at most `BASIS_LIMIT` of them.
    """

    def __init__(self, H, g):
        self._H, self._size = H, np.linalg.norm(g)
        self._Q, self._d, self._e = [g / self._size], [], []
        self._grow()

    def solve(self, lam, g):
        """Return -(H + lam I)^-1 g for the g that the basis starts from."""
        while True:
            *_, y, info = dptsv(
                np.array(self._d) + lam, np.array(self._e[:-1] or [0.0]), self._start()
            )
            if info:
                raise NotPositiveError
            small = self._e[-1] * abs(y[-1]) <= ACCURACY * self._size
            if small or len(self._d) >= min(BASIS_LIMIT, g.size):
                return -(np.array(self._Q[: y.size]).T @ y)
            self._grow()

    def lower(self, g):
        """Put the smallest Ritz value in the place of `smallest`, or double that."""
        lowest = self.ritz_value()
        self.smallest = 1.1 * lowest if lowest < self.smallest else 2.0 * self.smallest

    def ritz_value(self, least=1):
        """Return the smallest Ritz value of a basis of at least so many vectors."""
        while len(self._d) < least and self._e[-1] > 0.0:
            self._grow()
        off = np.array(self._e[:-1])
        return eigvalsh_tridiagonal(np.array(self._d), off, select="i", select_range=(0, 0))[0]

    def _start(self):
        e1 = np.zeros(len(self._d))
        e1[0] = self._size
        return e1

    def _grow(self):
        q = self._H @ self._Q[-1]
        _check_finite(q)
        self._d.append(float(q @ self._Q[-1]))
        size = np.linalg.norm(q)
        basis = np.array(self._Q)
        for _ in range(2):
            q = q - basis.T @ (basis @ q)
        rest = float(np.linalg.norm(q))
        self._e.append(rest if rest > 1e-14 * size else 0.0)
        self._Q.append(q / rest if rest > 0.0 else q)


class FreshFamily(Family):
    """H + lam I, dense or sparse, factorised anew for each shift; `lower` asks Lanczos."""

    def __init__(self, H, analyses=None):
        _check_finite(H.data if issparse(H) else H)
        self._H, self._analyses = H, analyses

    def lower(self, g):
        """Put a Ritz value in the place of `smallest`, or double that."""
        if self.smallest < 0.0:
            self.smallest *= 2.0
        else:  # Lanczos may miss what the factorisation has seen
            least = -LEAST_SHIFT * float(abs(self._H).sum(axis=1).max())
            self.smallest = min(1.1 * LanczosFamily(self._H, g).ritz_value(RITZ), least)

    def solve(self, lam, g):
        """Return -(H + lam I)^-1 g."""
        self.factorisations += 1
        try:
            h = positive_definite(self._plus(lam), self._analyses).solve(-g)
        except SingularKKTError:
            raise NotPositiveError from None
        if not h @ g < 0.0:  # not every factorisation reveals the inertia
            raise NotPositiveError
        return h

    def _plus(self, lam):
        """Return H + lam I; a sparse one has the same pattern for all shifts."""
        n = self._H.shape[0]
        if not issparse(self._H):
            return self._H + lam * np.eye(n)
        H, index = self._H.tocoo(), np.arange(n)
        places = np.concatenate([H.row, index]), np.concatenate([H.col, index])
        return coo_matrix((np.concatenate([H.data, np.full(n, lam)]), places), shape=(n, n)).tocsc()
