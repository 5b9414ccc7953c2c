"""Convex penalties of single coordinates, one family on which the compiled code works.

    g_j(u) = lam_j |u| + mu_j u^2 / 2,   lower_j <= u <= upper_j
    prox_j(v, t) = clip(S(v, t lam_j) / (1 + t mu_j), lower_j, upper_j)

with the soft threshold S(v, s) = sign(v) max(|v| - s, 0).
"""

import copy
from typing import Any, ClassVar

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.inputs import real_vector
from numopt.models.penalties.base import Penalty, for_each, not_negative, soft, weighted


class Separable(Penalty):
    """Absolute values, squares and bounds, coordinate by coordinate.

        g(x) = sum_j lam_j |x_j| + mu_j x_j^2 / 2,   lower <= x <= upper

    Parameters
    ----------
    lam, mu : float or array_like, shape (n,)
        Not negative; where `lam` is infinite the coefficient is zero.
    lower, upper : float or array_like, shape (n,)
        Bounds, which may be infinite.
    """

    def __init__(self, lam: Any = 0.0, mu: Any = 0.0, lower: Any = -np.inf, upper: Any = np.inf):
        self.lam = not_negative(lam, "lam")
        self.mu = not_negative(mu, "mu", finite=True)
        self.lower, self.upper = real_vector(lower, "lower"), real_vector(upper, "upper")

    def bound(self, n, columns=None):
        new = copy.copy(self)
        new.n = n
        for name in ("lam", "mu", "lower", "upper"):
            told = self.told.get(name, name)
            setattr(new, name, for_each(getattr(self, name), told, n, columns))
        new._check_bounds()
        free = (new.lam == 0.0) & (new.mu == 0.0)
        new.dual = not (free & (np.isinf(new.lower) | np.isinf(new.upper))).any()
        new.sparse = bool(new.lam.any() or (new.lower == 0.0).any() or (new.upper == 0.0).any())
        return new

    def table(self):
        """Return lam, mu, lower and upper of each variable, shape (n, 4)."""
        return np.array([self.lam, self.mu, self.lower, self.upper]).T.copy()

    def _check_bounds(self):
        bad = (self.lower > self.upper) | (self.lower == np.inf) | (self.upper == -np.inf)
        excluded = np.isinf(self.lam) & ((self.lower > 0.0) | (self.upper < 0.0))
        if (bad | excluded).any():
            j = np.flatnonzero(bad | excluded)[0]
            raise ProblemError(
                f"no value of variable {j} is allowed: bounds {self.lower[j]} and {self.upper[j]}, "
                f"weight {self.lam[j]}"
            )

    strengths = ("lam", "mu")
    told: ClassVar[dict[str, str]] = {}  # what users call these parameters, in messages

    def _pull(self, grad):
        up = np.where(self.upper > 0.0, -grad, 0.0)
        return np.maximum(up, np.where(self.lower < 0.0, grad, 0.0))

    def standardized(self, scale):
        new = copy.copy(self)
        new.lower, new.upper = self.lower / scale, self.upper / scale
        return new

    def value(self, x):
        everywhere = slice(None)
        return self.part(x, everywhere) if self.allows(x, everywhere) else np.inf

    def part(self, x, b):
        used = np.flatnonzero(x[b])
        if not used.size:
            return 0.0
        u, lam, mu = x[b][used], self.lam[b][used], self.mu[b][used]
        return float(lam @ np.abs(u) + 0.5 * (mu @ u**2))

    def allows(self, x, b):
        return bool(((x >= self.lower[b]) & (x <= self.upper[b])).all())

    def change(self, x, y):
        lam = np.where(np.isinf(self.lam), 0.0, self.lam)
        return lam * (np.abs(y) - np.abs(x)) + 0.5 * self.mu * (y - x) * (y + x)

    def prox(self, v, step, b=None):
        b = slice(None) if b is None else b
        u = soft(v, step * self.lam[b]) / (1.0 + step * self.mu[b])
        return np.clip(u, self.lower[b], self.upper[b])

    def distance(self, grad, x):
        low, high = self._subdifferential(x)
        return np.maximum(0.0, np.maximum(low + grad, -grad - high))

    def _subdifferential(self, x):
        """Return the ends of the subdifferential at each coordinate."""
        at, slope = x == 0.0, self.mu * x
        low = slope + np.where(at, -self.lam, np.sign(x) * np.where(at, 0.0, self.lam))
        high = slope + np.where(at, self.lam, np.sign(x) * np.where(at, 0.0, self.lam))
        return np.where(x <= self.lower, -np.inf, low), np.where(x >= self.upper, np.inf, high)

    def kink(self, x):
        everywhere = slice(None)
        return self.kink_at(x, everywhere, everywhere)

    def kink_at(self, x, units, b):
        u = x[b]
        return ((u == 0.0) & (self.lam[b] > 0.0)) | (u <= self.lower[b]) | (u >= self.upper[b])

    def conjugate(self, v):
        """Return g*_j(v_j) = max_u v_j u - g_j(u) for each coordinate; it may be infinite."""
        with np.errstate(invalid="ignore", divide="ignore"):
            u = np.clip(soft(v, self.lam) / self.mu, self.lower, self.upper)
            flat = self.mu == 0.0
            end = np.where(v > self.lam, self.upper, np.where(v < -self.lam, self.lower, 0.0))
            u = np.where(flat, np.clip(end, self.lower, self.upper), u)
            value = u * v - np.where(u == 0.0, 0.0, self.lam * np.abs(u)) - 0.5 * self.mu * u**2
        return np.where(np.isinf(u), np.inf, value)

    def slack(self):
        """Return the ends of the interval of v outside which g*_j(v) is infinite."""
        open_above = np.isinf(self.upper) & (self.mu == 0.0)
        open_below = np.isinf(self.lower) & (self.mu == 0.0)
        return np.where(open_below, -self.lam, -np.inf), np.where(open_above, self.lam, np.inf)


class L1(Separable):
    """Sum of absolute values.

        g(x) = lam sum_j weights_j |x_j|

    Parameters
    ----------
    lam : float
        Not negative.
    weights : float or array_like, shape (n,)
        Zero leaves a variable without penalty; infinity keeps it at zero.
    positive : bool
        Demand x >= 0.

    Raises
    ------
    ProblemError
        For negative numbers and wrong lengths.

    Examples
    --------
    >>> numopt.L1(2.0, weights=[1.0, 0.0]).bound(2).value(np.array([-1.0, 5.0]))
    2.0
    """

    told = {"lam": "weights"}  # noqa: RUF012 - as in the base class

    def __init__(self, lam, weights=1.0, positive=False):
        super().__init__(weighted(lam, weights), lower=0.0 if positive else -np.inf)


class NonNegativeL1(L1):
    """Sum of nonnegative entries: ``L1(lam, weights, positive=True)``."""

    def __init__(self, lam=0.0, weights=1.0):
        super().__init__(lam, weights, positive=True)


class ElasticNet(Separable):
    """Absolute values and squares.

        g(x) = lam sum_j weights_j |x_j| + mu/2 sum_j weights_j x_j^2

    Parameters
    ----------
    lam, mu : float
        Not negative.
    weights : float or array_like, shape (n,)
    positive : bool
        Demand x >= 0.
    """

    told = {"lam": "weights", "mu": "weights"}  # noqa: RUF012 - as in the base class

    def __init__(self, lam, mu, weights=1.0, positive=False):
        lower = 0.0 if positive else -np.inf
        weights = real_vector(weights, "weights")
        ridge = not_negative(mu, "mu", finite=True) * np.where(np.isinf(weights), 0.0, weights)
        super().__init__(weighted(lam, weights), ridge, lower)


class BoxConstraint(Separable):
    """Bounds on the variables, lower <= x <= upper.

    Parameters
    ----------
    lower, upper : float or array_like, shape (n,)
        May be infinite.
    """

    def __init__(self, lower=-np.inf, upper=np.inf):
        super().__init__(lower=lower, upper=upper)
