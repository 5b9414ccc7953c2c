"""The passes of `numopt.kernels.transport` for arrays of any library with the array API.

The same signatures, with ``C`` an array of that library: a block of the cost, from which the
namespace is taken. Vectors come and go as NumPy arrays: they are short beside the cost.
"""

import numpy as np

LN2 = 0.6931471805599453


def _exponents(C, f, g, eta):
    """Return ``f_i + g_j - eta C_ij`` and the namespace."""
    xp = C.__array_namespace__()
    f, g = (xp.asarray(v, dtype=C.dtype, device=C.device) for v in (f, g))
    return f[:, None] + g[None, :] - float(eta) * C, xp


def _host(v):
    return v.get() if hasattr(v, "get") else np.asarray(v)


def sinkhorn_pass(metric, C, X, YT, f, g, eta, a, tau, f_next, cols, P):
    """As its namesake; two exponentials for each entry, no guess is needed, nothing is stored."""
    E, xp = _exponents(C, np.zeros_like(f), g, eta)
    top = xp.max(E, axis=1)
    total = xp.sum(xp.exp(LN2 * (E - top[:, None])), axis=1)
    f_next[:] = tau * (np.log2(a / _host(total)) - _host(top))
    right = xp.asarray(f_next, dtype=C.dtype, device=C.device)
    cols += _host(xp.sum(xp.exp(LN2 * (E + right[:, None])), axis=0))


def log_columns(metric, C, X, YT, f, eta, top, total):
    """As its namesake."""
    E, xp = _exponents(C, f, np.zeros_like(top), eta)
    peak = xp.max(E, axis=0)
    block = _host(xp.sum(xp.exp(LN2 * (E - peak[None, :])), axis=0))
    peak = _host(peak)
    higher = np.maximum(top, peak)
    total[:] = total * np.exp2(top - higher) + block * np.exp2(peak - higher)
    top[:] = higher


def marginals(metric, C, X, YT, f, g, eta, rows, cols):
    """As its namesake."""
    P, xp = plan(C, f, g, eta)
    rows[:] = _host(xp.sum(P, axis=1))
    cols += _host(xp.sum(P, axis=0))


def plan(C, f, g, eta):
    """Return a block of the plan, and the namespace."""
    E, xp = _exponents(C, f, g, eta)
    return xp.exp(LN2 * E), xp


def plan_block(metric, C, X, YT, f, g, eta, P):
    """As its namesake."""
    P[:] = _host(plan(C, f, g, eta)[0])


def kept_block(C, f, g, eta, low, col_low):
    """Return a block of the plan with zeros for the entries below ``min(low_i, col_low_j)``."""
    P, xp = plan(C, f, g, eta)
    low, col_low = (xp.asarray(v, dtype=C.dtype, device=C.device) for v in (low, col_low))
    return xp.where((low[:, None] <= P) | (col_low[None, :] <= P), P, xp.zeros_like(P))


def plan_cost(metric, C, X, YT, f, g, eta, rows, cols):
    """As its namesake."""
    P, xp = plan(C, f, g, eta)
    rows[:] = _host(xp.sum(P, axis=1))
    cols += _host(xp.sum(P, axis=0))
    return float(xp.sum(P * xp.where(P > 0, C, xp.zeros_like(C))))


def outer_cost(metric, C, X, YT, u, v):
    """As its namesake."""
    xp = C.__array_namespace__()
    u, v = (xp.asarray(w, dtype=C.dtype, device=C.device) for w in (u, v))
    W = u[:, None] * v[None, :]
    return float(xp.sum(W * xp.where(W > 0, C, xp.zeros_like(C))))


def lower_potentials(metric, C, X, YT, alpha, beta):
    """As its namesake."""
    xp = C.__array_namespace__()
    alpha = xp.asarray(alpha, dtype=C.dtype, device=C.device)
    np.minimum(beta, _host(xp.min(C - alpha[:, None], axis=0)), out=beta)


def cheapest(metric, C, X, YT, nearest, col_nearest):
    """As its namesake."""
    xp = C.__array_namespace__()
    nearest[:] = _host(xp.min(C, axis=1))
    np.minimum(col_nearest, _host(xp.min(C, axis=0)), out=col_nearest)
    return float(xp.max(xp.where(xp.isinf(C), xp.full_like(C, -np.inf), C)))


def conjugate_gradients(P, r, c, h, rtol, maxiter):
    """Solve ``(diag(c) - P' diag(r)^-1 P) y = h`` from 0 by its diagonal as preconditioner.

    Returns
    -------
    y : ndarray, shape (m,)
    iterations : int
    """
    xp = P.__array_namespace__()
    r, c, h = (xp.asarray(v, dtype=P.dtype, device=P.device) for v in (r, c, h))
    diagonal = xp.maximum(c - xp.sum(P * P / r[:, None], axis=0), 1e-12 * c)
    y, residual = xp.zeros_like(h), h
    p = z = residual / diagonal
    rho, target = xp.sum(residual * z), rtol * float(xp.sum(xp.abs(h)))
    for k in range(maxiter):
        if float(xp.sum(xp.abs(residual))) <= target:
            return _host(y), k
        q = c * p - xp.matmul(P.T, xp.matmul(P, p) / r)
        curvature = xp.sum(p * q)
        if not float(curvature) > 0.0:
            return _host(y), k
        step = rho / curvature
        y, residual = y + step * p, residual - step * q
        z = residual / diagonal
        rho_old, rho = rho, xp.sum(residual * z)
        p = z + rho / rho_old * p
    return _host(y), maxiter
