"""Symmetric indefinite KKT systems, factorised with their inertia.

    K = [ H + D + delta_w I      A'       ]        H (n, n),  D diagonal,  A (m, n)
        [       A           -delta_c I    ]

A step from such a system is a descent direction of the usual merit functions if K has the inertia
(n, m, 0): then H + D + delta_w I is positive definite on the null space of A.
"""

import numpy as np
from scipy.sparse import coo_matrix, issparse

from numopt.linalg.factor import FACTORS, Analyses, Inertia, SingularKKTError, sparse_kind

__all__ = ["DENSE_LIMIT", "Inertia", "KKTSystem", "SingularKKTError"]

DENSE_LIMIT = 500  # largest dimension n + m that is factorised as a dense matrix
NEARLY_FULL, FULL_LIMIT = 0.2, 3000  # also dense: at least so full, at most so large
REFINEMENTS = 5
BACKWARD_ERROR = 1e-12  # refinement ends at this relative residual
USEFUL_RESIDUAL = 1e-8  # of the system without its pivot shift
USELESS_RESIDUAL = 1e-5  # a solve that leaves more than this counts as singular
QUASI_DEFINITE = 1e-8  # shift of the diagonal that factors without pivoting need


class KKTSystem:
    """One KKT matrix: assembled, factorised, solved with iterative refinement.

    Parameters
    ----------
    H : ndarray or sparse matrix, shape (n, n)
        Symmetric; the full matrix.
    A : ndarray or sparse matrix, shape (m, n)
        Constraint Jacobian.
    diagonal : ndarray, shape (n,)
        Added to the diagonal of H.
    delta_c : float
        Regularisation of the (2, 2) block, nonnegative.
    pivot : float
        More of it that only serves the factorisation: refinement removes it from the solution
        where it can, that is where A has full rank.
    kind : {"dense", "feral", "qdldl", "lu"}, optional
        The factorisation; chosen by `best_kind` if None.
    analyses : Analyses, optional
        Of the patterns met so far, to be used and extended.

    Raises
    ------
    SingularKKTError
        If the matrix is singular to working precision.
    """

    def __init__(self, H, A, diagonal, delta_c=0.0, pivot=0.0, kind=None, analyses=None):
        self.H, self.A, self.diagonal = H, A, diagonal
        self.delta_c, self.pivot = delta_c, pivot
        self.n, self.m = A.shape[1], A.shape[0]
        self.kind = kind or best_kind(H, A)
        self._analyses = analyses or Analyses()
        self._factor = self._factorised()

    @property
    def inertia(self):
        """The inertia, or None where the factorisation does not reveal it."""
        return self._factor.inertia

    def product(self, p, y, delta_c=None):
        """Return K (p, y) as a pair."""
        delta_c = self.delta_c if delta_c is None else delta_c
        top = self.H @ p + self.diagonal * p + self.A.T @ y
        return top, self.A @ p - delta_c * y

    def curvature(self, p):
        """Return p'(H + D)p."""
        return float(p @ (self.H @ p) + p @ (self.diagonal * p))

    def solve(self, top, bottom):
        """Return the pair (p, y) with K (p, y) = (top, bottom).

        Raises
        ------
        SingularKKTError
            If no solution of a small residual is found.
        """
        b = np.concatenate([top, bottom])
        z, residual = self._refined(b, self.delta_c)
        if self.pivot and not residual <= USEFUL_RESIDUAL:
            z, residual = self._refined(b, self.delta_c + self.pivot)
        if not residual <= USELESS_RESIDUAL:
            if self.kind != "qdldl":
                raise SingularKKTError
            return KKTSystem(self.H, self.A, self.diagonal, self.delta_c, self.pivot, "lu").solve(
                top, bottom
            )
        return z[: self.n], z[self.n :]

    def _refined(self, b, delta_c):
        """Return the solution and its relative residual for the (2, 2) block -delta_c I."""
        n = self.n
        size = np.abs(b).max(initial=0.0)
        best, least = np.zeros_like(b), np.inf
        z, r = best, b
        for _ in range(REFINEMENTS + 1):
            z = z + self._factor.solve(r)
            r = b - np.concatenate(self.product(z[:n], z[n:], delta_c))
            scale = size + np.abs(z).max(initial=0.0)
            residual = np.abs(r).max(initial=0.0) / (scale or 1.0)
            if not residual < least:
                break
            best, least = z, residual
            if residual <= BACKWARD_ERROR:
                break
        return best, least

    def _factorised(self):
        delta_c = self.delta_c + self.pivot
        if self.kind == "dense":
            return FACTORS["dense"](self._dense(delta_c))
        shift = QUASI_DEFINITE if self.kind == "qdldl" else 0.0
        return self._analyses.factor(self.kind, self._sparse(shift, max(delta_c, shift)))

    def _dense(self, delta_c):
        n, k = self.n, self.n + self.m
        K = np.zeros((k, k), order="F")
        K[:n, :n] = self.H.toarray() if issparse(self.H) else self.H
        K[n:, :n] = self.A.toarray() if issparse(self.A) else self.A
        index = np.arange(k)
        K[index[:n], index[:n]] += self.diagonal
        K[index[n:], index[n:]] = -delta_c
        return K

    def _sparse(self, shift, delta_c):
        n, k = self.n, self.n + self.m
        H, A, index = self.H.tocoo(), self.A.tocoo(), np.arange(k)
        corner = np.concatenate([self.diagonal + shift, np.full(self.m, -delta_c)])
        rows = np.concatenate([H.row, A.row + n, A.col, index])
        cols = np.concatenate([H.col, A.col, A.row + n, index])
        data = np.concatenate([H.data, A.data, A.data, corner])
        return coo_matrix((data, (rows, cols)), shape=(k, k)).tocsc()


def best_kind(H, A):
    """Return the factorisation that suits the blocks: dense where they are small or nearly full."""
    k = H.shape[0] + A.shape[0]
    if not issparse(H):
        return "dense"
    if k <= FULL_LIMIT and H.nnz + 2 * A.nnz > NEARLY_FULL * k**2:
        return "dense"
    return sparse_kind()
