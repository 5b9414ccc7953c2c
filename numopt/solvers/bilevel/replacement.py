"""The bilevel problem with KKT conditions for its lower level, relaxed less and less.

    for e = e_1 > e_2 > ...:   minimise F over the KKT conditions with -l_i r_i <= e, from the last

A point whose lower level turns out to have a better value f(x, t) gets the cut f(x, .) <= f(x, t)
and is solved again (Mitsos, Lemonidis, Barton, J. Global Optim. 42, 2008).
"""

from typing import NamedTuple

import numpy as np

from numopt.models.bilevel_levels import RelaxedKKT
from numopt.solvers.bilevel.certificate import (
    ACCURATE,
    STARTS,
    lower_kkt,
    nested,
    samples,
    solve_lower,
)

RELAXATIONS = (1.0, 1e-2, 1e-4, 1e-6, 1e-8)
AFTER_CUT = RELAXATIONS[2:]
CUTS = 12  # for one start
INFEASIBLE = 1e-3  # violation at which a path is given up
BROUGHT = 100.0  # largest multiplier that the first relaxation starts from


class Replaced(NamedTuple):
    """End of a path."""

    x: np.ndarray  # (n,)
    y: np.ndarray  # (m,)
    multipliers: np.ndarray  # of the lower rows, (k,)
    value: float  # F(x, y)
    optimality: float  # KKT residual of the last program
    violation: float  # of its constraints


class Candidate(NamedTuple):
    """End of a path, and how good it is."""

    point: Replaced
    gap: float
    violation: float

    def rank(self, tol):
        """Return what the best candidate has the least of."""
        fault = max(self.gap, self.violation)
        return (0.0, self.point.value) if fault <= tol else (fault, self.point.value)


def first_vector(problem, x, y):
    """Return (x, y, l) with multipliers that fit the lower level at (x, y)."""
    multipliers = lower_kkt(problem, x, y)[1]
    return np.concatenate([x, y, np.clip(multipliers, -BROUGHT, BROUGHT)])


def follow(problem, v, relaxations=RELAXATIONS, cuts=(), tol=1e-6, maxiter=100):
    """Return the end of the path of relaxations from v, a `Replaced`.

    Parameters
    ----------
    problem : Bilevel
    v : ndarray, shape (n + m + k,)
        From `first_vector`.
    relaxations : sequence of float
    cuts : sequence of ndarray, shape (m,)
    tol, maxiter : float, int
        Of each nonlinear program.
    """
    parts, best = RelaxedKKT(problem, v, 1.0).parts, None
    for relaxation in relaxations if len(v) > problem.size else relaxations[-1:]:
        nlp = RelaxedKKT(problem, v, relaxation, cuts)
        res = nested(nlp, tol, maxiter)
        if not np.isfinite(res.x).all() or (res.constr_violation > INFEASIBLE and best is not None):
            break
        v = res.x
        best = Replaced(*parts(v), res.fun, res.optimality, res.constr_violation)
    return best


def better_lower(problem, x, y, starts):
    """Return (gap, t): how much better than y the best lower solution t found is.

    Parameters
    ----------
    problem : Bilevel
    x, y : ndarray, shapes (n,) and (m,)
    starts : sequence of ndarray, shape (m,)
        Where the lower level is solved from.
    """
    found = [solve_lower(problem, x, t, ACCURATE) for t in starts]
    value, t = min(found, key=lambda pair: pair[0])
    own = problem.f(x, y)
    if not np.isfinite(value):
        return np.inf, y
    return max(0.0, own - value) / (1.0 + abs(value)), t


def candidate(problem, v, convex, rng, tol, maxiter):
    """Return the `Candidate` that a path from v leads to, None if there is none.

    Parameters
    ----------
    problem : Bilevel
    v : ndarray, shape (n + m + k,)
        From `first_vector`.
    convex : bool
        Whether one solution of the lower level tells its value; otherwise many are made, and
        better ones become cuts.
    rng : Generator
    tol : float
        Of the lower gap.
    maxiter : int
        Of each nonlinear program.
    """
    point, cuts, found = follow(problem, v, maxiter=maxiter), [], []
    while point is not None:
        more = [] if convex else samples(problem, point.x, point.y, rng, STARTS)
        gap, t = better_lower(problem, point.x, point.y, [point.y, *more])
        found.append(Candidate(point, gap, problem.violation(point.x, point.y)))
        if convex or gap <= tol or len(cuts) == CUTS or not np.isfinite(gap):
            break
        cuts.append(t)
        v = first_vector(problem, point.x, point.y)
        point = follow(problem, v, AFTER_CUT, cuts, maxiter=maxiter)
    return min(found, key=lambda c: c.rank(tol), default=None)
