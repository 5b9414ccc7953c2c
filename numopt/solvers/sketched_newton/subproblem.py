"""The quadratic program of an active-set step, in the variables x of an equality form.

    minimise   g'd + d'Bd/2 + cap |violation of the rows|_1
    subject to lower <= rows + A d <= upper,  lb <= x + d <= ub,  |d_i| <= radius max(1, |x_i|)

B is the Hessian of the Lagrangian, convexified on the null space of the working set (`convexify`).
A step that violates rows is an attempt to buy them off: the cap is raised before it is believed.
"""

from typing import NamedTuple

import numpy as np

from numopt.linalg.convexify import convexified
from numopt.linalg.quadratic import solve_quadratic

FIRST_CAP, LARGEST_CAP, CAP_GROWTH = 1e2, 1e6, 100.0


class Step(NamedTuple):
    """A solution of the quadratic program."""

    d: np.ndarray  # (n_x,)
    y: np.ndarray  # multipliers of the rows, (m,)
    z: np.ndarray  # multipliers of the bounds, positive at upper ones, (n_x,)
    working: np.ndarray  # int, (m + n_x,): +1, -1 at upper and lower sides that are met, else 0
    length: float  # largest |d_i| / max(1, |x_i|)
    change: float  # g'd + d'Hd/2


class Subproblem:
    """The quadratic program at one point.

    Parameters
    ----------
    model : EqualityForm
    s : State
        Point, multipliers and first derivatives.
    H : ndarray, shape (n_x, n_x)
        Hessian of the Lagrangian.
    working : ndarray of int, shape (m + n_x,)
        Probable sides of the rows and bounds, as in `Step`.
    """

    def __init__(self, model, s, H, working):
        self.m, self.H, self.g = model.m, H, s.g[: model.n_x]
        x = s.w[: model.n_x]
        self.scale = np.maximum(1.0, np.abs(x))
        self.A = np.eye(self.m + x.size, x.size, -self.m)
        self.A[: self.m] = dense(s.A, x.size)
        self.lower, self.upper = all_sides(model, s.w, s.C)
        self.guess = working
        self._active = np.flatnonzero((working != 0) | (self.lower == self.upper))
        self.convex = convexified(H, self.A[self._active])

    def solve(self, radius, guess, bend=None):
        """Return the `Step` within a radius, or None if there is none.

        `bend` is added to the sides of the rows: what they gained by curvature along an earlier
        step, negatively.
        """
        lower, upper = self._bent(bend)
        low, up = lower.copy(), upper.copy()
        low[self.m :] = np.maximum(lower[self.m :], -radius * self.scale)
        up[self.m :] = np.minimum(upper[self.m :], radius * self.scale)
        q = self._solved(self._gradient(lower, upper), low, up, guess)
        if q is None:
            return None
        # A bound that only the radius sets has no multiplier of its own.
        real = np.where(q.y > 0.0, up == upper, low == lower)
        y, working = q.y * real, q.working * real
        if _largest(y[: self.m]) >= LARGEST_CAP:  # the price of what cannot be had says nothing
            y[: self.m] = np.clip(y[: self.m], -FIRST_CAP, FIRST_CAP)
        length = float((np.abs(q.d) / self.scale).max(initial=0.0))
        change = float(self.g @ q.d + 0.5 * q.d @ (self.H @ q.d))
        return Step(q.d, y[: self.m], y[self.m :], working, length, change)

    def _bent(self, bend):
        if bend is None:
            return self.lower, self.upper
        bend = np.concatenate([bend, np.zeros(self.scale.size)])
        return self.lower + bend, self.upper + bend

    def _gradient(self, lower, upper):
        """Return g with the part that makes up for the curvature added across the working set."""
        if not self.convex.sigma:
            return self.g
        sides = np.where(self.guess > 0, upper, lower)[self._active]
        return self.g + self.convex.shift(np.where(np.isfinite(sides), sides, 0.0))

    def _solved(self, g, low, up, guess):
        cap = FIRST_CAP
        while True:
            caps = np.full(low.size, np.inf)
            caps[: self.m] = cap
            q = solve_quadratic(self.convex.L, g, self.A, low, up, caps, guess)
            if q is None or cap >= LARGEST_CAP or _largest(q.y[: self.m]) < cap:
                return q
            cap, guess = cap * CAP_GROWTH, q.working


def all_sides(model, w, C):
    """Return (lower, upper) for the linear change of the rows and of x at w, shape (m + n_x,)."""
    x = w[: model.n_x]
    lower, upper = model.sides(w, C)
    return (
        np.concatenate([lower, model.lower[: x.size] - x]),
        np.concatenate([upper, model.upper[: x.size] - x]),
    )


def _largest(y):
    return float(np.abs(y).max(initial=0.0))


def dense(M, n):
    """Return the first n columns of a matrix as an array; the others are those of slacks."""
    return M[:, :n] if isinstance(M, np.ndarray) else M.tocsr()[:, :n].toarray()
