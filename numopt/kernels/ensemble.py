"""Steps of consensus-based optimisation: drift, noise and clipping in one pass over an ensemble."""

import numpy as np
from numba import njit

from numopt.kernels.compiling import part, with_objective
from numopt.kernels.consensus import alpha_for_size, consensus

ANISOTROPIC, ISOTROPIC = range(2)
HIGHEST_ALPHA = 1e15


@njit(cache=True)
def move(rng, rows, X, c, dynamics, lb, ub):
    """Move some particles: x += -drift (x - c) + size D(x - c) z, clipped to the bounds.

    Parameters
    ----------
    rng : Generator
    rows : ndarray, shape (k,)
        Numbers of the particles that move.
    X : ndarray, shape (N, n)
        Changed in place.
    c : ndarray, shape (1, n) or (N, n)
        Consensus point of all, or of each.
    dynamics : (drift, size, noise, cut)
        lam dt and sigma sqrt(dt); ANISOTROPIC, D(v) = diag(v), or ISOTROPIC, D(v) = |v| I; the
        largest value of the entries of D, infinite for none.
    lb, ub : ndarray, shape (n,)
    """
    z = np.empty(X.shape[1])
    for i in rows:
        fill(rng, z)
        displace(X[i], c[i % c.shape[0]], z, dynamics, lb, ub)


@njit(cache=True)
def move_all(Z, X, c, dynamics, lb, ub):
    """Move every particle as `move` does, by normal numbers that are there, shape (N, n)."""
    for i in range(X.shape[0]):
        displace(X[i], c[0], Z[i], dynamics, lb, ub)


@part
def displace(x, c, z, dynamics, lb, ub):
    """Move one particle."""
    drift, size, noise, cut = dynamics
    length = 0.0
    if noise == ISOTROPIC:
        for j in range(x.size):
            length += (x[j] - c[j]) ** 2
        length = min(np.sqrt(length), cut)
    for j in range(x.size):
        u = x[j] - c[j]
        spread = length if noise == ISOTROPIC else min(max(u, -cut), cut)
        x[j] = min(max(x[j] - drift * u + size * spread * z[j], lb[j]), ub[j])


@njit(cache=True)
def fill(rng, z):
    """Fill a vector with standard normal numbers."""
    for j in range(z.size):
        z[j] = rng.standard_normal()


@njit(cache=True)
def gather(X, f, c, alpha, schedule):
    """Set c to the consensus point of the ensemble with the next alpha, which is returned."""
    alpha = next_alpha(f, alpha, schedule[0], schedule[1])
    consensus(X, f, alpha, c[0])
    return alpha


@njit(cache=True)
def next_alpha(f, alpha, factor, share):
    """Return alpha times `factor`, or what makes the effective size `share` of the ensemble."""
    if share > 0.0:
        return min(alpha_for_size(f, alpha, share * f.size), HIGHEST_ALPHA)
    return min(alpha * factor, HIGHEST_ALPHA)


@with_objective
def steps(fun, args, k, rng, rows, X, f, c, alpha, schedule, dynamics, lb, ub):
    """Do k steps with a compiled objective and return alpha.

    Parameters
    ----------
    fun, args, k : the objective is ``fun(x, *args)``
    rng, rows, X, lb, ub : as in `move`
    f : ndarray, shape (N,)
        Values of the particles.
    c : ndarray, shape (1, n)
    alpha : float
    schedule : (factor, share) of `next_alpha`
    dynamics : (drift, size, noise, cut) of `move`
    """
    for _ in range(k):
        move(rng, rows, X, c, dynamics, lb, ub)
        for i in range(f.size):
            f[i] = fun(X[i], *args)
        alpha = gather(X, f, c, alpha, schedule)
    return alpha
