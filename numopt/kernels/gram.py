"""Least squares with a weighted L1 and squared penalty, by inner products of columns.

    minimise  |t - Z w|^2 / 2 + sum_j lam_j |w_j| + mu_j w_j^2 / 2,      w >= 0 if `positive`

Known are G = Z'Z, c = Z'(t - Z w) and the sums (t'r, r'r) with the residual r, which all move with
w. A pass costs |w|_0 |W| for a working set W, however many rows there are.
"""

import numpy as np
from numba import njit

from numopt.kernels import cholesky
from numopt.kernels.compiling import part

PASSES = 5  # between two looks at the gap
RIDGE = 1e-12  # of a diagonal entry, added in Newton steps: columns may depend on each other
CHEAPER = 12  # one factorisation of a support of so many columns costs as much as one pass


@njit(cache=True)
def gram_path(G, q, energy, lam, mu, positive, lambdas, goal, most, W, values, gaps, passes):
    """Solve for each of the factors `lambdas` of lam and mu, from the last solution.

    Row k of W (K, p) becomes the solution, values[k] its objective, gaps[k] the duality gap,
    passes[k] the passes taken; q is Z't and `energy` t't. A gap above `goal` is left only after
    `most` passes.
    """
    c, l, m = np.empty(q.size), np.empty(q.size), np.empty(q.size)
    w, sums = np.zeros(q.size), np.empty(2)
    for k in range(lambdas.size):
        for i in range(q.size):
            c[i], l[i], m[i] = q[i], lambdas[k] * lam[i], lambdas[k] * mu[i]
        for j in range(q.size):
            if w[j] != 0.0:
                for i in range(q.size):
                    c[i] -= w[j] * G[j, i]
        sums[0] = sums[1] = energy
        for j in range(q.size):
            sums[0] -= q[j] * w[j]
            sums[1] -= (q[j] + c[j]) * w[j]
        values[k], gaps[k], passes[k] = descend(G, c, q, l, m, positive, goal, most, w, sums)
        for i in range(q.size):
            W[k, i] = w[i]


@njit(cache=True)
def descend(G, c, q, lam, mu, positive, goal, most, w, sums):
    """Descend until the gap is at most `goal`; return objective, gap and number of passes.

    w, c and sums = (t'r, r'r) are moved in place. Passes are followed by Newton steps on the
    support as soon as they have cost as much as one.
    """
    passes, since = 0, 0
    value, gap = certificate(c, lam, mu, positive, w, sums)
    while gap > goal and passes < most:
        for k in range(PASSES):
            _pass(G, c, q, lam, mu, positive, k > 0, w, sums)
        passes += PASSES
        since += PASSES
        support = _support(w)
        if CHEAPER * since > support.size:
            _newton(G, c, q, lam, mu, support, w, sums)
            since = 0
        value, gap = certificate(c, lam, mu, positive, w, sums)
    return value, gap, passes


@njit(cache=True)
def certificate(c, lam, mu, positive, w, sums):
    """Return objective and duality gap; the dual point is the residual, scaled.

    With mu it is that of the equivalent problem with rows sqrt(mu_j) added to Z.
    """
    excess, square, value = 0.0, sums[1], 0.5 * sums[1]
    for j in range(w.size):
        slope = c[j] - mu[j] * w[j]
        slope = slope if positive else abs(slope)
        excess = max(excess, slope / lam[j])
        if w[j] != 0.0:
            square += mu[j] * w[j] ** 2
            value += lam[j] * abs(w[j]) + 0.5 * mu[j] * w[j] ** 2
    scale = 0.0
    if square > 0.0 and sums[0] > 0.0:  # for t'r < 0 the best point of this form is zero
        scale = min(sums[0] / square, 1.0 / excess if excess > 0.0 else np.inf)
    return value, value - scale * (sums[0] - 0.5 * scale * square)


@part
def _pass(G, c, q, lam, mu, positive, only_used, w, sums):
    """Minimise over each entry in turn, or over those that are not zero."""
    for j in range(w.size):
        if only_used and w[j] == 0.0:
            continue
        new = 0.0  # where the column is zero, too
        if G[j, j] > 0.0:
            u = c[j] + G[j, j] * w[j]
            new = max(u - lam[j], 0.0)
            if u < 0.0 and not positive:
                new = min(u + lam[j], 0.0)
            new /= G[j, j] + mu[j]
        delta = new - w[j]
        if delta != 0.0:
            _move(G, c, q, j, delta, w, sums)


@part
def _support(w):
    """Return where w is not zero; `np.flatnonzero` takes long to compile."""
    found, size = np.empty(w.size, dtype=np.int64), 0
    for j in range(w.size):
        if w[j] != 0.0:
            found[size] = j
            size += 1
    return found[:size]


@part
def _move(G, c, q, j, delta, w, sums):
    w[j] += delta
    sums[0] -= delta * q[j]
    sums[1] -= delta * (2.0 * c[j] - delta * G[j, j])
    for i in range(c.size):
        c[i] -= delta * G[j, i]


@part
def _newton(G, c, q, lam, mu, support, w, sums):
    """Step to the minimiser with the signs of w on its support, or to the first zero before it."""
    s = support.size
    H, d = np.empty((s, s)), np.empty(s)
    for a in range(s):
        j = support[a]
        d[a] = c[j] - mu[j] * w[j] - (lam[j] if w[j] > 0.0 else -lam[j])
        for b in range(a + 1):
            H[a, b] = G[j, support[b]]
        H[a, a] = (1.0 + RIDGE) * H[a, a] + mu[j]
    cholesky.solve(H, d)
    length, first = 1.0, -1
    for a in range(s):
        ratio = -w[support[a]] / d[a] if d[a] != 0.0 else -1.0
        if 0.0 < ratio < length and lam[support[a]] > 0.0:
            length, first = ratio, a
    for a in range(s):
        j = support[a]
        _move(G, c, q, j, -w[j] if a == first else length * d[a], w, sums)


@njit(cache=True)
def minimise(G, c, lam, mu, positive, relative, most, w):
    """Minimise -c'd + d'G d / 2 + penalty(w + d); w and c are moved in place, the fall returned.

    It ends when the violation of the conditions is at most `relative` times that of the start, when
    passes and a Newton step together make neither it nor the value smaller, or after `most` passes.
    """
    q, sums = np.zeros(w.size), np.zeros(2)
    first = value = penalty(w, lam, mu)
    worst = violation(c, lam, mu, positive, w)
    goal = relative * worst
    passes = since = 0
    while worst > goal and passes < most:
        for k in range(PASSES):
            _pass(G, c, q, lam, mu, positive, k > 0, w, sums)
        passes += PASSES
        since += PASSES
        support = np.flatnonzero(w)
        if 0 < support.size < CHEAPER * since:
            _newton(G, c, q, lam, mu, support, w, sums)
            since = 0
        last, before = value, worst
        value = 0.5 * sums[1] + penalty(w, lam, mu)
        worst = violation(c, lam, mu, positive, w)
        if not (value < last or worst < before):
            break
    return first - value


@njit(cache=True)
def violation(c, lam, mu, positive, w):
    """Return the largest distance of c to the subdifferential of the penalty."""
    worst = 0.0
    for j in range(w.size):
        slope = c[j] - mu[j] * w[j]
        if w[j] != 0.0:
            off = abs(slope - lam[j] if w[j] > 0.0 else slope + lam[j])
        else:
            off = (slope if positive else abs(slope)) - lam[j]
        worst = max(worst, off)
    return worst


@njit(cache=True)
def penalty(w, lam, mu):
    """Return sum_j lam_j |w_j| + mu_j w_j^2 / 2."""
    total = 0.0
    for j in range(w.size):
        if w[j] != 0.0:
            total += lam[j] * abs(w[j]) + 0.5 * mu[j] * w[j] ** 2
    return total
