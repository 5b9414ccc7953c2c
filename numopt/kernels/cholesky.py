"""Cholesky's factorisation, for kernels that take Newton steps."""

import numpy as np
from numba import njit

from numopt.kernels.compiling import part
from numopt.kernels.exponential import PART
from numopt.kernels.vectors import SUMS, dot

LEAST = 1e-13  # share of a diagonal entry that must be left in its pivot


@part
def solve(H, w):
    """Overwrite w by H^-1 w; only the lower triangle of H is read, and overwritten by its factor.

    A row that depends on those before it, up to rounding, is left out: its entry of w is zero.
    """
    factorise(H)
    for a in range(w.size):
        w[a] = (w[a] - dot(H[a, :a], w[:a])) / H[a, a]
    for a in range(w.size - 1, -1, -1):
        w[a] /= H[a, a]
        for c in range(a):
            w[c] -= w[a] * H[a, c]


@part
def factorise(H):
    """Overwrite the lower triangle of H by its factor; the pivot of a row left out is infinite."""
    k = H.shape[0]
    for first in range(0, k, 4):
        known = 0
        if first + 4 <= k:
            _four_rows(H, H[first], H[first + 1], H[first + 2], H[first + 3], first)
            known = first
        for a in range(first, min(first + 4, k)):
            for c in range(known, a):
                H[a, c] = (H[a, c] - dot(H[a, :c], H[c, :c])) / H[c, c]
            pivot = H[a, a] - dot(H[a, :a], H[a, :a])
            H[a, a] = np.sqrt(pivot) if pivot > LEAST * H[a, a] else np.inf


@njit(fastmath=SUMS, **PART)
def _four_rows(L, p, q, r, s, known):
    """Work out the columns before `known` of four rows; each row of L is then read once."""
    for c in range(known):
        row = L[c]
        a = b = d = e = 0.0
        for l in range(c):
            a += p[l] * row[l]
            b += q[l] * row[l]
            d += r[l] * row[l]
            e += s[l] * row[l]
        p[c] = (p[c] - a) / row[c]
        q[c] = (q[c] - b) / row[c]
        r[c] = (r[c] - d) / row[c]
        s[c] = (s[c] - e) / row[c]
