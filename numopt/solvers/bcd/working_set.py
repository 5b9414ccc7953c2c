"""The practical engine: working sets, descent on models, certificates.

    repeat
        choose the working set: the units off their kinks, and those nearest to leaving theirs
        least squares:  descend on the problem over the working set, to the final accuracy once
                        the support has settled
        other losses:   a few times, descend on the tangent model and search along the step
        one pass over all columns: gradient, dual point, gap, scores
    until gap <= tol F(0), or the KKT violation <= tol max |grad f(0)| where there is no dual

The dual point is the residual, shrunk until it is feasible; the best value is kept.
"""

from functools import partial
from math import inf
from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.solvers.bcd.columns import Subproblem
from numopt.solvers.bcd.descent import Descent
from numopt.solvers.bcd.dual_newton import DualNewton
from numopt.solvers.bcd.evaluation import Evaluated, evaluate
from numopt.solvers.bcd.newton import Account
from numopt.solvers.bcd.screening import Screening
from numopt.solvers.bcd.small import SmallSets
from numopt.solvers.bcd.tangents import TangentSets

WIDER = 2.0  # than the scores in a working set: where those of the next one are looked for
MODELS = 10  # tangent models on one working set
INNER = 0.3  # of the gap: accuracy on the working set
CROWDED = 0.8  # share of a working set off the kinks that lets it grow faster
SLOW = 0.5  # of what was left: above it, and worst inside, the working set was not solved well
LEAST_INNER = 1e-6
SUFFICIENT = 0.01  # share of the decrease of the model
EPS = 1e-12  # relative decrease that rounding hides: steps are then taken on trust
ROUNDING = 1e-10  # relative difference of residuals that passes for rounding
SHORTEST = 2.0**-20  # of the step to the minimiser of a model


class State(NamedTuple):
    """Where the descent stands."""

    at: Evaluated
    dual: float  # best dual value, -inf where there is none
    size: int = 0  # of the last working set
    identified_at: int = 0
    stalled: int = 0
    account: Account | None = None  # None without Newton steps
    inner: float = INNER  # share of what is left, as accuracy on the next working set
    reach: float = inf  # scores up to here may be small
    sigma: float = 0.0  # where Newton steps on the dual begin


class WorkingSets:
    """Engine of `BCD` for linear models.

    Parameters
    ----------
    columns : Columns
    solver : BCD
    """

    def __init__(self, columns, solver):
        self.columns, self.solver = columns, solver
        self.small = SmallSets(columns.problem, solver.newton_phase)
        self.tangents = TangentSets(columns.problem, solver.newton_phase)
        self.dual_newton = DualNewton(self.small.data)
        self.screening = Screening(columns, solver.screening)
        self.latest = None  # evaluation
        self.best_dual = -inf

    def init(self, problem, x0, run):
        """Return the first state."""
        at = self.evaluated(problem, problem.state(x0))
        account = Account() if self.solver.newton_phase else None
        return State(at, at.dual, account=account)

    def step(self, problem, s, run):
        """Return the next state."""
        ws, left = self.choose(s), s.at.left(s.dual)
        final = ws.size == self.columns.norms.size or s.identified_at < run.nit
        goal = self.goal(problem, s.inner * left, final)
        point, account, sigma = self.descended(problem, ws, s, goal)
        at = self.evaluated(problem, point)
        changed = np.array_equal(self.kinks(at.point.x), self.kinks(s.at.point.x))
        identified_at = s.identified_at if changed else run.nit + 1
        stalled = s.stalled + 1 if at.fun >= s.at.fun and at.kkt >= s.at.kkt else 0
        if stalled > 3:
            raise Stop(Status.SMALL_STEP)
        dual = max(s.dual, at.dual)
        slow = at.left(dual) > SLOW * left and at.worst in ws
        inner = max(0.1 * s.inner, LEAST_INNER) if slow else min(3.0 * s.inner, INNER)
        reach = WIDER * float(s.at.scores[ws].max(initial=-inf))
        return State(at, dual, ws.size, identified_at, stalled, account, inner, reach, sigma)

    def evaluated(self, problem, point):
        """Return what one pass over the columns tells."""
        at = evaluate(problem, self.columns, point, self.screening.slopes)
        self.screening.screen(at)
        return at

    def goal(self, problem, goal, final):
        """Return the accuracy to ask for on a working set.

        It is the `final` one where all units are in it, or the last one did not move the support.
        """
        unit = problem.reference if problem.penalty.dual else problem.largest_slope
        return min(goal, INNER * self.solver.tol * unit) if final else goal

    def kept(self, s):
        """Return the state, which `verified` may look back at."""
        self.latest, self.best_dual = s.at, s.dual
        return s

    def verified(self, problem, x):
        """Return the evaluation of x, with X x worked out anew.

        The gradient is that of the last pass over all columns if the residual it was worked out
        from is confirmed to the last digits, and worked out anew as well if not.
        """
        fresh = problem.state(x)
        return self.confirmed(problem, fresh) or self.evaluated(problem, fresh)

    def confirmed(self, problem, fresh):
        """Return the latest evaluation if it is one of this point."""
        at = self.latest
        if at is None or not np.array_equal(at.point.x, fresh.x):
            return None
        before, now = problem.loss.residual(at.point), problem.loss.residual(fresh)
        change = now - before
        close = np.vdot(change, change) <= ROUNDING**2 * np.vdot(now, now)
        return at if close else None

    def kinks(self, x):
        """Return which units are at their kinks."""
        return self.columns.penalty.kink(x)

    def choose(self, s):
        """Return the working set."""
        scores, units = s.at.scores, s.at.scores.size
        if units <= self.solver.small:
            return np.flatnonzero(scores < inf)
        off = int(np.count_nonzero(scores == -inf))
        crowded = off > CROWDED * s.size > 0.0
        wide = crowded or self.dual_newton.take(s.account)  # there, columns cost little
        size = max(self.solver.first_size, (4 if wide else 2) * off)
        if size >= units:
            return np.flatnonzero(scores < inf)
        near = np.flatnonzero(scores <= s.reach)  # few are larger than the largest one last time
        near = near if near.size >= size else np.arange(units)
        ws = np.sort(near[np.argpartition(scores[near], size - 1)[:size]])
        return ws[scores[ws] < inf]

    def descended(self, problem, ws, s, goal):
        """Return the point after descent over a working set, and what Newton steps carry on."""
        sigma = s.sigma
        if self.small.take(ws):
            return self.small.descend(ws, s.at.point, goal), s.account, sigma
        if self.tangents.take(ws):
            return self.tangents.descend(ws, s.at.point, goal), s.account, sigma
        if self.dual_newton.take(s.account):
            point, sigma = self.dual_newton.descend(ws, s.at.point, goal, sigma)
            if point is not None:
                return point, s.account, sigma
        sub = Subproblem(self.columns, ws)
        if problem.loss.quadratic:
            return *self.descend(sub, s.at.point, goal, s.account), sigma
        return *self.search(problem, sub, s.at.point, goal, s.account), sigma

    def descend(self, sub, point, goal, account):
        """Return the point after descent on least squares, and the account."""
        model = sub.least_squares(point)
        descent = Descent(sub, model, account)
        descent.run(goal)
        return sub.point_of(model, point), descent.account

    def search(self, problem, sub, point, goal, account):
        """Return the point after a few tangent models on the working set, and the account."""
        value = partial(_value, problem.loss, sub)
        fun = value(point)
        for _ in range(MODELS):
            model = sub.tangent(point, bound=not problem.penalty.convex)
            descent = Descent(sub, model, account, exact=False)
            descent.run(goal)
            account = descent.account
            promised = descent.first - descent.value
            point, before = _along(problem.loss, sub, model, point, value, fun, promised), fun
            fun = value(point)
            if before - fun <= goal:
                break
        return point, account


def _value(loss, sub, point):
    return loss.value(point) + sub.penalties(point.x[sub.members])


def _along(loss, sub, model, point, value, fun, promised):
    """Return a lower point on the way to the minimiser of the model."""
    d, z = sub.step_of(model, point)
    t, slack = 1.0, EPS * abs(fun) if promised <= EPS * abs(fun) else -inf
    while t >= SHORTEST:
        trial = loss.moved(point, point.x + t * d, t * z, t * model.c)
        new = value(trial)
        if new <= fun + max(-SUFFICIENT * t * promised, slack):
            return trial
        t *= 0.5
    return point
