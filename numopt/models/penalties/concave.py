"""Penalties that cease to grow, so that large coefficients are not shrunk; not convex."""

import copy

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.inputs import real_vector
from numopt.models.penalties.base import CLIPPED, MINIMAX, Penalty, for_each, soft, weighted


class Concave(Penalty):
    """Base of MCP and SCAD, which cease to grow: g is not convex, solutions are stationary points.

    Parameters
    ----------
    lam : float
        Positive.
    gamma : float
        Where the penalty ends to grow, in units of `lam`.
    weights : float or array_like, shape (n,)
    """

    convex = False
    least = 1.0  # bound of gamma
    strengths = ("lam",)

    def __init__(self, lam, gamma, weights=1.0):
        self.lam = weighted(lam, weights)
        if not np.isfinite(self.lam).all():
            raise ProblemError("`weights` must be finite for a penalty that is not convex")
        self.gamma = float(real_vector(gamma, "gamma", n=1, finite=True)[0])
        if not self.gamma > self.least:
            raise ProblemError(f"`gamma` must be > {self.least}, got {self.gamma}")

    def bound(self, n, columns=None):
        new = copy.copy(self)
        new.n, new.lam = n, for_each(self.lam, "weights", n, columns)
        return new

    def table(self):
        """Return what `Separable.table` does, for free variables without squares."""
        free = np.full(self.n, np.inf)
        return np.stack([self.lam, np.zeros(self.n), -free, free], axis=1)

    def derivative(self, t):
        """Return the slope at t > 0."""
        raise NotImplementedError

    def check_curvature(self, least):
        """Raise ProblemError if steps for this curvature of a variable have no single minimiser."""
        if not (self.gamma + 1.0 - self.least) * least > 1.0:
            raise ProblemError(
                f"{type(self).__name__} with `gamma` {self.gamma} has no proximal point for a "
                f"curvature of {least:.3g}; raise gamma, or scale the columns (`standardize=True`)"
            )

    def distance(self, grad, x):
        slope = np.sign(x) * self.derivative(np.abs(x))
        at = np.maximum(0.0, np.abs(grad) - self.lam)
        return np.where(x == 0.0, at, np.abs(grad + slope))

    def kink(self, x):
        return (x == 0.0) & (self.lam > 0.0)

    def kink_at(self, x, units, b):
        return (x[b] == 0.0) & (self.lam[b] > 0.0)

    def value(self, x):
        return self.part(x, slice(None))


class MCP(Concave):
    """Minimax concave penalty of Zhang (2010).

        g_j(u) = lam |u| - u^2 / (2 gamma)   for |u| <= gamma lam,    gamma lam^2 / 2   beyond

    Parameters
    ----------
    lam : float
        Not negative.
    gamma : float
        Above 1. A coordinate step 1/a needs gamma a > 1, else it has no unique minimiser.
    weights : float or array_like, shape (n,)
        Factors of lam.
    """

    code = MINIMAX

    def __init__(self, lam, gamma=3.0, weights=1.0):
        super().__init__(lam, gamma, weights)

    def part(self, x, b):
        lam = self.lam[b]
        t = np.minimum(np.abs(x[b]), self.gamma * lam)
        return float(np.sum(lam * t - 0.5 * t**2 / self.gamma))

    def change(self, x, y):
        s, t = (np.minimum(np.abs(u), self.gamma * self.lam) for u in (x, y))
        return (t - s) * (self.lam - 0.5 * (s + t) / self.gamma)

    def derivative(self, t):
        """Return the slope at t > 0."""
        return np.maximum(0.0, self.lam - t / self.gamma)

    def prox(self, v, step, b=None):
        lam = self.lam[slice(None) if b is None else b]
        self.check_curvature(1.0 / np.max(step))
        inside = soft(v, step * lam) / (1.0 - step / self.gamma)
        return np.where(np.abs(v) <= self.gamma * lam, inside, v)


class SCAD(Concave):
    """Smoothly clipped absolute deviation of Fan and Li (2001).

        g_j'(u) = lam   for u <= lam,   (gamma lam - u)_+ / (gamma - 1)   beyond,     u > 0

    Parameters
    ----------
    lam : float
        Not negative.
    gamma : float
        Above 2. A coordinate step 1/a needs (gamma - 1) a > 1.
    weights : float or array_like, shape (n,)
        Factors of lam.
    """

    code = CLIPPED
    least = 2.0

    def __init__(self, lam, gamma=3.7, weights=1.0):
        super().__init__(lam, gamma, weights)

    def part(self, x, b):
        t, lam, gamma = np.abs(x[b]), self.lam[b], self.gamma
        middle = (2.0 * gamma * lam * t - t**2 - lam**2) / (2.0 * (gamma - 1.0))
        beyond = 0.5 * lam**2 * (gamma + 1.0)
        return float(
            np.sum(np.where(t <= lam, lam * t, np.where(t <= gamma * lam, middle, beyond)))
        )

    def change(self, x, y):
        lam, end, s, t = self.lam, self.gamma * self.lam, np.abs(x), np.abs(y)
        near = lam * (np.minimum(t, lam) - np.minimum(s, lam))
        s, t = np.clip(s, lam, end), np.clip(t, lam, end)
        return near + (t - s) * (end - 0.5 * (s + t)) / (self.gamma - 1.0)

    def derivative(self, t):
        """Return the slope at t > 0."""
        return np.clip((self.gamma * self.lam - t) / (self.gamma - 1.0), 0.0, self.lam)

    def prox(self, v, step, b=None):
        lam, gamma = self.lam[slice(None) if b is None else b], self.gamma
        self.check_curvature(1.0 / np.max(step))
        near = soft(v, step * lam)
        middle = soft(v, step * lam * gamma / (gamma - 1.0)) / (1.0 - step / (gamma - 1.0))
        size = np.abs(v)
        return np.where(size <= (1.0 + step) * lam, near, np.where(size <= gamma * lam, middle, v))
