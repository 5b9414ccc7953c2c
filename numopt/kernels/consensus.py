"""The consensus point of an ensemble, and what measures the ensemble around it."""

import numpy as np
from numba import njit

from numopt.kernels.compiling import part

UNDERFLOW = 745.0  # exp(-745) is the last positive number


@njit(cache=True)
def consensus(X, f, alpha, c):
    """Set c to the mean of the rows of X with weights exp(-alpha (f_i - min f)).

    Rows with NaN or +infinity weigh nothing; if there are no others, c is kept. With alpha =
    infinity c is the mean of the minimisers. Returns (sum w)^2 / sum w^2, the effective size.
    """
    low = np.inf
    for i in range(f.size):
        low = min(low, f[i]) if f[i] == f[i] else low
    if low == np.inf:
        return 0.0
    d = c.size
    for j in range(d):
        c[j] = 0.0
    total = squares = 0.0
    for i in range(f.size):
        w = weight(f[i], low, alpha)
        if w > 0.0:
            total += w
            squares += w * w
            for j in range(d):
                c[j] += w * X[i, j]
    for j in range(d):
        c[j] /= total
    return total * total / squares


@part
def weight(f, low, alpha):
    """Return exp(-alpha (f - low)), 0 for NaN and where it underflows."""
    if f == low:
        return 1.0
    e = alpha * (f - low)
    return np.exp(-e) if e < UNDERFLOW else 0.0


@njit(cache=True)
def effective_size(f, alpha):
    """Return (sum w)^2 / sum w^2 of the weights; N for alpha = 0, down to the minimisers."""
    low = np.inf
    for i in range(f.size):
        low = min(low, f[i]) if f[i] == f[i] else low
    total = squares = 0.0
    for i in range(f.size):
        w = weight(f[i], low, alpha)
        total += w
        squares += w * w
    return total * total / max(squares, 1e-300)


@njit(cache=True)
def alpha_for_size(f, old, size):
    """Return alpha for an effective size within 3 % of `size`, from the last one."""
    low, top = np.inf, -np.inf
    for value in f:
        if np.isfinite(value):
            low, top = min(low, value), max(top, value)
    if top <= low:
        return 0.0
    now = old if old > 0.0 else 1.0 / (top - low)
    below, above = 0.0, np.inf
    for _ in range(60):
        ess = effective_size(f, now)
        if abs(ess - size) <= 0.03 * size:
            break
        if ess > size:
            below = now
        else:
            above = now
        if above == np.inf:
            now *= 4.0
        else:
            now = 0.25 * now if below == 0.0 else np.sqrt(below * above)
    return now


@part
def distance(x, y):
    """Return the largest distance in a coordinate."""
    far = 0.0
    for j in range(x.size):
        far = max(far, abs(x[j] - y[j]))
    return far


@njit(cache=True)
def kth_smallest(v, k):
    """Return the k-th smallest entry, counted from 0; v, without NaN, is reordered (Hoare)."""
    left, right = 0, v.size - 1
    while left < right:
        pivot = v[(left + right) // 2]
        i, j = left, right
        while i <= j:
            while v[i] < pivot:
                i += 1
            while v[j] > pivot:
                j -= 1
            if i <= j:
                v[i], v[j] = v[j], v[i]
                i += 1
                j -= 1
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            break
    return v[k]


@njit(cache=True)
def median_spread(X, c, work):
    """Return the median over the rows of the largest distance to c in a coordinate."""
    n = X.shape[0]
    for i in range(n):
        work[i] = distance(X[i], c)
    return kth_smallest(work[:n], n // 2)
