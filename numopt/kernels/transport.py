"""Passes over the entries of an entropic transport plan P_ij = 2^(f_i + g_j - eta C_ij).

Potentials and eta come in the unit of the binary logarithm. `C` holds a block of rows of the cost,
or nothing, and then the cost is that of the points in the rows of `X` and the columns of `YT`; the
vectors of row quantities belong to the same block, those of column quantities to all columns.
"""

import numpy as np
from numba import njit

from numopt.kernels.compress import compress, compress_room
from numopt.kernels.exponential import PART, exp2
from numopt.kernels.vectors import SUMS, add_multiple

DENSE, SQEUCLIDEAN, EUCLIDEAN, L1 = range(4)
TINY, HUGE = 1e-250, 1e250  # sums outside are recomputed with a shift


@njit(fastmath=SUMS, **PART)
def _add_coordinate(metric, x, y, out):
    if metric == L1:
        for j in range(y.size):
            out[j] += abs(x - y[j])
    else:
        for j in range(y.size):
            out[j] += (x - y[j]) * (x - y[j])


@njit(cache=True)
def cost_row(metric, i, C, X, YT, out):
    """Return row i of the cost, in `out` unless it is stored."""
    if metric == DENSE:
        return C[i]
    out[:] = 0.0
    for k in range(YT.shape[0]):
        _add_coordinate(metric, X[i, k], YT[k], out)
    if metric == EUCLIDEAN:
        for j in range(out.size):
            out[j] = np.sqrt(out[j])
    return out


@njit(fastmath=SUMS, **PART)
def _plan_row(f, g, eta, cost, out):
    """Fill `out` with a row of the plan and return its sum."""
    total = 0.0
    for j in range(g.size):
        p = exp2(f + g[j] - eta * cost[j])
        total += p
        out[j] = p
    return total


@njit(fastmath=SUMS, **PART)
def _scale(t, p):
    for j in range(p.size):
        p[j] *= t


@njit(**PART)
def _largest(g, eta, cost):
    """Return the maximum of g_j - eta C_j."""
    top = -np.inf
    for j in range(g.size):
        top = max(top, g[j] - eta * cost[j])
    return top


@njit(cache=True)
def sinkhorn_pass(metric, C, X, YT, f, g, eta, a, tau, f_next, cols, P):
    """Do a full Sinkhorn iteration but for its last line, with one exponential for each entry.

    Parameters
    ----------
    f, g : ndarray, shapes (k,) and (m,)
        Potentials; one of k rows.
    a : ndarray, shape (k,)
        Masses of the rows.
    tau : float
        1 for row sums equal to `a`; less, between 0 and 1, for a penalty on their divergence.
    f_next : ndarray, shape (k,)
        Set to the right f.
    cols : ndarray, shape (m,)
        Added to: the column sums for `f_next`.
    P : ndarray, shape (k, m)
        Set to the plan for `f_next`, or without entries.
    """
    buffer = np.empty(g.size)
    plan = np.empty(g.size)
    for i in range(f.size):
        if P.size:
            plan = P[i]
        cost = cost_row(metric, i, C, X, YT, buffer)
        shift = 0.0
        total = _plan_row(f[i], g, eta, cost, plan)
        if not TINY < total < HUGE:
            shift = -f[i] - _largest(g, eta, cost)
            total = _plan_row(f[i] + shift, g, eta, cost, plan)
        now = f[i] + shift
        if tau == 1.0:
            weight = a[i] / total
            f_next[i] = now + np.log2(weight)
        else:
            f_next[i] = tau * (now + np.log2(a[i] / total))
            weight = exp2(f_next[i] - now)
        if P.size:
            _scale(weight, plan)
            weight = 1.0
        add_multiple(weight, plan, cols)


@njit(cache=True)
def log_columns(metric, C, X, YT, f, eta, top, total):
    """Update, column by column, the sum over the rows of 2^(f_i - eta C_ij) = total_j 2^top_j.

    Start with `top` = -infinity and `total` = 0; nothing under- or overflows on the way.
    """
    buffer = np.empty(top.size)
    for i in range(f.size):
        cost = cost_row(metric, i, C, X, YT, buffer)
        for j in range(top.size):
            e = f[i] - eta * cost[j]
            if e > top[j]:
                total[j] = total[j] * exp2(top[j] - e) + 1.0
                top[j] = e
            elif e > -np.inf:
                total[j] += exp2(e - top[j])


@njit(cache=True)
def marginals(metric, C, X, YT, f, g, eta, rows, cols):
    """Set `rows` to the row sums of the plan and add its columns to `cols`."""
    buffer = np.empty(g.size)
    plan = np.empty(g.size)
    for i in range(f.size):
        cost = cost_row(metric, i, C, X, YT, buffer)
        rows[i] = _plan_row(f[i], g, eta, cost, plan)
        add_multiple(1.0, plan, cols)


@njit(cache=True)
def plan_block(metric, C, X, YT, f, g, eta, P):
    """Set `P`, of shape (k, m), to the plan."""
    buffer = np.empty(g.size)
    for i in range(f.size):
        _plan_row(f[i], g, eta, cost_row(metric, i, C, X, YT, buffer), P[i])


@njit(cache=True)
def kept_entries(metric, C, X, YT, f, g, eta, low, col_low, first, indptr, indices, data):
    """Append to a CSR matrix the entries that are at least ``min(low_i, col_low_j)``.

    Begins with row `first` and returns the row that did not fit any more, or the number of rows.
    """
    m = g.size
    buffer, plan, room = np.empty(m), np.empty(m), compress_room(m)
    for i in range(first, f.size):
        used = indptr[i]
        if data.size - used <= m:
            return i
        cost = cost_row(metric, i, C, X, YT, buffer)
        _plan_row(f[i], g, eta, cost, plan)
        indptr[i + 1] = compress(plan, low[i], col_low, *room, used, indices, data)
    return f.size


@njit(fastmath=SUMS, **PART)
def _weighted_cost(plan, cost):
    total = 0.0
    for j in range(plan.size):
        total += plan[j] * cost[j] if plan[j] > 0.0 else 0.0
    return total


@njit(cache=True)
def plan_cost(metric, C, X, YT, f, g, eta, rows, cols):
    """Return the sum of P_ij C_ij; set `rows` and add to `cols` as `marginals` does."""
    buffer = np.empty(g.size)
    plan = np.empty(g.size)
    total = 0.0
    for i in range(f.size):
        cost = cost_row(metric, i, C, X, YT, buffer)
        rows[i] = _plan_row(f[i], g, eta, cost, plan)
        add_multiple(1.0, plan, cols)
        total += _weighted_cost(plan, cost)
    return total


@njit(cache=True)
def outer_cost(metric, C, X, YT, u, v):
    """Return the sum of u_i v_j C_ij; an entry of zero weight counts for nothing."""
    buffer = np.empty(v.size)
    total = 0.0
    for i in range(u.size):
        if u[i] > 0.0:
            total += u[i] * _weighted_cost(v, cost_row(metric, i, C, X, YT, buffer))
    return total


@njit(cache=True)
def lower_potentials(metric, C, X, YT, alpha, beta):
    """Lower beta_j to the minimum over the rows of C_ij - alpha_i, where that is less."""
    buffer = np.empty(beta.size)
    for i in range(alpha.size):
        cost = cost_row(metric, i, C, X, YT, buffer)
        for j in range(beta.size):
            beta[j] = min(beta[j], cost[j] - alpha[i])


@njit(cache=True)
def cheapest(metric, C, X, YT, nearest, col_nearest):
    """Set the least cost of each row, lower that of each column; return the largest finite one."""
    buffer = np.empty(col_nearest.size)
    highest = -np.inf
    for i in range(nearest.size):
        cost = cost_row(metric, i, C, X, YT, buffer)
        nearest[i], top = _extremes(cost, col_nearest)
        highest = max(highest, top)
    return highest


@njit(**PART)
def _extremes(cost, col_nearest):
    low, top = np.inf, -np.inf
    for j in range(cost.size):
        value = cost[j]
        col_nearest[j] = min(col_nearest[j], value)
        low = min(low, value)
        top = max(top, value if value < np.inf else -np.inf)
    return low, top
