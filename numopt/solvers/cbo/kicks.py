"""A kick to all particles where their consensus point rests.

    if max |c - c_old| < max(1e-5, tol) w in each of 5 steps, w the median spread at the start:
        x_i = x_i + kick sqrt(dt) z_i   instead of the next step

Of the places of rest the best one is kept, and no run converges before its last kick (Carrillo,
Jin, Li, Zhu, ESAIM COCV 27, 2021, for neural networks, without w).
"""

from typing import NamedTuple

import numpy as np

from numopt.solvers.cbo.drift import value_at_consensus
from numopt.solvers.cbo.walls import box

STILL, PATIENCE = 1e-5, 5


class Rest(NamedTuple):
    """How long the consensus point has been at rest, and the best place where it was."""

    still: int = 0  # steps
    kicks: int = 0
    fun: float = np.inf
    x: np.ndarray = np.zeros(0)


def due(solver, s):
    """Tell whether the next step is a kick."""
    return s.rest.kicks < solver.kicks and s.rest.still >= PATIENCE


def kicked(solver, problem, s, run):
    """Return the state with the ensemble after a kick, and with the better place of rest."""
    size = (solver.kick or s.sigma) * np.sqrt(solver.dt)
    X = np.clip(s.X + size * run.normal(s.X.shape), *box(problem))
    rest = s.rest._replace(still=0, kicks=s.rest.kicks + 1)
    fun = value_at_consensus(solver, problem, s)
    return s._replace(X=X, rest=rest._replace(fun=fun, x=s.x) if fun < rest.fun else rest)


def rested(solver, s, before):
    """Return what is known of rests after a step that has moved the consensus from `before`."""
    if not solver.kicks:
        return s.rest
    moved = np.abs(s.x - before).max(initial=0.0) >= max(STILL, solver.tol) * s.width
    return s.rest._replace(still=0 if moved else s.rest.still + 1)
