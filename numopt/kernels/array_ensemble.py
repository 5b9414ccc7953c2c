"""The kernels of `numopt.kernels.ensemble` for arrays of any library with the array API.

An ensemble stays where it is. Numbers that steer, such as alpha, are on the host; consensus points
are arrays of shape (1, n).
"""

import numpy as np

from numopt.kernels.arrays import namespace_of, on_host, placed
from numopt.kernels.consensus import UNDERFLOW
from numopt.kernels.ensemble import ISOTROPIC, next_alpha


class Normals:
    """Standard normal numbers beside an array: CuPy's own, or those of NumPy, copied.

    Parameters
    ----------
    rng : Generator
        The source, or, of CuPy's generator, that of the seed.
    like : array
        Tells library, device and dtype.
    """

    def __init__(self, rng, like):
        self.rng, self.like, self.own = rng, like, None
        xp = namespace_of(like)
        if xp.__name__ == "cupy":
            with like.device:
                self.own = xp.random.Generator(xp.random.Philox4x3210(int(rng.integers(2**63))))

    def __call__(self, shape):
        """Return an array of fresh numbers."""
        if self.own is None:
            return placed(self.rng.standard_normal(shape), self.like)
        with self.like.device:
            return self.own.standard_normal(shape, dtype=self.like.dtype)


def clipped(X, box):
    """Return the points moved into the box (lb, ub)."""
    return namespace_of(X).clip(X, *box)


def move(X, c, Z, dynamics, box):
    """Return the ensemble after drift and noise, see `numopt.kernels.ensemble.move`.

    Z are normal numbers, shape (N, n); c has shape (1, n) or (N, n); box is (lb, ub).
    """
    drift, size, noise, cut = dynamics
    xp, U = namespace_of(X), X - c
    D = U
    if noise == ISOTROPIC:
        D = xp.sqrt(xp.sum(U * U, axis=1, keepdims=True))
    if cut < np.inf:
        D = xp.clip(D, -cut, cut)
    return clipped(X - drift * U + size * D * Z, box)


def move_by_covariance(X, f, alpha, c, Z, drift, size, box):
    """Return the ensemble after drift, and noise with its own weighted covariance."""
    xp, w = namespace_of(X), _weights(f, alpha)
    U = _where_weighty(w, X - c)
    C = xp.matmul((U * w[:, None]).T, U) / xp.sum(w)
    values, Q = xp.linalg.eigh(C)
    root = Q * xp.sqrt(xp.clip(values, 0.0, None))
    return clipped(X - drift * (X - c) + size * xp.matmul(Z, root.T), box)


def consensus(X, f, alpha, c):
    """Return the consensus point, or c where no value is defined; see `consensus.consensus`."""
    xp, w = namespace_of(X), _weights(f, alpha)
    mean = xp.matmul(w[None, :], _where_weighty(w, X)) / xp.sum(w)
    return xp.where(xp.any(f < np.inf), mean, c)


def _weights(f, alpha):
    """Return exp(-alpha (f - min f)), shape (N,); 0 for NaN."""
    xp = namespace_of(f)
    f = xp.where(xp.isnan(f), xp.full_like(f, np.inf), f)
    low = xp.min(f)
    e = alpha * (f - low)
    w = xp.where(e < UNDERFLOW, xp.exp(-1.0 * e), xp.zeros_like(f))
    return xp.where(f <= low, xp.ones_like(f), w)


def _where_weighty(w, X):
    """Return X with zeros in the rows without weight, which may be infinite."""
    xp = namespace_of(X)
    return xp.where(w[:, None] > 0.0, X, xp.zeros_like(X))


def following_alpha(f, alpha, schedule):
    """Return the next alpha; only an effective size brings the values to the host, for it."""
    factor, share = schedule
    values = on_host(f).astype(np.float64) if share > 0.0 else np.empty(0)
    return next_alpha(values, alpha, factor, share)


def median_spread(X, c):
    """Return the median over the rows of the largest distance to c, an array of shape (1,)."""
    xp = namespace_of(X)
    far = xp.sort(xp.max(xp.abs(X - c), axis=1))
    middle = X.shape[0] // 2
    return far[middle : middle + 1]
