"""The passes of `numopt.kernels.transport` for arrays of any library with the array API.

The same signatures, with ``C`` an array of that library: a block of the cost, from which the
namespace is taken. Vectors come and go as NumPy arrays: they are short beside the cost.
"""

import numpy as np

from numopt.kernels.arrays import namespace_of, on_host, placed

LN2 = 0.6931471805599453


def _exponents(C, f, g, eta):
    """Return ``f_i + g_j - eta C_ij`` and the namespace."""
    xp = namespace_of(C)
    f, g = placed(f, C), placed(g, C)
    return f[:, None] + g[None, :] - float(eta) * C, xp


def sinkhorn_pass(metric, C, X, YT, f, g, eta, a, tau, f_next, cols, P):
    """As its namesake; two exponentials for each entry, no guess is needed, nothing is stored."""
    E, xp = _exponents(C, np.zeros_like(f), g, eta)
    top = xp.max(E, axis=1)
    total = xp.sum(xp.exp(LN2 * (E - top[:, None])), axis=1)
    f_next[:] = tau * (np.log2(a / on_host(total)) - on_host(top))
    right = placed(f_next, C)
    cols += on_host(xp.sum(xp.exp(LN2 * (E + right[:, None])), axis=0))


def log_columns(metric, C, X, YT, f, eta, top, total):
    """As its namesake."""
    E, xp = _exponents(C, f, np.zeros_like(top), eta)
    peak = xp.max(E, axis=0)
    block = on_host(xp.sum(xp.exp(LN2 * (E - peak[None, :])), axis=0))
    peak = on_host(peak)
    higher = np.maximum(top, peak)
    total[:] = total * np.exp2(top - higher) + block * np.exp2(peak - higher)
    top[:] = higher


def marginals(metric, C, X, YT, f, g, eta, rows, cols):
    """As its namesake."""
    P, xp = plan(C, f, g, eta)
    rows[:] = on_host(xp.sum(P, axis=1))
    cols += on_host(xp.sum(P, axis=0))


def plan(C, f, g, eta):
    """Return a block of the plan, and the namespace."""
    E, xp = _exponents(C, f, g, eta)
    return xp.exp(LN2 * E), xp


def plan_block(metric, C, X, YT, f, g, eta, P):
    """As its namesake."""
    P[:] = on_host(plan(C, f, g, eta)[0])


def kept_block(C, f, g, eta, low, col_low):
    """Return a block of the plan, and where its entries are at least ``min(low_i, col_low_j)``."""
    P, _ = plan(C, f, g, eta)
    return P, (placed(low, C)[:, None] <= P) | (placed(col_low, C)[None, :] <= P)


def plan_cost(metric, C, X, YT, f, g, eta, rows, cols):
    """As its namesake."""
    P, xp = plan(C, f, g, eta)
    rows[:] = on_host(xp.sum(P, axis=1))
    cols += on_host(xp.sum(P, axis=0))
    return float(xp.sum(P * xp.where(P > 0, C, xp.zeros_like(C))))


def outer_cost(metric, C, X, YT, u, v):
    """As its namesake."""
    xp = namespace_of(C)
    u, v = placed(u, C), placed(v, C)
    W = u[:, None] * v[None, :]
    return float(xp.sum(W * xp.where(W > 0, C, xp.zeros_like(C))))


def lower_potentials(metric, C, X, YT, alpha, beta):
    """As its namesake."""
    xp = namespace_of(C)
    alpha = placed(alpha, C)
    np.minimum(beta, on_host(xp.min(C - alpha[:, None], axis=0)), out=beta)


def cheapest(metric, C, X, YT, nearest, col_nearest):
    """As its namesake."""
    xp = namespace_of(C)
    nearest[:] = on_host(xp.min(C, axis=1))
    np.minimum(col_nearest, on_host(xp.min(C, axis=0)), out=col_nearest)
    return float(xp.max(xp.where(xp.isinf(C), xp.full_like(C, -np.inf), C)))
