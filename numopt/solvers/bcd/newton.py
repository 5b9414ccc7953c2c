"""Newton steps on the support of a model: the phase that ends the descent.

    H = X_S' diag(h) X_S + diag(mu),    d = -H^-1 (X_S'v + lam sign(x_S) + mu x_S)
    x_S <- x_S + t d, with entries that change sign at zero, within the bounds;  t = 1, 1/4, 1/16

By Cholesky's factorisation, or by conjugate gradients where the data are sparse and S is large.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

PARAMETERS = ("lam", "mu", "lower", "upper")
IN_A_ROW = 3
LENGTHS = (1.0, 0.25, 0.0625)
RIDGE = 1e-12  # of the mean diagonal entry
SMALL = 400  # supports up to this size are factorised although the data are sparse
FACTOR_SPEED = 16.0  # entries of a factorisation done in the time of one of a pass
PRODUCTS = 100.0  # passes over the support that conjugate gradients are expected to cost
ACCURACY = 1e-6  # of conjugate gradients, relative
MOST_PRODUCTS = 300


def newton_cost(columns, S):
    """Return the price of a Newton step on S, in entries read by passes."""
    size = float(S.size)
    if columns.design.sparse and size > SMALL:
        return PRODUCTS * float(columns.lengths[S].sum())
    entries = float(columns.lengths[S].sum())
    return (size * entries + size**3 / 3.0) / FACTOR_SPEED


def support_step(columns, model, S):
    """Take Newton steps on the variables S; return whether the last one was a full one."""
    full = False
    for _ in range(IN_A_ROW):
        block = columns.block(S)
        v = model.residual()[0]
        slope = _slope(columns.penalty, model.x[S], S)
        gradient = block.T @ v + slope
        d = _direction(columns, model, block, S, gradient)
        if d is None:
            return False
        length, kept = _advance(columns, model, block, S, d)
        full = length == 1.0 and kept.all()
        if full or length == 0.0:
            return full
        S = S[kept]
    return full


def _slope(penalty, x, S):
    return np.where(x == 0.0, 0.0, penalty.lam[S] * np.sign(x)) + penalty.mu[S] * x


def _direction(columns, model, block, S, gradient):
    mu = columns.penalty.mu[S]
    if columns.design.sparse and S.size > SMALL:
        return _by_conjugate_gradients(model, block, S, mu, -gradient)
    weighted = block if not model.h.size else _times_rows(block, model.h[0])
    H = block.T @ weighted
    H = H if isinstance(H, np.ndarray) else H.toarray()
    if model.means.size:
        H -= model.totals[0] * np.outer(model.means[S], model.means[S])
    H[np.diag_indices(S.size)] += mu + RIDGE * np.trace(H) / max(S.size, 1)
    try:
        factor = cho_factor(H, check_finite=False, overwrite_a=True)
    except np.linalg.LinAlgError:
        return None
    return -cho_solve(factor, gradient, check_finite=False)


def _times_rows(block, h):
    if isinstance(block, np.ndarray):
        return h[:, None] * block
    scaled = block.copy()
    scaled.data *= h[scaled.indices]
    return scaled


def _by_conjugate_gradients(model, block, S, mu, b):
    h = model.h[0] if model.h.size else None
    means = model.means[S] if model.means.size else None
    transposed = block.T

    def product(d):
        z = block @ d
        out = transposed @ (z if h is None else h * z) + mu * d
        if means is not None:
            out -= model.totals[0] * means * (means @ d)
        return out

    diagonal = np.maximum(model.L[S] + mu, 1e-300)
    x, r = np.zeros_like(b), b.copy()
    p = r / diagonal
    rho = first = r @ p
    for _ in range(MOST_PRODUCTS):
        if rho <= ACCURACY**2 * first:
            break
        q = product(p)
        curvature = p @ q
        if not curvature > 0.0:
            break
        x += (rho / curvature) * p
        r -= (rho / curvature) * q
        s = r / diagonal
        rho, previous = r @ s, rho
        p = s + (rho / previous) * p
    return x


def _advance(columns, model, block, S, d):
    """Move along d as far as the model falls; return (length, which entries stay nonzero)."""
    penalty, x, v = columns.penalty, model.x[S], model.residual()[0]
    lam, mu, lower, upper = (getattr(penalty, name)[S] for name in PARAMETERS)
    for t in LENGTHS:
        new = x + t * d
        crossed = (new * x <= 0.0) & (lam > 0.0)
        new[crossed] = 0.0
        new = np.clip(new, lower, upper)
        kept = ~crossed & (new > lower) & (new < upper)
        step = new - x
        z = block @ step
        shift = float(model.means[S] @ step) if model.means.size else 0.0
        hz = model.h[0] * z if model.h.size else z
        smooth = v @ z + 0.5 * (z @ hz - model.totals[0] * shift**2)
        change = lam @ (np.abs(new) - np.abs(x)) + 0.5 * (mu @ (new**2 - x**2))
        if smooth + change < 0.0:
            model.x[S] = new
            model.V[0] += hz
            model.c[0] -= shift
            return t, kept
    return 0.0, np.ones(S.size, dtype=bool)
