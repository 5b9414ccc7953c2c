"""Inner loops of matrix factorisation: codes of all signals, and ridge regressions of all rows."""

import numpy as np
from numba import njit

from numopt.kernels import cholesky

SETTLED = 1e-6


@njit(cache=True)
def code_passes(D, W, H, B, lam, positive, passes, A):
    """Improve the codes in the rows of A by cyclic minimisation over one entry at a time.

        minimise  a'(D + W' diag(h) W)a/2 - b'a + lam |a|_1,   a >= 0 if `positive`

    for each row a of A, h of H and b of B. D is (k, k), W is (q, k), H is (N, q), A and B are
    (N, k). A row is left when the squared change in a pass is below SETTLED times that in the
    first.
    """
    G = D.copy()
    for i in range(A.shape[0]):
        if W.shape[0] > 0:
            _curved(D, W, H[i], G)
        first = 0.0
        for p in range(passes):
            change = _code_pass(G, B[i], lam, positive, A[i])
            first = change if p == 0 else first
            if change <= SETTLED * first:
                break


@njit(cache=True)
def _curved(D, W, h, G):
    """Set G to D + W' diag(h) W."""
    for j in range(D.shape[0]):
        for l in range(D.shape[0]):
            total = D[j, l]
            for c in range(W.shape[0]):
                total += h[c] * W[c, j] * W[c, l]
            G[j, l] = total


@njit(cache=True)
def _code_pass(G, b, lam, positive, a):
    """Minimise over each entry of one code in turn; return the squared change."""
    change = 0.0
    for j in range(a.size):
        if G[j, j] <= 0.0:
            a[j] = 0.0
            continue
        u = b[j] + G[j, j] * a[j]
        for l in range(a.size):
            u -= G[j, l] * a[l]
        new = max(u - lam, 0.0) / G[j, j]
        if u < 0.0 and not positive:
            new = min(u + lam, 0.0) / G[j, j]
        change += G[j, j] * (new - a[j]) ** 2
        a[j] = new
    return change


@njit(cache=True)
def ridge_rows(indptr, indices, values, F, ridge, W):
    """Set each row w of W to the minimiser of sum_j (values_j - F_j'w)^2 / 2 + ridge |w|^2 / 2.

    j runs through the entries of the row in a CSR matrix; F is (n, k), `ridge` positive.
    """
    k = F.shape[1]
    H, w = np.empty((k, k)), np.empty(k)
    for i in range(W.shape[0]):
        H[:] = 0.0
        w[:] = 0.0
        for a in range(k):
            H[a, a] = ridge
        for e in range(indptr[i], indptr[i + 1]):
            row = F[indices[e]]
            for a in range(k):
                w[a] += values[e] * row[a]
                for c in range(a + 1):
                    H[a, c] += row[a] * row[c]
        cholesky.solve(H, w)
        W[i] = w
