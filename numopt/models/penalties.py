"""Penalties that are a sum over units: coordinates, or groups of them.

    g(x) = sum_b g_b(x_b),      prox_b(v, t) = argmin_u g_b(u) + |u - v|^2 / (2 t)

What is separable and convex here is one family, on which the compiled code works:

    g_j(u) = lam_j |u| + mu_j u^2 / 2,   lower_j <= u <= upper_j
    prox_j(v, t) = clip(S(v, t lam_j) / (1 + t mu_j), lower_j, upper_j)

with the soft threshold S(v, s) = sign(v) max(|v| - s, 0).
"""

import copy

import numpy as np

from numopt.core.errors import ProblemError, UnsupportedError
from numopt.models.inputs import real_vector, repeated

EPS = 4.0 * float(np.finfo(np.float64).eps)
BISECTIONS = 50
SEPARABLE, MINIMAX, CLIPPED, GROUPED = range(4)  # codes of the families, for the kernels


def soft(v, s):
    """Return sign(v) max(|v| - s, 0)."""
    return np.sign(v) * np.maximum(np.abs(v) - s, 0.0)


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
    groups: list | None = None
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

    def __init__(self, lam=0.0, mu=0.0, lower=-np.inf, upper=np.inf):
        self.lam = _not_negative(lam, "lam")
        self.mu = _not_negative(mu, "mu", finite=True)
        self.lower, self.upper = real_vector(lower, "lower"), real_vector(upper, "upper")

    def bound(self, n, columns=None):
        new = copy.copy(self)
        new.n = n
        for name in ("lam", "mu", "lower", "upper"):
            setattr(new, name, _for_each(getattr(self, name), name, n, columns))
        new._check_bounds()
        free = (new.lam == 0.0) & (new.mu == 0.0)
        new.dual = not np.any(free & (np.isinf(new.lower) | np.isinf(new.upper)))
        new.sparse = bool(new.lam.any() or (new.lower == 0.0).any() or (new.upper == 0.0).any())
        return new

    def table(self):
        """Return lam, mu, lower and upper of each variable, shape (n, 4)."""
        return np.stack([self.lam, self.mu, self.lower, self.upper], axis=1)

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
        u, lam = x[b], self.lam[b]
        used = u != 0.0
        u = u[used]
        return float(lam[used] @ np.abs(u) + 0.5 * (self.mu[b][used] @ u**2))

    def allows(self, x, b):
        return bool(np.all((x >= self.lower[b]) & (x <= self.upper[b])))

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

    def __init__(self, lam, mu, weights=1.0, positive=False):
        lower = 0.0 if positive else -np.inf
        weights = real_vector(weights, "weights")
        ridge = _not_negative(mu, "mu", finite=True) * np.where(np.isinf(weights), 0.0, weights)
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
        new.n, new.lam = n, _for_each(self.lam, "weights", n, columns)
        return new

    def table(self):
        """Return what `Separable.table` does, for free variables without squares."""
        free = np.full(self.n, np.inf)
        return np.stack([self.lam, np.zeros(self.n), -free, free], axis=1)

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


class SparseGroup(Penalty):
    """Absolute values and Euclidean norms of groups.

        g(x) = lam sum_b weights_b |x_b|_2 + lam1 sum_j |x_j|

    Parameters
    ----------
    lam, lam1 : float
        Not negative.
    groups : int or list of array_like
        Indices of the variables of each group, which cover all of them once; an integer makes
        runs of that length.
    weights : float or array_like, shape (number of groups,)
        Zero leaves a group without the norm; infinity keeps it at zero.

    Raises
    ------
    ProblemError
        For groups that overlap or leave variables out.
    """

    code = GROUPED
    strengths = ("lam", "lam1")

    def __init__(self, lam, lam1, groups, weights=1.0):
        self.lam = weighted(lam, weights)
        self.lam1 = float(_not_negative(lam1, "lam1", finite=True)[0])
        self._given = groups

    def bound(self, n, columns=None):
        new = copy.copy(self)
        new.n, new.groups = n, partition_of(self._given, n)
        new.lam = repeated(self.lam, "weights", len(new.groups))
        new.order = np.concatenate(new.groups) if n else np.zeros(0, dtype=np.int64)
        new.size = np.array([len(b) for b in new.groups], dtype=np.int64)
        new.start = np.concatenate([[0], np.cumsum(new.size)])
        new.group_of = np.empty(n, dtype=np.int64)
        new.group_of[new.order] = np.repeat(np.arange(len(new.groups)), new.size)
        new.dual = bool(np.all((new.lam > 0.0) | (new.lam1 > 0.0)))
        return new

    def free(self):
        return (self.lam[self.group_of] == 0.0) & (self.lam1 == 0.0)

    def threshold(self, grad):
        used = (self.lam > 0.0) | (self.lam1 > 0.0)
        norms = self.norms(grad)[used]
        with np.errstate(divide="ignore", invalid="ignore"):
            high = float(np.fmin(norms / self.lam[used], norms / self.lam1).max(initial=0.0))
        low = 0.0 if self.lam1 else high
        while high - low > EPS * high:
            middle = 0.5 * (low + high)
            shrunk = self.norms(soft(grad, middle * self.lam1))
            leaves = (shrunk > middle * self.lam)[used].any()
            low, high = (middle, high) if leaves else (low, middle)
        return high

    def norms(self, x):
        """Return the Euclidean norms of the groups."""
        return np.sqrt(np.bincount(self.group_of, x**2, minlength=len(self.groups)))

    def value(self, x):
        return self.part(x, self.order)

    def part(self, x, b):
        of, u = self.group_of[b], x[b]
        norms = np.sqrt(np.bincount(of, u**2, minlength=len(self.groups)))
        used = norms > 0.0
        return float(self.lam[used] @ norms[used] + self.lam1 * np.abs(u).sum())

    def kink_at(self, x, units, b):
        used = np.bincount(self.group_of[b], np.abs(x[b]), minlength=len(self.groups))[units]
        return (used == 0.0) & (self.lam[units] > 0.0)

    def change(self, x, y):
        units, both = len(self.groups), self.norms(x) + self.norms(y)
        squares = np.bincount(self.group_of, (y - x) * (y + x), minlength=units)
        sizes = np.bincount(self.group_of, np.abs(y) - np.abs(x), minlength=units)
        used = np.where((both > 0.0) & np.isfinite(self.lam), self.lam, 0.0)
        return used * squares / np.where(both > 0.0, both, 1.0) + self.lam1 * sizes

    def prox(self, v, step, b=None):
        b = np.arange(self.n) if b is None else np.asarray(b)
        u = soft(v, step * self.lam1)
        _, unit, of = np.unique(self.group_of[b], return_index=True, return_inverse=True)
        norms = np.sqrt(np.bincount(of, u**2))
        lam = self.lam[self.group_of[b[unit]]]
        t = step[unit] if np.ndim(step) else step
        shrink = np.zeros(norms.size)
        used = norms > t * lam
        shrink[used] = 1.0 - (t * lam)[used] / norms[used]
        return shrink[of] * u

    def distance(self, grad, x):
        norms = self.norms(x)[self.group_of]
        lam = self.lam[self.group_of]
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(norms > 0.0, grad + lam * x / norms, grad)
        pull = np.where(x == 0.0, soft(slope, self.lam1), slope + self.lam1 * np.sign(x))
        return np.maximum(0.0, self.norms(pull) - np.where(self.norms(x) > 0.0, 0.0, self.lam))

    def kink(self, x):
        return (self.norms(x) == 0.0) & (self.lam > 0.0)

    def feasible(self, v):
        """Return the largest t <= 1 for which the conjugate is finite at t v."""
        if self.lam1 == 0.0:
            norms = self.norms(v)
            return float(np.min(self.lam[norms > self.lam] / norms[norms > self.lam], initial=1.0))
        low, high = 0.0, 1.0
        if np.all(self.norms(soft(v, self.lam1)) <= self.lam):
            return high
        for _ in range(BISECTIONS):
            t = 0.5 * (low + high)
            fits = np.all(self.norms(soft(t * v, self.lam1)) <= self.lam)
            low, high = (t, high) if fits else (low, t)
        return low


class GroupL2(SparseGroup):
    """Euclidean norms of groups.

        g(x) = lam sum_b weights_b |x_b|_2

    Parameters
    ----------
    lam : float
        Not negative.
    groups : int or list of array_like
        Indices of the variables of each group, or the length of runs.
    weights : float or array_like, shape (number of groups,)
    """

    def __init__(self, lam, groups, weights=1.0):
        super().__init__(lam, 0.0, groups, weights)


class MultiTask(SparseGroup):
    """Euclidean norms of the rows of a matrix of coefficients, shape (p, k).

        g(W) = lam sum_j weights_j |W_j|_2

    Parameters
    ----------
    lam : float
        Not negative.
    weights : float or array_like, shape (p,)
    """

    def __init__(self, lam, weights=1.0):
        super().__init__(lam, 0.0, 1, weights)

    def bound(self, n, columns=None):
        self = copy.copy(self)
        self._given = columns or 1
        return SparseGroup.bound(self, n)


class UserProx(Penalty):
    """A penalty known by its proximal points.

    Parameters
    ----------
    prox : callable
        ``prox(v, step, b) -> array``: proximal points for the variables b.
    value : callable
        ``value(x) -> float`` of the whole vector.
    groups : int or list of array_like, optional
        Units in which it is separable; coordinates if None.

    Notes
    -----
    The distance to the subdifferential is measured by |x_b - prox_b(x_b - grad_b, 1)|.
    """

    code = -1
    convex = False  # nothing is known

    def __init__(self, prox, value, groups=None):
        self._prox, self._value, self._given = prox, value, groups

    def bound(self, n, columns=None):
        new = copy.copy(self)
        new.n = n
        new.groups = None if self._given is None else partition_of(self._given, n)
        return new

    def value(self, x):
        return float(self._value(x))

    def prox(self, v, step, b=None):
        return np.asarray(self._prox(v, step, np.arange(self.n) if b is None else b), dtype=float)

    def distance(self, grad, x):
        if self.groups is None:
            return np.abs(x - self.prox(x - grad, 1.0))
        moves = [x[b] - self.prox(x[b] - grad[b], 1.0, b) for b in self.groups]
        return np.array([np.linalg.norm(d) for d in moves])

    def kink(self, x):
        return np.zeros(self.units, dtype=bool)


def weighted(lam, weights):
    """Return lam * weights, both not negative; zero times infinity stays infinite."""
    lam = float(_not_negative(real_vector(lam, "lam", n=1), "lam", finite=True)[0])
    weights = _not_negative(weights, "weights")
    return np.where(np.isinf(weights), np.inf, lam * np.where(np.isinf(weights), 1.0, weights))


def partition_of(groups, n):
    """Return groups as index arrays, after a check that they hold each variable once."""
    if isinstance(groups, (int, np.integer)):
        if groups < 1:
            raise ProblemError(f"`groups` must be a positive length, got {groups}")
        return [np.arange(s, min(s + groups, n)) for s in range(0, n, int(groups))]
    parts = [np.atleast_1d(np.asarray(b, dtype=np.int64)) for b in groups]
    together = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    fine = together.size == n and np.array_equal(np.sort(together), np.arange(n))
    if not fine or any(b.size == 0 for b in parts):
        raise ProblemError(
            f"`groups` must hold each of the {n} variables in one group, and none be empty"
        )
    return parts


def _not_negative(a, name, finite=False):
    v = real_vector(a, name, finite=finite)
    if (v < 0.0).any():
        raise ProblemError(f"`{name}` must not be negative, got {v[v < 0.0][0]}")
    return v


def _for_each(v, name, n, columns):
    """Return a parameter for each variable; one for each row of a matrix of them will do."""
    if columns and v.size > 1 and v.size * columns == n:
        return np.repeat(v, columns)
    return repeated(v, name, n)
