"""Euclidean projections and proximal maps, in a diagonal metric where one is given."""

import numpy as np


def simplex(v, weights=None, radius=1.0):
    """Return the point of the simplex nearest to v.

        minimise sum_i (x_i - v_i)^2 / weights_i   subject to   x >= 0,  sum x = radius

    Parameters
    ----------
    v : ndarray, shape (n,)
    weights : ndarray, shape (n,), or float, optional
        Positive; the norm is Euclidean if they are equal.
    radius : float

    Returns
    -------
    ndarray, shape (n,)

    Notes
    -----
    The solution is max(v - weights lam, 0); lam is found by sorting, O(n log n).
    """
    if weights is None or np.ndim(weights) == 0:
        return _equal_simplex(v, radius)
    ratio = v / weights
    order = np.argsort(-ratio)
    lam = (np.cumsum(v[order]) - radius) / np.cumsum(weights[order])
    last = np.flatnonzero(ratio[order] > lam)
    return _scaled(np.maximum(v - weights * lam[last[-1] if last.size else 0], 0.0), radius)


def _equal_simplex(v, radius):
    down = np.sort(v)[::-1]
    lam = (np.cumsum(down) - radius) / np.arange(1, v.size + 1)
    last = np.flatnonzero(down > lam)
    return _scaled(np.maximum(v - lam[last[-1] if last.size else 0], 0.0), radius)


def _scaled(x, radius):
    """Return x with its sum, wrong by the rounding of a long sum, made right."""
    total = x.sum()
    return x * (radius / total) if total > 0.0 else x


def shrink(v, t):
    """Return v with each entry moved towards zero by t: the proximal map of ``t |x|_1``."""
    return np.sign(v) * np.maximum(np.abs(v) - t, 0.0)


def shrink_groups(v, t, size):
    """Return v with the norm of each group of `size` entries reduced by t, at least to zero."""
    groups = v.reshape(-1, size)
    norms = np.linalg.norm(groups, axis=1, keepdims=True)
    factors = np.maximum(1.0 - t / np.maximum(norms, np.finfo(float).tiny), 0.0)
    return (groups * factors).ravel()
