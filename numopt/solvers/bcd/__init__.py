"""Block coordinate descent for composite problems.

    minimise F(x) = f(x) + sum_b g_b(x_b)

By default a practical engine: `working_set`. The rules of the literature, partition x selection x
update, are the other one.
"""

from dataclasses import dataclass

import numpy as np

from numopt.core.errors import UnsupportedError
from numopt.core.solver import Iterate, Solver
from numopt.solvers.bcd.columns import Columns
from numopt.solvers.bcd.evaluation import evaluate
from numopt.solvers.bcd.working_set import WorkingSets


@dataclass(frozen=True, kw_only=True)
class BCD(Solver):
    """Options of ``method="bcd"``: block coordinate descent.

        minimise f(x) + sum_b g_b(x_b)

    Parameters
    ----------
    first_size : int
        Least number of units in a working set.
    small : int
        With up to this many units all of them are the working set.
    newton_phase : bool
        Allow Newton steps on the support.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    The measure is the duality gap relative to F at zero where there is a dual, and else the
    largest distance of -grad f to the subdifferential relative to the largest entry of grad f at
    zero: for penalties that are not convex, and where a variable has neither penalty nor bound.
    """

    name = "bcd"
    measure = "relative duality gap, or KKT violation"
    certificate = "gap"
    problems = ("composite",)
    reference = "Nutini, Laradji, Schmidt, JMLR 23, 2022"

    tol: float = 1e-8
    maxiter: int = 1000
    first_size: int = 100
    small: int = 200
    newton_phase: bool = True

    def __post_init__(self):
        super().__post_init__()
        self.require(self.first_size >= 1, "first_size", "must be >= 1")
        self.require(self.small >= 0, "small", "must be >= 0")

    def engine(self, problem):
        """Return the engine of a run, made at its first use."""
        if "engine" not in problem.memo:
            problem.memo["engine"] = WorkingSets(Columns(problem), self)
        return problem.memo["engine"]

    def init(self, problem, x0, run):
        return self.engine(problem).init(problem, x0, run)

    def step(self, problem, s, run):
        return self.engine(problem).step(problem, s, run)

    def report(self, problem, s, run):
        at = s.at
        optimality = self._measure(problem, at, s.dual)
        scalars = {"kkt": at.kkt, "working_set": float(s.size)}
        return Iterate(at.point.x, at.fun, optimality, 0.0, scalars, lambda: fields(problem, s))

    def _measure(self, problem, at, dual):
        if problem.penalty.dual:
            return max(at.fun - dual, 0.0) / problem.reference
        return at.kkt / problem.largest_slope

    def verify(self, problem, it):
        at = evaluate(problem, self.engine(problem).columns, problem.state(it.x))
        dual = max(at.dual, it.scalars.get("dual", -np.inf))
        return at.fun, self._measure(problem, at, dual), 0.0


def fields(problem, s):
    """Return the fields of the result besides the common ones."""
    at = s.at
    dual = s.dual if problem.penalty.dual else None
    return {
        "gap": None if dual is None else max(at.fun - dual, 0.0),
        "dual": dual,
        "kkt": at.kkt,
        "active_set": np.flatnonzero(at.point.x),
        "identified_at": s.identified_at,
        "intercept": problem.users_intercept(at.point),
        "certificate": "gap" if problem.penalty.dual else "kkt",
    }


__all__ = ["BCD", "UnsupportedError"]
