"""Conjugate gradients for S y = h, S = diag(c) - P' diag(r)^-1 P, with P stored by rows.

P is in CSR form with unsigned indices (no test for negative ones), or dense: then `indices` is
empty and row i begins at ``indptr[i]``. Each row is used twice while it is in the cache.
"""

import numpy as np
from numba import njit

from numopt.kernels.exponential import PART
from numopt.kernels.vectors import SUMS, add_multiple, dot


@njit(fastmath={"contract"}, **PART)
def _gathered(data, indices, x):
    """Return the product of a sparse row with x; four sums, for gathers have no vector form."""
    t0 = t1 = t2 = t3 = 0.0
    whole = data.size - data.size % 4
    for k in range(0, whole, 4):
        t0 += data[k] * x[indices[k]]
        t1 += data[k + 1] * x[indices[k + 1]]
        t2 += data[k + 2] * x[indices[k + 2]]
        t3 += data[k + 3] * x[indices[k + 3]]
    for k in range(whole, data.size):
        t0 += data[k] * x[indices[k]]
    return (t0 + t1) + (t2 + t3)


@njit(fastmath={"contract"}, **PART)
def _scattered(t, data, indices, out):
    for k in range(data.size):
        out[indices[k]] += t * data[k]


@njit(fastmath=SUMS, **PART)
def _norm1(x):
    total = 0.0
    for value in x:
        total += abs(value)
    return total


@njit(cache=True)
def add_transposed(indptr, indices, data, x, out):
    """Add P' x to `out`."""
    for i in range(x.size):
        lo, hi = indptr[i], indptr[i + 1]
        if indices.size:
            _scattered(x[i], data[lo:hi], indices[lo:hi], out)
        else:
            add_multiple(x[i], data[lo:hi], out)


@njit(cache=True)
def schur_diagonal(indptr, indices, data, r, c):
    """Return the diagonal of S, at least 1e-12 of that of c."""
    diagonal = c.copy()
    for i in range(r.size):
        lo, hi = indptr[i], indptr[i + 1]
        for k in range(lo, hi):
            j = np.int64(indices[k]) if indices.size else k - lo
            diagonal[j] -= data[k] * data[k] / r[i]
    return np.maximum(diagonal, 1e-12 * c)


@njit(**PART)
def _apply(indptr, indices, data, r, c, x, out):
    for j in range(c.size):
        out[j] = c[j] * x[j]
    for i in range(r.size):
        lo, hi = indptr[i], indptr[i + 1]
        if indices.size:
            t = _gathered(data[lo:hi], indices[lo:hi], x)
            _scattered(-t / r[i], data[lo:hi], indices[lo:hi], out)
        else:
            add_multiple(-dot(data[lo:hi], x) / r[i], data[lo:hi], out)


@njit(cache=True)
def conjugate_gradients(indptr, indices, data, r, c, h, diagonal, rtol, maxiter, y):
    """Solve S y = h from y = 0 with the preconditioner `diagonal`.

    Returns the iterations made and whether the residual is at most `rtol` relative to h, in the
    1-norm; it is not where the curvature along the search direction was lost in rounding.
    """
    y[:] = 0.0
    residual = h.copy()
    z = residual / diagonal
    p = z.copy()
    q = np.empty_like(h)
    rho = dot(residual, z)
    target = rtol * _norm1(h)
    for k in range(maxiter):
        if _norm1(residual) <= target:
            return k, True
        _apply(indptr, indices, data, r, c, p, q)
        curvature = dot(p, q)
        if not curvature > 0.0:
            return k, False
        step = rho / curvature
        add_multiple(step, p, y)
        add_multiple(-step, q, residual)
        for j in range(z.size):
            z[j] = residual[j] / diagonal[j]
        rho_old, rho = rho, dot(residual, z)
        for j in range(p.size):
            p[j] = z[j] + rho / rho_old * p[j]
    return maxiter, False
