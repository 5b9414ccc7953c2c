"""KKT systems whose Hessian is known by its products only, behind the interface of `KKTSystem`.

    minres         MINRES, Bhat a diagonal
    incomplete     the same, Bhat an incomplete Cholesky factorisation; H sparse, entries known
    projected_cg   conjugate gradients on the null space of A, Bhat a diagonal; few rows
    nystrom        the same, Bhat of low rank plus a multiple of I; few rows, H with a decaying
                   spectrum

The diagonal is estimated from products with random signs (Bekas, Kokiopoulou and Saad 2007), which
is exact for diagonal matrices; its standard deviation is added, so that Bhat is nearly a multiple
of I where the samples say little. Systems are solved to |r| <= min(0.01, |b|^1/2) |b| in both
blocks, so that the iteration of Newton stays superlinear (Eisenstat and Walker 1996).
"""

from contextlib import suppress
from functools import cached_property

import numpy as np
from scipy.sparse import diags

from numopt.linalg.factor import SingularKKTError
from numopt.linalg.kkt import KKTSystem
from numopt.linalg.krylov import (
    Diagonal,
    IncompleteCholesky,
    SchurPreconditioner,
    minres,
    projected_cg,
)
from numopt.linalg.lbfgs import LowRankKKT
from numopt.linalg.nystrom import Nystrom
from numopt.linalg.shifted import LowRank

MODES = ("minres", "incomplete", "projected_cg", "nystrom")
FORCING = 1e-2
SMALL_BLOCK = 0.1  # a block of b counts at least as this fraction of all of b
PROBES = 5  # products for the estimate of a diagonal
LARGEST_MAXITER = 10_000


class NegativeCurvatureError(SingularKKTError):
    """A direction d with d'(H + D)d <= 0 was met; `shift` makes its curvature positive."""

    def __init__(self, shift):
        super().__init__()
        self.shift = shift


class SymmetricProducts:
    """A symmetric matrix known by its products.

    Parameters
    ----------
    n : int
        Dimension.
    product : callable
        ``product(V)`` for arrays of shape (n, k).
    mode : {"minres", "incomplete", "projected_cg", "nystrom"}
        How systems with it are to be solved.
    rng : numpy.random.Generator
        Source of the probes.
    entries : callable, optional
        ``entries()``, the sparse matrix itself, for "incomplete"; without it a diagonal serves.
    """

    def __init__(self, n, product, mode, rng, entries=None):
        self.shape, self.mode, self.rng = (n, n), mode, rng
        self._product, self._entries = product, entries

    def __matmul__(self, v):
        return self._product(v[:, None])[:, 0] if v.ndim == 1 else self._product(v)

    @cached_property
    def diagonal(self):
        """(estimate, standard deviation) of the diagonal, (n,) each; not finite if H is not."""
        signs = 2.0 * self.rng.integers(2, size=(self.shape[0], PROBES)) - 1.0
        samples = signs * (self @ signs)
        return samples.mean(axis=1), samples.std(axis=1)

    @cached_property
    def matrix(self):
        """The sparse matrix, or None where only its products are known or needed."""
        return self._entries() if self._entries and self.mode == "incomplete" else None

    @property
    def finite(self):
        """Whether a sample of products is finite: those for the diagonal, if that is needed."""
        if self.matrix is not None:
            return bool(np.isfinite(self.matrix.data).all())
        sample = self @ np.ones(self.shape[0]) if self.mode == "nystrom" else self.diagonal
        return bool(np.isfinite(sample).all())


def kkt_system(H, A, diagonal, delta_c=0.0, pivot=0.0, analyses=None):
    """Return the system that suits the form of H; iterative for `SymmetricProducts`."""
    if isinstance(H, SymmetricProducts):
        return IterativeKKT(H, A, diagonal, delta_c, pivot)
    if isinstance(H, LowRank):
        return LowRankKKT(H, A, diagonal, delta_c, pivot, analyses)
    return KKTSystem(H, A, diagonal, delta_c, pivot, analyses=analyses)


class IterativeKKT:
    """One KKT matrix with its preconditioner; parameters, methods and errors of `KKTSystem`.

    Here `pivot` regularises the preconditioner only, and `solve` is inexact.
    """

    inertia = None

    def __init__(self, H, A, diagonal, delta_c=0.0, pivot=0.0):
        self.H, self.A, self.diagonal, self.delta_c = H, A, diagonal, delta_c
        self.steps = 0
        self._latest = None
        self._preconditioner = SchurPreconditioner(self._bhat(), A, delta_c + pivot)

    def solve(self, top, bottom):
        """Return a pair (p, y) with a small residual.

        Raises
        ------
        SingularKKTError
            If the iteration does not get there.
        NegativeCurvatureError
            If it meets a direction that is not convex.
        """
        parts = np.linalg.norm(top), np.linalg.norm(bottom)
        size = float(np.hypot(*parts))
        accuracy = min(FORCING, np.sqrt(size))
        targets = tuple(accuracy * max(part, SMALL_BLOCK * size) for part in parts)
        maxiter = min(2 * (top.size + bottom.size) + 10, LARGEST_MAXITER)
        if self.H.mode in ("minres", "incomplete") or self.delta_c:
            extra = targets, maxiter, self.delta_c
            k = minres(self._times, self.A, top, bottom, self._preconditioner, *extra)
        else:
            k = projected_cg(self._times, top, bottom, self._preconditioner, targets, maxiter)
        self.steps += k.steps
        self._latest = k
        if k.negative is not None:
            d = k.negative
            raise NegativeCurvatureError(2.0 * abs(d @ self._times(d)) / (d @ d))
        if not k.converged:
            raise SingularKKTError
        return k.p, k.y

    def curvature(self, p):
        """Return p'(H + D)p, without a product for the latest solution."""
        if self._latest is not None and p is self._latest.p:
            return self._latest.curvature
        return float(p @ self._times(p))

    def _times(self, v):
        return self.H @ v + (self.diagonal * v.T).T

    def _bhat(self):
        if self.H.matrix is not None:
            return IncompleteCholesky(self.H.matrix + diags(self.diagonal))
        if self.H.mode == "nystrom":
            # Refused where H is not convex on the sample; then the iteration has to find out.
            with suppress(SingularKKTError):
                return Nystrom(self._times, self.diagonal.size, self.H.rng)
        d, deviation = self.H.diagonal
        if not np.isfinite(d).all():
            raise SingularKKTError
        return Diagonal(np.abs(d + self.diagonal) + deviation)
