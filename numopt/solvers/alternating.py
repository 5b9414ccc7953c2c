"""Alternating minimisation: one factor of a product of matrices after the other.

    minimise F(X_1, ..., X_s)

    for k = 0, 1, 2, ...                                       (one iteration = one sweep)
        for b = 1, ..., s
            X_b = argmin F(..., X_b-1, X_b, X_b+1, ...), or a point that lowers F

The blocks and their minimisations come from the problem.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from numopt.core.solver import Iterate, Solver


class State(NamedTuple):
    """The factors and their objective."""

    factors: tuple[Any, ...]  # matrices
    fun: float


@dataclass(frozen=True, kw_only=True)
class Alternating(Solver):
    """Options of ``method="alternating"``: block coordinate descent over the factors of a product.

    Parameters
    ----------
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    The objective never rises. The measure is the largest change of a factor, relative to its norm,
    in a step of projected (proximal) gradients with one constant for each column, or to the
    minimiser over that factor: it is zero exactly where no factor alone can be improved.
    Convergence is to a stationary point, which depends on `rng`; start several runs where the value
    matters.

    References
    ----------
    .. [1] L. Grippo, M. Sciandrone, On the convergence of the block nonlinear Gauss-Seidel method
       under convex constraints, Operations Research Letters 26, 2000.
    """

    name = "alternating"
    measure = "relative change in a projected step"
    certificate = "stationarity of each factor"
    problems = ("factorisation",)
    reference = "Grippo, Sciandrone, Oper. Res. Lett. 26, 2000"

    def init(self, problem, x0, run):
        factors = problem.draw(run.rng) if x0 is None else problem.admissible(problem.split(x0))
        return State(factors, problem.fun(factors))

    def step(self, problem, s, run):
        factors = problem.sweep(s.factors)
        return State(factors, problem.fun(factors))

    def report(self, problem, s, run):
        x = np.concatenate([factor.ravel() for factor in s.factors])
        return Iterate(x, s.fun, problem.residual(s.factors), 0.0)

    def verify(self, problem, it):
        factors = problem.split(it.x)
        return float(problem.value(factors)), problem.residual(factors), 0.0
