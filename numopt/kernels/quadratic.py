"""Rows of a plan with quadratic regularisation: T_ij = max(f_i + g_j - C_ij, 0) on few entries.

The blocks of the cost and of the row vectors are those of `numopt.kernels.transport`.
"""

import numpy as np
from numba import njit

from numopt.kernels.transport import SUMS, cost_row


@njit(cache=True, fastmath=SUMS)
def _slack(g, cost, out):
    """Set ``out = g - cost`` and return its maximum."""
    top = -np.inf
    for j in range(g.size):
        out[j] = g[j] - cost[j]
        top = max(top, out[j])
    return top


@njit(cache=True, fastmath=SUMS)
def _active(z, f):
    """Return the number and the sum of the entries of z above -f."""
    count, total = 0.0, 0.0
    for j in range(z.size):
        on = z[j] > -f
        count += 1.0 if on else 0.0
        total += z[j] if on else 0.0
    return count, total


@njit(cache=True)
def _from_above(z, top, f, mass):
    """Return a potential that is not below the one with sum_j max(f + z_j, 0) = mass.

    It is f if that is large enough, and else the result of Newton's method on a convex function.
    """
    if f + top <= 0.0:
        return mass - top
    count, total = _active(z, f)
    return max(f, (mass - total) / count)


@njit(cache=True)
def _candidates(z, f, order):
    """Put the indices of the entries of z above -f into `order`; return their number."""
    count = 0
    for j in range(z.size):
        order[count] = j
        count += z[j] > -f
    return count


@njit(cache=True)
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


@njit(cache=True)
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
    for i in range(first, f.size):
        used = indptr[i]
        if data.size - used < m:
            return i
        top = _slack(g, cost_row(metric, i, C, X, YT, buffer), z)
        potential = _from_above(z, top, f[i], mass[i])
        count = _candidates(z, potential, order)
        potential, count = _threshold(z, potential, mass[i], order, count)
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
