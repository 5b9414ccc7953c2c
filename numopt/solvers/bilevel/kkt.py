"""Replacement of the lower level by its KKT conditions, from several starts.

for start k = 1, 2, ...
    x  = the start point, then random ones;  y, l = solution of the lower level there
    (x, y, l) along  minimise F over the KKT conditions with -l_i r_i <= e,  e = 1, ..., 1e-8
    while some t is better in the lower level:  add the cut f(x, .) <= f(x, t) and go on
the best point whose lower gap is within tolerance
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.solvers.bilevel.base import BilevelSolver
from numopt.solvers.bilevel.certificate import convexity, solve_lower
from numopt.solvers.bilevel.replacement import Candidate, candidate, first_vector

SPREAD = (1.0, 3.0, 10.0)  # of random starts, relative to the size of the start point


class State(NamedTuple):
    """The best candidate so far, and how many starts were made."""

    w0: np.ndarray  # start point, (n + m,)
    convex: bool
    best: Candidate | None = None
    made: int = 0


@dataclass(frozen=True, kw_only=True)
class KKTReplacement(BilevelSolver):
    """Options of ``method="kkt"``: the lower level replaced by its KKT conditions.

        minimise F(x, y)   subject to   G(x, y) <= 0,  KKT conditions of the lower level at (x, y)

    Parameters
    ----------
    starts : int
        Number of starts; all but the first are random. With an explicit, bounded X they are drawn
        from its bounds.
    inner_maxiter : int
        Largest number of iterations of constrained Newton for one relaxation.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    An iteration is one start: five nonlinear programs with n + m + k variables, k rows of the lower
    level (those of Y included), solved by ``"sketched_newton"`` with dense matrices. The sets must
    be explicit. Every answer is compared with the lower level solved on its own; where that is not
    convex from many starts, and better points found become cuts.

    Result: the fields of every bilevel result: ``y, certificates, lower_fun, multipliers,
    stationarity, calls``.

    References
    ----------
    .. [1] S. Scholtes, Convergence properties of a regularization scheme for mathematical programs
       with complementarity constraints, SIAM J. Optim. 11, 2001.
    .. [2] A. Mitsos, P. Lemonidis, P. I. Barton, Global solution of bilevel programs with a
       nonconvex inner program, J. Global Optim. 42, 2008.
    """

    name = "kkt"
    accepts = frozenset({"X", "Y", "g", "G"})
    reference = "Scholtes, SIAM J. Optim. 11, 2001"

    starts: int = 8
    inner_maxiter: int = 100

    def __post_init__(self):
        super().__post_init__()
        self.require(self.starts >= 1, "starts", "must be >= 1")
        self.require(self.inner_maxiter >= 1, "inner_maxiter", "must be >= 1")

    def init(self, problem, x0, run):
        x, y = self.begin(problem, x0, run)
        convex = convexity(problem.armed(), x, y, np.random.default_rng(0))
        return State(np.concatenate([x, y]), convex in ("checked", "declared"))

    def step(self, problem, s, run):
        if s.made >= self.starts:
            raise Stop(Status.SMALL_STEP, "no start led to a point that is optimal in both levels")
        x, y = problem.split(s.w0)
        if s.made:
            x, y = random_start(problem, x, y, run.rng)
        v = first_vector(problem, x, solve_lower(problem, x, y)[1])
        new = candidate(problem, v, s.convex, run.rng, self.tol, self.inner_maxiter)
        found = [c for c in (s.best, new) if c is not None]
        best = min(found, key=lambda c: c.rank(self.tol), default=None)
        return s._replace(best=best, made=s.made + 1)

    def report(self, problem, s, run):
        finished = s.made >= self.starts
        if s.best is None:
            x, y = problem.split(s.w0)
            return self.reported(problem, x, y, np.inf)
        point = s.best.point
        scale = 1.0 + np.abs(np.concatenate(problem.grad_F(point.x, point.y))).max()
        stationarity = point.optimality / scale if finished else np.inf
        how = {"scalars": {"starts": float(s.made)}, "finished": finished}
        return self.reported(problem, point.x, point.y, stationarity, s.best.gap, **how)


def random_start(problem, x, y, rng):
    """Return a random point near the start point, or within the bounds of X."""
    region = problem.upper_rows.region
    spread = rng.choice(SPREAD) * (1.0 + np.abs(x).max(initial=0.0))
    drawn = x + spread * rng.standard_normal(x.size)
    if region is not None:
        bounded = np.isfinite(region.lb) & np.isfinite(region.ub)
        drawn[bounded] = rng.uniform(region.lb[bounded], region.ub[bounded])
    try:
        return problem.project(drawn, y)
    except Stop as signal:
        if signal.status is not Status.INFEASIBLE:
            raise
        return drawn, y
