"""The practical engine: working sets, descent on models, certificates.

    repeat
        choose the working set: the units off their kinks, and those nearest to leaving theirs
        least squares:  descend on the problem over the working set
        other losses:   a few times, descend on the tangent model and search along the step
        one pass over all columns: gradient, dual point, gap, scores
    until gap <= tol F(0), or the KKT violation <= tol max |grad f(0)| where there is no dual

The dual point is the residual, shrunk until it is feasible; the best value is kept. Units that a
sphere about it proves to be zero are left out for good (gap-safe screening).
"""

from functools import partial
from math import inf
from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.solvers.bcd.columns import Subproblem
from numopt.solvers.bcd.descent import Descent
from numopt.solvers.bcd.evaluation import Evaluated, evaluate

MODELS = 10  # tangent models on one working set
INNER = 0.3  # of the gap: accuracy on the working set
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


class WorkingSets:
    """Engine of `BCD` for linear models.

    Parameters
    ----------
    columns : Columns
    solver : BCD
    """

    def __init__(self, columns, solver):
        self.columns, self.solver = columns, solver
        self.latest = None  # evaluation
        self.best_dual = -inf

    def init(self, problem, x0, run):
        """Return the first state."""
        at = evaluate(problem, self.columns, problem.state(x0))
        return State(at, at.dual)

    def step(self, problem, s, run):
        """Return the next state."""
        sub = Subproblem(self.columns, self.choose(s))
        goal = INNER * s.at.left(s.dual)
        if problem.loss.quadratic:
            point = self.descend(sub, s.at.point, goal)
        else:
            point = self.search(problem, sub, s.at.point, goal)
        at = evaluate(problem, self.columns, point)
        changed = np.array_equal(self.kinks(at.point.x), self.kinks(s.at.point.x))
        identified_at = s.identified_at if changed else run.nit + 1
        stalled = s.stalled + 1 if at.fun >= s.at.fun and at.kkt >= s.at.kkt else 0
        if stalled > 3:
            raise Stop(Status.SMALL_STEP)
        dual = max(s.dual, at.dual)
        return State(at, dual, sub.ws.size, identified_at, stalled)

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
        return self.confirmed(problem, fresh) or evaluate(problem, self.columns, fresh)

    def confirmed(self, problem, fresh):
        """Return the latest evaluation if it is one of this point."""
        at = self.latest
        if at is None or not np.array_equal(at.point.x, fresh.x):
            return None
        before, now = problem.loss.residual(at.point), problem.loss.residual(fresh)
        close = np.linalg.norm(now - before) <= ROUNDING * np.linalg.norm(now)
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
        size = max(self.solver.first_size, 2 * off)
        if size >= units:
            return np.flatnonzero(scores < inf)
        ws = np.argpartition(scores, size - 1)[:size]
        return np.sort(ws[scores[ws] < inf])

    def descend(self, sub, point, goal):
        """Return the point after descent on least squares."""
        model = sub.least_squares(point)
        Descent(sub, model, self.solver.newton_phase).run(goal)
        return sub.point_of(model, point)

    def search(self, problem, sub, point, goal):
        """Return the point after a few tangent models on the working set."""
        value = partial(_value, problem.loss, sub)
        fun = value(point)
        for _ in range(MODELS):
            model = sub.tangent(point, bound=not problem.penalty.convex)
            descent = Descent(sub, model, self.solver.newton_phase, exact=False)
            descent.run(goal)
            promised = descent.first - descent.value
            point, before = _along(problem.loss, sub, model, point, value, fun, promised), fun
            fun = value(point)
            if before - fun <= goal:
                break
        return point


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
