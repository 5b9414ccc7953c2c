"""Penalties of the norms of groups of variables."""

import copy

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.inputs import repeated
from numopt.models.penalties.base import GROUPED, Penalty, not_negative, soft, weighted

EPS = 4.0 * float(np.finfo(np.float64).eps)
BISECTIONS = 50  # for the largest multiple that is feasible


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
    order: np.ndarray  # the variables, group after group, (n,)
    size: np.ndarray  # of each group
    start: np.ndarray  # of each group in `order`, and n
    group_of: np.ndarray  # of each variable, (n,)
    strengths = ("lam", "lam1")

    def __init__(self, lam, lam1, groups, weights=1.0):
        self.lam = weighted(lam, weights)
        self.lam1 = float(not_negative(lam1, "lam1", finite=True)[0])
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


def partition_of(groups, n):
    """Return groups as index arrays, after a check that they hold each variable once."""
    if isinstance(groups, (int, np.integer)):
        if groups < 1:
            raise ProblemError(f"`groups` must be a positive length, got {groups}")
        return [np.arange(s, min(s + groups, n)) for s in range(0, n, int(groups))]
    parts = [_indices(b) for b in groups]
    together = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    fine = together.size == n and np.array_equal(np.sort(together), np.arange(n))
    if not fine or any(b.size == 0 for b in parts):
        raise ProblemError(
            f"`groups` must hold each of the {n} variables in one group, and none be empty"
        )
    return parts


def _indices(b):
    """Return the indices of a group as an array."""
    found = np.atleast_1d(np.asarray(b))
    if (found.size and found.dtype.kind not in "iu") or found.ndim > 1:
        raise ProblemError(f"`groups` must hold vectors of indices, got {b!r}")
    return found.astype(np.int64)
