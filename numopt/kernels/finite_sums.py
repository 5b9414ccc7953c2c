"""Gradients of finite sums of a loss of rows, and the loops of variance-reduced methods on them.

F(x) = (1/n) sum_i loss'(a_i'x, b_i) a_i + ridge x
"""

import numpy as np
from numba import njit

SQUARED, LOGISTIC, SMOOTH_HINGE, SQUARED_HINGE = range(4)
NONE, L1, BOX, SIMPLEX, GROUP = range(5)
SUMS = {"contract", "reassoc", "nsz"}  # sums may be reordered; NaN and infinity keep their meaning
HUGE = 1e250


@njit(cache=True, fastmath=SUMS)
def _dot(a, x):
    total = 0.0
    for j in range(a.size):
        total += a[j] * x[j]
    return total


@njit(cache=True, fastmath=SUMS)
def _dots(a, x, y):
    """Return a'x and a'y."""
    first, second = 0.0, 0.0
    for j in range(a.size):
        first += a[j] * x[j]
        second += a[j] * y[j]
    return first, second


@njit(cache=True)
def _add_multiple(t, a, out):
    for j in range(a.size):
        out[j] += t * a[j]


@njit(cache=True)
def _slope(loss, z, b):
    """Return the derivative of the loss at z."""
    if loss == SQUARED:
        return z - b
    if loss == LOGISTIC:
        return -b / (1.0 + np.exp(b * z))
    margin = 1.0 - b * z
    if loss == SMOOTH_HINGE:
        return -b * min(max(margin, 0.0), 1.0)
    return -b * max(margin, 0.0)


@njit(cache=True)
def _slope_and_value(loss, z, b):
    """Return the derivative and (s, p): the loss is s + log p."""
    if loss == SQUARED:
        return z - b, 0.5 * (z - b) ** 2, 1.0
    if loss == LOGISTIC:
        e = np.exp(-abs(b * z))
        share = e / (1.0 + e) if b * z >= 0.0 else 1.0 / (1.0 + e)
        return -b * share, max(-b * z, 0.0), 1.0 + e
    margin = max(1.0 - b * z, 0.0)
    if loss == SMOOTH_HINGE and margin > 1.0:
        return -b, margin - 0.5, 1.0
    return -b * margin, 0.5 * margin**2, 1.0


@njit(cache=True)
def gradient(loss, A, b, ridge, x, out):
    """Fill `out` with F(x) and return the mean loss."""
    n, d = A.shape
    out[:] = 0.0
    total, product = 0.0, 1.0  # one logarithm for many factors, each between 1 and 2
    for i in range(n):
        slope, value, factor = _slope_and_value(loss, _dot(A[i], x), b[i])
        total += value
        product *= factor
        if product > HUGE:
            total += np.log(product)
            product = 1.0
        _add_multiple(slope, A[i], out)
    for j in range(d):
        out[j] = out[j] / n + ridge * x[j]
    return (total + np.log(product)) / n


@njit(cache=True)
def _add_difference(loss, A, b, ridge, first, size, u, v, out):
    """Add the mean of F_i(u) - F_i(v) over a block of rows, which may wrap around."""
    for k in range(size):
        i = first + k if first + k < b.size else first + k - b.size
        z, y = _dots(A[i], u, v)
        _add_multiple((_slope(loss, z, b[i]) - _slope(loss, y, b[i])) / size, A[i], out)
    for j in range(out.size):
        out[j] += ridge * (u[j] - v[j])


@njit(cache=True)
def block_difference(loss, A, b, ridge, first, size, u, v, out):
    """Fill `out` with the mean of F_i(u) - F_i(v) over a block of rows."""
    out[:] = 0.0
    _add_difference(loss, A, b, ridge, first, size, u, v, out)


@njit(cache=True)
def _project_simplex(w, radius):
    down = np.sort(w)[::-1]
    total, lam = 0.0, 0.0
    for i in range(w.size):
        total += down[i]
        candidate = (total - radius) / (i + 1)
        if down[i] > candidate:
            lam = candidate
    for i in range(w.size):
        w[i] = max(w[i] - lam, 0.0)


@njit(cache=True)
def _shrink_groups(w, t, size):
    for g in range(0, w.size, size):
        square = 0.0
        for j in range(g, g + size):
            square += w[j] ** 2
        norm = np.sqrt(square)
        factor = 1.0 - t / norm if norm > t else 0.0
        for j in range(g, g + size):
            w[j] *= factor


@njit(cache=True)
def prox(term, w, t, weight, size, lower, upper):
    """Replace w by the proximal map of t times a term, of which `weight` may be the radius."""
    if term == L1:
        for j in range(w.size):
            w[j] = np.sign(w[j]) * max(abs(w[j]) - t * weight, 0.0)
    elif term == BOX:
        for j in range(w.size):
            w[j] = min(max(w[j], lower[j]), upper[j])
    elif term == SIMPLEX:
        _project_simplex(w, weight)
    elif term == GROUP:
        _shrink_groups(w, t * weight, size)


@njit(cache=True)
def stretch(data, term, u, F, anchor, anchored, k, eta, block, starts, snapshot, u_next, w):
    """Iterate with an estimate of the operator until an evaluation of the whole sum is due.

    Parameters
    ----------
    data : tuple
        loss, A, b, ridge.
    term : tuple
        term, weight, size, lower, upper.
    u, F : ndarray, shape (d,)
        A point and the operator there, exact; u is not changed, F is used up.
    anchor : ndarray, shape (d,)
    anchored : bool
        Whether the anchor has a weight.
    k : int
        Iterations since the restart.
    block : int
        Rows in a difference.
    starts : ndarray of int
        First rows of the differences; there is one iteration more.
    snapshot : bool
        Take differences to the first point, not to the one before.
    u_next, w : ndarray, shape (d,)
        For the last point, and the argument of the proximal map that it came from.
    """
    loss, A, b, ridge = data
    code, weight, size, lower, upper = term
    before, first, F_first = u.copy(), u.copy(), F.copy()
    for t in range(starts.size + 1):
        lam = 2.0 / (k + t + 4) if anchored else 0.0
        for j in range(u.size):
            w[j] = lam * anchor[j] + (1.0 - lam) * before[j] - eta * F[j]
            u_next[j] = w[j]
        prox(code, u_next, eta, weight, size, lower, upper)
        if t == starts.size:
            return
        if snapshot:
            F[:] = F_first
            _add_difference(loss, A, b, ridge, starts[t], block, u_next, first, F)
        else:
            _add_difference(loss, A, b, ridge, starts[t], block, u_next, before, F)
        before[:] = u_next
