"""Coordinate descent over groups of variables, on the model of `numopt.kernels.coordinate`.

A group b is a run ``order[start[b] : start[b + 1]]``; its step minimises the model in which the
Hessian of the group is replaced by L_b times the identity:

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
    X, scale, ws, x, V, h, means, totals, c, L, order, start, lam, lam1, room, times
):
    """Go `times` through the groups ws of dense data; return the last sum of L |d|^2."""
    k, m = V.shape
    moved = 0.0
    for _ in range(times):
        moved = 0.0
        for w in range(ws.size):
            b = ws[w]
            members, a = order[start[b] : start[b + 1]], L[b]
            if a == 0.0:
                continue
            u = room[: members.size]
            for e in range(members.size):
                i = members[e]
                j, t = i // k, i % k
                g = scale[j] * dot(X[:, j], V[t])
                if means.size > 0:
                    g += c[t] * totals[t] * means[i]
                u[e] = a * x[i] - g
            shrink(u, a, lam[b], lam1)
            for e in range(members.size):
                i = members[e]
                j, t = i // k, i % k
                d = u[e] - x[i]
                if d == 0.0:
                    continue
                x[i] = u[e]
                moved += a * d * d
                if means.size > 0:
                    c[t] -= d * means[i]
                d *= scale[j]
                column, v = X[:, j], V[t]
                if h.size > 0:
                    weights = h[t % h.shape[0]]
                    for r in range(m):
                        v[r] += d * weights[r] * column[r]
                else:
                    for r in range(m):
                        v[r] += d * column[r]
    return moved


@njit(cache=True)
def sparse_group_epochs(
    data,
    indices,
    indptr,
    scale,
    ws,
    x,
    V,
    h,
    means,
    totals,
    c,
    L,
    order,
    start,
    lam,
    lam1,
    room,
    times,
):
    """Go `times` through the groups ws of CSC data; return the last sum of L |d|^2."""
    k = V.shape[0]
    moved = 0.0
    for _ in range(times):
        moved = 0.0
        for w in range(ws.size):
            b = ws[w]
            members, a = order[start[b] : start[b + 1]], L[b]
            if a == 0.0:
                continue
            u = room[: members.size]
            for e in range(members.size):
                i = members[e]
                j, t = i // k, i % k
                v, g = V[t], 0.0
                for q in range(indptr[j], indptr[j + 1]):
                    g += data[q] * v[indices[q]]
                g *= scale[j]
                if means.size > 0:
                    g += c[t] * totals[t] * means[i]
                u[e] = a * x[i] - g
            shrink(u, a, lam[b], lam1)
            for e in range(members.size):
                i = members[e]
                j, t = i // k, i % k
                d = u[e] - x[i]
                if d == 0.0:
                    continue
                x[i] = u[e]
                moved += a * d * d
                if means.size > 0:
                    c[t] -= d * means[i]
                d *= scale[j]
                v = V[t]
                if h.size > 0:
                    weights = h[t % h.shape[0]]
                    for q in range(indptr[j], indptr[j + 1]):
                        r = indices[q]
                        v[r] += d * weights[r] * data[q]
                else:
                    for q in range(indptr[j], indptr[j + 1]):
                        v[indices[q]] += d * data[q]
    return moved
