"""Rows of a bilevel problem: those of its functions and those of its sets, in one form.

r(x, y) <= 0,   or = 0 for rows that are marked
"""

import copy
from typing import Any

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.inputs import real_vector
from numopt.models.sets import Explicit

STEP = np.finfo(float).eps ** (1 / 3)


class AffineRows:
    """Constraints ``Ax x + Ay y <= b`` (or equal, see `eq` of `Bilevel`).

    Parameters
    ----------
    Ax : array_like, shape (p, n)
    Ay : array_like, shape (p, m)
    b : array_like, shape (p,)
    """

    def __init__(self, Ax, Ay, b):
        self.Ax, self.Ay = (np.atleast_2d(np.asarray(A, dtype=float)).copy() for A in (Ax, Ay))
        self.b = real_vector(b, "b", finite=True)
        if not (np.isfinite(self.Ax).all() and np.isfinite(self.Ay).all()):
            raise ProblemError("the coefficients of `AffineRows` must be finite")

    def check(self, n, m, name):
        """Raise `ProblemError` unless the shapes fit."""
        p = self.b.size
        if self.Ax.shape != (p, n) or self.Ay.shape != (p, m):
            raise ProblemError(
                f"`{name}` has coefficients of shapes {self.Ax.shape} and {self.Ay.shape}, "
                f"expected {(p, n)} and {(p, m)}"
            )

    def value(self, x, y):
        """Return the rows, shape (p,)."""
        return self.Ax @ x + self.Ay @ y - self.b


class Stacked:
    """The rows of one level: first its function's, then its set's, bounds as rows for the lower.

    Parameters
    ----------
    problem : Bilevel
    name : {"g", "G"}
        The function.
    eq : ndarray of bool, shape (p,)
        Rows of the function that must equal 0.
    where : ConvexSet or None
        The set; one that is not explicit has no rows.
    part : {"x", "y"}
        What the set confines; bounds on x are no rows.
    """

    def __init__(self, problem, name, eq, where, part):
        self.problem, self.name, self.part = problem, name, part
        k = problem.n if part == "x" else problem.m
        region: Any = where.explicit(k) if where is not None else None
        self.region: Any = region
        self.A, self.b, equal = _half_rows(region, k, part == "y")
        self.ball = region is not None and region.centre is not None
        self.eq = np.concatenate([eq, equal, np.zeros(int(self.ball), dtype=bool)])
        self.own = eq.size

    def of(self, problem):
        """Return the same rows evaluated on the account of a view of the problem."""
        rows = copy.copy(self)
        rows.problem = problem
        return rows

    @property
    def curved(self):
        """Whether a row of the set is curved."""
        return self.ball

    def value(self, x, y):
        """Return r(x, y), shape (k,)."""
        v = x if self.part == "x" else y
        parts = [getattr(self.problem, self.name)(x, y), self.A @ v - self.b]
        if self.ball:
            away, radius = v - self.region.centre, self.region.radius
            parts.append(np.array([(away @ away - radius**2) / (2 * radius)]))
        return np.concatenate(parts)

    def jac(self, x, y):
        """Return the Jacobian, a pair of arrays of shapes (k, n) and (k, m)."""
        Jx, Jy = getattr(self.problem, "jac_" + self.name)(x, y)
        own, v = self.A, x if self.part == "x" else y
        if self.ball:
            own = np.vstack([own, (v - self.region.centre) / self.region.radius])
        none = np.zeros((len(own), y.size if self.part == "x" else x.size))
        pair = (own, none) if self.part == "x" else (none, own)
        return np.vstack([Jx, pair[0]]), np.vstack([Jy, pair[1]])

    def curvature(self, x, y, weights, v):
        """Return the derivative of J(x, y)'weights along (0, v), arrays (n,) and (m,).

        That of a function is a central difference, unless it is declared affine.
        """
        along_x, along_y = np.zeros_like(x), np.zeros_like(y)
        if self.ball and self.part == "y":
            along_y = weights[-1] / self.region.radius * v
        own, length = weights[: self.own], np.linalg.norm(v)
        if not own.any() or length == 0.0 or self.problem.affine(self.name) is not None:
            return along_x, along_y
        h = STEP * max(1.0, float(np.linalg.norm(y))) / length
        ends = [getattr(self.problem, "jac_" + self.name)(x, y + s * v) for s in (h, -h)]
        Jx, Jy = ((above - below) / (2 * h) for above, below in zip(*ends, strict=True))
        return along_x + own @ Jx, along_y + own @ Jy


def _half_rows(region: Explicit | None, k, with_bounds):
    """Return (A, b, equal) of the linear rows A v <= b of a region, of which some are equations."""
    if region is None:
        return np.zeros((0, k)), np.zeros(0), np.zeros(0, dtype=bool)
    A, lower, upper = region.A, region.lower, region.upper
    if with_bounds:
        A = np.vstack([A, np.eye(k)])
        lower = np.concatenate([lower, region.lb])
        upper = np.concatenate([upper, region.ub])
    equal = lower == upper
    above, below = np.isfinite(upper), np.isfinite(lower) & ~equal
    rows = np.vstack([A[above], -A[below]])
    sides = np.concatenate([upper[above], -lower[below]])
    return rows, sides, np.concatenate([equal[above], np.zeros(below.sum(), dtype=bool)])


def row_region(problem, at, with_sets):
    """Return the rows of g and G linearised at a joint vector, and those of the sets.

    Returns
    -------
    Explicit
        A ball is linearised, too.
    """
    x, y = problem.split(at)
    blocks = []
    for stacked in (problem.lower_rows, problem.upper_rows):
        value, J = stacked.value(x, y), np.hstack(stacked.jac(x, y))
        keep = slice(None) if with_sets else slice(stacked.own)
        upper = (J @ at - value)[keep]
        lower = np.where(stacked.eq[keep], upper, -np.inf)
        blocks.append((J[keep], lower, upper))
    A, lower, upper = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    lb, ub = np.full(problem.size, -np.inf), np.full(problem.size, np.inf)
    upper_set = problem.upper_rows.region
    if with_sets and upper_set is not None:
        lb[: problem.n], ub[: problem.n] = upper_set.lb, upper_set.ub
    return Explicit(lb, ub, A, lower, upper)
