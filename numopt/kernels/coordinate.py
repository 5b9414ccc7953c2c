"""Coordinate descent on a quadratic model of a composite problem.

    minimise   <V, X d> + 1/2 sum_i h_i (X d)_i^2 + g(x + d)

V holds the derivatives with respect to the rows of X x and is kept current: a step `d` of the
variable i adds d h X_j to its row t, where j = column[i] and t = target[i]. An intercept is
eliminated: columns act as if their h-weighted means were subtracted, which a single number for
each target keeps track of. Rows of `pen` are (lam, mu, lower, upper).
"""

import numpy as np
from numba import njit

from numopt.kernels.compiling import part


@part
def coordinate(code, old, g, a, lam, mu, lower, upper, gamma):
    """Return the minimiser of g t + a (t - old)^2 / 2 + penalty(t) over t."""
    u = a * old - g
    if code == 0:
        if a + mu == 0.0:
            new = 0.0 if lam > 0.0 else old
        elif u > lam:
            new = (u - lam) / (a + mu)
        elif u < -lam:
            new = (u + lam) / (a + mu)
        else:
            new = 0.0
        return min(max(new, lower), upper)
    if a == 0.0:
        return 0.0 if lam > 0.0 else old
    size = abs(u)
    if code == 1:
        if size > gamma * lam * a:
            return u / a
        shrunk = max(size - lam, 0.0) / (a - 1.0 / gamma)
    elif size <= lam * (a + 1.0):
        shrunk = max(size - lam, 0.0) / a
    elif size <= gamma * lam * a:
        shrunk = max(size - lam * gamma / (gamma - 1.0), 0.0) / (a - 1.0 / (gamma - 1.0))
    else:
        return u / a
    return shrunk if u > 0.0 else -shrunk


@part
def penalty(code, x, lam, mu, gamma):
    """Return the penalty of one variable."""
    t = abs(x)
    if t == 0.0:
        return 0.0
    if code == 0:
        return lam * t + 0.5 * mu * t * t
    if code == 1:
        t = min(t, gamma * lam)
        return lam * t - 0.5 * t * t / gamma
    if t <= lam:
        return lam * t
    if t <= gamma * lam:
        return (2.0 * gamma * lam * t - t * t - lam * lam) / (2.0 * (gamma - 1.0))
    return 0.5 * lam * lam * (gamma + 1.0)


@njit(cache=True)
def penalties(code, x, pen, gamma):
    """Return the sum of the penalties of all variables."""
    total = 0.0
    for i in range(x.size):
        total += penalty(code, x[i], pen[i, 0], pen[i, 1], gamma)
    return total


@part
def dot(a, b):
    """Return a'b; eight partial sums, so that additions need not wait for each other."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    whole = a.size - a.size % 8
    for i in range(0, whole, 8):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
        s4 += a[i + 4] * b[i + 4]
        s5 += a[i + 5] * b[i + 5]
        s6 += a[i + 6] * b[i + 6]
        s7 += a[i + 7] * b[i + 7]
    for i in range(whole, a.size):
        s0 += a[i] * b[i]
    return (s0 + s1) + (s2 + s3) + ((s4 + s5) + (s6 + s7))


@part
def spread(v, entries, h, t, d):
    """Add d h X_j to the row t of the derivatives, for a dense column."""
    if h.size > 0:
        weights = h[t % h.shape[0]]
        for r in range(v.size):
            v[r] += d * weights[r] * entries[r]
    else:
        for r in range(v.size):
            v[r] += d * entries[r]


@part
def gather(v, data, indices, first, last):
    """Return X_j'v for a sparse column."""
    g = 0.0
    for e in range(first, last):
        g += data[e] * v[indices[e]]
    return g


@part
def scatter(v, data, indices, first, last, h, t, d):
    """Do what `spread` does for a sparse column."""
    if h.size > 0:
        weights = h[t % h.shape[0]]
        for e in range(first, last):
            r = indices[e]
            v[r] += d * weights[r] * data[e]
    else:
        for e in range(first, last):
            v[indices[e]] += d * data[e]


@njit(cache=True)
def dense_epochs(X, scale, column, target, ws, x, V, h, means, totals, c, L, pen, code, gamma):
    """Go through the coordinates ws of dense data; return the sum of L d^2, the largest L |d|."""
    moved = worst = 0.0
    for w in range(ws.size):
        i = ws[w]
        j, t = column[i], target[i]
        entries, v = X[:, j], V[t]
        g = scale[j] * dot(entries, v)
        if means.size > 0:
            g += c[t] * totals[t] * means[i]
        lam, mu, lower, upper = pen[i, 0], pen[i, 1], pen[i, 2], pen[i, 3]
        new = coordinate(code, x[i], g, L[i], lam, mu, lower, upper, gamma)
        d = new - x[i]
        if d == 0.0:
            continue
        x[i] = new
        moved += (L[i] + mu) * d * d
        worst = max(worst, (L[i] + mu) * abs(d))
        if means.size > 0:
            c[t] -= d * means[i]
        spread(v, entries, h, t, scale[j] * d)
    return moved, worst


@njit(cache=True)
def sparse_epochs(
    data, indices, indptr, target, ws, x, V, h, means, totals, c, L, pen, code, gamma
):
    """Go through the coordinates ws of CSC data, where j = i; return the same."""
    moved = worst = 0.0
    for w in range(ws.size):
        i = ws[w]
        t = target[i]
        v, first, last = V[t], indptr[i], indptr[i + 1]
        g = gather(v, data, indices, first, last)
        if means.size > 0:
            g += c[t] * totals[t] * means[i]
        lam, mu, lower, upper = pen[i, 0], pen[i, 1], pen[i, 2], pen[i, 3]
        new = coordinate(code, x[i], g, L[i], lam, mu, lower, upper, gamma)
        d = new - x[i]
        if d == 0.0:
            continue
        x[i] = new
        moved += (L[i] + mu) * d * d
        worst = max(worst, (L[i] + mu) * abs(d))
        if means.size > 0:
            c[t] -= d * means[i]
        scatter(v, data, indices, first, last, h, t, d)
    return moved, worst


@njit(cache=True)
def dense_moments(X, scale, column, target, h, sums):
    """Return sum_i h_i X_ij^2 and sum_i h_i X_ij (with `sums`) for each variable."""
    m = X.shape[0]
    square, mean = np.zeros(column.size), np.zeros(column.size if sums else 0)
    for w in range(column.size):
        j = column[w]
        entries, weights = X[:, j], h[target[w] % h.shape[0]]
        a = b = 0.0
        for i in range(m):
            q = weights[i] * entries[i]
            a += q * entries[i]
            b += q
        square[w] = a * scale[j] ** 2
        if sums:
            mean[w] = b * scale[j]
    return square, mean


@njit(cache=True)
def sparse_moments(data, indices, indptr, target, h, sums):
    """Return the same for CSC data."""
    square, mean = np.zeros(target.size), np.zeros(target.size if sums else 0)
    for w in range(target.size):
        weights = h[target[w] % h.shape[0]]
        a = b = 0.0
        for e in range(indptr[w], indptr[w + 1]):
            q = weights[indices[e]] * data[e]
            a += q * data[e]
            b += q
        square[w] = a
        if sums:
            mean[w] = b
    return square, mean


@njit(cache=True)
def scan(code, grad, x, norms, pen, gamma, scores):
    """Fill the scores of coordinates; return (KKT violation, its place, feasible scale, penalty).

    A score is the distance of -grad from the ends of the subdifferential, in units of the norm of
    the column: negative where a kink is violated, -inf off the kinks. The scale is the largest
    t <= 1 for which the conjugate of a convex penalty is finite at -t grad.
    """
    worst, place, scale, value = 0.0, -1, 1.0, 0.0
    for i in range(x.size):
        lam, mu, lower, upper = pen[i, 0], pen[i, 1], pen[i, 2], pen[i, 3]
        v, t = -grad[i], abs(x[i])
        value += penalty(code, x[i], lam, mu, gamma)
        slope = lam
        if code == 1:
            slope = max(0.0, lam - t / gamma)
        elif code == 2:
            slope = min(lam, max(0.0, (gamma * lam - t) / (gamma - 1.0)))
        low = high = mu * x[i]
        if x[i] > 0.0:
            low, high = low + slope, high + slope
        elif x[i] < 0.0:
            low, high = low - slope, high - slope
        else:
            low, high = -slope, slope
        kink = low < high
        if x[i] <= lower:
            low, kink = -np.inf, True
        if x[i] >= upper:
            high, kink = np.inf, True
        room = min(high - v, v - low)
        if -room > worst:
            worst, place = -room, i
        if not kink:
            scores[i] = -np.inf
        elif norms[i] > 0.0:
            scores[i] = room / norms[i]
        else:
            scores[i] = np.inf if room >= 0.0 else room
        if mu == 0.0 and code == 0:
            if v > lam and upper == np.inf:
                scale = min(scale, lam / v)
            elif v < -lam and lower == -np.inf:
                scale = min(scale, -lam / v)
    return worst, place, scale, value


@njit(cache=True)
def conjugate(grad, scale, pen):
    """Return the sum of g*_j(-scale grad_j) for the scale that `scan` found."""
    total = 0.0
    for i in range(grad.size):
        lam, mu, lower, upper = pen[i, 0], pen[i, 1], pen[i, 2], pen[i, 3]
        v = -scale * grad[i]
        u = 0.0
        excess = v - lam if v > lam else v + lam if v < -lam else 0.0
        if mu > 0.0:
            u = excess / mu
        elif excess > 0.0 and upper < np.inf:
            u = upper
        elif excess < 0.0 and lower > -np.inf:
            u = lower
        u = min(max(u, lower), upper)
        if u != 0.0:
            total += u * v - lam * abs(u) - 0.5 * mu * u * u
    return total
