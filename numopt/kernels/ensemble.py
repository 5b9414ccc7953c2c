"""Steps of consensus-based optimisation: drift, noise and clipping in one pass over an ensemble."""

import numpy as np
from numba import njit

from numopt.kernels.compiling import with_objective
from numopt.kernels.consensus import alpha_for_size, consensus

ANISOTROPIC, ISOTROPIC = range(2)
HIGHEST_ALPHA = 1e15


@njit(cache=True)
def move(rng, rows, X, c, drift, size, noise, cut, lb, ub):
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
    drift, size : float
        lam dt and sigma sqrt(dt).
    noise : int
        ANISOTROPIC: D(v) = diag(v); ISOTROPIC: D(v) = |v| I.
    cut : float
        Largest value of the entries of D; infinite for none.
    lb, ub : ndarray, shape (n,)
    """
    for i in rows:
        centre = c[i % c.shape[0]]
        length = 0.0
        if noise == ISOTROPIC:
            for j in range(X.shape[1]):
                length += (X[i, j] - centre[j]) ** 2
            length = min(np.sqrt(length), cut)
        for j in range(X.shape[1]):
            u = X[i, j] - centre[j]
            spread = length if noise == ISOTROPIC else min(max(u, -cut), cut)
            new = X[i, j] - drift * u + size * spread * rng.standard_normal()
            X[i, j] = min(max(new, lb[j]), ub[j])


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
    drift, size, noise, cut = dynamics
    for _ in range(k):
        move(rng, rows, X, c, drift, size, noise, cut, lb, ub)
        for i in range(f.size):
            f[i] = fun(X[i], *args)
        alpha = next_alpha(f, alpha, schedule[0], schedule[1])
        consensus(X, f, alpha, c[0])
    return alpha
