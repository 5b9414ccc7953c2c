"""What can be said of a point (x, y) whichever method found it.

    lower gap   (f(x, y) - V(x)) / (1 + |V(x)|),   V(x) by constrained Newton from several starts
    lower KKT   |Proj_Y(y - grad_y f - J_y'l) - y|,   l by nonnegative least squares on active rows

The evaluations are outside the run: neither counted nor limited.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import ProblemError
from numopt.core.loop import Run, drive
from numopt.core.solver import get_solver
from numopt.core.status import Status
from numopt.models.bilevel_levels import LowerLevel, curvature
from numopt.models.sets import Explicit, project_rows
from numopt.solvers.bilevel.descent import minimise, region_of

ACCURATE = 1e-8  # tolerance of the independent solves
MANY = 200  # variables from which the Hessian is used by products
ACTIVE = 1e-5  # relative distance at which a row counts as active
SAMPLES = 10  # segments, or Hessians, by which convexity is tested
BEND = 1e-7  # relative violation of convexity that is not rounding
STARTS = 24  # of a lower level that is not convex
SAME = 1e-4  # relative distance of two solutions that count as one


class Certificate(NamedTuple):
    """Findings about a point; see the fields of a result of a bilevel method."""

    lower_gap: float
    lower_solver: str
    lower_value: float
    lower_kkt: float
    multipliers: np.ndarray  # of the rows of g, then of those of Y, (k,)
    feasibility: dict
    lower_convex: str
    unique_lower: bool
    lower_y: np.ndarray  # of the best value found, (m,)

    @property
    def violation(self):
        """The largest one of the groups."""
        worst = max(self.feasibility.values())
        return worst if worst == worst else np.inf

    def remarks(self):
        """Return sentences on what weakens the answer."""
        found = []
        if self.lower_value == np.inf:
            found.append("No feasible point of the lower level was found at this x")
        if self.lower_convex == "violated":
            found.append(
                "The lower level is not convex in y, so its global solution is not certain: no "
                "success is claimed"
            )
        if not self.unique_lower:
            found.append(
                "The lower level has other solutions here: the optimistic y may not be attained"
            )
        return found


def certify(problem, x, y):
    """Return the `Certificate` of a point.

    Parameters
    ----------
    problem : Bilevel
    x, y : ndarray, shapes (n,) and (m,)
    """
    view = problem.armed()
    view.on_error = "nan"
    rng = np.random.default_rng(0)
    feasibility = view.infeasibilities(x, y)
    convex = convexity(view, x, y, rng)
    starts = 2 if convex in ("checked", "declared") else STARTS
    found = [solve_lower(view, x, t) for t in (y, *samples(view, x, y, rng, starts - 1))]
    found = [(value, t) for value, t in found if np.isfinite(value)] or [(np.inf, y)]
    value, best = min(found, key=lambda pair: pair[0])
    own = view.f(x, y)
    gap = max(0.0, own - value) / (1.0 + abs(value)) if np.isfinite(own) else np.inf
    kkt, multipliers = lower_kkt(view, x, y)
    unique = _unique(found, value, y)
    name = "sketched_newton" if _by_rows(view) else "projected descent"
    return Certificate(
        gap if value < np.inf else np.inf,
        name, value, kkt, multipliers, feasibility, convex, unique, best,
    )  # fmt: skip


def _unique(found, value, y):
    """Return whether all solutions of the least value are y."""
    least = [t for v, t in found if v <= value + ACCURATE * (1.0 + abs(value))]
    size = 1.0 + np.abs(y).max(initial=0.0)
    return all(np.abs(t - y).max(initial=0.0) <= SAME * size for t in least)


def _by_rows(problem):
    """Return whether the lower level is made of rows, so that constrained Newton solves it."""
    return problem.Y is None or problem.lower_rows.region is not None


def solve_lower(problem, x, y, tol=ACCURATE):
    """Return (value, y) of the lower level at x, solved from y; infinite if no point is feasible.

    Parameters
    ----------
    problem : Bilevel
    x, y : ndarray, shapes (n,) and (m,)
    tol : float
    """
    if not _by_rows(problem):
        return _solve_lower_by_projections(problem, x, y, tol)
    nlp = LowerLevel(problem, x, y, products=problem.m > MANY)
    res = nested(nlp, tol, maxiter=200)
    if res.status is Status.INFEASIBLE or res.constr_violation > 1e-6:
        return np.inf, y
    return problem.f(x, res.x), res.x


def _solve_lower_by_projections(problem, x, y, tol):
    def oracle(t, _):
        return problem.f(x, t), problem.grad_f_y(x, t), None

    if problem.p:  # only the set is projected onto: rows would need an intersection
        feasible = _lower_set(problem, x)
        region = region_of(None, problem.m)._replace(projection=feasible)
    else:
        region = region_of(problem.Y, problem.m)
    point = minimise(oracle, region.project(y), region, tol, 5000).at
    return point.value, point.w


def nested(nlp, tol, maxiter, method="sketched_newton", **options):
    """Return the result of another method of numopt on a nonlinear program.

    Parameters
    ----------
    nlp : NLP
    tol : float
    maxiter : int
    method : str
    options
        Of that method.
    """
    solver = get_solver(method, {"tol": tol, "maxiter": maxiter, **options})
    view = nlp.armed()
    view.x0 = nlp.x0
    return drive(solver, view, view.x0, Run(view, 0))


# -- multipliers -----------------------------------------------------------------------------------


def lower_kkt(problem, x, y):
    """Return (residual, multipliers) of the KKT conditions of the lower level.

    The multipliers belong to the rows of g, then those of Y, shape (k,): nonnegative, free for
    equations, zero where a row has room.
    """
    from scipy.optimize import nnls

    rows, g = problem.lower_rows, problem.grad_f_y(x, y)
    r, J = rows.value(x, y), rows.jac(x, y)[1]
    multipliers = np.zeros(r.size)
    if not (np.isfinite(g).all() and np.isfinite(J).all() and np.isfinite(r).all()):
        return np.inf, multipliers
    active = np.flatnonzero(rows.eq | (r >= -ACTIVE * (1.0 + np.abs(y).max(initial=0.0))))
    if active.size:
        free = active[rows.eq[active]]
        columns = np.hstack([J[active].T, -J[free].T])
        found = nnls(columns, -g)[0]
        multipliers[active] = found[: active.size]
        multipliers[free] -= found[active.size :]
    slope = g + J.T @ multipliers
    target = y - slope
    if not _by_rows(problem):
        target = problem.Y.project(target)
    return float(np.abs(target - y).max(initial=0.0)), multipliers


# -- convexity -------------------------------------------------------------------------------------


def _lower_set(problem, x):
    """Return a function that makes t feasible for the lower level at x, as far as it can."""

    def feasible(t):
        if problem.Y is not None:
            t = problem.Y.project(t)
        for _ in range(5 if problem.lower_rows.eq.size else 0):
            r, J = problem.lower_rows.value(x, t), problem.lower_rows.jac(x, t)[1]
            upper = J @ t - r
            lower = np.where(problem.lower_rows.eq, upper, -np.inf)
            free = np.full(t.size, np.inf)
            try:
                after = project_rows(t, Explicit(-free, free, J, lower, upper))
            except ProblemError:
                return t
            if problem.affine("g") is not None or np.abs(after - t).max() <= 1e-9:
                return after
            t = after
        return t

    return feasible


def samples(problem, x, y, rng, count):
    """Return feasible points near y and far from it."""
    feasible, size = _lower_set(problem, x), 1.0 + np.abs(y).max(initial=0.0)
    sizes = size * rng.choice([0.5, 1.0, 3.0, 10.0], count)
    points = [feasible(y + s * rng.standard_normal(y.size)) for s in sizes]
    return [t for t in points if np.isfinite(t).all()]


def convexity(problem, x, y, rng):
    """Return "declared", "checked", "violated" or "unknown"."""
    if problem.lower_convex is not None:
        return "declared" if problem.lower_convex else "violated"
    points = [y, *samples(problem, x, y, rng, 2 * SAMPLES - 1)]
    tests = [_convex_between(problem, x, a, b) for a, b in zip(points[::2], points[1::2])]  # noqa: B905
    if problem.m <= MANY // 10:
        tests += [_convex_at(problem, x, t) for t in points[:3]]
    known = [test for test in tests if test is not None]
    if not known:
        return "unknown"
    return "checked" if all(known) else "violated"


def _convex_between(problem, x, a, b):
    """Return whether f and g lie below their chord in its middle, None if they are undefined."""
    plain = ~problem.eq
    values = [np.array([problem.f(x, t), *problem.g(x, t)[plain]]) for t in (a, b, (a + b) / 2)]
    if not np.isfinite(values).all():
        return None
    size = 1.0 + np.abs(values[0]) + np.abs(values[1])
    return bool(np.all(values[2] <= (values[0] + values[1]) / 2 + BEND * size))


def _convex_at(problem, x, t):
    own = curvature(problem, x, t, np.zeros(problem.lower_rows.eq.size))[1]
    if not np.isfinite(own).all():
        return None
    eigenvalues = np.linalg.eigvalsh(own)
    return bool(eigenvalues[0] >= -1e-5 * (1.0 + abs(eigenvalues[-1])))
