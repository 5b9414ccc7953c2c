"""Least squares by a sketch that preconditions LSQR.

    minimise |A x - b|_2,   A (n, k) with n >= k,   the shortest x if there are many

    Q R = S A,  S random s x n with s = 4 k       (sketch and QR)
    x = R^-1 u,  u by LSQR for |A R^-1 u - b|      (Rokhlin and Tygert 2008)

S embeds the range of A, so A R^-1 has a condition number near (1 + sqrt(k/s)) / (1 - sqrt(k/s)),
that is 3, whatever that of A is: LSQR needs about 30 steps for ten digits. Where S A is rank
deficient, V Sigma^-1 of its SVD takes the place of R^-1, and for k > n the same is done with A'
from the left (LSRN: Meng, Saunders and Mahoney 2014); both give the shortest solution.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import csr_matrix, issparse
from scipy.sparse.linalg import LinearOperator, lsqr

OVERSAMPLING = 4  # rows of the sketch for each column of A
COPIES = 8  # nonzeros in a column of a CountSketch
RANK_TOL = 1e-12  # singular values of the sketch below this, relatively, are zero
MAXITER = 200


class Solution(NamedTuple):
    """A least-squares solution.

    Attributes
    ----------
    x : ndarray, shape (k,)
    rank : int
        Rank of the sketch, and so of A.
    steps : int
        Steps of LSQR.
    converged : bool
        Whether LSQR reached its tolerance.
    """

    x: np.ndarray
    rank: int
    steps: int
    converged: bool


def count_sketch(A, rows, rng, copies=COPIES):
    """Return S A for a sparse S with one nonzero in each of `copies` blocks of rows.

    Parameters
    ----------
    A : ndarray or sparse matrix, shape (n, k)
    rows : int
        Rows of S, rounded up to a multiple of `copies`.
    rng : numpy.random.Generator
        Source of S.
    copies : int
        Nonzeros in each column of S (the block form of Kane and Nelson 2014).

    Returns
    -------
    ndarray, shape (rows, k)
    """
    from numopt.kernels import sketch

    n, block = A.shape[0], -(-rows // copies)
    targets = rng.integers(block, size=(n, copies)) + block * np.arange(copies)
    signs = (2.0 * rng.integers(2, size=(n, copies)) - 1.0) / np.sqrt(copies)
    out = np.zeros((block * copies, A.shape[1]))
    if issparse(A):
        A = csr_matrix(A)
        sketch.countsketch_sparse(A.indptr, A.indices, A.data, targets, signs, out)
    else:
        sketch.countsketch(np.ascontiguousarray(A), targets, signs, out)
    return out


def srht(A, rows, rng):
    """Return S A for a subsampled randomised Hadamard transform S.

    Parameters
    ----------
    A : ndarray or sparse matrix, shape (n, k)
        A sparse matrix becomes dense.
    rows : int
        Rows of S, at most the next power of two above n.
    rng : numpy.random.Generator
        Source of the signs and of the rows that are kept.

    Returns
    -------
    ndarray, shape (rows, k)
    """
    from numopt.kernels import sketch

    n = A.shape[0]
    padded = np.zeros((1 << max(0, n - 1).bit_length(), A.shape[1]))
    signs = 2.0 * rng.integers(2, size=n) - 1.0
    padded[:n] = signs[:, None] * (A.toarray() if issparse(A) else A)
    sketch.hadamard(padded)
    kept = rng.choice(padded.shape[0], size=min(rows, padded.shape[0]), replace=False)
    return padded[kept] / np.sqrt(kept.size)


SKETCHES = {"countsketch": count_sketch, "srht": srht}


def sketch_lsqr(A, b, rng, *, sketch="countsketch", oversampling=OVERSAMPLING, tol=1e-12):
    """Return the shortest minimiser of ``|A x - b|_2``.

    Parameters
    ----------
    A : ndarray or sparse matrix, shape (n, k)
        Tall or wide; of any rank.
    b : ndarray, shape (n,)
    rng : numpy.random.Generator
        Source of the sketch.
    sketch : {"countsketch", "srht"}
    oversampling : int
        Rows of the sketch for each column of the tall one of A and A'.
    tol : float
        Tolerance of LSQR, for the residual and for its gradient.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        For arrays that are not finite.
    """
    wide = A.shape[0] < A.shape[1]
    tall = A.T if wide else A
    if not np.isfinite(b).all() or not np.isfinite(tall.data if issparse(tall) else tall).all():
        raise ValueError("`A` and `b` must be finite")
    if not min(A.shape) or not b.any():
        return Solution(np.zeros(A.shape[1]), min(A.shape), 0, True)
    rows = oversampling * tall.shape[1]
    if tall.shape[0] > rows:
        small = SKETCHES[sketch](tall, rows, rng)
    else:
        small = tall.toarray() if issparse(tall) else tall
    solve = _from_the_left if wide else _from_the_right
    return solve(A, b, _Inverse(small), tol)


def multiplier_estimate(A, g, rng):
    """Return the shortest y that minimises ``|g + A'y|``, for A of shape (m, n)."""
    return sketch_lsqr(A.T, -g, rng).x


class _Inverse:
    """N of shape (k, rank) with orthonormal columns of S A N: R^-1, or V Sigma^-1."""

    def __init__(self, SA):
        k = SA.shape[1]
        R: Any = np.linalg.qr(SA, mode="r")
        self._R = R = R[:k]
        d = np.abs(R.diagonal())
        self.rank = k
        if R.shape[0] < k or not d.min() > RANK_TOL * d.max():
            _, sizes, Vt = np.linalg.svd(R, full_matrices=False)
            self.rank = int((sizes > RANK_TOL * max(R.shape) * sizes[0]).sum())
            self._N = Vt[: self.rank].T / sizes[: self.rank]
            self._R = None

    def __matmul__(self, u):
        return self._N @ u if self._R is None else solve_triangular(self._R, u)

    def transposed(self, v):
        """Return N'v."""
        return self._N.T @ v if self._R is None else solve_triangular(self._R, v, trans=1)


def _from_the_right(A, b, N, tol):
    """Minimise |A N u - b| over u; x = N u."""
    shape = A.shape[0], N.rank
    u, steps, converged = _lsqr(
        shape, lambda u: A @ (N @ u), lambda v: N.transposed(A.T @ v), b, tol
    )
    return Solution(N @ u, N.rank, steps, converged)


def _from_the_left(A, b, N, tol):
    """Minimise |N'(A x - b)|, with N from a sketch of A'; the shortest x is in the range of A'."""
    shape, right = (N.rank, A.shape[1]), N.transposed(b)
    x, steps, converged = _lsqr(
        shape, lambda x: N.transposed(A @ x), lambda v: A.T @ (N @ v), right, tol
    )
    return Solution(x, N.rank, steps, converged)


def _lsqr(shape, times, transposed_times, b, tol):
    if not min(shape):
        return np.zeros(shape[1]), 0, True
    operator = LinearOperator(shape, matvec=times, rmatvec=transposed_times)  # pyright: ignore
    x, why, steps = lsqr(operator, b, atol=tol, btol=tol, iter_lim=MAXITER)[:3]
    return x, steps, why in (0, 1, 2, 4, 5)
