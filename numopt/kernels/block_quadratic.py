"""Coordinate descent on the small quadratic model of one block, with separable terms."""

import numpy as np
from numba import njit


@njit(cache=True)
def minimise_block(H, g, x, low, high, l1, l2, tol, most):
    """Minimise g'd + d'H d / 2 + sum_j l1_j |y_j| + l2_j y_j^2 / 2 over low <= y = x + d <= high.

    Parameters
    ----------
    H : ndarray, shape (b, b)
        Symmetric and positive semidefinite.
    g, x, low, high, l1, l2 : ndarray, shape (b,)
        Gradient, point, bounds, and weights of the terms.
    tol : float
        Stop when no step of a sweep is longer than this part of the longest one so far.
    most : int
        Largest number of sweeps.

    Returns
    -------
    ndarray, shape (b,)
        The step d.
    """
    b = g.size
    slope = g.copy()  # of the smooth model
    d = np.zeros(b)
    longest = 0.0
    for _ in range(most):
        moved = 0.0
        for j in range(b):
            a = H[j, j] + l2[j]
            if a <= 0.0:
                continue
            old = x[j] + d[j]
            u = H[j, j] * old - slope[j]
            y = max(u - l1[j], 0.0) + min(u + l1[j], 0.0)
            y = min(max(y / a, low[j]), high[j])
            step = y - old
            if step != 0.0:
                d[j] += step
                for i in range(b):
                    slope[i] += H[i, j] * step
                moved = max(moved, abs(step))
        longest = max(longest, moved)
        if moved <= tol * longest:
            break
    return d
