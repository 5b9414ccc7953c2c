"""A positive definite matrix that agrees with a symmetric one where a working set leaves freedom.

With orthonormal bases Y of the row space of A and Z of its null space,

    B = H + Z (|Z'HZ| - Z'HZ) Z' + sigma Y Y'

has the curvature of H on the null space where that is positive and its absolute value elsewhere (a
little where there is none); sigma makes B positive definite. Steps that keep the rows met do not
feel sigma, so that Newton steps on the right working set remain what they are. A positive definite
H is not changed.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dgeqp3, dorgqr, dpotrf  # pyright: ignore

from numopt.linalg.quadratic import triangular

FLAT = 1e-10  # curvature relative to the largest entry of H that counts as none
RIDGE = 1e-8  # relative curvature that flat directions are given
NEGATIVE = 1e-4  # relative size of a curvature that is certainly negative
ACROSS = 0.1  # smallest eigenvalue across the rows, relative to the largest
DEPENDENT = 1e-10  # a row this close to the span of others, relatively, belongs to it


class Convex(NamedTuple):
    """B = LL', and what sigma needs."""

    L: np.ndarray  # (n, n)
    changed: bool  # whether B differs from H
    sigma: float
    Y: np.ndarray  # (n, rank)
    to_least: np.ndarray  # (rank, k): the least d with A d = b is Y @ to_least @ b

    def shift(self, b):
        """Return the gradient at d = 0 of sigma/2 |Y'(d - d_b)|^2, d_b least with A d_b = b."""
        return -self.sigma * (self.Y @ (self.to_least @ b))


def convexified(H, A):
    """Return the `Convex` of H for the rows of A.

    Parameters
    ----------
    H : ndarray, shape (n, n)
        Symmetric and finite.
    A : ndarray, shape (k, n)
        Rows of the working set, dependent ones included.
    """
    size = max(1.0, float(np.abs(H).max(initial=0.0)))
    L = _cholesky(H, FLAT * size)
    if L is not None:
        return Convex(L, False, 0.0, H[:, :0], H[:0, :0])
    Y, Z, to_least = _bases(A)
    ZHZ, V = np.linalg.eigh(Z.T @ H @ Z)
    positive = np.where(np.abs(ZHZ) > FLAT * size, np.abs(ZHZ), RIDGE * size)
    Z = Z @ V
    sigma = _across(Y, H, Z, positive, RIDGE * size)
    B = H + (Z * (positive - ZHZ)) @ Z.T + sigma * (Y @ Y.T)
    L, more = _cholesky(B, 0.0), RIDGE * size
    while L is None:  # rounding
        B, more = B + more * np.eye(H.shape[0]), 10.0 * more
        L = _cholesky(B, 0.0)
    return Convex(L, True, sigma, Y, to_least)


def indefinite(H, A):
    """Return whether H has a certainly negative curvature on the null space of A."""
    _, Z, _ = _bases(A)
    return bool(
        Z.shape[1] and np.linalg.eigvalsh(Z.T @ H @ Z)[0] < -NEGATIVE * np.abs(H).max(initial=0.0)
    )


def _across(Y, H, Z, positive, smallest):
    """Return the sigma that makes the Schur complement of the null space positive definite."""
    if not Y.shape[1]:
        return 0.0
    cross = Y.T @ H @ Z
    values = np.linalg.eigvalsh(Y.T @ H @ Y - (cross / positive) @ cross.T)
    return max(0.0, smallest - values[0], ACROSS * float(np.abs(values).max()) - values[0])


def _cholesky(H, smallest):
    """Return the lower factor of H, or None if a pivot is not above `smallest`."""
    L, failed = dpotrf(H, lower=1)
    return None if failed or not (L.diagonal() ** 2 > smallest).all() else L


def _bases(A):
    """Return (Y, Z, to_least), see `Convex`."""
    k, n = A.shape
    if not k:
        return np.zeros((n, 0)), np.eye(n), np.zeros((0, 0))
    qr, order, tau = dgeqp3(A.T)[:3]
    diagonal = np.abs(qr.diagonal())
    rank = int((diagonal > DEPENDENT * diagonal[0]).sum())
    full = np.zeros((n, n), order="F")
    full[:, : min(k, n)] = qr[:, :n]
    Q = dorgqr(full, np.concatenate([tau, np.zeros(n - tau.size)]))[0]
    to_least = np.zeros((rank, k))
    if rank:
        to_least[:, order[:rank] - 1] = triangular(qr[:rank, :rank], np.eye(rank), trans=1)
    return Q[:, :rank], Q[:, rank:], to_least
