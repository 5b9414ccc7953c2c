"""What every penalty offers: a sum over units, coordinates or groups of them.

g(x) = sum_b g_b(x_b),      prox_b(v, t) = argmin_u g_b(u) + |u - v|^2 / (2 t)
"""

import copy
from typing import Any

import numpy as np

from numopt.core.errors import ProblemError, UnsupportedError
from numopt.models.inputs import real_vector, repeated

SEPARABLE, MINIMAX, CLIPPED, GROUPED = range(4)  # codes of the families, for the kernels


class Penalty:
    """Base of all penalties.

    Attributes
    ----------
    code : int
        Family, for the compiled code.
    groups : list of ndarray, or None
        The units, as indices of variables; None if every coordinate is one.
    convex : bool
    """

    code = SEPARABLE
    groups: Any = None
    convex = True
    sparse = True  # whether zeros are to be expected
    gamma = 0.0
    dual = False  # whether the conjugate is finite at a multiple of every point

    def bound(self, n, columns=None):
        """Return a copy for n variables, whose parameters are arrays of that length.

        `columns` is the number k of classes or targets if x is a matrix (n / k, k), row by row.

        Raises
        ------
        ProblemError
            For parameters that do not fit.
        """
        raise NotImplementedError

    def standardized(self, scale):
        """Return the penalty on x / scale: the same, but for bounds, which are those of x."""
        return self

    def value(self, x):
        """Return g(x)."""
        raise NotImplementedError

    def change(self, x, y):
        """Return g_b(y_b) - g_b(x_b) for each unit, for points of the domain; no digits cancel."""
        raise UnsupportedError(f"{type(self).__name__} knows no values by unit")

    def part(self, x, b):
        """Return the share of g(x) of the variables b, groups as a whole."""
        raise NotImplementedError

    def kink_at(self, x, units, b):
        """Return `kink` for some units, whose variables are b."""
        raise NotImplementedError

    def allows(self, x, b):
        """Return whether g is finite at values x of the variables b."""
        return True

    def prox(self, v, step, b=None):
        """Return the proximal point of v for the variables b (all, if None).

        `step` is a number, or one for each variable where units are coordinates. The variables of
        a group stand in b as a whole, group after group.
        """
        raise NotImplementedError

    def distance(self, grad, x):
        """Return the distance of -grad_b to the subdifferential of g_b at x_b, for each unit."""
        raise NotImplementedError

    def kink(self, x):
        """Return for each unit whether g_b is not smooth at x_b."""
        raise NotImplementedError

    @property
    def units(self):
        """Number of units."""
        return self.n if self.groups is None else len(self.groups)

    n = 0

    # -- paths -------------------------------------------------------------------------------

    strengths: tuple[str, ...] = ()  # names of the parameters that a path multiplies

    def times(self, factor):
        """Return the penalty with its strength multiplied by a positive number."""
        new = copy.copy(self)
        for name in self.strengths:
            setattr(new, name, factor * getattr(self, name))
        return new

    def free(self):
        """Return for each variable whether it is not drawn to zero, shape (n,)."""
        return self.lam == 0.0

    def threshold(self, grad):
        """Return the least factor of the strength with which zeros stay, at this gradient of f."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(self.free(), 0.0, self._pull(grad) / self.lam)
        return float(ratio.max(initial=0.0))

    def _pull(self, grad):
        """Return how strongly each unit is drawn away from zero."""
        return np.abs(grad)

    lam: np.ndarray


def soft(v, s):
    """Return sign(v) max(|v| - s, 0)."""
    return np.sign(v) * np.maximum(np.abs(v) - s, 0.0)


def weighted(lam, weights):
    """Return lam * weights, both not negative; zero times infinity stays infinite."""
    lam, weights = not_negative(lam, "lam", n=1, finite=True), not_negative(weights, "weights")
    out = np.isinf(weights)
    return np.where(out, np.inf, lam * np.where(out, 1.0, weights)) if out.any() else lam * weights


def not_negative(a, name, n=None, finite=False):
    """Return `a` as a vector without negative entries, or raise ProblemError."""
    v = real_vector(a, name, n=n, finite=finite)
    if (v < 0.0).any():
        raise ProblemError(f"`{name}` must not be negative, got {v[v < 0.0][0]}")
    return v


def for_each(v, name, n, columns):
    """Return a parameter for each variable; one for each row of a matrix of them will do."""
    if columns and v.size > 1 and v.size * columns == n:
        return np.repeat(v, columns)
    return v if v.size == n else repeated(v, name, n)
