"""Newton steps on the support of a model: the phase that ends the descent.

    H = X_S' diag(h) X_S + diag(mu),    d = -H^-1 (X_S'v + lam sign(x_S) + mu x_S)
    x_S <- x_S + t d, with entries that change sign at zero, within the bounds;  t = 1, 1/4, 1/16

By Cholesky's factorisation, or by conjugate gradients where the data are sparse and S is large.
A step is due when passes have cost as much and are expected to cost as much again; the price
doubles after a step that gained less than passes would have.
"""

from math import log
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs  # pyright: ignore

IN_A_ROW = 3
LENGTHS = (1.0, 0.25, 0.0625)
RIDGE = 1e-12  # of the mean diagonal entry
SMALL = 400  # supports up to this size are factorised although the data are sparse
FACTOR_SPEED = 20.0  # entries of a factorisation done in the time of one of a pass
PRODUCTS = 60.0  # passes over the support that conjugate gradients are expected to cost
ACCURACY = 1e-6  # of conjugate gradients, relative
ROUGH = 1e-2  # the same in a model that is not the problem itself
MOST_PRODUCTS = 300
CAP = 64.0  # largest factor on the price of a step, and divisor


class Account(NamedTuple):
    """What decides when a Newton step is due."""

    price: float = 1.0  # factor on its cost
    work: float = 0.0  # entries read by passes since the last one


class NewtonPhase:
    """Newton steps on a model.

    Parameters
    ----------
    sub : Subproblem
    model : Model
        Moved in place.
    account : Account
        Of earlier working sets; carried on.
    exact : bool
        Whether the model is the problem itself. If not, steps need less accuracy, and few are
        wanted: on sparse data they never become cheaper than passes.
    """

    def __init__(self, sub, model, account, exact):
        self.sub, self.model = sub, model
        self.lam, self.mu, self.lower, self.upper = sub.pen.T
        self.price, self.work = account
        self.cost = 0.0
        self.accuracy = ACCURACY if exact else ROUGH
        self.least = 1.0 / CAP if exact or not sub.sparse else 1.0

    def due(self, S, work, rate, to_do):
        """Return whether a step on S pays; `to_do` is the factor still to gain."""
        self.work += work
        entries = self._set_cost(S)
        passes = log(max(to_do, 1.0)) / max(-log(max(rate, 1e-8)), 1e-8)
        dear = self.work < self.price * self.cost or 2.0 * entries * passes < self.cost
        return S.size > 0 and not dear

    def cheap(self, S, per_pass):
        """Return whether a step on S costs no more than a pass or two."""
        self._set_cost(S)
        return S.size > 0 and self.price * self.cost <= 2.0 * per_pass

    def _set_cost(self, S):
        entries = float(self.sub.lengths[S].sum())
        if self.by_products(S):
            self.cost = PRODUCTS * entries
        else:
            self.cost = (S.size * entries + S.size**3 / 3.0) / FACTOR_SPEED
        return entries

    def by_products(self, S):
        """Return whether to solve by conjugate gradients."""
        return self.sub.sparse and S.size > SMALL

    def run(self, S, per_work):
        """Take steps on S, return the decrease; `per_work` is that of passes per entry."""
        gained, full = self._steps(S)
        if full or gained > per_work * self.cost > 0.0:
            self.price = max(self.price / 4.0, self.least)
        else:
            self.price = min(2.0 * self.price, CAP)
        self.work = 0.0
        return gained

    def _steps(self, S):
        """Return the decrease, and whether the last step was a full one."""
        model, gained, H = self.model, 0.0, None
        block = self.sub.block(S)
        for _ in range(IN_A_ROW):
            x = model.x[S]
            slope = np.where(x == 0.0, 0.0, self.lam[S] * np.sign(x)) + self.mu[S] * x
            gradient = block.T @ model.residual()[0] + slope
            if self.by_products(S):
                d = self._by_conjugate_gradients(block, S, -gradient)
            else:
                H = self._hessian(block, S) if H is None else H
                d = _solution(H, -gradient)
            if d is None:
                return gained, False
            length, fall, kept = self._advance(block, S, d)
            gained += fall
            full = length == 1.0 and bool(kept.all())
            if full or length == 0.0:
                return gained, full
            S, block = S[kept], block[:, kept]
            H = None if H is None else H[np.ix_(kept, kept)]
        return gained, False

    def _hessian(self, block, S):
        model = self.model
        H = block.T @ (_times_rows(block, model.h[0]) if model.h.size else block)
        H = H if isinstance(H, np.ndarray) else H.toarray()
        if model.means.size:
            H -= model.totals[0] * np.outer(model.means[S], model.means[S])
        H[np.diag_indices(S.size)] += self.mu[S] + RIDGE * np.trace(H) / S.size
        return H

    def _by_conjugate_gradients(self, block, S, b):
        model, mu = self.model, self.mu[S]
        h = model.h[0] if model.h.size else 1.0
        means = model.means[S] if model.means.size else None
        transposed = block.T

        def product(d):
            out = transposed @ (h * (block @ d)) + mu * d
            if means is not None:
                out -= model.totals[0] * means * (means @ d)
            return out

        return _conjugate_gradients(product, b, np.maximum(model.L[S] + mu, 1e-300), self.accuracy)

    def _advance(self, block, S, d):
        """Move along d if the model falls; return (length, decrease, what stays off its kink)."""
        model, x = self.model, self.model.x[S]
        lam, mu, lower, upper = self.lam[S], self.mu[S], self.lower[S], self.upper[S]
        v = model.residual()[0]
        for t in LENGTHS:
            new = x + t * d
            crossed = (new * x <= 0.0) & (lam > 0.0)
            new[crossed] = 0.0
            new = np.clip(new, lower, upper)
            step = new - x
            z = block @ step
            hz = model.h[0] * z if model.h.size else z
            shift = float(model.means[S] @ step) if model.means.size else 0.0
            smooth = v @ z + 0.5 * (z @ hz - model.totals[0] * shift**2)
            change = lam @ (np.abs(new) - np.abs(x)) + 0.5 * (mu @ (new**2 - x**2))
            if smooth + change < 0.0:
                model.x[S] = new
                model.V[0] += hz
                model.c[0] -= shift
                kept = ~crossed & (new > lower) & (new < upper)
                return t, -smooth - change, kept
        return 0.0, 0.0, np.ones(S.size, dtype=bool)


def _times_rows(block, h):
    if isinstance(block, np.ndarray):
        return h[:, None] * block
    scaled = block.copy()
    scaled.data *= h[scaled.indices]
    return scaled


def _solution(H, b):
    """Return H^-1 b, or None if H is not positive definite."""
    factor, fault = dpotrf(H.T, clean=False)  # the transpose is in the order of LAPACK
    return None if fault else dpotrs(factor, b)[0]


def _conjugate_gradients(product, b, diagonal, accuracy):
    """Return an approximate solution for a positive definite product, scaled by its diagonal."""
    x, r = np.zeros_like(b), b.copy()
    p = r / diagonal
    rho = first = r @ p
    for _ in range(MOST_PRODUCTS):
        if rho <= accuracy**2 * first:
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
