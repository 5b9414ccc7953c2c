"""Convex sets that variables may be confined to, with their projections.

    project(v) = argmin { |u - v| : u in the set }

A set is *explicit* if it is made of bounds, linear rows and at most one ball; then constrained
methods use these, and projections onto intersections with other rows are quadratic programs.
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import InputTypeError, ProblemError
from numopt.linalg.quadratic import solve_quadratic
from numopt.models.inputs import real_vector, repeated

CVX_ACCURACY = 1e-12
IDEMPOTENT = 1e-6  # relative change that a second projection may make


class Explicit(NamedTuple):
    """The points with lb <= v <= ub, lower <= A v <= upper, |v - centre| <= radius."""

    lb: np.ndarray  # (n,)
    ub: np.ndarray  # (n,)
    A: np.ndarray  # (k, n)
    lower: np.ndarray  # (k,)
    upper: np.ndarray  # (k,)
    centre: np.ndarray | None = None  # (n,)
    radius: float = np.inf


class ConvexSet:
    """Base of the sets: `project`, `violation`, `explicit` and `check`."""

    def project(self, v):
        """Return the nearest point of the set, shape (n,)."""
        raise NotImplementedError

    # Sets with simple corners also have ``extreme(g)``: a point v of the set with the least <g, v>.

    def violation(self, v):
        """Return the distance of v from the set in the largest-entry norm."""
        return float(np.abs(v - self.project(v)).max(initial=0.0))

    def explicit(self, n) -> Explicit | None:
        """Return the description by bounds and rows, None if there is none."""
        return None

    def check(self, n, name):
        """Raise `ProblemError` unless the set can hold vectors of length n."""
        size = getattr(self, "n", None)
        if size not in (None, n):
            raise ProblemError(f"`{name}` is a set of vectors of length {size}, expected {n}")


def _linear(n, A=None, lower=None, upper=None, lb: Any = -np.inf, ub: Any = np.inf, **ball):
    A = np.zeros((0, n)) if A is None else A
    none = np.zeros(0)
    sides = none if lower is None else lower, none if upper is None else upper
    return Explicit(np.broadcast_to(lb, (n,)), np.broadcast_to(ub, (n,)), A, *sides, **ball)


class Box(ConvexSet):
    """All v with lb <= v <= ub.

    Parameters
    ----------
    lb, ub : float or array_like, shape (n,)
        Infinite where there is no bound.

    Raises
    ------
    ProblemError
        For bounds that cross.

    Examples
    --------
    >>> Box(0.0, 1.0).project(np.array([-1.0, 0.5]))
    array([0. , 0.5])
    """

    def __init__(self, lb=-np.inf, ub=np.inf):
        self.lb, self.ub = real_vector(lb, "lb"), real_vector(ub, "ub")
        sizes = {self.lb.size, self.ub.size} - {1}
        if len(sizes) > 1 or np.any(self.lb > self.ub):
            raise ProblemError("the bounds of a `Box` have different lengths, or cross")
        if np.ndim(lb) or np.ndim(ub):
            self.n = max(self.lb.size, self.ub.size)

    def project(self, v):
        return np.clip(v, self.lb, self.ub)

    def extreme(self, g):
        return np.where(g > 0.0, self.lb, self.ub)

    def explicit(self, n):
        return _linear(n, lb=repeated(self.lb, "lb", n), ub=repeated(self.ub, "ub", n))


class Simplex(ConvexSet):
    """All v >= 0 whose entries sum to `radius`.

    Parameters
    ----------
    radius : float
        Positive.
    """

    def __init__(self, radius=1.0):
        if not 0 < radius < np.inf:
            raise ProblemError(f"the sum of a `Simplex` must be positive, got {radius!r}")
        self.radius = float(radius)

    def project(self, v):
        ordered = np.sort(v)[::-1]
        shifts = (np.cumsum(ordered) - self.radius) / np.arange(1, v.size + 1)
        shift = shifts[np.flatnonzero(ordered > shifts)[-1]]
        return np.maximum(v - shift, 0.0)

    def extreme(self, g):
        return np.where(np.arange(g.size) == np.argmin(g), self.radius, 0.0)

    def explicit(self, n):
        side = np.array([self.radius])
        return _linear(n, np.ones((1, n)), side, side, lb=0.0)


class Ball(ConvexSet):
    """All v with |v - centre| <= radius in the Euclidean norm.

    Parameters
    ----------
    centre : float or array_like, shape (n,)
    radius : float
        Positive.
    """

    def __init__(self, centre=0.0, radius=1.0):
        if not 0 < radius < np.inf:
            raise ProblemError(f"the radius of a `Ball` must be positive, got {radius!r}")
        self.centre, self.radius = real_vector(centre, "centre", finite=True), float(radius)
        if np.ndim(centre):
            self.n = self.centre.size

    def project(self, v):
        away = v - self.centre
        distance = np.linalg.norm(away)
        return v.copy() if distance <= self.radius else self.centre + self.radius / distance * away

    def extreme(self, g):
        return self.centre - self.radius / max(np.linalg.norm(g), np.finfo(float).tiny) * g

    def violation(self, v):
        return max(0.0, float(np.linalg.norm(v - self.centre)) - self.radius)

    def explicit(self, n):
        return _linear(n, centre=repeated(self.centre, "centre", n), radius=self.radius)


class Affine(ConvexSet):
    """All v with A v = b.

    Parameters
    ----------
    A : array_like, shape (k, n)
    b : array_like, shape (k,)

    Raises
    ------
    ProblemError
        If no v satisfies the equations.
    """

    def __init__(self, A, b):
        self.A, self.b = _matrix(A), real_vector(b, "b", finite=True)
        self.n = self.A.shape[1]
        self._inverse = np.linalg.pinv(self.A)
        size = 1.0 + np.abs(self.b).max(initial=0.0)
        if (
            self.b.size != len(self.A)
            or self.violation(self.project(np.zeros(self.n))) > 1e-8 * size
        ):
            raise ProblemError("no vector satisfies the equations A v = b of this `Affine` set")

    def project(self, v):
        for _ in range(2):  # the second removes the rounding of the first
            v = v - self._inverse @ (self.A @ v - self.b)
        return v

    def violation(self, v):
        return float(np.abs(self.A @ v - self.b).max(initial=0.0))

    def explicit(self, n):
        return _linear(n, self.A, self.b, self.b)


class Halfspaces(ConvexSet):
    """All v with A v <= b.

    Parameters
    ----------
    A : array_like, shape (k, n)
    b : array_like, shape (k,)

    Raises
    ------
    ProblemError
        If no v satisfies the inequalities.
    """

    def __init__(self, A, b):
        self.A, self.b = _matrix(A), real_vector(b, "b")
        self.n = self.A.shape[1]
        if self.b.size != len(self.A):
            raise ProblemError(f"`A` has {len(self.A)} rows, `b` has {self.b.size}")
        self.project(np.zeros(self.n))

    def project(self, v):
        return project_rows(v, self.explicit(self.n))

    def violation(self, v):
        return max(0.0, float((self.A @ v - self.b).max(initial=0.0)))

    def explicit(self, n):
        return _linear(n, self.A, np.full(self.b.size, -np.inf), self.b)


class CvxSet(ConvexSet):
    """A set described in the language of CVXPY, compiled once.

    Parameters
    ----------
    describe : callable
        ``describe(v) -> list of constraints`` for a CVXPY variable v of shape (n,).
    n : int
        Length of the vectors.

    Raises
    ------
    ProblemError
        If the description is not convex, or no vector satisfies it.
    """

    def __init__(self, describe, n):
        import cvxpy as cp

        self.n = n
        self._point, self._near = cp.Variable(n), cp.Parameter(n)
        distance = cp.sum_squares(self._point - self._near)
        self._problem = cp.Problem(cp.Minimize(distance), list(describe(self._point)))
        if not self._problem.is_dcp():
            raise ProblemError("the description of a `CvxSet` is not convex by CVXPY's rules")
        self.project(np.zeros(n))

    def project(self, v):
        self._near.value = v
        accuracy: Any = {f"tol_{name}": CVX_ACCURACY for name in ("feas", "gap_abs", "gap_rel")}
        self._problem.solve(solver="CLARABEL", warm_start=True, **accuracy)
        if self._problem.status not in ("optimal", "optimal_inaccurate"):
            raise ProblemError(f"projection onto a `CvxSet`: {self._problem.status}")
        return np.array(self._point.value)


class Projected(ConvexSet):
    """A set known by its projection only.

    Parameters
    ----------
    projection : callable
        ``projection(v) -> nearest point``, shape (n,) to (n,).
    """

    def __init__(self, projection):
        self.projection = projection

    def project(self, v):
        return real_vector(self.projection(v.copy()), "the projection", n=v.size, finite=True)

    def check(self, n, name):
        u = self.project(np.linspace(-3.0, 3.0, n))
        if np.abs(self.project(u) - u).max(initial=0.0) > IDEMPOTENT * (1.0 + np.abs(u).max()):
            raise ProblemError(f"`{name}` is no projection: applied twice it moves the point again")


class Intersection(ConvexSet):
    """The points of several sets, by Dykstra's alternating projections.

    Parameters
    ----------
    sets : sequence of ConvexSet
    maxiter : int
        Largest number of rounds.
    tol : float
        Change in a round at which it ends.
    tick : callable
        Called in each round; may raise to end it.
    """

    def __init__(self, sets, maxiter=1000, tol=1e-12, tick=lambda: None):
        self.sets, self.maxiter, self.tol, self.tick = list(sets), maxiter, tol, tick

    def project(self, v):
        corrections = [np.zeros_like(v) for _ in self.sets]
        for _ in range(self.maxiter):
            self.tick()
            change = 0.0  # of the corrections: the point itself may rest for a while
            for i, part in enumerate(self.sets):
                moved = v + corrections[i]
                v = part.project(moved)
                change = max(change, np.abs(moved - v - corrections[i]).max(initial=0.0))
                corrections[i] = moved - v
            if change <= self.tol * (1.0 + np.abs(v).max(initial=0.0)):
                break
        return v

    def violation(self, v):
        return max((part.violation(v) for part in self.sets), default=0.0)


def as_set(given, n, name):
    """Return the set that a keyword stands for: None, a set, or a callable projection.

    Raises
    ------
    InputTypeError, ProblemError
        For anything else, or a set of vectors of another length.
    """
    if given is None:
        return None
    if callable(given) and not isinstance(given, (type, ConvexSet)):
        given = Projected(given)
    if not isinstance(given, ConvexSet):
        raise InputTypeError(
            f"`{name}` must be a set such as `Box(lb, ub)` or a callable projection, got "
            f"{type(given).__name__}"
        )
    given.check(n, name)
    return given


def project_rows(v, region):
    """Return the point nearest to v with the bounds and linear rows of an `Explicit` region.

    Raises
    ------
    ProblemError
        If there is none.
    """
    n = v.size
    bounded = np.isfinite(region.lb) | np.isfinite(region.ub)
    A = np.vstack([region.A, np.eye(n)[bounded]])
    lower = np.concatenate([region.lower, region.lb[bounded]])
    upper = np.concatenate([region.upper, region.ub[bounded]])
    value = A @ v
    if np.all((lower <= value) & (value <= upper)):
        return v.copy()
    if np.array_equal(lower, upper):  # equations only
        return v - np.linalg.lstsq(A, value - upper)[0]
    cap = np.full(len(A), np.inf)
    found = solve_quadratic(np.eye(n), np.zeros(n), A, lower - value, upper - value, cap)
    if found is None:
        raise ProblemError("no point satisfies the linear rows: the set is empty")
    return v + found.d


def _matrix(A):
    A = np.array(np.atleast_2d(A), dtype=np.float64)
    if A.ndim != 2 or not np.isfinite(A).all():
        raise ProblemError(f"`A` must be a finite matrix of shape (k, n), got shape {A.shape}")
    return A
