"""Products with data that are read where they lie, in double precision."""

import numpy as np
from numba import njit

from numopt.kernels.coordinate import dot


@njit(cache=True)
def combine(X, columns, W, Z):
    """Add X[:, columns] W to Z', for W of shape (columns.size, k) and Z of shape (k, m)."""
    for w in range(columns.size):
        entries = X[:, columns[w]]
        for t in range(W.shape[1]):
            weight, z = W[w, t], Z[t]
            if weight != 0.0:
                for i in range(z.size):
                    z[i] += weight * entries[i]


@njit(cache=True)
def correlate(X, R):
    """Return X'R' for R of shape (k, m), an array (p, k)."""
    G = np.empty((X.shape[1], R.shape[0]))
    for j in range(X.shape[1]):
        for t in range(R.shape[0]):
            G[j, t] = dot(X[:, j], R[t])
    return G


@njit(cache=True)
def sparse_combine(data, indices, indptr, columns, W, Z):
    """Do the same as `combine` with CSC data."""
    for w in range(columns.size):
        for e in range(indptr[columns[w]], indptr[columns[w] + 1]):
            for t in range(W.shape[1]):
                Z[t, indices[e]] += W[w, t] * data[e]


@njit(cache=True)
def sparse_correlate(data, indices, indptr, R):
    """Do the same as `correlate` with CSC data."""
    G = np.zeros((indptr.size - 1, R.shape[0]))
    for j in range(indptr.size - 1):
        for t in range(R.shape[0]):
            total, r = 0.0, R[t]
            for e in range(indptr[j], indptr[j + 1]):
                total += data[e] * r[indices[e]]
            G[j, t] = total
    return G


@njit(cache=True)
def sparse_power_sums(data, indices, indptr, power, weights):
    """Return sum_i w_i |X_ij|^power of CSC data, shape (p,); w = 1 if `weights` is empty."""
    sums = np.zeros(indptr.size - 1)
    for j in range(sums.size):
        total = 0.0
        for e in range(indptr[j], indptr[j + 1]):
            size = abs(np.float64(data[e]))
            term = 1.0
            for _ in range(power):
                term *= size
            total += term * weights[indices[e]] if weights.size else term
        sums[j] = total
    return sums
