"""Rows of a plan with quadratic regularisation: T_ij = max(f_i + g_j - C_ij, 0) on few entries.

The blocks of the cost and of the row vectors are those of `numopt.kernels.transport`.
"""

import numpy as np
from numba import njit

from numopt.kernels.compress import compress_room, indices_above
from numopt.kernels.exponential import PART
from numopt.kernels.transport import SUMS, cost_row

ROUNDING = 1e-15  # relative: a largest entry at the very threshold is found


@njit(fastmath=SUMS, **PART)
def _slack(g, cost, out):
    for j in range(g.size):
        out[j] = g[j] - cost[j]


@njit(**PART)
def _maximum(z):
    """Return the maximum; four of them, as the order of comparisons is not changed by itself."""
    t0 = t1 = t2 = t3 = -np.inf
    whole = z.size - z.size % 4
    for j in range(0, whole, 4):
        t0, t1 = max(t0, z[j]), max(t1, z[j + 1])
        t2, t3 = max(t2, z[j + 2]), max(t3, z[j + 3])
    for j in range(whole, z.size):
        t0 = max(t0, z[j])
    return max(max(t0, t1), max(t2, t3))


@njit(**PART)
def _candidates(z, f, mass, flags, found, order):
    """List entries among which are those with f* + z > 0, where sum_j max(f* + z_j, 0) = mass.

    A step of Newton's method on this convex function leads from the guess f to above f*.
    """
    count = indices_above(z, -f, flags, found, order)
    if count == 0:
        f = mass - _maximum(z)
        count = indices_above(z, -f - ROUNDING * abs(f), flags, found, order)
    total = 0.0
    for p in range(count):
        total += z[order[p]]
    better = (mass - total) / count
    if better <= f:
        return count
    return indices_above(z, -better - ROUNDING * abs(better), flags, found, order)


@njit(**PART)
def _threshold(z, f, mass, order, count):
    """Return the potential, and reduce `order` to the entries that are active; finite."""
    while True:
        total = 0.0
        for p in range(count):
            total += z[order[p]]
        f = (mass - total) / count
        kept = 0
        for p in range(count):
            order[kept] = order[p]
            kept += z[order[p]] > -f
        if kept == count or kept == 0:
            return f, count
        count = kept


@njit(**PART)
def _largest(z, k, order, count):
    """Reduce `order` to the k largest entries of z; of equal ones the first count as larger."""
    rank = np.argsort(-z[order[:count]], kind="mergesort")[:k]
    order[:k] = np.sort(order[:count][rank])


@njit(cache=True)
def sparse_rows(metric, C, X, YT, f, g, mass, k, first, f_next, indptr, indices, data):
    """Append the rows T_i, of at most k entries and sum `mass_i`, to a CSR matrix.

    Parameters
    ----------
    f : ndarray, shape (rows,)
        Guess of the row potentials; `f_next` is set to them.
    first : int
        Row to begin with.

    Returns
    -------
    int
        The row that did not fit any more, or the number of rows.
    """
    m = g.size
    buffer, z, order = np.empty(m), np.empty(m), np.empty(m + 1, dtype=np.int64)
    room = compress_room(m)
    for i in range(first, f.size):
        used = indptr[i]
        if data.size - used < m:
            return i
        _slack(g, cost_row(metric, i, C, X, YT, buffer), z)
        count = _candidates(z, f[i], mass[i], *room, order)
        potential, count = _threshold(z, f[i], mass[i], order, count)
        if count > k:
            _largest(z, k, order, count)
            count = k
            potential = (mass[i] - z[order[:k]].sum()) / k
        for p in range(count):
            indices[used + p] = order[p]
            data[used + p] = potential + z[order[p]]
        f_next[i] = potential
        indptr[i + 1] = used + count
    return f.size
