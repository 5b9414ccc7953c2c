"""Sinkhorn, Newton, sparse: Newton's method for g on a plan reduced to its large entries.

    h(g) = <a, f(g)> + <b, g>,   f(g) such that the rows of P = exp(f + g - eta C) are right

    ladder   eta_k = ..., eta/2, eta: two Sinkhorn iterations each, five at eta, and up to sixteen
             more if they will do; if the violation is small then, Newton; else back to the last
             rung where eta times the range of C is at most 100, and
    path     from rung to rung: one Sinkhorn iteration, Newton to a violation of 3e-3, and
                 g = g + (eta' - eta) (g - g_before) / (eta - eta_before)         (secant in eta)

    Newton   P_s = entries with P_ij >= theta min(a_i / m, b_j / n),   theta = violation
             S d = b - P'1,   S = diag(P'1) - P_s' diag(a)^-1 P_s              (preconditioned CG)
             g = g + t d,   t = 1, 1/2, ... until h increases enough

S has the sums of the whole plan on its diagonal, so it is positive semidefinite whichever entries
P_s has, and its error is at most theta times the masses: convergence is quadratic.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.linalg.schur import schur_solve
from numopt.models.passes import Point
from numopt.solvers.transport.base import ROUNDING, EntropicSolver

LADDER, PATH, END = range(3)  # on the ladder; on the path; Newton at the final eta
WARM_UP = 2, 4  # Sinkhorn iterations on a rung of the ladder, and on the last one, plus one
RUNGS = 100.0  # eta times the range of the cost where the path begins
FEW = 16  # Sinkhorn iterations to the end that are made instead of Newton steps
SHORT_CUT = 0.08  # violation at the end of the ladder below which Newton begins there
STEEP = 5000.0  # eta times the range of the cost above which the ladder takes no short cut
RUNG_TOL = 3e-3  # violation at which a rung is left: the secant needs no better points
CG_TOL, CG_FLOOR, CG_GOAL = 0.1, 1e-8, 0.1  # least and most accurate solution; share of `tol`
THETA_MIN, THETA_MAX = 1e-12, 1e-2
SHIFT = 1e-9  # of S relative to diag(c), times the violation: parts that share no kept entry
LONGEST = 100.0  # step of a potential (natural logarithm) that the line search begins with
ARMIJO, HALVINGS = 1e-4, 25
NOISE = 16.0  # units in the last place of the terms of h: where less than this is to be gained,
# the violation must decrease instead
REPAIR = 10  # Sinkhorn iterations where no step is accepted
PATIENCE = 5  # such repairs without halving the violation before the run is given up


class State(NamedTuple):
    """Potentials, where on the way they are, and how they were come by."""

    point: Point
    before: Point  # end of the rung before, or `point`
    anchor: Point  # where the path begins
    stage: int = LADDER
    stalled: int = 0  # repairs since the violation was `reached`
    reached: float = np.inf
    sinkhorn_iterations: int = 0
    newton_iterations: int = 0
    cg_iterations: int = 0
    nnz: int = 0  # of the latest P_s


@dataclass(frozen=True, kw_only=True)
class SNS(EntropicSolver):
    """Options of ``method="sns"``: Newton's method with a sparse Hessian, along a path in eta.

        minimise <C, P> + (1/eta) sum P (log P - 1)   subject to   P 1 = a,  P'1 = b

    Parameters
    ----------
    sparsify : {"mass", "topk"}
        Entries of the Hessian that are kept: so many that the dropped mass of each row and column
        is at most the present violation times its mass, or a fixed share of all, as published.
    density : float
        That share for ``"topk"``; 0 stands for 2/n.
    max_entries : float
        Entries of the Hessian that may be stored, of 12 bytes each; where there are more, Sinkhorn
        iterations replace the Newton step.
    cg_limit : int
        Iterations of the conjugate gradients before S is factorised.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    The measure is ``|P 1 - a|_1 + |P'1 - b|_1``, relative to the mass. A Newton iteration costs two
    passes over the cost, or over a stored plan as for `Sinkhorn`, and some tens of products with
    the kept entries. Newton's method is applied
    to g alone, f being eliminated exactly, not linearised: an iteration is no dearer, and the plan
    always has the right rows. An iteration of the loop is a Newton step or a rung. A start point
    other than zero begins with Newton's method at the final eta.

    Result: as for `Sinkhorn`, and ``sinkhorn_iterations, newton_iterations, cg_iterations, nnz``.

    References
    ----------
    .. [1] X. Tang, M. Shavlovsky, H. Rahmanian, E. Tardini, K. Thekumparampil, T. Xiao, L. Ying,
       Accelerating Sinkhorn Algorithm with Sparse Newton Iterations, ICLR 2024.
    """

    name = "sns"
    reference = "Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao, Ying, ICLR 2024"
    counters = ("sinkhorn_iterations", "newton_iterations", "cg_iterations", "nnz")

    sparsify: Literal["mass", "topk"] = "mass"
    density: float = 0.0
    max_entries: float = 1e8
    cg_limit: int = 1000

    def __post_init__(self):
        super().__post_init__()
        self.require(0 <= self.density <= 1, "density", "must be between 0 and 1")
        self.require(self.max_entries >= 1, "max_entries", "must be >= 1")
        self.require(self.cg_limit >= 1, "cg_limit", "must be >= 1")

    def init(self, problem, x0, run):
        point = problem.first_point(x0)
        if not x0.any():
            return State(point, point, point, END if point.eta == problem.eta else LADDER)
        point = problem.sinkhorn(point, 2)
        s = State(point, point, point, END, sinkhorn_iterations=2)
        if problem.violation(point)[0] <= SHORT_CUT:
            return s
        eta = min(RUNGS / problem.range, problem.eta)
        return self._back(s._replace(anchor=problem.first_point(x0, eta)))

    def step(self, problem, s, run):
        problem.refuse_infeasible(s.point)
        if s.stage == LADDER:
            return self._rung(problem, s)
        solved = s.point.eta == s.anchor.eta or problem.violation(s.point)[0] <= RUNG_TOL
        if s.point.eta < problem.eta and solved:
            return self._climb(problem, s)
        return self._newton(problem, s)

    # -- the way to the final eta ------------------------------------------------------------

    def _rung(self, problem, s):
        """Go one rung up the ladder; at its end, decide."""
        point = problem.heated(s.point)
        times = WARM_UP[point.eta == problem.eta]
        point = problem.sinkhorn(point, times - 1)  # going up has been the first
        if point.eta == problem.eta:
            point, more = self._finished(problem, point)
            times += more
        s = s._replace(point=point, sinkhorn_iterations=s.sinkhorn_iterations + times)
        if point.eta * problem.range <= RUNGS:
            s = s._replace(anchor=point)
        if point.eta < problem.eta:
            return s
        easy = problem.violation(point)[0] <= SHORT_CUT and point.eta * problem.range <= STEEP
        return s._replace(stage=END) if easy else self._back(s)

    def _finished(self, problem, point):
        """Go on with Sinkhorn iterations if a few will do; return the point and their number."""
        before, point = problem.violation(point)[0], problem.sinkhorn(point)
        error = problem.violation(point)[0]
        if not 0.0 < self.tol < error < before:
            return point, 1
        left = ceil(np.log(error / self.tol) / np.log(before / error))
        return (problem.sinkhorn(point, left), left + 1) if left <= FEW else (point, 1)

    def _back(self, s):
        return s._replace(stage=PATH, point=s.anchor, before=s.anchor, reached=np.inf, stalled=0)

    def _climb(self, problem, s):
        """Predict the potentials at the next rung."""
        eta = min(2.0 * s.point.eta, problem.eta)
        if s.before.eta <= s.anchor.eta:  # not solved for
            point = problem.heated(s.point)
        else:
            t = (eta - s.point.eta) / (s.point.eta - s.before.eta)
            f = s.point.f + t * (s.point.f - s.before.f)
            g = s.point.g + t * (s.point.g - s.before.g)
            point = problem.point(eta, f, g)
        times = 2 if eta == problem.eta else 1
        return s._replace(
            point=problem.sinkhorn(point, times),
            before=s.point,
            stalled=0,
            reached=np.inf,
            sinkhorn_iterations=s.sinkhorn_iterations + times,
        )

    # -- Newton's method ---------------------------------------------------------------------

    def _newton(self, problem, s):
        kept = self._kept(problem, s.point)
        if kept is None:
            return self._repaired(problem, s)
        (r, c, h), error = problem.system(s.point), problem.violation(s.point)[0]
        goal = self.tol if s.point.eta == problem.eta else RUNG_TOL
        rtol = max(min(CG_TOL, error), CG_FLOOR, CG_GOAL * goal / error)
        c = c + SHIFT * error * s.point.cols
        d, iterations = schur_solve(kept, r, c, h, rtol, self.cg_limit)
        if problem.balanced:
            d -= problem.b @ d / problem.mass  # along constants nothing changes
        s = s._replace(
            newton_iterations=s.newton_iterations + 1,
            cg_iterations=s.cg_iterations + iterations,
            nnz=kept.nnz,
        )
        point, step = self._line_search(problem, s.point, d)
        if step == 0.0:
            return self._repaired(problem, s)
        if step < 1.0:
            point = problem.sinkhorn(point, 2)
            s = s._replace(sinkhorn_iterations=s.sinkhorn_iterations + 2)
        return s._replace(point=point)

    def _kept(self, problem, point):
        """Return the entries of the plan that the Hessian keeps, or None if they are too many."""
        n, m = problem.shape
        if self.sparsify == "topk":
            P = problem.plan_rows(*point[:3]).ravel()
            k = min(ceil((self.density or 2.0 / n) * P.size), P.size)
            least = np.partition(P, P.size - k)[P.size - k]
            return problem.kept(point, np.full(n, least), np.full(m, least), self.max_entries)
        theta = np.clip(problem.violation(point)[0], THETA_MIN, THETA_MAX)
        return problem.kept(point, theta * problem.a / m, theta * problem.b / n, self.max_entries)

    def _line_search(self, problem, point, d):
        """Return the next point and the step to it, which is 0 if none is accepted."""
        slope = float(problem.system(point)[2] @ d)
        value, error = problem.semidual(point), problem.violation(point)[0]
        step = min(1.0, LONGEST / np.abs(d).max()) if slope > 0.0 else 0.0
        size = problem.a @ np.abs(point.f) + problem.b @ np.abs(point.g)
        flat = slope <= NOISE * ROUNDING * size
        for _ in range(HALVINGS if step else 0):
            trial = problem.moved(point, point.g + step * d)
            gain = problem.semidual(trial) - value
            if problem.violation(trial)[0] < 0.9 * error if flat else gain >= ARMIJO * step * slope:
                return trial, step
            step /= 2
        return point, 0.0

    def _repaired(self, problem, s):
        """Make Sinkhorn iterations instead of a Newton step, or take the long way, or give up."""
        if s.stage == END and s.anchor.eta < problem.eta and not self._nearly(problem, s):
            return self._back(s)
        point = problem.sinkhorn(s.point, REPAIR)
        error = problem.violation(point)[0]
        s = s._replace(point=point, sinkhorn_iterations=s.sinkhorn_iterations + REPAIR)
        if error < 0.5 * s.reached:
            return s._replace(reached=error, stalled=0)
        if s.stalled == PATIENCE:
            raise Stop(Status.SMALL_STEP, "neither Newton nor Sinkhorn steps reduce the violation")
        return s._replace(stalled=s.stalled + 1)

    def _nearly(self, problem, s):
        return problem.violation(s.point)[0] <= 1e3 * self.tol
