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
from numopt.solvers.bcd.descent import Descent
from numopt.solvers.bcd.evaluation import Evaluated, evaluate

MODELS = 10  # tangent models on one working set
INNER = 0.3  # of the gap: accuracy on the working set
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

    def init(self, problem, x0, run):
        """Return the first state."""
        at = evaluate(problem, self.columns, problem.state(x0))
        return State(at, at.dual)

    def step(self, problem, s, run):
        """Return the next state."""
        ws = self.choose(s)
        goal = INNER * s.at.left(s.dual)
        if problem.loss.quadratic:
            point = self.descend(problem, s.at.point, ws, goal)
        else:
            point = self.search(problem, s.at, ws, goal)
        at = evaluate(problem, self.columns, point)
        changed = np.array_equal(self.kinks(at.point.x), self.kinks(s.at.point.x))
        identified_at = s.identified_at if changed else run.nit + 1
        stalled = s.stalled + 1 if at.fun >= s.at.fun and at.kkt >= s.at.kkt else 0
        if stalled > 3:
            raise Stop(Status.SMALL_STEP)
        return State(at, max(s.dual, at.dual), ws.size, identified_at, stalled)

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

    def descend(self, problem, point, ws, goal):
        """Return the point after descent on least squares."""
        columns, loss = self.columns, problem.loss
        columns.prepare(ws)
        margins = loss.margins(point)
        model = columns.least_squares(point.x.copy(), margins)
        Descent(columns, model, ws, self.solver.newton_phase).run(goal)
        return columns.point_of(model, point)

    def search(self, problem, at, ws, goal):
        """Return the point after a few tangent models on the working set."""
        columns, loss, penalty = self.columns, problem.loss, problem.penalty
        members = columns.members(ws)
        point, bound = at.point, not penalty.convex
        value = partial(self._value, problem, members)
        fun = value(point)
        for _ in range(MODELS):
            model = columns.tangent(point.x.copy(), loss.margins(point), ws, bound)
            descent = Descent(columns, model, ws, self.solver.newton_phase)
            descent.run(goal)
            promised = descent.first - descent.value
            point, gained = self._along(problem, point, model, members, value, fun, promised)
            fun -= gained
            if gained <= goal:
                break
        return point

    def _value(self, problem, members, point):
        return problem.loss.value(point) + problem.penalty.part(point.x, members)

    def _along(self, problem, point, model, members, value, fun, promised):
        """Return the point on the way to the minimiser of the model, and the decrease."""
        d = model.x[members] - point.x[members]
        moved = d != 0.0
        S, d = members[moved], d[moved]
        if S.size == 0:
            return point, 0.0
        z, t = self.columns.products(S, d), 1.0
        while t >= SHORTEST:
            x = point.x.copy()
            x[S] += t * d
            trial = problem.loss.moved(point, x, t * z, t * model.c)
            new = value(trial)
            if new <= fun - 0.01 * t * promised or (promised <= 1e-12 * abs(fun) and new <= fun):
                return trial, fun - new
            t *= 0.5
        return point, 0.0
