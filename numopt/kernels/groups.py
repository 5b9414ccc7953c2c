"""Coordinate descent over groups of variables, on the model of `numopt.kernels.coordinate`.

The group b is the run ``start[b] : start[b + 1]`` of the variables; its step minimises the model
in which the Hessian of the group is replaced by L_b times the identity:

    u = L_b x_b - gradient,   x_b = (1 - lam_b / |S(u, lam1)|)_+ S(u, lam1) / L_b
"""

import numpy as np
from numba import njit

from numopt.kernels.coordinate import dot


@njit(cache=True)
def shrink(u, a, lam, lam1):
    """Overwrite u by the minimiser of a |t|^2 / 2 - u't + lam |t| + lam1 |t|_1 over t."""
    total = 0.0
    for e in range(u.size):
        size = max(abs(u[e]) - lam1, 0.0)
        u[e] = size if u[e] > 0.0 else -size
        total += size * size
    norm = np.sqrt(total)
    factor = (1.0 - lam / norm) / a if norm > lam else 0.0
    for e in range(u.size):
        u[e] *= factor


@njit(cache=True)
def dense_group_epochs(
    X, scale, column, target, ws, x, V, h, means, totals, c, L, start, lam, lam1, room
):
    """Go through the groups ws of dense data; return the sum of L d^2 and the largest L |d|."""
    moved = worst = 0.0
    for w in range(ws.size):
        b = ws[w]
        first, size, a = start[b], start[b + 1] - start[b], L[b]
        if a == 0.0:
            continue
        u = room[:size]
        for e in range(size):
            i = first + e
            j, t = column[i], target[i]
            g = scale[j] * dot(X[:, j], V[t])
            if means.size > 0:
                g += c[t] * totals[t] * means[i]
            u[e] = a * x[i] - g
        shrink(u, a, lam[b], lam1)
        for e in range(size):
            i = first + e
            j, t = column[i], target[i]
            d = u[e] - x[i]
            if d == 0.0:
                continue
            x[i] = u[e]
            moved += a * d * d
            worst = max(worst, a * abs(d))
            if means.size > 0:
                c[t] -= d * means[i]
            d *= scale[j]
            entries, v = X[:, j], V[t]
            if h.size > 0:
                weights = h[t % h.shape[0]]
                for r in range(v.size):
                    v[r] += d * weights[r] * entries[r]
            else:
                for r in range(v.size):
                    v[r] += d * entries[r]
    return moved, worst


@njit(cache=True)
def sparse_group_epochs(
    data,
    indices,
    indptr,
    target,
    ws,
    x,
    V,
    h,
    means,
    totals,
    c,
    L,
    start,
    lam,
    lam1,
    room,
):
    """Go through the groups ws of CSC data, where j = i; return the same."""
    moved = worst = 0.0
    for w in range(ws.size):
        b = ws[w]
        first, size, a = start[b], start[b + 1] - start[b], L[b]
        if a == 0.0:
            continue
        u = room[:size]
        for e in range(size):
            i = first + e
            t = target[i]
            v, g = V[t], 0.0
            for q in range(indptr[i], indptr[i + 1]):
                g += data[q] * v[indices[q]]
            if means.size > 0:
                g += c[t] * totals[t] * means[i]
            u[e] = a * x[i] - g
        shrink(u, a, lam[b], lam1)
        for e in range(size):
            i = first + e
            t = target[i]
            d = u[e] - x[i]
            if d == 0.0:
                continue
            x[i] = u[e]
            moved += a * d * d
            worst = max(worst, a * abs(d))
            if means.size > 0:
                c[t] -= d * means[i]
            v = V[t]
            if h.size > 0:
                weights = h[t % h.shape[0]]
                for q in range(indptr[i], indptr[i + 1]):
                    r = indices[q]
                    v[r] += d * weights[r] * data[q]
            else:
                for q in range(indptr[i], indptr[i + 1]):
                    v[indices[q]] += d * data[q]
    return moved, worst
