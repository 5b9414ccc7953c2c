"""Semismooth Newton steps on the dual of least squares, for supports about as large as m.

    minimise  |t - Z w|^2 / 2 + sum_j lam_j |w_j|,      w >= 0 on demand

    for growing sigma
        y <- argmin  |y|^2 / 2 + t'y + |p|^2 / (2 sigma),   p = S(w - sigma Z'y, sigma lam),
             by steps d with  (I + sigma Z_J Z_J') d = -(y + t - Z p),   J = {j: p_j != 0}
        w <- p

This is the method of multipliers. Its systems are regular where Z_J'Z_J is not, and J loses and
gains many columns in one step; Z_J Z_J' is kept by what changes.

References
----------
.. [1] X. Li, D. Sun, K.-C. Toh, A Highly Efficient Semismooth Newton Augmented Lagrangian Method
   for Solving Lasso Problems, SIAM J. Optim. 28, 2018.
"""

from typing import Any

import numpy as np
from scipy.linalg.lapack import dposv  # pyright: ignore

LARGEST = 3000  # rows
FAILURES = 4.0  # price of a Newton step on the support after two that failed
FIRST, GROWTH, FALL = 100.0, 3.0, 9.0  # sigma over 1 / |Z_j|^2; its growth; its fall on failure
STEPS, ROUNDS = 30, 40  # for one sigma; values of sigma
LOOSE = 0.3  # accuracy in y relative to |p - w| / sqrt(sigma)
ROUNDING = 1e-13  # of |t|, and of F
DECREASE, HALVINGS = 1e-4, 20  # Armijo's rule


class DualNewton:
    """Descends on working sets on which Newton steps on the support have failed.

    Parameters
    ----------
    data : Centred or None
        None if the problem does not have the form.
    """

    def __init__(self, data: Any):
        self.data: Any = None
        if data is not None and data.loss.m <= LARGEST:
            self.data = None if data.loss.design.sparse or data.mu.any() else data

    def take(self, account):
        """Return whether a working set is to be descended on here."""
        return self.data is not None and account is not None and account.price >= FAILURES

    def descend(self, ws, point, goal, sigma=0.0):
        """Return the point after descent to a gap of `goal` on the working set, and the last sigma.

        The point is None if F did not fall. `sigma` is that of the working set before; the other
        parameters are those of `SmallSets.descend`.
        """
        data = self.data
        Z, start, r = data.columns(ws), point.x[ws], data.residual(point)
        first = FIRST * ws.size / max(float(np.vdot(Z, Z)), 1e-300)
        dual = _Multipliers(Z, data.t, data.lam[ws], data.positive, max(first, sigma))
        w, value = dual.run(start, -r, goal)
        fell = value < (1.0 - ROUNDING) * dual.value(start, r)
        return data.moved(point, ws, w) if fell else None, dual.sigma


class _Multipliers:
    """The method of multipliers on the columns of Z."""

    def __init__(self, Z, t, lam, positive, sigma):
        self.Z, self.t, self.lam, self.positive, self.sigma = Z, t, lam, positive, sigma
        self.J, self.K = np.zeros(lam.size, dtype=bool), np.zeros((t.size, t.size))  # Z_J Z_J'

    def run(self, w, y, goal):
        """Return the best w and its objective; y is -(t - Z w), and moved."""
        best = w, self.value(w, -y)
        for _ in range(ROUNDS):
            found = self.minimise(w, y)
            if found is None:
                self.sigma /= FALL
                continue
            w, y = found
            value, gap = self.certificate(w, y)
            best = (w, value) if value < best[1] else best
            if gap <= goal:
                break
            self.sigma *= GROWTH
        return best

    def value(self, w, r):
        """Return the objective for a residual r."""
        return 0.5 * float(r @ r) + float(self.lam @ np.abs(w))

    def certificate(self, w, y):
        """Return objective and gap; dual points are the residual and -y, shrunk."""
        r = self.t - self.Z @ w
        value = self.value(w, r)
        return value, value - max(self._dual(r), self._dual(-y))

    def _dual(self, r):
        c = self.Z.T @ r
        excess = float(((c if self.positive else np.abs(c)) / self.lam).max(initial=0.0))
        scale = 1.0 / max(excess, 1.0)
        return scale * float(self.t @ r) - 0.5 * scale**2 * float(r @ r)

    def minimise(self, w, y):
        """Return p and y for one sigma, or None if they are not found."""
        floor, slopes = ROUNDING * np.linalg.norm(self.t), self.Z.T @ y
        for _ in range(STEPS):
            p = self.prox(w - self.sigma * slopes)
            g = y + self.t - self.Z @ p
            loose = LOOSE * np.linalg.norm(p - w) / np.sqrt(self.sigma)
            if np.linalg.norm(g) <= max(loose, floor):
                return p, y
            d = self.direction(p != 0.0, g)
            if d is None:
                return None
            change = self.Z.T @ d
            length = self.length(w, y, slopes, d, change, float(g @ d))
            y, slopes = y + length * d, slopes + length * change
        return None

    def prox(self, u):
        """Return S(u, sigma lam), nonnegative on demand."""
        p = np.maximum(u - self.sigma * self.lam, 0.0)
        return p if self.positive else p - np.maximum(-u - self.sigma * self.lam, 0.0)

    def direction(self, J, g):
        """Return the Newton step; None if rounding has spoiled the matrix."""
        new, old = np.flatnonzero(J & ~self.J), np.flatnonzero(self.J & ~J)
        if new.size + old.size > np.count_nonzero(J):
            self.K = self._products(np.flatnonzero(J))
        else:
            self.K += self._products(new) - self._products(old)
        self.J = J
        H = self.sigma * self.K
        H[np.diag_indices(g.size)] += 1.0
        _, d, fault = dposv(H.T, -g, overwrite_a=True)
        return None if fault else d

    def _products(self, j):
        """Return Z_j Z_j'."""
        block = self.Z.T[j]  # columns of Z are contiguous
        return block.T @ block

    def length(self, w, y, slopes, d, change, slope):
        """Return a step length that decreases the objective of y enough."""
        length, before = 1.0, self._objective(w, y, slopes)
        for _ in range(HALVINGS):
            now = self._objective(w, y + length * d, slopes + length * change)
            if now <= before + DECREASE * length * slope:
                break
            length *= 0.5
        return length

    def _objective(self, w, y, slopes):
        p = self.prox(w - self.sigma * slopes)
        return 0.5 * float(y @ y) + float(self.t @ y) + float(p @ p) / (2.0 * self.sigma)
