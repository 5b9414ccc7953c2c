"""Consensus-based optimisation: many particles, no derivatives."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from numopt.core.solver import Solver
from numopt.solvers.cbo import hybrid


@dataclass(frozen=True, kw_only=True)
class CBO(Solver):
    """Options of ``method="cbo"``: global minimisation without derivatives.

        minimise f(x)   subject to   lb <= x <= ub
    """

    name = "cbo"
    measure = "decrease of the best value over the last half"
    certificate = None
    accepts = frozenset({"bounds"})
    reference = "Carrillo, Choi, Totzeck, Tse, M2AN 2018"
    needs_x0 = False
    ARMS: ClassVar[tuple[str, ...]] = ("swarm", "hop", "covariance")

    variant: Literal["hybrid"] = "hybrid"
    arms: tuple = ARMS
    shares: tuple = ()
    radius: float = 0.0
    patience: float = 250.0
    ftol: float = 1e-10

    def arm_shares(self, d):
        return (1.0, 2.0, 1.0)

    def init(self, problem, x0, run):
        return hybrid.init(self, problem, x0, run)

    def step(self, problem, s, run):
        return hybrid.step(self, problem, s, run)

    def report(self, problem, s, run):
        return hybrid.report(self, problem, s, run)

    def verify(self, problem, it):
        fun = problem.fun(it.x)
        return fun, it.optimality if np.isfinite(fun) else np.inf, it.violation
